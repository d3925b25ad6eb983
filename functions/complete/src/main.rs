//! Completes uploads: joins the parts of a file, and takes small files in one request. Which routes lead here and what it may do, the template
//! says.

use streamforge_lambda::http::{Error, run};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = streamforge_lambda::start()?;
    run(config.api(config.clients().await)).await
}
