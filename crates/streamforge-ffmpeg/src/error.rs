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
    #[error("{program} failed ({status}): {}", last_line(stderr))]
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
    /// It ended inside a segment.
    #[error("FFmpeg ended {bytes} bytes into a segment")]
    CutShort {
        /// How much of the segment there was.
        bytes: usize,
    },
    /// Reading a pipe failed.
    #[error("reading FFmpeg's output failed")]
    Pipe(#[source] std::io::Error),
    /// Nobody takes the output any more.
    #[error("the job was cancelled")]
    Cancelled,
}

impl FfmpegError {
    /// Whether another attempt may succeed: not for a refusal or a cancelled job, and not when a limit was reached, which the next
    /// attempt would reach too.
    pub fn is_retryable(&self) -> bool {
        !matches!(
            self,
            Self::Refused(_)
                | Self::Cancelled
                | Self::Guard(
                    GuardError::NotFound { .. }
                        | GuardError::TimedOut { .. }
                        | GuardError::OutOfCpu { .. }
                )
        )
    }
}

impl FfmpegError {
    /// What the program ended with, if it ended by itself.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Failed { status, .. } => status.code(),
            _ => None,
        }
    }
}

/// The last line a program wrote, without the address of the component that wrote it.
pub(crate) fn last_line(stderr: &str) -> String {
    let line = stderr
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("it cannot be opened");
    let line = line.split_once("] ").map_or(line, |(_, said)| said);
    // The address of our own server means nothing to the uploader.
    line.rsplit_once("http://")
        .map_or(line, |(_, after)| {
            after.split_once(": ").map_or(after, |(_, said)| said)
        })
        .to_owned()
}
