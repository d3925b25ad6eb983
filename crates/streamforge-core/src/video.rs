//! The record of one video: its states, and what everyone may know of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{UploadId, VideoId};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Timestamp;

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// Where a video is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoStatus {
    /// Its file is on the way.
    Uploading,
    /// Its file is there; nobody has looked at it yet.
    Queued,
    /// It is planned, and its jobs run.
    Processing,
    /// Its whole stream is there, and was read back.
    Ready,
    /// It did not become a stream, or not all of it; [`Failure`] says why.
    Failed,
    /// It is being removed.
    Deleting,
}

impl VideoStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Uploading,
        Self::Queued,
        Self::Processing,
        Self::Ready,
        Self::Failed,
        Self::Deleting,
    ];

    /// Whether a video may move from `self` to `next`. Messages come at least once, so repeating a step is legal and harmless; a
    /// failed video is queued or processed again when its owner retries it.
    pub const fn can_become(self, next: Self) -> bool {
        use VideoStatus::{Deleting, Failed, Processing, Queued, Ready, Uploading};
        matches!(
            (self, next),
            (Uploading, Queued | Failed)
                | (Queued | Failed, Queued | Processing | Failed)
                | (Processing, Processing | Ready | Failed)
                | (Ready, Ready)
                | (_, Deleting)
        )
    }

    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
        }
    }
}

/// Who finds a video. Who has its link can watch it either way.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Only who has the link.
    #[default]
    Unlisted,
    /// It may be shown in public lists.
    Public,
}

/// Why a video failed: a stable code for programs, a sentence for its uploader.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// A [`RefusalCode`], [`Failure::ENCODING_FAILED`] or [`Failure::UPLOAD_INCOMPLETE`].
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// Whether trying again can help.
    pub retryable: bool,
}

impl Failure {
    /// Attempts of a job ran out.
    pub const ENCODING_FAILED: &str = "encoding_failed";

    /// What arrived is not as large as what was announced.
    pub const UPLOAD_INCOMPLETE: &str = "upload_incomplete";
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        Self {
            code: refusal.code().as_str().to_owned(),
            message: refusal.to_string(),
            retryable: false,
        }
    }
}

/// The stable record of a video. What changes every second, the progress of its jobs, is kept apart.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// Its id.
    pub id: VideoId,
    /// Whose it is.
    pub owner: String,
    /// The upload it came by.
    pub upload: UploadId,
    /// What it is called; at first its file's name without the extension.
    pub title: String,
    /// Who finds it.
    pub visibility: Visibility,
    /// Where it is.
    pub status: VideoStatus,
    /// Whether its stream plays from the start, perhaps not yet to its end.
    #[serde(default)]
    pub playable: bool,
    /// Why it failed, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Size of its file.
    pub size_bytes: u64,
    /// Length of the stream, once planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// Size of the pictures as shown (width, height), once planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_size: Option<(u32, u32)>,
    /// Whether its file is still kept.
    #[serde(default)]
    pub has_source: bool,
    /// Whether a poster that shows something is published.
    #[serde(default)]
    pub has_poster: bool,
    /// Counts its changes: a larger one is newer.
    pub revision: u64,
    /// When its upload was announced.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it was queued last: its file was there, or its owner tried it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When it became ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
}

/// What a video is called that came as `file_name`: the last part of the path, without its extension and without control characters.
pub fn title_of(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 5 => stem,
        _ => name,
    };
    let title: String = stem
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_TITLE_CHARS)
        .collect();
    let title = title.trim();
    if title.is_empty() {
        "Untitled".to_owned()
    } else {
        title.to_owned()
    }
}

impl RefusalCode {
    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotVideo => "not_video",
            Self::NoVideoTrack => "no_video_track",
            Self::Malformed => "malformed",
            Self::UnsupportedCodec => "unsupported_codec",
            Self::Encrypted => "encrypted",
            Self::TooLarge => "too_large",
            Self::TooLong => "too_long",
            Self::TooManyPixels => "too_many_pixels",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_goes_forward_and_only_a_failed_one_comes_back() {
        use VideoStatus::{Deleting, Failed, Processing, Queued, Ready, Uploading};
        let back: Vec<_> = VideoStatus::ALL
            .iter()
            .flat_map(|from| VideoStatus::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.can_become(*to))
            .filter(|(from, to)| {
                let place = |status: &VideoStatus| {
                    VideoStatus::ALL.iter().position(|s| s == status).unwrap()
                };
                place(to) < place(from)
            })
            .collect();
        assert_eq!(back, [(Failed, Queued), (Failed, Processing)]);
        assert!(!Ready.can_become(Processing) && !Ready.can_become(Failed));
        assert!(!Deleting.can_become(Ready) && !Uploading.can_become(Processing));
    }

    #[test]
    fn stored_words_are_the_serialized_ones() {
        for status in VideoStatus::ALL {
            assert_eq!(
                serde_json::to_value(status).unwrap(),
                serde_json::Value::from(status.as_str())
            );
        }
        for code in [RefusalCode::NoVideoTrack, RefusalCode::TooManyPixels] {
            assert_eq!(
                serde_json::to_value(code).unwrap(),
                serde_json::Value::from(code.as_str())
            );
        }
    }

    #[test]
    fn titles_come_from_names_of_every_shape() {
        for (name, title) in [
            ("Holiday in Åre.MOV", "Holiday in Åre"),
            ("C:\\Users\\me\\clip.final.mp4", "clip.final"),
            ("/tmp/no extension", "no extension"),
            (".mp4", ".mp4"),
            ("", "Untitled"),
            ("a\u{0}b\n.mkv", "ab"),
            (
                "Mr. Smith goes to Washington",
                "Mr. Smith goes to Washington",
            ),
        ] {
            assert_eq!(title_of(name), title, "{name:?}");
        }
    }
}
