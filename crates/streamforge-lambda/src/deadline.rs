//! Lambda ends a function at its deadline wherever it is. Whoever stops before can still say what becomes of the work.

use std::time::{Duration, SystemTime};

use lambda_runtime::Context;

/// What it takes to stop FFmpeg and to tell a queue.
pub(crate) const TO_STOP: Duration = Duration::from_secs(5);

/// What it takes to give Lambda an answer.
pub(crate) const TO_ANSWER: Duration = Duration::from_millis(500);

/// Does `work` unless `margin` before the end of the invocation is reached first; then it is given up: `None`.
pub(crate) async fn within<T>(
    context: &Context,
    margin: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let left = context.deadline().duration_since(SystemTime::now());
    let left = left.unwrap_or_default().checked_sub(margin)?;
    tokio::time::timeout(left, work).await.ok()
}
