//! Between AWS Lambda and StreamForge: what the functions have in common, so that each is a few lines of wiring.
//!
//! Nothing is decided here: the API is [`streamforge_api`], the work is [`streamforge_worker`], and both run the same in one process on one
//! machine.
//!
//! # Layout
//! - [`config`]: the environment, once. [`logging`]: JSON lines. [`embedded_metrics`]: numbers among them.
//! - [`http`]: requests, also with answers that go on for minutes. [`s3`]: uploaded files. [`sqs`]: batches of messages. [`schedule`]: a clock
//!   ticks. [`deadline`]: nothing is begun that cannot end. [`shutdown`]: what is begun is given back.
//!
//! # A function
//! ```no_run
//! # #[cfg(feature = "api")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let config = streamforge_lambda::start()?;
//! let api = config.api(config.clients().await);
//! streamforge_lambda::http::run(api).await
//! # }
//! ```

use crate::config::{Config, ConfigError};

pub mod config;
#[cfg(feature = "worker")]
pub mod deadline;
#[cfg(feature = "worker")]
pub mod embedded_metrics;
#[cfg(feature = "api")]
pub mod http;
pub mod logging;
#[cfg(feature = "worker")]
pub mod s3;
#[cfg(feature = "worker")]
pub mod schedule;
#[cfg(feature = "worker")]
pub mod shutdown;
#[cfg(feature = "worker")]
pub mod sqs;

/// What every function begins with: logs, metrics, and the configuration out of the environment.
///
/// # Errors
/// [`ConfigError`]: a variable is missing or makes no sense.
pub fn start() -> Result<Config, ConfigError> {
    let var = |name: &str| std::env::var(name).ok();
    logging::init(var);
    #[cfg(feature = "worker")]
    embedded_metrics::start(var);
    Config::from_vars(var)
        .inspect_err(|err| tracing::error!(error = %err, "the function cannot start: {err}"))
}

/// What Lambda is told when AWS does not answer. The runtime logs it.
#[cfg(feature = "worker")]
fn unavailable(err: &streamforge_aws::error::AwsError) -> lambda_runtime::Diagnostic {
    lambda_runtime::Diagnostic {
        error_type: "Unavailable".to_owned(),
        error_message: err.to_string(),
    }
}
