//! Videos: what became of uploads.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use streamforge_aws::clock::now;
use streamforge_aws::video_table::VideoWork;
use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, Message, Progress, Task};
use streamforge_core::time::Timestamp;
use streamforge_core::video::{MAX_TITLE_CHARS, Video, VideoStatus, Visibility};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Id, Object};
use crate::problem::{OfChanges, OfLists, OfOne, Problem};
use crate::{Api, OWNER, schema};

pub mod view;

use view::VideoView;

/// Entries of a page, unless asked for otherwise.
const DEFAULT_LIMIT: u32 = 50;

/// Most entries of a page.
const MAX_LIMIT: u32 = 200;

/// A page of videos.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VideoPage {
    /// Newest first.
    pub videos: Vec<VideoView>,
    /// Asks for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// What to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ListVideos {
    /// Only these.
    #[param(value_type = Option<schema::Status>)]
    pub status: Option<VideoStatus>,
    /// At most so many: 1 to 200, by default 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// What is to be changed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeVideo {
    /// A new title.
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// Who finds it from now on.
    #[schema(value_type = Option<schema::Visibility>)]
    pub visibility: Option<Visibility>,
}

/// Pages of the table that are looked through for one answer: thousands of videos.
const MAX_PAGES: usize = 20;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, change, delete))
        .routes(routes!(job_status))
}

/// Your videos, the newest first
#[utoipa::path(
    get,
    path = "/api/v1/videos",
    operation_id = "listVideos",
    tag = "videos",
    params(ListVideos),
    responses((status = 200, body = VideoPage), OfLists)
)]
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
    let mut cursor = match &query.cursor {
        None => None,
        Some(cursor) => Some(
            table_cursor(cursor)
                .ok_or_else(|| Problem::invalid("cursor is not one that a list has given"))?,
        ),
    };
    // A filter may leave little of each page of the table, and an answer must come in time.
    for _ in 0..MAX_PAGES {
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
        next_cursor: cursor.as_deref().and_then(shown_cursor),
    }))
}

/// One video
#[utoipa::path(
    get,
    path = "/api/v1/videos/{id}",
    operation_id = "getVideo",
    tag = "videos",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = VideoView), OfOne)
)]
async fn read(State(api): State<Api>, Id(id): Id<VideoId>) -> Result<Json<VideoView>, Problem> {
    let video = api.video(&id).await?;
    Ok(Json(api.video_with_progress(&video).await?))
}

/// One video, by the name that such a route often has
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/status",
    operation_id = "getJobStatus",
    tag = "videos",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = VideoView), OfOne)
)]
async fn job_status(api: State<Api>, id: Id<VideoId>) -> Result<Json<VideoView>, Problem> {
    read(api, id).await
}

/// Rename a video, or change who finds it
#[utoipa::path(
    patch,
    path = "/api/v1/videos/{id}",
    operation_id = "updateVideo",
    tag = "videos",
    params(("id" = schema::Id, Path)),
    request_body = ChangeVideo,
    responses((status = 200, body = VideoView), OfChanges)
)]
async fn change(
    State(api): State<Api>,
    Id(id): Id<VideoId>,
    Object(wanted): Object<ChangeVideo>,
) -> Result<Json<VideoView>, Problem> {
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

/// Delete a video
///
/// Jobs that run for it stop within seconds, and everything of it is removed.
#[utoipa::path(
    delete,
    path = "/api/v1/videos/{id}",
    operation_id = "deleteVideo",
    tag = "videos",
    params(("id" = schema::Id, Path)),
    responses((status = 204, description = "It is gone"), OfOne)
)]
async fn delete(State(api): State<Api>, Id(id): Id<VideoId>) -> Result<StatusCode, Problem> {
    let video = api.video(&id).await?;
    api.delete_video(&video.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Api {
    /// A video that is there and is not being removed.
    pub(crate) async fn video(&self, id: &VideoId) -> Result<Video, Problem> {
        let video = self.table.video(id).await?;
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

    /// A video with how far it is, or came.
    pub(crate) async fn video_with_progress(&self, video: &Video) -> Result<VideoView, Problem> {
        let progress = match video.status {
            VideoStatus::Processing | VideoStatus::Failed => self.progress(video).await?,
            _ => None,
        };
        Ok(self.video_view(video, progress))
    }

    async fn progress(&self, video: &Video) -> Result<Option<Progress>, Problem> {
        let Some(plan) = self.plan(&video.id).await? else {
            return Ok(None);
        };
        let VideoWork { jobs, progress } = self.table.work(&video.id).await?;
        let mut progress = Progress::new(&plan, &jobs, &progress, now());
        if video.status == VideoStatus::Failed {
            progress.eta_secs = None;
        }
        Ok(Some(progress))
    }
}

/// Whether a text can be a title.
pub(crate) fn check_title(title: &str) -> Result<(), Problem> {
    let chars = title.trim().chars().count();
    if chars == 0 || chars > MAX_TITLE_CHARS || title.chars().any(char::is_control) {
        return Err(Problem::invalid(format!(
            "a title has 1 to {MAX_TITLE_CHARS} characters and no control characters"
        )));
    }
    Ok(())
}

/// The table's cursor of what a list has given, `{milliseconds}-{id}`: the other has characters with a meaning in URLs.
fn table_cursor(cursor: &str) -> Option<String> {
    let (millis, id) = cursor.split_once('-')?;
    let is_time = millis.len() == 13 && millis.bytes().all(|byte| byte.is_ascii_digit());
    let id: VideoId = id.parse().ok().filter(|_| is_time)?;
    Some(format!("{millis}#{id}~{id}"))
}

/// The reverse.
fn shown_cursor(cursor: &str) -> Option<String> {
    let (millis, ids) = cursor.split_once('#')?;
    let (id, _) = ids.split_once('~')?;
    Some(format!("{millis}-{id}"))
}

/// `2026-11-21T06:22:02.125Z`.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    let nanos = i128::from(time.0) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}
