//! `streamforge up`: the whole service on this machine.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use streamforge_local::node::{Node, NodeConfig, NodeError};
use url::Url;

use crate::client::parse_server;
use crate::exit::WRONG_USE;
use crate::interrupt::interrupted;
use crate::logging::{self, LogFormat};
use crate::report;

/// Shown under `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  streamforge up
  streamforge up --data /srv/videos --port 9000 --workers 4
  streamforge up --host 0.0.0.0 --public-url http://192.168.1.5:8080
  streamforge up --ready-source-retention-secs 0
  STREAMFORGE_LOG=warn streamforge up --log-format json

It keeps everything under --data and goes on there when it is started again.
Ctrl-C stops it; what it was at is done after the next start.

STREAMFORGE_LOG chooses what is logged: error, warn, info, debug, trace, off, or
one of these for a part of the program, as in warn,streamforge_worker=debug.";

/// An address of which only the route is asked for: kept for documentation, nobody has it (RFC 5737).
const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// A hundred years: points in time are recorded with 13 digits.
const LONGEST_RETENTION_SECS: u64 = 100 * 365 * 24 * 60 * 60;

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
    /// What clients reach --host and --port by, http(s)://HOST:PORT, when it is not just these. By no other name are requests answered
    #[arg(long, value_name = "URL", value_parser = parse_server)]
    public_url: Option<Url>,
    /// What clients reach the port of files by, when it is not the one after --port on the host of --public-url
    #[arg(long, value_name = "URL", value_parser = parse_server)]
    public_files_url: Option<Url>,
    /// Chunks to encode at a time that nobody waits for [default: half the processors, at least 2]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// How long the uploaded file is kept once its stream is ready [default: 86400, a day]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=LONGEST_RETENTION_SECS))]
    ready_source_retention_secs: Option<u64>,
    /// How long the uploaded file of a video is kept that failed and may be tried again [default: 604800, a week]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=LONGEST_RETENTION_SECS))]
    failed_source_retention_secs: Option<u64>,
    /// How to write the log, which goes to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

impl Args {
    /// What files are sent to, unless it is just the address.
    ///
    /// # Errors
    /// Nobody can be told where to send files.
    fn public_s3_url(&self) -> Result<Option<String>, String> {
        if let Some(url) = &self.public_files_url {
            return Ok(Some(origin(url)));
        }
        if let Some(url) = &self.public_url {
            let mut url = url.clone();
            if url.set_port(Some(self.port + 1)).is_err() {
                return Err("--public-url has no host".to_owned());
            }
            return Ok(Some(origin(&url)));
        }
        if self.host.is_unspecified() {
            let (host, port) = (self.host, self.port);
            let own = own_address().map_or_else(|| "ADDRESS".to_owned(), |own| own.to_string());
            return Err(format!(
                "--host {host} listens on all addresses of this machine, but whoever uploads must be told one of them: \
                 add --public-url http://{own}:{port}, or what others reach this machine by"
            ));
        }
        Ok(None)
    }
}

/// Runs the command to its exit code.
pub(crate) async fn run(args: Args) -> ExitCode {
    let mut interrupted = pin!(interrupted());
    let public_s3_url = match args.public_s3_url() {
        Ok(url) => url,
        Err(message) => return wrong_use(&message),
    };
    if let Err(message) = logging::start_for_service(args.log_format) {
        return wrong_use(&message);
    }
    let mut config = NodeConfig {
        address: SocketAddr::new(args.host, args.port),
        s3_address: SocketAddr::new(args.host, args.port + 1),
        public_url: args.public_url.as_ref().map(origin),
        public_s3_url,
        ..NodeConfig::new(args.data)
    };
    if let Some(workers) = args.workers {
        config.workers = usize::from(workers);
    }
    if let Some(secs) = args.ready_source_retention_secs {
        config.retention.ready_source = Duration::from_secs(secs);
    }
    if let Some(secs) = args.failed_source_retention_secs {
        config.retention.failed_source = Duration::from_secs(secs);
    }
    let data = config.data.clone();
    let started = tokio::select! {
        started = Box::pin(Node::start(config)) => started,
        // What was begun is as after a crash, which does no harm.
        () = &mut interrupted => return ExitCode::SUCCESS,
    };
    let node = match started {
        Ok(node) => node,
        Err(err) => {
            report::error(&with_advice(&err, args.port));
            return ExitCode::FAILURE;
        }
    };
    let url = match &args.public_url {
        Some(url) => origin(url),
        None => node.url(),
    };
    let data = data.display();
    match args.log_format {
        LogFormat::Text => report::note(&format!(
            "StreamForge is up: {url}\nData is kept in {data}. Ctrl-C stops it."
        )),
        LogFormat::Json => tracing::info!(url, %data, "StreamForge is up: {url}"),
    }
    interrupted.await;
    match args.log_format {
        LogFormat::Text => report::note("stopping"),
        LogFormat::Json => tracing::info!("stopping"),
    }
    tokio::select! {
        () = node.shutdown() => {}
        // Who asks twice does not want to wait.
        () = crate::interrupt::interrupted() => {}
    }
    ExitCode::SUCCESS
}

/// A URL as browsers name its site: without a path, and without the port that everybody knows.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn wrong_use(message: &str) -> ExitCode {
    report::error(message);
    ExitCode::from(WRONG_USE)
}

/// What went wrong, and what to do about a port that is taken.
fn with_advice(err: &NodeError, port: u16) -> String {
    match err {
        NodeError::Listen { address, source } if source.kind() == ErrorKind::AddrInUse => {
            let taken = address.port();
            let other = if port < 60_000 { port + 1000 } else { 8080 };
            format!(
                "port {taken} is in use by another program, perhaps by another `streamforge up`: \
                 stop that one or choose another port, such as --port {other}"
            )
        }
        _ => err.to_string(),
    }
}

/// The address by which this machine reaches others, and so perhaps by which they reach it. Nothing is sent to find out.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified() && !address.is_loopback()).then_some(address)
}
