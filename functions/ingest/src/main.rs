//! Looks at a file that has arrived in the upload bucket, and plans its stream or says why there can be none.

use lambda_runtime::{Error, service_fn};
use streamforge_lambda::embedded_metrics::flush;
use streamforge_lambda::s3::handle_objects;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = streamforge_lambda::start()?;
    let worker = &config.worker(config.clients().await);
    lambda_runtime::run(service_fn(async |event| {
        let looked_at = Box::pin(handle_objects(worker, event)).await;
        flush();
        looked_at
    }))
    .await
}
