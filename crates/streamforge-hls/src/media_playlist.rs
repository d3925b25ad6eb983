//! Media playlists: the segments of one variant stream or rendition, in order
//! ([RFC 8216 §4.3.2 and §4.3.3](https://www.rfc-editor.org/rfc/rfc8216#section-4.3.2)).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::attribute::QuotedString;

/// One media playlist; its [`Display`](fmt::Display) is the whole `.m3u8` file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaPlaylist {
    /// Whether the playlist may still grow.
    pub playlist_type: PlaylistType,
    /// `EXT-X-TARGETDURATION` in seconds: no segment's duration, rounded to the nearest second, may
    /// be longer, and the value may not change while the playlist grows.
    pub target_duration_secs: u32,
    /// URI of the init segment (`EXT-X-MAP`) of fMP4 segments; `None` for MPEG-TS.
    pub map_uri: Option<String>,
    /// Whether each entry is a single I-frame, for trick play (`EXT-X-I-FRAMES-ONLY`).
    pub i_frames_only: bool,
    /// Whether the last segment is there (`EXT-X-ENDLIST`).
    pub ended: bool,
    /// The segments, the first with media sequence number 0: a growing playlist only appends.
    pub segments: Vec<MediaSegment>,
}

/// `EXT-X-PLAYLIST-TYPE` ([RFC 8216 §4.3.3.5](https://www.rfc-editor.org/rfc/rfc8216#section-4.3.3.5)).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlaylistType {
    /// Segments may be added at the end, nothing else may change.
    Event,
    /// Nothing may change.
    Vod,
}

/// One segment of a [`MediaPlaylist`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct MediaSegment {
    /// Where the segment is, relative to the playlist, as one URI without line breaks.
    pub uri: String,
    /// Its duration (`EXTINF`).
    pub duration: Ticks,
    /// The part of the resource at `uri` that is the segment; `None` for all of it.
    pub byte_range: Option<ByteRange>,
}

/// A run of bytes of a resource (`EXT-X-BYTERANGE`).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ByteRange {
    /// How many bytes.
    pub length: u64,
    /// Where the first one is.
    pub offset: u64,
}

/// A time or a duration as a count of `1 / timescale` seconds, the way the boxes carry it.
///
/// Its [`Display`](fmt::Display) is seconds with six decimals. Rounding is done in integers, to the
/// nearest and half up, so sums of thousands of segments do not drift.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Ticks {
    /// How many ticks.
    pub ticks: u64,
    /// Ticks in a second. Zero, which no valid file has, counts as one.
    pub timescale: u32,
}

impl Ticks {
    /// The same time as a count of `1 / timescale` seconds, rounded to the nearest and half up;
    /// `u64::MAX` where it does not fit.
    pub fn rescaled(self, timescale: u32) -> u64 {
        let from = u128::from(self.timescale.max(1));
        let scaled = u128::from(self.ticks) * u128::from(timescale);
        u64::try_from((scaled + from / 2) / from).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.rescaled(1_000_000);
        write!(f, "{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

impl MediaPlaylist {
    /// The lowest protocol version that allows the tags used
    /// ([RFC 8216 §7](https://www.rfc-editor.org/rfc/rfc8216#section-7)), but 7 for fMP4, which is
    /// what players that know fMP4 are tested with.
    fn version(&self) -> u32 {
        let has_byte_ranges = self.segments.iter().any(|s| s.byte_range.is_some());
        if self.map_uri.is_some() {
            7
        } else if self.i_frames_only || has_byte_ranges {
            4
        } else {
            3
        }
    }
}

impl fmt::Display for MediaPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "#EXTM3U")?;
        writeln!(f, "#EXT-X-VERSION:{}", self.version())?;
        writeln!(f, "#EXT-X-TARGETDURATION:{}", self.target_duration_secs)?;
        writeln!(f, "#EXT-X-MEDIA-SEQUENCE:0")?;
        writeln!(f, "#EXT-X-PLAYLIST-TYPE:{}", self.playlist_type)?;
        if self.playlist_type == PlaylistType::Event && !self.ended {
            // Without it players take a growing playlist for a live one and start near its end.
            writeln!(f, "#EXT-X-START:TIME-OFFSET=0")?;
        }
        if self.i_frames_only {
            writeln!(f, "#EXT-X-I-FRAMES-ONLY")?;
        }
        if let Some(uri) = &self.map_uri {
            writeln!(f, "#EXT-X-MAP:URI={}", QuotedString(uri))?;
        }
        self.segments
            .iter()
            .try_for_each(|segment| segment.fmt(f))?;
        if self.ended {
            writeln!(f, "#EXT-X-ENDLIST")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlaylistType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "EVENT",
            Self::Vod => "VOD",
        })
    }
}

/// The lines of one segment ([RFC 8216 §4.3.2](https://www.rfc-editor.org/rfc/rfc8216#section-4.3.2)).
impl fmt::Display for MediaSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "#EXTINF:{},", self.duration)?;
        if let Some(ByteRange { length, offset }) = self.byte_range {
            writeln!(f, "#EXT-X-BYTERANGE:{length}@{offset}")?;
        }
        writeln!(f, "{}", self.uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(number: u32, ticks: u64) -> MediaSegment {
        MediaSegment {
            uri: format!("seg_{number:05}.m4s"),
            duration: Ticks {
                ticks,
                timescale: 30_000,
            },
            byte_range: None,
        }
    }

    fn playlist(playlist_type: PlaylistType, ended: bool) -> MediaPlaylist {
        MediaPlaylist {
            playlist_type,
            target_duration_secs: 4,
            map_uri: Some("init.mp4".to_owned()),
            i_frames_only: false,
            ended,
            segments: vec![segment(0, 120_120), segment(1, 50_050)],
        }
    }

    #[test]
    fn vod_playlist_of_fmp4_segments_has_a_map_and_an_end() {
        insta::assert_snapshot!(playlist(PlaylistType::Vod, true), @r#"
        #EXTM3U
        #EXT-X-VERSION:7
        #EXT-X-TARGETDURATION:4
        #EXT-X-MEDIA-SEQUENCE:0
        #EXT-X-PLAYLIST-TYPE:VOD
        #EXT-X-MAP:URI="init.mp4"
        #EXTINF:4.004000,
        seg_00000.m4s
        #EXTINF:1.668333,
        seg_00001.m4s
        #EXT-X-ENDLIST
        "#);
    }

    #[test]
    fn growing_event_playlist_starts_at_zero_and_has_no_end() {
        insta::assert_snapshot!(playlist(PlaylistType::Event, false), @r#"
        #EXTM3U
        #EXT-X-VERSION:7
        #EXT-X-TARGETDURATION:4
        #EXT-X-MEDIA-SEQUENCE:0
        #EXT-X-PLAYLIST-TYPE:EVENT
        #EXT-X-START:TIME-OFFSET=0
        #EXT-X-MAP:URI="init.mp4"
        #EXTINF:4.004000,
        seg_00000.m4s
        #EXTINF:1.668333,
        seg_00001.m4s
        "#);
    }

    #[test]
    fn ended_event_playlist_needs_no_start() {
        let text = playlist(PlaylistType::Event, true).to_string();
        assert!(!text.contains("EXT-X-START"));
        assert!(text.ends_with("#EXT-X-ENDLIST\n"));
    }

    #[test]
    fn i_frame_playlist_of_a_transport_stream_names_byte_ranges() {
        let mut playlist = playlist(PlaylistType::Vod, true);
        playlist.map_uri = None;
        playlist.i_frames_only = true;
        for segment in &mut playlist.segments {
            segment.byte_range = Some(ByteRange {
                length: 18_800,
                offset: 0,
            });
        }
        insta::assert_snapshot!(playlist, @"
        #EXTM3U
        #EXT-X-VERSION:4
        #EXT-X-TARGETDURATION:4
        #EXT-X-MEDIA-SEQUENCE:0
        #EXT-X-PLAYLIST-TYPE:VOD
        #EXT-X-I-FRAMES-ONLY
        #EXTINF:4.004000,
        #EXT-X-BYTERANGE:18800@0
        seg_00000.m4s
        #EXTINF:1.668333,
        #EXT-X-BYTERANGE:18800@0
        seg_00001.m4s
        #EXT-X-ENDLIST
        ");
    }

    #[test]
    fn transport_stream_playlist_needs_only_version_3() {
        let mut playlist = playlist(PlaylistType::Vod, true);
        playlist.map_uri = None;
        assert!(playlist.to_string().contains("#EXT-X-VERSION:3\n"));
    }

    #[test]
    fn ticks_round_half_up_and_never_fail() {
        let seconds = |ticks, timescale| Ticks { ticks, timescale }.to_string();
        assert_eq!(seconds(1, 2_000_000), "0.000001");
        assert_eq!(seconds(1, 2_000_001), "0.000000");
        assert_eq!(seconds(2_999_999_999, 1_000_000_000), "3.000000");
        assert_eq!(seconds(7, 0), "7.000000");
        assert_eq!(
            Ticks {
                ticks: u64::MAX,
                timescale: 1
            }
            .rescaled(2),
            u64::MAX
        );
    }

    proptest! {
        #[test]
        fn every_segment_is_one_extinf_and_one_uri_in_order(
            ticks in prop::collection::vec(1_u64..10_000_000, 0..50),
        ) {
            let mut playlist = playlist(PlaylistType::Event, false);
            playlist.segments = (0..).zip(&ticks).map(|(n, t)| segment(n, *t)).collect();
            let text = playlist.to_string();
            let uris: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            let expected: Vec<String> = playlist.segments.iter().map(|s| s.uri.clone()).collect();
            prop_assert_eq!(uris, expected);
            prop_assert_eq!(text.matches("#EXTINF:").count(), ticks.len());
        }

        #[test]
        fn a_growing_playlist_only_appends(grown in 0_usize..20, more in 1_usize..20) {
            let with = |count: usize| {
                let mut playlist = playlist(PlaylistType::Event, false);
                playlist.segments = (0..).take(count).map(|n| segment(n, 120_120)).collect();
                playlist.to_string()
            };
            prop_assert!(with(grown + more).starts_with(&with(grown)));
        }
    }
}
