//! Logs: a JSON object a line on the standard output, which Lambda takes to its log group and can filter by level
//! ([log formats](https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html)).

use std::io;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What is logged unless the environment says otherwise.
const DEFAULT: &str = "info";

/// Sets logs up. `AWS_LAMBDA_LOG_LEVEL` is what Lambda's own setting says; without it `RUST_LOG` may name levels for each module.
pub(crate) fn init(var: impl Fn(&str) -> Option<String>) {
    // A second time in one process nothing changes.
    let _ = tracing::subscriber::set_global_default(subscriber(var, io::stdout));
}

fn subscriber<Writer>(
    var: impl Fn(&str) -> Option<String>,
    writer: Writer,
) -> impl Subscriber + Send + Sync
where
    Writer: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = var("AWS_LAMBDA_LOG_LEVEL").map(|level| match &*level {
        // Lambda's name for the worst; ours go up to errors.
        "FATAL" => "error".to_owned(),
        _ => level.to_lowercase(),
    });
    let filter = level.or_else(|| var("RUST_LOG"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(EnvFilter::new(filter.as_deref().unwrap_or(DEFAULT)))
        .with_writer(writer)
        .finish()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged with this environment.
    fn logged(vars: &[(&str, &str)]) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let var = |name: &str| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        tracing::subscriber::with_default(subscriber(var, move || writer.clone()), || {
            let _span = tracing::info_span!("sqs.record", sqs.message_id = "m1").entered();
            tracing::debug!("a detail");
            tracing::info!(video.id = "v1", "a message");
            tracing::error!("an error");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let parse = |line| serde_json::from_str(line).unwrap();
        text.lines().map(parse).collect()
    }

    fn messages(vars: &[(&str, &str)]) -> Vec<String> {
        let text = |line: Value| line["message"].as_str().unwrap().to_owned();
        logged(vars).into_iter().map(text).collect()
    }

    #[test]
    fn a_line_has_level_time_message_fields_and_span() {
        let line = logged(&[]).swap_remove(0);
        assert_eq!(line["level"], "INFO");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(line["message"], "a message");
        assert_eq!(line["video.id"], "v1");
        assert_eq!(line["span"]["sqs.message_id"], "m1");
    }

    #[test]
    fn lambdas_level_goes_before_that_of_the_program() {
        assert_eq!(messages(&[]), ["a message", "an error"]);
        assert_eq!(messages(&[("RUST_LOG", "debug")]).len(), 3);
        for level in ["ERROR", "FATAL"] {
            let both = [("RUST_LOG", "debug"), ("AWS_LAMBDA_LOG_LEVEL", level)];
            assert_eq!(messages(&both), ["an error"]);
        }
    }
}
