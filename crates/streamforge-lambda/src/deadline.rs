//! Lambda ends a function at its deadline wherever it is. Whoever stops before can still say what becomes of the work.

use std::time::{Duration, SystemTime};

use lambda_runtime::Context;

/// What it takes to stop FFmpeg and to tell a queue.
const MARGIN: Duration = Duration::from_secs(5);

/// Does `work` unless the time of the invocation would be over before its end; then it is given up: `None`.
pub(crate) async fn within<T>(context: &Context, work: impl Future<Output = T>) -> Option<T> {
    let left = context.deadline().duration_since(SystemTime::now());
    let left = left.unwrap_or_default().checked_sub(MARGIN)?;
    tokio::time::timeout(left, work).await.ok()
}
