//! Where the objects of one video live, relative to its folder, and how they are delivered.

use std::fmt;

use crate::settings::SegmentFormat;

/// Name of the audio track's folder; rungs have theirs, such as `720p`.
pub const AUDIO_TRACK: &str = "audio";

/// One object of a video. Its `Display` is its path under the video's folder.
///
/// Nothing a user typed is ever part of a path.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ObjectPath<'a> {
    /// `master.m3u8`
    MultivariantPlaylist,
    /// `manifest.mpd`
    DashManifest,
    /// `{track}/index.m3u8`
    MediaPlaylist(&'a str),
    /// `{track}/iframes.m3u8`
    IFramePlaylist(&'a str),
    /// `{track}/init.mp4`
    InitSegment(&'a str),
    /// `{track}/seg_00042.m4s` or `.ts`
    MediaSegment(&'a str, u32, SegmentFormat),
    /// `thumbs/poster.jpg`
    Poster,
    /// `storyboard/sheet_{chunk}.jpg`
    StoryboardSheet(u32),
    /// `storyboard/storyboard.vtt`
    StoryboardTrack,
}

impl fmt::Display for ObjectPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MultivariantPlaylist => f.write_str("master.m3u8"),
            Self::DashManifest => f.write_str("manifest.mpd"),
            Self::MediaPlaylist(track) => write!(f, "{track}/index.m3u8"),
            Self::IFramePlaylist(track) => write!(f, "{track}/iframes.m3u8"),
            Self::InitSegment(track) => write!(f, "{track}/init.mp4"),
            Self::MediaSegment(track, segment, format) => {
                write!(f, "{track}/{}", segment_name(*segment, *format))
            }
            Self::Poster => f.write_str("thumbs/poster.jpg"),
            Self::StoryboardSheet(chunk) => write!(f, "storyboard/{}", sheet_name(*chunk)),
            Self::StoryboardTrack => f.write_str("storyboard/storyboard.vtt"),
        }
    }
}

impl ObjectPath<'_> {
    /// MIME type (Apple 10.4; [RFC 8216 §4](https://www.rfc-editor.org/rfc/rfc8216#section-4)).
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::MultivariantPlaylist | Self::MediaPlaylist(_) | Self::IFramePlaylist(_) => {
                "application/vnd.apple.mpegurl"
            }
            Self::DashManifest => "application/dash+xml",
            Self::InitSegment(_) => "video/mp4",
            Self::MediaSegment(_, _, SegmentFormat::Cmaf) => "video/iso.segment",
            Self::MediaSegment(_, _, SegmentFormat::MpegTs) => "video/mp2t",
            Self::Poster | Self::StoryboardSheet(_) => "image/jpeg",
            Self::StoryboardTrack => "text/vtt",
        }
    }
}

impl ObjectPath<'_> {
    /// How long caches may keep it. What a job makes never changes; a playlist does until it is `complete`, and even then it is
    /// asked for again after a while, so that a removed video is soon gone everywhere.
    pub const fn cache_control(&self, complete: bool) -> &'static str {
        match self {
            Self::InitSegment(_) | Self::MediaSegment(..) | Self::StoryboardSheet(_) => {
                "public, max-age=31536000, immutable"
            }
            // A blank one may be replaced.
            Self::Poster => "public, max-age=60",
            Self::MultivariantPlaylist
            | Self::DashManifest
            | Self::MediaPlaylist(_)
            | Self::IFramePlaylist(_)
            | Self::StoryboardTrack => {
                if complete {
                    "public, max-age=300"
                } else {
                    "public, max-age=1"
                }
            }
        }
    }
}

/// `seg_00042.m4s`: the name of a segment in its track's folder.
pub fn segment_name(segment: u32, format: SegmentFormat) -> String {
    match format {
        SegmentFormat::Cmaf => format!("seg_{segment:05}.m4s"),
        SegmentFormat::MpegTs => format!("seg_{segment:05}.ts"),
    }
}

/// `sheet_3.jpg`: the name of a chunk's storyboard sheet in its folder.
pub fn sheet_name(chunk: u32) -> String {
    format!("sheet_{chunk}.jpg")
}
