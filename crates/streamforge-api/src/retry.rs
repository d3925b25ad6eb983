//! Trying a failed video again: as a whole, or one of its jobs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::video_table::Change;
use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, MAX_ATTEMPTS, Message, QUEUED_CHECK, Task};
use streamforge_core::plan::Job;
use streamforge_core::video::{Video, VideoStatus};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Id, Object};
use crate::problem::{OfRetries, Problem, ProblemKind};
use crate::videos::view::VideoView;
use crate::{Api, schema};

/// What to try again.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// This job, as the progress names it. Without it, everything that is not done.
    #[schema(value_type = Option<schema::Job>)]
    pub job: Option<Job>,
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(retry))
}

/// Try a failed video again
///
/// What is done stays done. When one job is named, it alone gets new attempts; of the others, those that have attempts left go on.
#[utoipa::path(
    post,
    path = "/api/v1/videos/{id}/retry",
    operation_id = "retryVideo",
    tag = "videos",
    params(("id" = schema::Id, Path)),
    request_body = Option<Retry>,
    responses((status = 202, body = VideoView, description = "It is being tried again"), OfRetries)
)]
async fn retry(
    State(api): State<Api>,
    Id(id): Id<VideoId>,
    body: Option<Object<Retry>>,
) -> Result<(StatusCode, Json<VideoView>), Problem> {
    let Retry { job } = body.map(|Object(retry)| retry).unwrap_or_default();
    let video = api.video(&id).await?;
    if !has_failed_for_now(&video) {
        return Err(not_failed_for_now());
    }
    let video = match job {
        None => api.retry_all(&video.id).await?,
        Some(job) => api.retry_job(&video.id, job).await?,
    };
    let view = api.video_with_progress(&video).await?;
    Ok((StatusCode::ACCEPTED, Json(view)))
}

fn has_failed_for_now(video: &Video) -> bool {
    let failure = video.failure.as_ref();
    let is_retryable = failure.is_none_or(|failure| failure.retryable);
    video.status == VideoStatus::Failed && video.has_source && is_retryable
}

fn not_failed_for_now() -> Problem {
    Problem::new(
        ProblemKind::NotRetryable,
        "only a failed video whose file is still kept can be tried again: upload it again",
    )
}

impl Api {
    /// Gives everything that is not done new attempts, beginning with a look at the file.
    async fn retry_all(&self, id: &VideoId) -> Result<Video, Problem> {
        let work = self.table.work(id).await?;
        let undone = work.jobs.iter().filter(|(_, state)| !state.done);
        for (job, _) in undone {
            self.allow_again(id, Task::Encode(*job)).await?;
        }
        self.allow_again(id, Task::Ingest).await?;
        let video = self.revive(id, VideoStatus::Queued).await?;
        let message = Message {
            video: id.clone(),
            task: Task::Ingest,
        };
        self.queue.send(Lane::Interactive, &[message]).await?;
        Ok(video)
    }

    /// Gives one job new attempts.
    async fn retry_job(&self, id: &VideoId, job: Job) -> Result<Video, Problem> {
        let Some(plan) = self.plan(id).await? else {
            return Err(Problem::new(
                ProblemKind::NotRetryable,
                "the video failed before it had jobs: try it again as a whole",
            ));
        };
        let jobs = plan.jobs();
        if !jobs.contains(&job) {
            return Err(Problem::invalid("the video has no such job"));
        }
        let work = self.table.work(id).await?;
        if work.jobs.get(&job).is_some_and(|state| state.done) {
            let detail = "this job is done: another one made the video fail";
            return Err(Problem::new(ProblemKind::NotRetryable, detail));
        }
        self.allow_again(id, Task::Encode(job)).await?;
        let video = self.revive(id, VideoStatus::Processing).await?;
        // Messages of the others were dropped when the video failed.
        let waiting = jobs.into_iter().filter(|other| {
            let state = work.jobs.get(other);
            *other == job || state.is_none_or(|s| !s.done && s.attempts < MAX_ATTEMPTS)
        });
        let waiting: Vec<Job> = waiting.collect();
        self.queue.dispatch(id, &plan, &waiting).await?;
        Ok(video)
    }

    async fn allow_again(&self, id: &VideoId, task: Task) -> Result<(), Problem> {
        let allowed = self.table.update_task(id, task, |state| {
            state.attempts = 0;
            state.error = None;
            state.done = false;
            Ok::<_, AwsError>(())
        });
        Ok(allowed.await?)
    }

    async fn revive(&self, id: &VideoId, status: VideoStatus) -> Result<Video, Problem> {
        let now = now();
        let revived = self
            .table
            .update_video(id, now, |video| {
                if video.status == status && video.queued_at == Some(now) {
                    // It was us, and the answer was lost.
                    return Ok(Change::Keep);
                }
                // Its file may have gone since it was looked at.
                if !has_failed_for_now(video) {
                    return Err(not_failed_for_now());
                }
                video.status = status;
                video.queued_at = Some(now);
                video.failure = None;
                Ok(Change::Write {
                    due: Some(now.after(QUEUED_CHECK)),
                })
            })
            .await?;
        revived.ok_or_else(|| Problem::not_found("video"))
    }
}
