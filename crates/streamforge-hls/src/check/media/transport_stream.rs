//! MPEG-TS segments (RFC 8216 §3.2; Apple 7.1, 7.2 and 7.4).

use super::{FrameRate, IFrame, Media, SegmentFile, Timing};
use crate::check::clock::Nanos;
use crate::check::report::Findings;
use crate::check::rule::Rule;
use crate::mpegts::{self, TsStream, TsSummary};

/// Ticks a second of the clock of presentation times.
const CLOCK: u32 = 90_000;
/// Presentation times have 33 bits and start again at zero after the last.
const CLOCK_WRAP: i128 = 1 << 33;

/// Reads the segments of one playlist one after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The segments so far.
    read: Vec<Read>,
    /// The last of them; `None` where nothing has to follow from it.
    previous: Option<TsSummary>,
}

/// What is kept of a segment.
#[derive(Debug)]
struct Read {
    /// Index in [`Media::segments`].
    index: usize,
    /// First presentation time in ticks, with the wraps of the clock taken out.
    first_pts: i128,
    access_units: u32,
    is_discontinuity: bool,
    /// Estimated from this segment alone.
    frame: Option<Nanos>,
}

impl Reader {
    /// Reads one segment. The timing it returns is made exact by [`Reader::finish`].
    pub(super) fn read(
        &mut self,
        file: &SegmentFile<'_>,
        media: &mut Media,
        i_frames: &mut Vec<IFrame>,
        findings: &mut Findings,
    ) -> Option<Timing> {
        let summary = match mpegts::inspect(file.bytes) {
            Ok(summary) => summary,
            Err(error) => {
                findings.judge(Rule::Rfc3_2, false, || (file.whole(), error.to_string()));
                media.is_opaque = true;
                self.previous = None;
                return None;
            }
        };
        findings.hold(Rule::Rfc3_2);
        findings.judge(Rule::Rfc3_2First, summary.starts_with_tables, || {
            (
                file.at_byte(0),
                "want a PAT and a PMT as the first two packets".to_owned(),
            )
        });
        describe(&summary, file, media);
        let is_discontinuity = file.segment.is_discontinuity;
        let previous = self.previous.take().filter(|_| !is_discontinuity);
        judge_counters(&summary, previous.as_ref(), file, findings);
        let frame = frame_duration(&summary);
        let first_pts = self.unwrapped(summary.first_pts);
        if let (Some(previous), Some(frame), Some(read)) = (previous, frame, self.read.last()) {
            judge_continuity(&previous, read.first_pts, frame, first_pts, file, findings);
        }
        if summary.has_video {
            let is_idr = match summary.stream {
                TsStream::H264 => summary.starts_with_idr,
                // Pictures of other codecs are not looked into.
                _ => true,
            };
            findings.judge(Rule::Apple7_4, is_idr, || {
                (
                    file.at_byte(0),
                    "the first picture is not an IDR, want one".to_owned(),
                )
            });
            i_frames.push(IFrame {
                segment_start: file.base(),
                offset: file.base(),
                end: file.base().saturating_add(summary.i_frame_bytes.into()),
                is_idr,
                time: Nanos::from_ticks(first_pts, CLOCK),
            });
        }
        self.read.push(Read {
            index: media.segments.len(),
            first_pts,
            access_units: summary.access_units,
            is_discontinuity,
            frame,
        });
        self.previous = Some(summary);
        Some(Timing {
            start: Nanos::from_ticks(first_pts, CLOCK),
            duration: Nanos::default(),
        })
    }

    /// Lets the next segment start anywhere.
    pub(super) fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// The number nearest to the presentation time before it that the clock shows as `pts`.
    fn unwrapped(&self, pts: u64) -> i128 {
        let pts = i128::from(pts);
        let Some(before) = self.read.last() else {
            return pts;
        };
        let ahead = (pts - before.first_pts).rem_euclid(CLOCK_WRAP);
        if ahead < CLOCK_WRAP / 2 {
            before.first_pts + ahead
        } else {
            before.first_pts + ahead - CLOCK_WRAP
        }
    }

    /// Fills in how long the segments last: up to the start of the next one, and the last by its
    /// number of access units.
    pub(super) fn finish(self, media: &mut Media) {
        let (mut frames, mut lasted) = (0_i128, Nanos::default());
        let mut durations = Vec::with_capacity(self.read.len());
        for (read, next) in self.read.iter().zip(self.read.iter().skip(1)) {
            let follows = next.index == read.index + 1 && !next.is_discontinuity;
            durations.push(follows.then(|| {
                let duration = Nanos::from_ticks(next.first_pts - read.first_pts, CLOCK);
                frames += i128::from(read.access_units);
                lasted += duration;
                duration
            }));
        }
        durations.push(None);
        let measured = (frames > 0).then(|| Nanos(lasted.0 / frames));
        let frame = measured.or(self.read.first().and_then(|read| read.frame));
        media.frame = media.frame.or(frame);
        if let Some(frame) = frame.filter(|frame| media.has_video && frame.0 > 0) {
            media.frame_rate = media.frame_rate.or(Some(FrameRate {
                millihertz: u64::try_from(1_000_000_000_000 / frame.0).unwrap_or(u64::MAX),
                is_constant: (self.read.iter().filter_map(|read| read.frame))
                    .all(|own| own.abs_diff(frame).0 * 1000 <= frame.0),
            }));
        }
        for (read, duration) in self.read.iter().zip(durations) {
            let counted = || {
                let frame = read.frame.or(frame)?;
                Some(Nanos(frame.0 * i128::from(read.access_units)))
            };
            let timing = media
                .segments
                .get_mut(read.index)
                .and_then(|facts| facts.timing.as_mut());
            if let (Some(timing), Some(duration)) = (timing, duration.or_else(counted)) {
                timing.duration = duration;
            }
        }
    }
}

fn describe(summary: &TsSummary, file: &SegmentFile<'_>, media: &mut Media) {
    media.has_video |= summary.has_video;
    media.has_audio |= summary.has_audio;
    // Only the main stream is described, so the codec of audio beside video is not known.
    media.is_opaque |= summary.codec.is_none() || summary.has_video && summary.has_audio;
    if let Some(codec) = &summary.codec {
        media.add_codec(codec, || file.at_byte(0));
    } else if summary.stream == TsStream::Other(0x24) {
        media.add_codec("hvc1", || file.at_byte(0));
    }
    media.size = media.size.or(summary.resolution);
}

fn judge_counters(
    summary: &TsSummary,
    previous: Option<&TsSummary>,
    file: &SegmentFile<'_>,
    findings: &mut Findings,
) {
    for counters in &summary.continuity {
        let pid = counters.pid;
        findings.judge(Rule::Apple7_2, counters.continuous, || {
            (
                file.whole(),
                format!("the counters of PID {pid} jump inside the segment"),
            )
        });
        let before = previous.and_then(|p| p.continuity.iter().find(|before| before.pid == pid));
        if let Some(before) = before {
            let wanted = (before.last + 1) % 16;
            let got = counters.first;
            findings.judge(Rule::Apple7_2, got == wanted, || {
                let message = format!("the counter of PID {pid} starts at {got}, want {wanted}");
                (file.whole(), message)
            });
        }
    }
}

/// Judges whether a segment starts where the one before it ends, within half a frame.
fn judge_continuity(
    previous: &TsSummary,
    previous_first_pts: i128,
    frame: Nanos,
    first_pts: i128,
    file: &SegmentFile<'_>,
    findings: &mut Findings,
) {
    let wanted = if previous.has_video {
        let last = i128::from(previous.last_pts) - i128::from(previous.first_pts);
        let last = previous_first_pts + last.rem_euclid(CLOCK_WRAP);
        Nanos::from_ticks(last, CLOCK) + frame
    } else {
        let frames = i128::from(previous.access_units);
        Nanos::from_ticks(previous_first_pts, CLOCK) + Nanos(frame.0 * frames)
    };
    let got = Nanos::from_ticks(first_pts, CLOCK);
    findings.judge(
        Rule::Apple7_1,
        got.abs_diff(wanted).0 * 2 <= frame.0,
        || {
            let message =
                format!("starts at {got}, want {wanted}, where the segment before it ends");
            (file.at_byte(0), message)
        },
    );
}

/// How long a picture, or a frame of AAC, lasts; `None` when the segment is too short to tell.
fn frame_duration(summary: &TsSummary) -> Option<Nanos> {
    let span = i128::from(summary.last_pts) - i128::from(summary.first_pts);
    let span = Nanos::from_ticks(span.rem_euclid(CLOCK_WRAP), CLOCK);
    let others = i128::from(summary.access_units.checked_sub(1)?);
    if others == 0 || span.0 == 0 {
        return None;
    }
    let average = span.0 / others;
    match summary.stream {
        TsStream::Aac => Some(aac_frame(average)),
        _ => Some(Nanos(average)),
    }
}

/// The duration of a frame of AAC that is nearest above `average`: where a PES packet holds several
/// frames, the last presentation time is not that of the last frame, and the average is too small.
fn aac_frame(average: i128) -> Nanos {
    const SAMPLES: i128 = 1024;
    const SAMPLE_RATES: [i128; 12] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000,
    ];
    let durations = SAMPLE_RATES.map(|rate| SAMPLES * 1_000_000_000 / rate);
    // Times are rounded to ticks of the clock, so the average may be a little too large.
    let nearest = durations
        .into_iter()
        .find(|duration| duration * 1001 >= average * 1000);
    Nanos(nearest.unwrap_or(average))
}
