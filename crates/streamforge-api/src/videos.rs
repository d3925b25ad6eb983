//! Videos: what became of uploads.

use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::video_table::{Change, VideoWork};
use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, Message, Progress, QUEUED_CHECK, Task};
use streamforge_core::time::Timestamp;
use streamforge_core::video::{Failure, Video, VideoStatus, Visibility};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::problem::Problem;
use crate::uploads::check_title;
use crate::{Api, OWNER};

/// Entries of a page, unless asked for otherwise.
const DEFAULT_LIMIT: u32 = 50;

/// Most entries of a page.
const MAX_LIMIT: u32 = 200;

/// A video as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VideoView {
    /// Its id.
    pub id: VideoId,
    /// What it is called.
    pub title: String,
    /// Who finds it.
    pub visibility: Visibility,
    /// Where it is.
    pub status: VideoStatus,
    /// Whether it plays from the start, perhaps not yet to its end.
    pub playable: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How far it is, while it is processed.
    pub progress: Option<Progress>,
    /// Size of the file.
    pub size_bytes: u64,
    /// Length in seconds, once known.
    pub duration_secs: Option<f64>,
    /// Width of the pictures, once known.
    pub width: Option<u32>,
    /// Height of the pictures, once known.
    pub height: Option<u32>,
    /// What to give to an HLS player, once it plays.
    pub playback_url: Option<String>,
    /// A still, once there is one.
    pub poster_url: Option<String>,
    /// When its upload was announced.
    pub created_at: String,
    /// When it changed last.
    pub updated_at: String,
    /// When it became ready.
    pub ready_at: Option<String>,
    /// Counts its changes.
    pub revision: u64,
}

/// A page of videos.
#[derive(Clone, Debug, Serialize)]
pub struct VideoPage {
    /// Newest first.
    pub videos: Vec<VideoView>,
    /// Asks for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// What to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListVideos {
    /// Only these.
    pub status: Option<VideoStatus>,
    /// At most so many: 1 to 200, by default 50.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// What is to be changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeVideo {
    /// A new title.
    pub title: Option<String>,
    /// Who finds it from now on.
    pub visibility: Option<Visibility>,
}

/// The routes.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/videos", get(list))
        .route(
            "/api/v1/videos/{id}",
            get(read).patch(change).delete(delete),
        )
        .route("/api/v1/videos/{id}/retry", post(retry))
        .route("/api/jobs/{id}/status", get(read))
}

async fn list(
    State(api): State<Api>,
    query: Result<Query<ListVideos>, QueryRejection>,
) -> Result<Json<VideoPage>, Problem> {
    let Query(query) = query?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid(format!("limit must be 1 to {MAX_LIMIT}")));
    }
    let wanted = limit as usize;
    let mut videos: Vec<VideoView> = Vec::new();
    let mut cursor = query.cursor;
    if cursor.as_deref().is_some_and(|cursor| !is_cursor(cursor)) {
        return Err(Problem::invalid("cursor is not one that a list has given"));
    }
    // A filter may leave little of each page of the table.
    loop {
        let left = u32::try_from(wanted - videos.len()).unwrap_or(limit);
        let page = api
            .table
            .videos(OWNER, query.status, left, cursor.as_deref())
            .await?;
        videos.extend(page.entries.iter().map(|video| api.video_view(video, None)));
        cursor = page.cursor;
        if cursor.is_none() || videos.len() >= wanted {
            break;
        }
    }
    Ok(Json(VideoPage {
        videos,
        next_cursor: cursor,
    }))
}

async fn read(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<VideoView>, Problem> {
    let video = api.video(&id).await?;
    Ok(Json(api.video_with_progress(&video).await?))
}

async fn change(
    State(api): State<Api>,
    Path(id): Path<String>,
    body: Result<Json<ChangeVideo>, JsonRejection>,
) -> Result<Json<VideoView>, Problem> {
    let Json(wanted) = body?;
    if let Some(title) = &wanted.title {
        check_title(title)?;
    }
    let video = api.video(&id).await?;
    let changed = api
        .table
        .rename(&video.id, now(), |video| {
            if let Some(title) = &wanted.title {
                title.trim().clone_into(&mut video.title);
            }
            if let Some(visibility) = wanted.visibility {
                video.visibility = visibility;
            }
        })
        .await?;
    let video = changed.ok_or_else(|| Problem::not_found("video"))?;
    Ok(Json(api.video_with_progress(&video).await?))
}

async fn delete(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let video = api.video(&id).await?;
    api.delete_video(&video.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn retry(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<VideoView>), Problem> {
    let video = api.video(&id).await?;
    let may = video.status == VideoStatus::Failed
        && video.has_source
        && video
            .failure
            .as_ref()
            .is_none_or(|failure| failure.retryable);
    if !may {
        return Err(Problem::conflict(
            "not-retryable",
            "only a failed video whose file is still kept can be tried again: upload it again",
        ));
    }
    let work = api.table.work(&video.id).await?;
    let jobs = work.jobs.keys().map(|job| Task::Encode(*job));
    for task in jobs.chain([Task::Ingest]) {
        api.table
            .update_task(&video.id, task, |state| {
                state.attempts = 0;
                state.error = None;
                if task == Task::Ingest {
                    state.done = false;
                }
                Ok::<_, AwsError>(())
            })
            .await?;
    }
    let now = now();
    let queued = api
        .table
        .update_video(&video.id, now, |video| {
            video.status = VideoStatus::Queued;
            video.failure = None;
            Ok::<_, AwsError>(Change::Write {
                due: Some(now.after(QUEUED_CHECK)),
            })
        })
        .await?;
    let message = Message {
        video: video.id.clone(),
        task: Task::Ingest,
    };
    api.queue.send(Lane::Interactive, &[message]).await?;
    let video = queued.ok_or_else(|| Problem::not_found("video"))?;
    Ok((StatusCode::ACCEPTED, Json(api.video_view(&video, None))))
}

impl Api {
    /// A video that is there and is not being removed.
    pub(crate) async fn video(&self, id: &str) -> Result<Video, Problem> {
        let Ok(id) = id.parse() else {
            return Err(Problem::not_found("video"));
        };
        let video = self.table.video(&id).await?;
        video
            .filter(|video| video.status != VideoStatus::Deleting)
            .ok_or_else(|| Problem::not_found("video"))
    }

    pub(crate) async fn delete_video(&self, id: &VideoId) -> Result<(), Problem> {
        self.table.delete(id, now()).await?;
        let message = Message {
            video: id.clone(),
            task: Task::Remove,
        };
        Ok(self.queue.send(Lane::Interactive, &[message]).await?)
    }

    /// A video with how far it is.
    pub(crate) async fn video_with_progress(&self, video: &Video) -> Result<VideoView, Problem> {
        let progress = match video.status {
            VideoStatus::Processing => match self.table.plan(&video.id).await? {
                Some(plan) => {
                    let VideoWork { jobs, progress } = self.table.work(&video.id).await?;
                    Some(Progress::new(&plan, &jobs, &progress, now()))
                }
                None => None,
            },
            _ => None,
        };
        Ok(self.video_view(video, progress))
    }

    /// A video as clients see it.
    pub(crate) fn video_view(&self, video: &Video, progress: Option<Progress>) -> VideoView {
        let url = |path: &str| format!("{}/v/{}/{path}", self.config.media_url, video.id);
        VideoView {
            id: video.id.clone(),
            title: video.title.clone(),
            visibility: video.visibility,
            status: video.status,
            playable: video.playable,
            failure: video.failure.clone(),
            progress,
            size_bytes: video.size_bytes,
            duration_secs: video.duration.as_ref().map(Duration::as_secs_f64),
            width: video.display_size.map(|(width, _)| width),
            height: video.display_size.map(|(_, height)| height),
            playback_url: video.playable.then(|| url("master.m3u8")),
            poster_url: video.playable.then(|| url("thumbs/poster.jpg")),
            created_at: rfc3339(video.created_at),
            updated_at: rfc3339(video.updated_at),
            ready_at: video.ready_at.map(rfc3339),
            revision: video.revision,
        }
    }
}

fn is_cursor(text: &str) -> bool {
    let ids = text.rsplit_once('~').map(|(_, id)| id.parse::<VideoId>());
    ids.is_some_and(|id| id.is_ok())
}

/// `2026-11-21T06:22:02.125Z`.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    let nanos = i128::from(time.0) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}
