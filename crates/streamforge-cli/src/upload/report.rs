//! What is said while a file is uploaded.

use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanDuration, ProgressBar};
use serde::Serialize;
use streamforge_core::id::{UploadId, VideoId};

use crate::client::types::Upload;
use crate::report::Console;

/// Least time between two events for programs.
const EVENT_INTERVAL: Duration = Duration::from_millis(500);

/// Least time between two lines for people who see no bar.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// An event, as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    /// The server knows the file.
    Announced {
        file: &'a str,
        upload_id: &'a UploadId,
        video_id: &'a VideoId,
        size_bytes: u64,
        parts: u32,
        /// Parts that an earlier run has sent.
        parts_there: usize,
    },
    /// Now and then.
    Uploading {
        file: &'a str,
        bytes: u64,
        bytes_total: u64,
        bytes_per_sec: u64,
        eta_secs: Option<u64>,
    },
    /// The server has the whole file, and has checked it.
    Uploaded {
        file: &'a str,
        video_id: &'a VideoId,
        parts_sent: usize,
        elapsed_secs: f64,
    },
    /// The file cannot become a stream.
    Refused {
        file: &'a str,
        code: &'a str,
        message: &'a str,
    },
    /// Something else went wrong.
    Failed { file: &'a str, message: &'a str },
}

/// Tells of one file.
pub(super) struct FileReporter<'a> {
    console: &'a Console,
    file: &'a str,
    bar: ProgressBar,
    started: Instant,
    told: Instant,
    total: u64,
    /// Bytes that were there at the start: they say nothing about our speed.
    before: u64,
}

impl<'a> FileReporter<'a> {
    pub(super) fn announced(
        console: &'a Console,
        file: &'a str,
        upload: &Upload,
        bytes_there: u64,
    ) -> Self {
        let parts_there = upload.parts as usize - upload.missing_parts.len();
        console.event(&Event::Announced {
            file,
            upload_id: &upload.id,
            video_id: &upload.video_id,
            size_bytes: upload.size_bytes,
            parts: upload.parts,
            parts_there,
        });
        let size = DecimalBytes(upload.size_bytes);
        if parts_there == 0 {
            console.say(&format!("{file}: uploading {size}"));
        } else {
            let there = DecimalBytes(bytes_there);
            console.say(&format!("{file}: going on, {there} of {size} are there"));
        }
        let bar = console.bar("{bar:30} {percent:>3} %  {msg}");
        bar.set_length(upload.size_bytes);
        Self {
            console,
            file,
            bar,
            started: Instant::now(),
            told: Instant::now(),
            total: upload.size_bytes,
            before: bytes_there,
        }
    }

    /// Tells that S3 has so many bytes.
    pub(super) fn progress(&mut self, bytes: u64) {
        let bytes = bytes.min(self.total);
        let elapsed = self.started.elapsed();
        let per_sec = per_sec(bytes.saturating_sub(self.before), elapsed);
        let eta_secs = (self.total - bytes).checked_div(per_sec);
        let left = eta_secs.map_or_else(String::new, |secs| {
            format!(", {:#} left", HumanDuration(Duration::from_secs(secs)))
        });
        let speed = DecimalBytes(per_sec);
        self.bar.set_position(bytes);
        self.bar
            .set_message(format!("{}, {speed}/s{left}", DecimalBytes(bytes)));

        if self.console.is_for_programs() && self.told.elapsed() >= EVENT_INTERVAL {
            self.told = Instant::now();
            self.console.event(&Event::Uploading {
                file: self.file,
                bytes,
                bytes_total: self.total,
                bytes_per_sec: per_sec,
                eta_secs,
            });
        } else if !self.console.shows_bars() && self.told.elapsed() >= LINE_INTERVAL {
            self.told = Instant::now();
            let percent = bytes * 100 / self.total.max(1);
            let file = self.file;
            self.console
                .say(&format!("{file}: {percent} % sent, {speed}/s{left}"));
        }
    }

    /// Tells that the server has the file.
    pub(super) fn uploaded(&self, upload: &Upload, parts_sent: usize) {
        let elapsed_secs = self.started.elapsed().as_secs_f64();
        self.done();
        self.console.say(&format!(
            "{}: uploaded in {elapsed_secs:.1} s, it is video {}",
            self.file, upload.video_id
        ));
        self.console.event(&Event::Uploaded {
            file: self.file,
            video_id: &upload.video_id,
            parts_sent,
            elapsed_secs,
        });
    }

    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

fn per_sec(bytes: u64, elapsed: Duration) -> u64 {
    let millis = elapsed.as_millis().max(1);
    u64::try_from(u128::from(bytes) * 1000 / millis).unwrap_or(u64::MAX)
}
