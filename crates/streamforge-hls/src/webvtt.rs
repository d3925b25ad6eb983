//! The storyboard track: a [WebVTT](https://www.w3.org/TR/webvtt1/) file whose cues name the part of
//! a picture that shows a stretch of the video, for previews while seeking.

use std::fmt;

use crate::media_playlist::Ticks;

/// A storyboard track; its [`Display`](fmt::Display) is the whole `.vtt` file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StoryboardTrack {
    /// The cues by start time.
    pub cues: Vec<StoryboardCue>,
}

/// One cue: the tile to show for the time from `start` to `end`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoryboardCue {
    /// When the tile's stretch of the video starts.
    pub start: Ticks,
    /// When it ends.
    pub end: Ticks,
    /// The picture that holds the tile, relative to the track, without a fragment.
    pub uri: String,
    /// Left edge of the tile in pixels.
    pub x: u32,
    /// Top edge of the tile in pixels.
    pub y: u32,
    /// Width of the tile in pixels.
    pub w: u32,
    /// Height of the tile in pixels.
    pub h: u32,
}

impl fmt::Display for StoryboardTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "WEBVTT")?;
        self.cues.iter().try_for_each(|cue| cue.fmt(f))
    }
}

/// The tile is a [spatial media fragment](https://www.w3.org/TR/media-frags/#naming-space).
impl fmt::Display for StoryboardCue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            start,
            end,
            uri,
            x,
            y,
            w,
            h,
        } = self;
        let (start, end) = (Timestamp(*start), Timestamp(*end));
        writeln!(f, "\n{start} --> {end}\n{uri}#xywh={x},{y},{w},{h}")
    }
}

/// A time as `hours:minutes:seconds.milliseconds`; the hours have two digits or more.
struct Timestamp(Ticks);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.rescaled(1000);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cue_names_its_tile_of_the_sheet() {
        let cue = |start, uri: &str, x| StoryboardCue {
            start: Ticks {
                ticks: start,
                timescale: 30_000,
            },
            end: Ticks {
                ticks: start + 120_120,
                timescale: 30_000,
            },
            uri: uri.to_owned(),
            x,
            y: 0,
            w: 160,
            h: 90,
        };
        let track = StoryboardTrack {
            cues: vec![cue(0, "sheet_0.jpg", 0), cue(120_120, "sheet_0.jpg", 160)],
        };
        insta::assert_snapshot!(track, @"
        WEBVTT

        00:00:00.000 --> 00:00:04.004
        sheet_0.jpg#xywh=0,0,160,90

        00:00:04.004 --> 00:00:08.008
        sheet_0.jpg#xywh=160,0,160,90
        ");
    }

    #[test]
    fn timestamps_carry_into_minutes_and_hours() {
        let text = |ticks, timescale| Timestamp(Ticks { ticks, timescale }).to_string();
        assert_eq!(text(59_999_600, 1_000_000), "00:01:00.000");
        assert_eq!(text(100 * 3600 + 61, 1), "100:01:01.000");
    }
}
