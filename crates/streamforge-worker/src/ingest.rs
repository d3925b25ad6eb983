//! A file becomes a plan, and the plan becomes messages.

use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::video_table::{Change, VideoWork};
use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, Message, STALLED, Task};
use streamforge_core::plan::{Job, Plan};
use streamforge_core::upload::UploadStatus;
use streamforge_core::video::{Failure, Video, VideoStatus};
use streamforge_ffmpeg::error::FfmpegError;

use crate::error::WorkerError;
use crate::{Worker, measure, sources};

impl Worker {
    /// Looks at the file of `video` and plans it. Planned once, it stays so: what was missed after that is made up for.
    pub(crate) async fn ingest(&self, video: &Video) -> Result<(), WorkerError> {
        let id = &video.id;
        let Some(object) = self.uploads.source(id).await? else {
            // The event told of a file that is not there: its upload is not complete, or it was removed.
            return if video.status == VideoStatus::Uploading {
                Err(WorkerError::Abandoned)
            } else {
                Err(WorkerError::SourceGone)
            };
        };
        if video.status == VideoStatus::Uploading && !self.admit(video, object.size_bytes).await? {
            return Err(WorkerError::Abandoned);
        }
        let plan = if let Some(plan) = self.table.plan(id).await? {
            plan
        } else {
            let engine = self.open(id).await?.ok_or(WorkerError::SourceGone)?;
            let source = engine.probe().await?;
            sources::linger(engine);
            let plan = Plan::new(source, self.settings.clone(), &self.limits)
                .map_err(FfmpegError::Refused)?;
            self.table.plan_once(id, &plan).await?
        };
        let now = now();
        self.table
            .update_video(id, now, |video| {
                video.status = VideoStatus::Processing;
                video.failure = None;
                video.duration = Some(plan.duration());
                video.display_size = Some(plan.source.video.display_size());
                Ok::<_, AwsError>(Change::Write {
                    due: Some(now.after(STALLED)),
                })
            })
            .await?;
        Ok(self.dispatch_missing(id, &plan).await?)
    }

    /// Asks for every job that is not done, and for what the others made to be published.
    pub(crate) async fn dispatch_missing(&self, id: &VideoId, plan: &Plan) -> Result<(), AwsError> {
        let VideoWork { jobs, .. } = self.table.work(id).await?;
        let is_done = |job: &Job| jobs.get(job).is_some_and(|state| state.done);
        let (done, missing): (Vec<Job>, Vec<Job>) = plan.jobs().into_iter().partition(is_done);
        if !done.is_empty() {
            let publish = Message {
                video: id.clone(),
                task: Task::Publish,
            };
            self.queue.send(Lane::Interactive, &[publish]).await?;
        }
        self.queue.dispatch(id, plan, &missing).await
    }

    /// Whether the file is the one that was announced; then the upload is complete.
    async fn admit(&self, video: &Video, size_bytes: u64) -> Result<bool, WorkerError> {
        let Some(upload) = self.table.upload(&video.upload).await? else {
            return Ok(false);
        };
        if upload.status == UploadStatus::Aborted {
            return Ok(false);
        }
        if size_bytes != upload.size_bytes {
            let failure = Failure {
                code: Failure::UPLOAD_INCOMPLETE.to_owned(),
                message: format!(
                    "{size_bytes} bytes arrived of {} that were announced: upload the file again",
                    upload.size_bytes
                ),
                retryable: false,
            };
            measure::error(Failure::UPLOAD_INCOMPLETE);
            self.fail(&video.id, &failure).await?;
            return Ok(false);
        }
        self.table.arrived(&upload.id, now()).await?;
        Ok(true)
    }
}
