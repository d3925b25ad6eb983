//! A clock ticks: what is due is looked after.

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::de::IgnoredAny;
use streamforge_aws::clock::now;
use streamforge_worker::Worker;
use streamforge_worker::reconcile::Since;

use crate::deadline::{TO_STOP, within};
use crate::unavailable;

/// Looks after everything that is due, whatever the event says.
///
/// # Errors
/// AWS does not answer; the next tick goes on.
pub async fn handle_tick(
    worker: &Worker,
    event: LambdaEvent<IgnoredAny>,
) -> Result<(), Diagnostic> {
    let work = worker.reconcile(Since::Running, now());
    match within(&event.context, TO_STOP, work).await {
        Some(Ok(records)) => tracing::info!(records, "looked after {records} records"),
        Some(Err(err)) => return Err(unavailable(&err)),
        None => tracing::warn!("more is due than there is time for: the next tick goes on"),
    }
    Ok(())
}
