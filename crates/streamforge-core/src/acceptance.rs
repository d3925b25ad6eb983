//! Whether what a job made may be published.
//!
//! FFmpeg's exit code is not enough: it is 0 for a chunk past the end of the source, and a seek that landed late loses frames
//! without a word. So every segment is counted against the grid.

use crate::grid::TrackGrid;

/// What a job was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expected {
    /// Grid of every track of the job.
    pub grid: TrackGrid,
    /// Index of its first segment in the stream.
    pub first_segment: u32,
    /// Samples it should have in each track.
    pub samples: u64,
    /// Whether it is open-ended, so that `samples` is an estimate.
    pub open: bool,
}

/// What a job made of one segment, as its boxes or packets state it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Made {
    /// Index of the segment's first sample on the grid.
    pub first_sample: u64,
    /// How many samples it has.
    pub samples: u32,
}

/// The verdict on one track of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// All there.
    Complete,
    /// In order, but `missing` samples are not there at the end: a late seek, a damaged source, or its end.
    Short {
        /// How many samples are missing.
        missing: u64,
    },
    /// Not on the grid: nothing of it may be used.
    OffGrid {
        /// Index of the first wrong segment in the stream.
        segment: u32,
    },
}

/// How many frames the estimate of an open-ended job may be off: a container rounds the end of its last frame, and FFmpeg may
/// show it once more.
const OPEN_END_SLACK: u64 = 2;

/// Judges the segments of one track, in order.
pub fn judge(expected: &Expected, made: &[Made]) -> Verdict {
    let per_segment = u64::from(expected.grid.samples_per_segment);
    let start = u64::from(expected.first_segment) * per_segment;
    let mut at = start;
    for (segment, (i, one)) in (expected.first_segment..).zip(made.iter().enumerate()) {
        let samples = u64::from(one.samples);
        let fits =
            samples == per_segment || (i + 1 == made.len() && (1..per_segment).contains(&samples));
        if one.first_sample != at || !fits {
            return Verdict::OffGrid { segment };
        }
        at += samples;
    }
    let got = at - start;
    let slack = if expected.open { OPEN_END_SLACK } else { 0 };
    if got > expected.samples && !expected.open {
        let segment =
            expected.first_segment + u32::try_from(expected.samples / per_segment).unwrap_or(0);
        return Verdict::OffGrid { segment };
    }
    match expected.samples.saturating_sub(got) {
        missing if missing <= slack && got > 0 => Verdict::Complete,
        missing => Verdict::Short { missing },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::grid::FrameGrid;
    use crate::rate::FrameRate;

    fn grid() -> TrackGrid {
        FrameGrid::new(FrameRate::new(30, 1).unwrap(), Duration::from_secs(4)).track()
    }

    fn expected(samples: u64, open: bool) -> Expected {
        Expected {
            grid: grid(),
            first_segment: 3,
            samples,
            open,
        }
    }

    fn made(counts: &[u32]) -> Vec<Made> {
        let mut first_sample = 360;
        counts
            .iter()
            .map(|samples| {
                let one = Made {
                    first_sample,
                    samples: *samples,
                };
                first_sample += u64::from(*samples);
                one
            })
            .collect()
    }

    #[test]
    fn whole_segments_from_the_right_frame_on_are_complete() {
        assert_eq!(
            judge(&expected(240, false), &made(&[120, 120])),
            Verdict::Complete
        );
    }

    #[test]
    fn a_late_seek_is_short_or_off_the_grid() {
        assert_eq!(
            judge(&expected(240, false), &made(&[120, 97])),
            Verdict::Short { missing: 23 }
        );
        let mut late = made(&[120, 120]);
        for one in &mut late {
            one.first_sample += 1;
        }
        assert_eq!(
            judge(&expected(240, false), &late),
            Verdict::OffGrid { segment: 3 }
        );
    }

    #[test]
    fn a_gap_between_segments_is_off_the_grid() {
        let mut gap = made(&[120, 120]);
        gap[1].first_sample += 1;
        assert_eq!(
            judge(&expected(240, false), &gap),
            Verdict::OffGrid { segment: 4 }
        );
        assert_eq!(
            judge(&expected(240, false), &made(&[97, 120])),
            Verdict::OffGrid { segment: 3 }
        );
    }

    #[test]
    fn nothing_is_short_by_everything_and_too_much_is_off_the_grid() {
        assert_eq!(
            judge(&expected(240, false), &[]),
            Verdict::Short { missing: 240 }
        );
        assert_eq!(
            judge(&expected(1, true), &[]),
            Verdict::Short { missing: 1 }
        );
        assert_eq!(
            judge(&expected(120, false), &made(&[120, 5])),
            Verdict::OffGrid { segment: 4 }
        );
    }

    #[test]
    fn the_open_end_may_be_two_frames_off_or_longer() {
        assert_eq!(judge(&expected(100, true), &made(&[98])), Verdict::Complete);
        assert_eq!(
            judge(&expected(100, true), &made(&[97])),
            Verdict::Short { missing: 3 }
        );
        assert_eq!(
            judge(&expected(100, true), &made(&[120, 120, 7])),
            Verdict::Complete
        );
    }

    proptest! {
        #[test]
        fn losing_or_doubling_any_frame_is_never_complete(segments in 1_usize..6, at in 0_usize..6, by in -3_i64..4) {
            prop_assume!(by != 0);
            let mut counts = vec![120; segments];
            let at = at % segments;
            counts[at] = u32::try_from(i64::from(counts[at]) + by).unwrap();
            let verdict = judge(&expected(120 * segments as u64, false), &made(&counts));
            prop_assert_ne!(verdict, Verdict::Complete);
        }
    }
}
