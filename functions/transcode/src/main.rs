//! Does what the messages of both queues ask for: encodes chunks, publishes, removes.

use lambda_runtime::{Error, service_fn};
use streamforge_lambda::embedded_metrics::flush;
use streamforge_lambda::shutdown::Shutdown;
use streamforge_lambda::sqs::handle_batch;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = streamforge_lambda::start()?;
    let shutdown = &Shutdown::listen().await;
    let worker = &config.worker(config.clients().await);
    // Boxed, or the compiler loses itself in the layout of all that is awaited in there.
    let serving = Box::pin(lambda_runtime::run(service_fn(async |event| {
        let response = Box::pin(handle_batch(worker, shutdown, event)).await;
        flush();
        Ok::<_, Error>(response)
    })));
    tokio::select! {
        ended = serving => ended,
        () = shutdown.over() => Ok(()),
    }
}
