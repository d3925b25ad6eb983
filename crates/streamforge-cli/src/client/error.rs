//! What can go wrong between a client and a server.

use reqwest::StatusCode;

use super::types::Problem;

/// A request did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ClientError {
    /// No request can be made at all.
    #[error("cannot make an HTTP client: {0}")]
    Setup(String),
    /// Nobody answered.
    #[error(
        "cannot reach {server}: {why}; start the service with `streamforge up`, or name another one with --server"
    )]
    Unreachable {
        /// Who was asked.
        server: String,
        /// What the system said.
        why: String,
    },
    /// The server said no, in its own words.
    #[error("{}", .0.detail)]
    Problem(Problem),
    /// Something in front of the server said no, or something that is no StreamForge.
    #[error("{server} answered {status}: is it a StreamForge server?")]
    Status {
        /// Who was asked.
        server: String,
        /// What it said.
        status: StatusCode,
    },
    /// The service is elsewhere.
    #[error("{server} sends on to {to}: name that one with --server")]
    Moved {
        /// Who was asked.
        server: String,
        /// Where it sends on to.
        to: String,
    },
    /// The answer is not one of the API.
    #[error("{server} does not answer as this version of streamforge expects ({why})")]
    Foreign {
        /// Who was asked.
        server: String,
        /// What does not fit.
        why: String,
    },
    /// The video went while it was watched.
    #[error("the video was deleted")]
    Deleted,
}

impl ClientError {
    /// Whether the same request may succeed later.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            // What is too many for a StreamForge server (429) is so until somebody does something about it.
            Self::Problem(problem) => problem.status >= 500,
            Self::Status { status, .. } => matches!(status.as_u16(), 408 | 429 | 500..),
            _ => false,
        }
    }

    /// What the server said, if it said no.
    pub(crate) fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}
