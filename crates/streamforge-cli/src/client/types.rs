//! What goes to the API and comes from it. Fields that this version does not know are passed over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::plan::Job;
use streamforge_core::video::{Failure, VideoStatus, Visibility};

/// Announces a file.
#[derive(Debug, Serialize)]
pub(crate) struct NewUpload<'a> {
    pub(crate) file_name: &'a str,
    pub(crate) size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) visibility: Option<Visibility>,
    /// What finds an unfinished upload of the file again.
    pub(crate) fingerprint: &'a str,
}

/// An upload.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Upload {
    pub(crate) id: UploadId,
    pub(crate) video_id: VideoId,
    pub(crate) size_bytes: u64,
    pub(crate) part_size_bytes: u64,
    pub(crate) parts: u32,
    pub(crate) missing_parts: Vec<u32>,
}

/// A part and the CRC-32C of its bytes in base 64.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct PartChecksum<'a> {
    pub(crate) part_number: u32,
    pub(crate) checksum_crc32c: &'a str,
}

#[derive(Debug, Deserialize)]
pub(super) struct PartUrls {
    pub(super) part_urls: Vec<PartUrl>,
}

/// Where a part is to be sent. The URL is a secret: it is never printed.
#[derive(Deserialize)]
pub(crate) struct PartUrl {
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl std::fmt::Debug for PartUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartUrl").finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct VideoPage {
    pub(super) videos: Vec<Video>,
}

/// A video.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Video {
    pub(crate) id: VideoId,
    pub(crate) title: String,
    pub(crate) visibility: Visibility,
    pub(crate) status: VideoStatus,
    pub(crate) playable: bool,
    pub(crate) failure: Option<Failure>,
    pub(crate) progress: Option<Progress>,
    pub(crate) size_bytes: u64,
    pub(crate) duration_secs: Option<f64>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) playback_url: Option<String>,
    pub(crate) poster_url: Option<String>,
    pub(crate) created_at: String,
    pub(crate) ready_at: Option<String>,
}

/// How far a video is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Progress {
    /// 0 to 100.
    pub(crate) percent: f64,
    pub(crate) jobs_done: u32,
    /// Jobs in all.
    pub(crate) jobs: u32,
    pub(crate) rungs: Vec<RungProgress>,
    /// Seconds until it is done, once there is something to go by.
    pub(crate) eta_secs: Option<u64>,
    pub(crate) failing: Vec<FailingJob>,
}

/// How far one rung is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RungProgress {
    pub(crate) name: String,
    pub(crate) segments_done: u32,
    pub(crate) segments: u32,
}

/// A job that will be tried again.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct FailingJob {
    pub(crate) job: Job,
    pub(crate) attempts: u32,
    /// How the last attempt failed.
    pub(crate) error: String,
}

/// How the service is.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Health {
    pub(crate) version: String,
    pub(crate) interactive_waiting: u64,
    pub(crate) bulk_waiting: u64,
    pub(crate) in_flight: u64,
    pub(crate) dead_letters: u64,
}

/// Why the server says no ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Problem {
    /// `/problems/{code}`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: u16,
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) parts: Vec<u32>,
}

impl Problem {
    /// Whether a StreamForge server tells of it: other programs describe problems in this form too.
    pub(crate) fn is_ours(&self) -> bool {
        self.kind.starts_with("/problems/")
    }

    /// The last part of the type: what refusals have as their code.
    pub(crate) fn code(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
impl Video {
    /// One that waits.
    pub(crate) fn example() -> Self {
        Self {
            id: VideoId::from_random(1),
            title: "Holiday".to_owned(),
            visibility: Visibility::Unlisted,
            status: VideoStatus::Queued,
            playable: false,
            failure: None,
            progress: None,
            size_bytes: 25_000_000,
            duration_secs: None,
            width: None,
            height: None,
            playback_url: None,
            poster_url: None,
            created_at: "2026-11-21T06:22:02.125Z".to_owned(),
            ready_at: None,
        }
    }
}
