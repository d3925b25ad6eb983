//! `streamforge up`: the whole service on this machine.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use streamforge_local::node::{Node, NodeConfig};

use crate::report;
use crate::transcode::interrupted;

/// Shown under `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  streamforge up
  streamforge up --data /srv/videos --port 9000 --workers 4

It keeps everything under --data and goes on there when it is started again.
Ctrl-C stops it; what it was at is done after the next start.";

/// Arguments of `streamforge up`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of all data; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Port of the API and the streams; files are sent to the next one
    #[arg(long, value_name = "PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..=65534))]
    port: u16,
    /// Address to listen on; anybody who reaches it can upload, watch and delete
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Chunks to encode at a time that nobody waits for [default: half the processors, at least 2]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
}

/// Runs the command to its exit code.
pub(crate) async fn run(args: Args) -> ExitCode {
    let interrupted = interrupted();
    let mut config = NodeConfig {
        address: SocketAddr::new(args.host, args.port),
        s3_address: SocketAddr::new(args.host, args.port + 1),
        ..NodeConfig::new(args.data)
    };
    if let Some(workers) = args.workers {
        config.workers = usize::from(workers);
    }
    let data = config.data.clone();
    let node = match Node::start(config).await {
        Ok(node) => node,
        Err(err) => {
            report::error(&err.to_string());
            return ExitCode::FAILURE;
        }
    };
    let url = node.url();
    report::note(&format!(
        "StreamForge is up: {url}\n\
         Data is kept in {}. Ctrl-C stops it.",
        data.display()
    ));
    interrupted.await;
    report::note("stopping");
    node.shutdown().await;
    ExitCode::SUCCESS
}
