//! `streamforge`: makes streams out of video files, here or on a server, and checks them.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::MultiProgress;

mod check;
mod client;
mod doctor;
mod exit;
mod interrupt;
mod logging;
mod package_dir;
mod report;
mod status;
mod transcode;
mod up;
mod upload;
mod watch;

/// The threads of a server hand each other what they allocate, for which glibc's allocator takes locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Run the whole service on this machine: uploads, encoding, delivery
    #[command(after_help = up::EXAMPLES)]
    Up(up::Args),
    /// Upload video files to the service and wait until they play
    #[command(after_help = upload::EXAMPLES)]
    Upload(upload::Args),
    /// List the newest videos of the service, or show one
    #[command(after_help = status::EXAMPLES)]
    Status(status::Args),
    /// Follow videos until they are ready
    #[command(after_help = watch::EXAMPLES)]
    Watch(watch::Args),
    /// Find out what keeps the service from working here, and how to mend it
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Args),
    /// Make a stream out of a video file, without the service
    #[command(after_help = transcode::EXAMPLES)]
    Transcode(transcode::Args),
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
    let command = Cli::parse().command;
    let bars = MultiProgress::new();
    if !matches!(command, Command::Up(_))
        && let Err(message) = logging::start_for_command(&bars)
    {
        report::error(&message);
        return ExitCode::from(exit::WRONG_USE);
    }
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Upload(args) => upload::run(args, bars).await,
        Command::Status(args) => status::run(args).await,
        Command::Watch(args) => watch::run(args, bars).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Transcode(args) => transcode::run(args, bars).await,
        Command::Check { target, json } => match check::run(target, json).await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(err) => {
                report::error(&format!("{err:#}"));
                ExitCode::from(exit::WRONG_USE)
            }
        },
    }
}
