//! What can go wrong between the plan and the segments.

use streamforge_core::refusal::Refusal;

use crate::guard::GuardError;

/// Why a probe or a job did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FfmpegError {
    /// The source cannot become a stream: trying again cannot help.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The program could not be run, or was stopped for what it did.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The source could not be read.
    #[error("the source cannot be read")]
    Source(#[source] std::io::Error),
    /// The program ended with an error.
    #[error("{program} failed ({status}): {stderr}")]
    Failed {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The last lines it wrote.
        stderr: String,
    },
    /// What came out of it is not what was asked for.
    #[error("FFmpeg made something else than asked for: {0}")]
    Output(String),
    /// Reading a pipe failed.
    #[error("reading FFmpeg's output failed")]
    Pipe(#[source] std::io::Error),
    /// Nobody takes the output any more.
    #[error("the job was cancelled")]
    Cancelled,
}

impl FfmpegError {
    /// Whether another attempt may succeed: not for a refusal or a cancelled job.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Refused(_) | Self::Cancelled)
    }
}
