//! Tells what happens to videos, as it happens: server-sent events over a function URL that streams.

use streamforge_lambda::http::{Error, run_streaming};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = streamforge_lambda::start()?;
    run_streaming(config.api(config.clients().await)).await
}
