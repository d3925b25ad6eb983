//! The constant-rate timelines everything is encoded on.
//!
//! Every boundary is an integer index, so that chunks encoded apart agree on it without talking to each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rate::FrameRate;

/// Sample rate of the audio we make, in hertz.
pub const AUDIO_SAMPLE_RATE: u32 = 48_000;

/// Samples in one AAC-LC frame (ISO/IEC 14496-3).
pub const AAC_FRAME_SAMPLES: u32 = 1024;

/// The output timeline of the video: frame `i` is shown at `i / rate`, and a segment is `frames_per_segment` frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FrameGrid {
    /// Output frame rate.
    pub rate: FrameRate,
    /// Frames in every segment but perhaps the last; also the distance between key frames.
    pub frames_per_segment: u32,
}

impl FrameGrid {
    /// The grid whose segments are the whole number of frames nearest to `segment`.
    pub fn new(rate: FrameRate, segment: Duration) -> Self {
        let us = i64::try_from(segment.as_micros()).unwrap_or(i64::MAX);
        let frames = u32::try_from(rate.frames_in_us(us)).unwrap_or(u32::MAX);
        Self {
            rate,
            frames_per_segment: frames.max(1),
        }
    }

    /// The same grid in the ticks of the MP4 track that carries it.
    ///
    /// The time scale is chosen so that a frame lasts a whole number of ticks.
    pub fn track(self) -> TrackGrid {
        // A whole rate gets 1000 ticks a frame; a fraction such as 30000/1001 is fine enough by itself.
        let scale = if self.rate.den() == 1 {
            1000
        } else {
            10_000_u32.div_ceil(self.rate.num())
        };
        TrackGrid {
            timescale: self.rate.num() * scale,
            ticks_per_sample: self.rate.den() * scale,
            samples_per_segment: self.frames_per_segment,
        }
    }
}

/// The grid of one track as its boxes state it: MP4 samples are frames of video or AAC frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TrackGrid {
    /// Ticks per second.
    pub timescale: u32,
    /// Ticks every sample lasts.
    pub ticks_per_sample: u32,
    /// Samples in every segment but perhaps the last.
    pub samples_per_segment: u32,
}

impl TrackGrid {
    /// The audio grid: AAC frames of 1024 samples, as many in a segment as come nearest to `segment`.
    ///
    /// A segment of audio therefore lasts a few milliseconds more or less than one of video, which players do not mind,
    /// and every audio segment is alike, which lets audio be encoded in chunks by the same rules as video.
    pub fn audio(segment: Duration) -> Self {
        let frame_us = u128::from(AAC_FRAME_SAMPLES) * 1_000_000 / u128::from(AUDIO_SAMPLE_RATE);
        let frames = (segment.as_micros() + frame_us / 2) / frame_us;
        Self {
            timescale: AUDIO_SAMPLE_RATE,
            ticks_per_sample: AAC_FRAME_SAMPLES,
            samples_per_segment: u32::try_from(frames).unwrap_or(u32::MAX).max(1),
        }
    }

    /// Ticks a whole segment lasts.
    pub fn segment_ticks(self) -> u64 {
        u64::from(self.ticks_per_sample) * u64::from(self.samples_per_segment)
    }

    /// Decode time of the first sample of segment `segment`, in ticks.
    pub fn segment_start(self, segment: u32) -> u64 {
        self.segment_ticks() * u64::from(segment)
    }

    /// Ticks that `samples` samples last.
    pub fn ticks(self, samples: u32) -> u64 {
        u64::from(self.ticks_per_sample) * u64::from(samples)
    }

    /// How long a whole segment lasts, rounded to whole seconds: what `EXT-X-TARGETDURATION` says.
    pub fn target_duration_secs(self) -> u32 {
        let timescale = u64::from(self.timescale);
        u32::try_from((self.segment_ticks() + timescale / 2) / timescale)
            .unwrap_or(u32::MAX)
            .max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(num: u32, den: u32) -> FrameGrid {
        FrameGrid::new(FrameRate::new(num, den).unwrap(), Duration::from_secs(4))
    }

    #[test]
    fn segments_are_whole_frames_and_frames_are_whole_ticks() {
        let ticks = |num, den| {
            let g = grid(num, den);
            (
                g.frames_per_segment,
                g.track().timescale,
                g.track().ticks_per_sample,
            )
        };
        assert_eq!(ticks(30, 1), (120, 30_000, 1000));
        assert_eq!(ticks(30_000, 1001), (120, 30_000, 1001));
        assert_eq!(ticks(24_000, 1001), (96, 24_000, 1001));
        assert_eq!(ticks(25, 1), (100, 25_000, 1000));
        assert_eq!(ticks(67, 4), (67, 10_050, 600));
        assert_eq!(ticks(1, 1), (4, 1000, 1000));
    }

    #[test]
    fn audio_segments_are_188_aac_frames_at_four_seconds() {
        let audio = TrackGrid::audio(Duration::from_secs(4));
        assert_eq!(audio.samples_per_segment, 188);
        assert_eq!(
            audio.target_duration_secs(),
            grid(30, 1).track().target_duration_secs()
        );
    }

    proptest! {
        #[test]
        fn a_frame_lasts_exactly_its_ticks(num in 1_u32..60_000, den in 1_u32..1002) {
            let rate = FrameRate::new(num, den).unwrap();
            let track = FrameGrid::new(rate, Duration::from_secs(4)).track();
            prop_assert_eq!(
                u64::from(track.ticks_per_sample) * u64::from(rate.num()),
                u64::from(track.timescale) * u64::from(rate.den())
            );
        }
    }
}
