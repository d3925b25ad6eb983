//! Why a file cannot become a stream, said to the person who uploaded it.

use std::time::Duration;

use serde::Serialize;

/// A source is turned away for good: trying again cannot help, so nobody retries it.
///
/// The code is stable and for programs, the sentence is for the uploader.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Zero bytes, or a header and nothing after it.
    #[error("the file is empty: nothing was uploaded, or the recording never started")]
    Empty,
    /// The bytes are something else.
    #[error(
        "this is not a video file but {what}: upload the video itself (MP4, MOV, MKV, WebM, AVI, MPEG-TS and others work)"
    )]
    NotVideo {
        /// What the bytes look like, with its article: `a playlist`, `an image`.
        what: String,
    },
    /// A media file without moving pictures.
    #[error("the file holds {has} but no video track: there is nothing to show")]
    NoVideoTrack {
        /// What it holds instead: `only audio`, `only subtitles`.
        has: String,
    },
    /// A video file whose content cannot be read.
    #[error("the file is damaged or incomplete ({why}): export or upload it again")]
    Malformed {
        /// What could not be read.
        why: String,
    },
    /// Nothing here can decode it.
    #[error(
        "its {track} is in {codec}, which cannot be decoded: export it again as H.264 with AAC"
    )]
    UnsupportedCodec {
        /// `video` or `audio`.
        track: &'static str,
        /// The codec's name or four-character code.
        codec: String,
    },
    /// Protected by DRM.
    #[error("the file is encrypted (DRM): upload an unprotected copy")]
    Encrypted,
    /// More bytes than [`crate::limits::Limits::max_bytes`].
    #[error("the file has {:.1} GiB, the limit is {:.1} GiB", gib(*got), gib(*max))]
    TooLarge {
        /// Bytes of the source.
        got: u64,
        /// Bytes allowed.
        max: u64,
    },
    /// Longer than [`crate::limits::Limits::max_duration`].
    #[error("the video lasts {} minutes, the limit is {} minutes", got.as_secs() / 60, max.as_secs() / 60)]
    TooLong {
        /// Duration of the source.
        got: Duration,
        /// Duration allowed.
        max: Duration,
    },
    /// Larger pictures than [`crate::limits::Limits::max_pixels`].
    #[error("its pictures are {width}×{height}, the limit is {max} pixels: export it smaller")]
    TooManyPixels {
        /// Coded width.
        width: u32,
        /// Coded height.
        height: u32,
        /// Pixels allowed.
        max: u64,
    },
}

impl Refusal {
    /// The stable code, part of every API that reports a refusal.
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Empty => RefusalCode::Empty,
            Self::NotVideo { .. } => RefusalCode::NotVideo,
            Self::NoVideoTrack { .. } => RefusalCode::NoVideoTrack,
            Self::Malformed { .. } => RefusalCode::Malformed,
            Self::UnsupportedCodec { .. } => RefusalCode::UnsupportedCodec,
            Self::Encrypted => RefusalCode::Encrypted,
            Self::TooLarge { .. } => RefusalCode::TooLarge,
            Self::TooLong { .. } => RefusalCode::TooLong,
            Self::TooManyPixels { .. } => RefusalCode::TooManyPixels,
        }
    }
}

/// The stable name of a [`Refusal`]; serialized in `snake_case`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the refusal of the same name")]
pub enum RefusalCode {
    Empty,
    NotVideo,
    NoVideoTrack,
    Malformed,
    UnsupportedCodec,
    Encrypted,
    TooLarge,
    TooLong,
    TooManyPixels,
}

impl RefusalCode {
    /// Every code.
    pub const ALL: [Self; 9] = [
        Self::Empty,
        Self::NotVideo,
        Self::NoVideoTrack,
        Self::Malformed,
        Self::UnsupportedCodec,
        Self::Encrypted,
        Self::TooLarge,
        Self::TooLong,
        Self::TooManyPixels,
    ];
}

#[expect(clippy::cast_precision_loss, reason = "a size, for people")]
fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}
