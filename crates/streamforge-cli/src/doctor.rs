//! `streamforge doctor`: what keeps the service from working, and the command that mends it.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use url::Url;

use crate::client::parse_server;
use crate::report::{answer, error};

mod disk;
mod ffmpeg;
mod ports;
mod server;

/// Shown under `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  streamforge doctor
  streamforge doctor --data /srv/videos --port 9000
  streamforge doctor --server https://videos.example

Without --server it looks at this machine, and at the service on --port if one
runs there. To see whether files can be sent, it announces one of a byte and
gives it up at once.

Exit code: 0 nothing is broken, 1 something is, 2 wrong use.";

/// Arguments of `streamforge doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of all data, as for `up`
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Port of the API and the streams, as for `up`
    #[arg(long, value_name = "PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..=65534))]
    port: u16,
    /// Look at this service only, http(s)://HOST:PORT
    #[arg(long, value_name = "URL", value_parser = parse_server, conflicts_with_all = ["data", "port"])]
    server: Option<Url>,
}

/// How something was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Good,
    /// It works, but not for everything or not for long.
    Poor,
    Broken,
}

/// What was found out about one thing.
#[derive(Clone, Debug)]
struct Finding {
    verdict: Verdict,
    what: String,
    /// What to do about it: a command, or words that lead to one.
    mend: Option<String>,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Good,
            what: what.into(),
            mend: None,
        }
    }

    fn poor(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Poor,
            what: what.into(),
            mend: Some(mend.into()),
        }
    }

    fn broken(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Broken,
            ..Self::poor(what, mend)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "good",
            Verdict::Poor => "poor",
            Verdict::Broken => "BROKEN",
        };
        write!(f, "{verdict:6}  {}", self.what)?;
        if let Some(mend) = &self.mend {
            write!(f, "\n{:8}mend it: {mend}", "")?;
        }
        Ok(())
    }
}

/// Runs the command to its exit code.
pub(crate) async fn run(args: Args) -> ExitCode {
    let mut report = Report::default();
    if let Some(server) = args.server {
        report.add(server::look(server).await);
    } else {
        report.add(ffmpeg::look().await);
        report.add(disk::look(&args.data));
        let (findings, server) = ports::look(args.port).await;
        report.add(findings);
        if let Some(server) = server {
            report.add(server::look(server).await);
        }
    }
    report.exit_code()
}

/// What was found so far. It is told at once: some things take their time.
#[derive(Default)]
struct Report {
    broken: bool,
    unsaid: bool,
}

impl Report {
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.broken |= finding.verdict == Verdict::Broken;
            self.unsaid |= answer(&format!("{finding}\n")).is_err();
        }
    }

    fn exit_code(&self) -> ExitCode {
        if self.unsaid {
            error("cannot write the report");
        }
        if self.broken || self.unsaid {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}
