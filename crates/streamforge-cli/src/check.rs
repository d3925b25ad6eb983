//! `streamforge check`: holds a package, in a folder or on a server, against the rules of HLS.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use folder::Folder;
use server::Server;
use streamforge_hls::check::{Fetch, Report, check};
use url::Url;

use crate::report;

mod folder;
mod server;

/// The largest resource that is read into memory. Segments are a few megabytes; a whole video in one
/// file is named by byte ranges.
const RESOURCE_LIMIT_BYTES: u64 = 256 << 20;

/// What a package's folder is searched for.
const MULTIVARIANT_PLAYLIST: &str = "master.m3u8";

/// Checks `target`, the folder of a package, the path of a playlist, or an http(s) URL, and prints the
/// report. Returns whether no MUST is broken.
///
/// # Errors
///
/// When there is nothing to check at `target`, or the report cannot be written.
pub(crate) async fn run(target: OsString, json: bool) -> anyhow::Result<bool> {
    let is_url = |target: &&str| target.starts_with("http://") || target.starts_with("https://");
    let url = target
        .to_str()
        .filter(is_url)
        .and_then(|target| Url::parse(target).ok());
    let report = match url {
        Some(url) => check_url(url).await?,
        None => check_path(target.into()).await?,
    };
    print(&report, json).context("cannot write the report")?;
    Ok(report.passed())
}

async fn check_url(url: Url) -> anyhow::Result<Report> {
    let playlist = url.to_string();
    let server = Server::new(url)?;
    // Checking is one long computation that waits for the server now and then.
    tokio::task::spawn_blocking(move || check_with(&playlist, server)).await?
}

async fn check_path(path: PathBuf) -> anyhow::Result<Report> {
    let is_folder = path.is_dir();
    let file = if is_folder {
        path.join(MULTIVARIANT_PLAYLIST)
    } else {
        path
    };
    if !file.is_file() {
        bail!("there is no playlist at {}", file.display());
    }
    let (folder, playlist) = Folder::of_playlist(Path::new(&file))?;
    tokio::task::spawn_blocking(move || check_with(&playlist, folder)).await?
}

/// A way to get resources that knows whether it ever could.
trait Source: Fetch {
    /// Whether any resource was read.
    fn has_read(&self) -> bool;
}

fn check_with(playlist: &str, mut source: impl Source) -> anyhow::Result<Report> {
    let report = check(playlist, &mut source);
    if !source.has_read() {
        let reason = report
            .findings
            .first()
            .map(|finding| finding.message.as_str());
        bail!("cannot read {}", reason.unwrap_or(playlist));
    }
    Ok(report)
}

fn print(report: &Report, json: bool) -> io::Result<()> {
    let text = if json {
        serde_json::to_string_pretty(report)? + "\n"
    } else {
        report.to_string()
    };
    report::answer(&text)
}
