//! A video as clients see it.

use std::time::Duration;

use serde::Serialize;
use streamforge_core::id::VideoId;
use streamforge_core::job::{FailingJob, Progress, RungProgress};
use streamforge_core::plan::Job;
use streamforge_core::video::{Failure, Video, VideoStatus, Visibility};
use utoipa::ToSchema;

use super::rfc3339;
use crate::{Api, schema};

/// Longest reason that is told, in characters: what FFmpeg says of a file can be long.
const MAX_REASON_CHARS: usize = 1000;

/// A video as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Video)]
pub struct VideoView {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: VideoId,
    /// What it is called.
    pub title: String,
    /// Who finds it.
    #[schema(value_type = schema::Visibility)]
    pub visibility: Visibility,
    /// Where it is.
    #[schema(value_type = schema::Status)]
    pub status: VideoStatus,
    /// Whether it plays from the start, perhaps not yet to its end.
    pub playable: bool,
    /// Why it failed.
    pub failure: Option<FailureView>,
    /// How far it is, while it is processed; how far it came, when it failed. Not in lists.
    pub progress: Option<ProgressView>,
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
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it changed last.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it became ready.
    #[schema(format = DateTime)]
    pub ready_at: Option<String>,
    /// Counts its changes: a larger one is newer.
    pub revision: u64,
}

/// Why a video failed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureView {
    /// Stable, for programs; `docs/API.md` has the list.
    #[schema(example = "unsupported_codec")]
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// Whether trying again can help.
    pub retryable: bool,
}

/// How far a video is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Progress)]
pub struct ProgressView {
    /// 0 to 100; 100 only when every job is done.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: f64,
    /// Seconds until the pictures are done, if the work goes on as it went lately; none until there is something to go by.
    pub eta_secs: Option<u64>,
    /// Jobs done.
    pub jobs_done: u32,
    /// Jobs in all.
    pub jobs: u32,
    /// Each rung, largest first.
    pub rungs: Vec<RungView>,
    /// Jobs whose last attempt failed, 20 at most. Any can be tried again by itself once the video has failed.
    pub failing: Vec<FailingJobView>,
}

/// How far one rung is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Rung)]
pub struct RungView {
    /// Its name.
    #[schema(example = "720p")]
    pub name: String,
    /// Segments encoded.
    pub segments_done: u32,
    /// Segments in all, as planned.
    pub segments: u32,
}

/// A job whose last attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = FailingJob)]
pub struct FailingJobView {
    /// The job.
    #[schema(value_type = schema::Job)]
    pub job: Job,
    /// Attempts so far.
    pub attempts: u32,
    /// How the last one failed.
    pub error: String,
}

impl Api {
    /// A video as clients see it.
    pub(crate) fn video_view(&self, video: &Video, progress: Option<Progress>) -> VideoView {
        let url = |path: &str| format!("{}/v/{}/{path}", self.config.media_url, video.id);
        VideoView {
            id: video.id.clone(),
            title: video.title.clone(),
            visibility: video.visibility,
            status: video.status,
            playable: video.playable,
            failure: video.failure.clone().map(FailureView::from),
            progress: progress.map(ProgressView::from),
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

impl VideoView {
    /// Whether nothing more happens unless somebody asks for it.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.status, VideoStatus::Ready | VideoStatus::Failed)
    }

    /// The same for equal states, but for the time left, which always changes.
    pub(crate) fn state_id(&self) -> String {
        let Some(progress) = &self.progress else {
            return self.revision.to_string();
        };
        let attempts: u32 = progress.failing.iter().map(|job| job.attempts).sum();
        format!(
            "{}-{}-{:.0}-{attempts}",
            self.revision,
            progress.jobs_done,
            progress.percent * 100.0
        )
    }
}

impl From<Failure> for FailureView {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.code,
            message: cut(failure.message),
            retryable: failure.retryable,
        }
    }
}

impl From<Progress> for ProgressView {
    fn from(progress: Progress) -> Self {
        let (jobs_done, jobs) = progress.jobs;
        Self {
            percent: (progress.percent * 100.0).round() / 100.0,
            eta_secs: progress.eta_secs,
            jobs_done,
            jobs,
            rungs: progress.rungs.into_iter().map(RungView::from).collect(),
            failing: progress
                .failing
                .into_iter()
                .map(FailingJobView::from)
                .collect(),
        }
    }
}

impl From<RungProgress> for RungView {
    fn from(rung: RungProgress) -> Self {
        Self {
            name: rung.name,
            segments_done: rung.segments_done,
            segments: rung.segments,
        }
    }
}

impl From<FailingJob> for FailingJobView {
    fn from(failing: FailingJob) -> Self {
        Self {
            job: failing.job,
            attempts: failing.attempts,
            error: cut(failing.error),
        }
    }
}

/// A reason of bearable length.
fn cut(mut reason: String) -> String {
    if let Some((end, _)) = reason.char_indices().nth(MAX_REASON_CHARS) {
        reason.truncate(end);
        reason.push('…');
    }
    reason
}
