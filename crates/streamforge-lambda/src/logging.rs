//! Logs: a JSON object a line on the standard output, which Lambda takes to its log group and can filter by level
//! ([log formats](https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html)).
//!
//! The fields of all spans stand beside those of the event: whatever is logged on the way of a request can be found by `request.id`, by
//! `video.id` and by `job.id`, however deep it was logged.

use std::fmt;
use std::io;

use serde_json::{Map, Value};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

/// What is logged unless the environment says otherwise.
const DEFAULT: Level = Level::INFO;

/// Sets logs up. `AWS_LAMBDA_LOG_LEVEL` is what Lambda's own setting says; without it `RUST_LOG` may name levels for each module.
pub(crate) fn init(var: impl Fn(&str) -> Option<String>) {
    // A second time in one process nothing changes.
    let _ = tracing::subscriber::set_global_default(subscriber(var, io::stdout));
}

/// What writes logs to `writer`.
pub fn subscriber<To>(
    var: impl Fn(&str) -> Option<String>,
    writer: To,
) -> impl Subscriber + Send + Sync
where
    To: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = var("AWS_LAMBDA_LOG_LEVEL").map(|level| match &*level {
        // Lambda's name for the worst; ours go up to errors.
        "FATAL" => "error".to_owned(),
        // Only of ours: the SDK tells so much that signatures are among it.
        "DEBUG" | "TRACE" => format!("{DEFAULT},streamforge={}", level.to_lowercase()),
        _ => level.to_lowercase(),
    });
    // Not an `EnvFilter`: that brings regular expressions along, a tenth of a function.
    let filter = level.or_else(|| var("RUST_LOG"));
    let filter = filter.and_then(|filter| filter.parse().ok());
    tracing_subscriber::fmt()
        .json()
        .event_format(OneObject)
        .with_max_level(Level::TRACE)
        .with_writer(writer)
        .finish()
        .with(filter.unwrap_or_else(|| Targets::new().with_default(DEFAULT)))
}

/// Everything that is known at an event, side by side. Of two fields of the same name, the inner one counts.
struct OneObject;

impl<S, N> FormatEvent<S, N> for OneObject
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        if let Some(spans) = context.event_scope() {
            for span in spans.from_root() {
                if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                    add(&mut line, &fields.fields);
                }
                line.insert("span".to_owned(), span.name().into());
            }
        }
        let mut fields = String::new();
        context.format_fields(Writer::new(&mut fields), event)?;
        add(&mut line, &fields);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let metadata = event.metadata();
        line.insert("timestamp".to_owned(), time.into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Adds fields, which are written as an object.
fn add(line: &mut Map<String, Value>, fields: &str) {
    if let Ok(Value::Object(fields)) = serde_json::from_str(fields) {
        line.extend(fields);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

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
            let _record = tracing::info_span!("sqs.record", sqs.message_id = "m1").entered();
            let job = tracing::info_span!("job.run", job.attempt = tracing::field::Empty);
            job.record("job.attempt", 2);
            let _job = job.entered();
            tracing::debug!(target: "aws_sigv4", "a signature");
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
    fn a_line_has_level_time_message_and_the_fields_of_all_spans() {
        let line = logged(&[]).swap_remove(0);
        assert_eq!(line["level"], "INFO");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(line["message"], "a message");
        assert_eq!(line["video.id"], "v1");
        assert_eq!(line["sqs.message_id"], "m1");
        assert_eq!(line["job.attempt"], 2);
        assert_eq!(line["span"], "job.run");
    }

    #[test]
    fn lambdas_level_goes_before_that_of_the_program() {
        assert_eq!(messages(&[]), ["a message", "an error"]);
        assert_eq!(messages(&[("RUST_LOG", "debug")]).len(), 4);
        for level in ["ERROR", "FATAL"] {
            let both = [("RUST_LOG", "debug"), ("AWS_LAMBDA_LOG_LEVEL", level)];
            assert_eq!(messages(&both), ["an error"]);
        }
    }

    #[test]
    fn details_are_ours_and_not_those_of_the_sdk() {
        for level in ["DEBUG", "TRACE"] {
            let told = messages(&[("AWS_LAMBDA_LOG_LEVEL", level)]);
            assert_eq!(told, ["a detail", "a message", "an error"], "{level}");
        }
    }
}
