//! `streamforge`: makes streams out of video files, and checks them.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod package_dir;
mod report;
mod transcode;
mod up;

/// Turns any video file into one adaptive HLS and DASH stream.
#[derive(Debug, Parser)]
#[command(
    name = "streamforge",
    version,
    about,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a stream out of a video file
    #[command(after_help = transcode::EXAMPLES)]
    Transcode(transcode::Args),
    /// Run the whole service on this machine: uploads, encoding, delivery
    #[command(after_help = up::EXAMPLES)]
    Up(up::Args),
    /// Check a stream against Apple's HLS authoring rules and RFC 8216
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// Folder of the package, path of its multivariant playlist, or its http(s) URL
        target: OsString,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
}

const CHECK_EXAMPLES: &str = "\
Examples:
  streamforge check out/film
  streamforge check https://example.com/v/4XK9/master.m3u8
  streamforge check out/film --json | jq '.findings[] | select(.verdict == \"fail\")'

Exit code: 0 when no MUST is broken, 1 when one is, 2 when it cannot be checked.";

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Transcode(args) => transcode::run(args).await,
        Command::Up(args) => up::run(args).await,
        Command::Check { target, json } => match check::run(target, json).await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(err) => {
                report::error(&format!("{err:#}"));
                ExitCode::from(2)
            }
        },
    }
}
