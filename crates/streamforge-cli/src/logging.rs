//! What the libraries tell of their work: lines on standard error, for whoever runs the program.

use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Chooses what is told, in the words of
/// [`EnvFilter`](https://docs.rs/tracing-subscriber/0.3/tracing_subscriber/filter/struct.EnvFilter.html).
const VARIABLE: &str = "STREAMFORGE_LOG";

/// What a command tells by itself.
const OF_COMMANDS: &str = "warn";

/// What the service tells by itself: what goes wrong with requests and jobs, and of the rest its own work. The libraries below take for worth a warning what is everyday here: a condition
/// that does not hold, an object sent in parts, a request without a signature.
const OF_THE_SERVICE: &str =
    "error,s3s=off,streamforge=info,streamforge_api=warn,streamforge_worker=warn";

/// How a line looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Starts to tell what a command does, past its progress bars.
///
/// # Errors
/// `STREAMFORGE_LOG` holds something else than a filter.
pub(crate) fn start_for_command(bars: &MultiProgress) -> Result<(), String> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(OF_COMMANDS)?)
        .with_writer(PastBars(bars.clone()))
        .with_ansi(is_coloured());
    lines.without_time().with_target(false).init();
    Ok(())
}

/// Starts to tell what the service does.
///
/// # Errors
/// `STREAMFORGE_LOG` holds something else than a filter.
pub(crate) fn start_for_service(format: LogFormat) -> Result<(), String> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(OF_THE_SERVICE)?)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(is_coloured()).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}

fn filter(otherwise: &str) -> Result<EnvFilter, String> {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    let wanted = if wanted.is_empty() {
        otherwise
    } else {
        &wanted
    };
    EnvFilter::try_new(wanted).map_err(|err| {
        format!("{VARIABLE} holds \"{wanted}\", which is no filter ({err}): write for example {VARIABLE}=debug")
    })
}

/// Colours are for terminals, and for those who did not ask for none (<https://no-color.org>).
fn is_coloured() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stderr().is_terminal()
}

/// Standard error, with the bars on it taken away while something is written.
struct PastBars(MultiProgress);

impl MakeWriter<'_> for PastBars {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Write for PastBars {
    /// Lines come whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
