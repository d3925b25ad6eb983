//! Lists, changes and removes videos, and tells whether the service does its work. Which routes lead here and what it may do, the
//! template says.

use streamforge_lambda::http::{Error, run};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = streamforge_lambda::start()?;
    run(config.api(config.clients().await)).await
}
