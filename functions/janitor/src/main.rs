//! Looks after what was lost or left: once a minute, by a schedule.

use lambda_runtime::{Error, service_fn};
use streamforge_lambda::embedded_metrics::flush;
use streamforge_lambda::schedule::handle_tick;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = streamforge_lambda::start()?;
    let worker = &config.worker(config.clients().await);
    lambda_runtime::run(service_fn(async |event| {
        let looked_after = handle_tick(worker, event).await;
        flush();
        looked_after
    }))
    .await
}
