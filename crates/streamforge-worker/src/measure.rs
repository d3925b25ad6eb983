//! What is counted of the work, by the names that the dashboard in `infra/monitoring.yaml` knows. Where nobody collects it, as on one machine,
//! it costs next to nothing.

use std::time::Duration;

/// Messages and events that were worked on, by [`OUTCOME`].
pub const JOBS: &str = "jobs";

/// What failed, by [`CODE`]: attempts, and videos that cannot become a stream.
pub const ERRORS: &str = "errors";

/// Seconds of video that were encoded, in all rungs: one value for each chunk.
pub const ENCODED_SECS: &str = "encoded_secs";

/// How long messages waited for their first receipt, in milliseconds.
pub const QUEUED_MS: &str = "queued_ms";

/// How long after its file was there a video could be played, in milliseconds.
pub const PLAYABLE_MS: &str = "playable_ms";

/// What became of it: an [`Outcome`](crate::task::Outcome), or one of the words here.
pub const OUTCOME: &str = "outcome";

/// What went wrong, in one word.
pub const CODE: &str = "code";

/// Outcome of what could not be recorded, because AWS did not answer.
pub const UNAVAILABLE: &str = "unavailable";

/// Outcome of what was given up because the time was over.
pub const LATE: &str = "late";

/// Counts a job.
pub fn job(outcome: &'static str) {
    metrics::counter!(JOBS, OUTCOME => outcome).increment(1);
}

pub(crate) fn error(code: &'static str) {
    metrics::counter!(ERRORS, CODE => code).increment(1);
}

pub(crate) fn encoded(video: Duration) {
    metrics::histogram!(ENCODED_SECS).record(video);
}

pub(crate) fn queued(wait: Duration) {
    metrics::histogram!(QUEUED_MS).record(wait.as_secs_f64() * 1000.0);
}

pub(crate) fn playable(wait: Duration) {
    metrics::histogram!(PLAYABLE_MS).record(wait.as_secs_f64() * 1000.0);
}
