//! Completes uploads. Which routes lead here and what it may do, the template says: of the functions that clients reach, it alone may
//! join the parts of a file.

use streamforge_lambda::http::{Error, run};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = streamforge_lambda::start()?;
    run(config.api(config.clients().await)).await
}
