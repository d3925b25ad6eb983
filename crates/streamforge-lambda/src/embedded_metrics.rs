//! Numbers for `CloudWatch`, as lines of the log
//! ([embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html)): nobody
//! is asked while somebody waits, and no permission is needed. What is counted: [`measure`].

use std::io::{self, Write};
use std::sync::OnceLock;

use metrics::Unit;
use metrics_cloudwatch_embedded::{Builder, Collector};
use streamforge_worker::measure;

/// Where `CloudWatch` keeps them.
const NAMESPACE: &str = "StreamForge";

/// The dimension that all of them have: `AWS_LAMBDA_FUNCTION_NAME`.
const FUNCTION: &str = "function";

static COLLECTOR: OnceLock<&Collector> = OnceLock::new();

/// Begins to count. Where Lambda has given the function no name, nothing is counted.
pub fn start(var: impl Fn(&str) -> Option<String>) {
    let Some(function) = var("AWS_LAMBDA_FUNCTION_NAME") else {
        return;
    };
    let started = Builder::new()
        .cloudwatch_namespace(NAMESPACE)
        .with_dimension(FUNCTION, function)
        .init();
    match started {
        Ok(collector) => {
            let _ = COLLECTOR.set(collector);
        }
        Err(err) => {
            tracing::warn!(error = %err, "nothing will be counted: {err}");
            return;
        }
    }
    for (name, unit) in [
        (measure::ENCODED_SECS, Unit::Seconds),
        (measure::QUEUED_MS, Unit::Milliseconds),
        (measure::PLAYABLE_MS, Unit::Milliseconds),
    ] {
        metrics::describe_histogram!(name, unit, "");
    }
    for name in [measure::JOBS, measure::ERRORS] {
        metrics::describe_counter!(name, Unit::Count, "");
    }
}

/// Writes what was counted since the last time: a line for each set of dimensions. Every invocation ends with this, because Lambda may
/// never wake the function again.
pub fn flush() {
    if let Err(err) = write(&mut io::stdout()) {
        tracing::warn!(error = %err, "metrics were lost: {err}");
    }
}

/// The same, to somewhere else.
///
/// # Errors
/// It cannot be written there.
pub fn write(to: &mut impl Write) -> io::Result<()> {
    let mut lines = Vec::new();
    if let Some(collector) = COLLECTOR.get() {
        collector.flush(&mut lines)?;
    }
    // At once: what is logged meanwhile must not come in between.
    to.write_all(&lines)
}
