//! The formats of HTTP streaming as values: playlists and manifests to write, segments to read.
//!
//! The crate is pure: bytes and text go in, values and text come out. It does no I/O, starts no
//! process, reads no clock, and knows nothing of ladders, jobs or storage.
//!
//! Layout:
//!
//! * Writing, each type as its [`Display`](std::fmt::Display): [`media_playlist`] and
//!   [`multivariant`] (HLS, RFC 8216), [`dash`] (an MPD over the same CMAF segments), [`webvtt`]
//!   (the storyboard track).
//! * Reading: [`isobmff`] (init segments and fragments of CMAF) and [`mpegts`] (segments of
//!   MPEG-2 transport streams, and the [`Segmenter`](mpegts::Segmenter) that cuts them). What they
//!   read may come from anywhere: they never panic and never allocate by a size found in a file.
//! * Judging: [`check`] holds a whole package, ours or not, against the rules of HLS.
//!
//! ```
//! use streamforge_hls::media_playlist::{MediaPlaylist, MediaSegment, PlaylistType, Ticks};
//!
//! let playlist = MediaPlaylist {
//!     playlist_type: PlaylistType::Vod,
//!     target_duration_secs: 4,
//!     map_uri: Some("init.mp4".to_owned()),
//!     i_frames_only: false,
//!     ended: true,
//!     segments: vec![MediaSegment {
//!         uri: "seg_00000.m4s".to_owned(),
//!         duration: Ticks { ticks: 120_120, timescale: 30_000 },
//!         byte_range: None,
//!     }],
//! };
//! assert!(playlist.to_string().contains("#EXTINF:4.004000,\nseg_00000.m4s\n"));
//! ```

mod attribute;
pub mod check;
pub mod dash;
mod h264;
pub mod isobmff;
pub mod media_playlist;
pub mod mpegts;
pub mod multivariant;
pub mod webvtt;
