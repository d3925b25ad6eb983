//! How the program ends, beside 0 for success and 1 for failure.

use std::process::ExitCode;

use streamforge_core::video::Failure as VideoFailure;

use crate::client::ClientError;

/// Arguments that cannot be followed, as clap has it.
pub(crate) const WRONG_USE: u8 = 2;

/// The file cannot become a stream.
pub(crate) const REFUSED: u8 = 3;

/// After Ctrl-C, as shells have it: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a file did not become a stream on a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It cannot: trying again does not help.
    #[error("{message}")]
    Refused {
        /// Stable, for programs.
        code: String,
        /// What happened and what to do.
        message: String,
    },
    /// Something else went wrong.
    #[error("{0}")]
    Other(String),
}

impl From<ClientError> for Failure {
    fn from(err: ClientError) -> Self {
        match err.problem() {
            Some(problem) if problem.status == 422 => Self::Refused {
                code: problem.code().to_owned(),
                message: problem.detail.clone(),
            },
            _ => Self::Other(err.to_string()),
        }
    }
}

impl From<&VideoFailure> for Failure {
    fn from(failure: &VideoFailure) -> Self {
        let VideoFailure { code, message, .. } = failure.clone();
        // The others tell of the file.
        if code == VideoFailure::ENCODING_FAILED || code == VideoFailure::UPLOAD_INCOMPLETE {
            Self::Other(message)
        } else {
            Self::Refused { code, message }
        }
    }
}

/// How a command ends that was about several things: what went wrong counts more than what was refused.
pub(crate) fn of_all(outcomes: impl IntoIterator<Item = Result<(), Failure>>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for outcome in outcomes {
        match outcome {
            Ok(()) => {}
            Err(Failure::Refused { .. }) => code = ExitCode::from(REFUSED),
            Err(Failure::Other(_)) => return ExitCode::FAILURE,
        }
    }
    code
}
