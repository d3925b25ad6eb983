//! Why a task did not go through.

use std::time::Duration;

use streamforge_aws::error::AwsError;
use streamforge_core::package::PublishError;
use streamforge_core::refusal::Refusal;
use streamforge_core::video::Failure;
use streamforge_ffmpeg::error::FfmpegError;

/// A task failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// AWS did not do what it was asked.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// FFmpeg did not.
    #[error(transparent)]
    Ffmpeg(#[from] FfmpegError),
    /// The finished chunks are not one stream.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The source is gone although it is needed.
    #[error("the uploaded file is not there any more")]
    SourceGone,
    /// Somebody else is at it, for so long at least.
    #[error("somebody else is at it")]
    Taken(Duration),
    /// Nobody wants the result any more: the video was deleted, or failed, or somebody else has taken the task over.
    #[error("the task is not wanted any more")]
    Abandoned,
}

/// What went wrong with AWS, in one word: [`measure::ERRORS`](crate::measure::ERRORS) are counted by it.
pub(crate) fn code(err: &AwsError) -> &'static str {
    match err {
        AwsError::Record { .. } => "record",
        AwsError::Contended { .. } => "contended",
        _ => "unavailable",
    }
}

impl WorkerError {
    /// The same in one word; of a source that is refused, the code that its owner is told.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Aws(err) => code(err),
            Self::Ffmpeg(FfmpegError::Refused(refusal)) => refusal.code().as_str(),
            Self::Ffmpeg(FfmpegError::Guard(_)) => "ffmpeg_stopped",
            Self::Ffmpeg(FfmpegError::Source(_)) => "source_unreadable",
            Self::Ffmpeg(_) => "ffmpeg_failed",
            Self::Publish(_) => "publish",
            Self::SourceGone => "source_gone",
            Self::Taken(_) => "taken",
            Self::Abandoned => "abandoned",
        }
    }

    /// What FFmpeg ended with, when that is what went wrong.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Ffmpeg(err) => err.exit_code(),
            _ => None,
        }
    }

    /// What the owner of the video is told when trying again is no use; `None` when it may help.
    pub fn permanent(&self) -> Option<Failure> {
        match self {
            Self::Ffmpeg(FfmpegError::Refused(refusal)) => Some(refusal.into()),
            Self::Publish(hole @ PublishError::Hole { .. }) => {
                Some(Failure::from(&Refusal::Malformed {
                    why: hole.to_string(),
                }))
            }
            Self::Publish(_) | Self::SourceGone => Some(Failure {
                code: Failure::ENCODING_FAILED.to_owned(),
                message: format!("{self}: upload the video again"),
                retryable: false,
            }),
            _ => None,
        }
    }
}
