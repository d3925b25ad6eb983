//! Fragmented MP4 segments (RFC 8216 §3.3; Apple 1.13, 7.3, 7.4 and 8.14).

use super::init_segment::{self, Init};
use super::{FrameRate, IFrame, Media, SegmentFile, Timing};
use crate::check::clock::Nanos;
use crate::check::format::Format;
use crate::check::report::{Findings, Location};
use crate::check::resource::Resources;
use crate::check::rule::Rule;
use crate::check::segment_list::{Map, Segment, SegmentList};
use crate::isobmff::{self, Fragment, InitMedia};

/// The longest time between key frames: two seconds, and half a second for segments that are not a
/// multiple of that.
const LONGEST_SYNC_INTERVAL: Nanos = Nanos::from_millis(2500);

/// Reads the segments of one playlist one after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Index of the map that `init` was read from.
    map: Option<usize>,
    /// The init segment that applies; `None` when it could not be read.
    init: Option<Init>,
    /// What the next fragment has to follow from; `None` where it need not.
    previous: Option<Previous>,
    frames: Frames,
}

/// The fragment before, of the same timeline.
#[derive(Debug)]
struct Previous {
    /// Where its samples end, in timescale units.
    end: u64,
    /// The decode time of the last sample that decoding can start at.
    sync_time: Nanos,
    /// The segment that sample was in.
    sync_at: Location,
    /// The duration all samples of the segment had, if it was the same.
    constant_duration: Option<u32>,
}

/// Adds up how long samples last.
#[derive(Debug, Default)]
struct Frames {
    samples: u64,
    ticks: u64,
    timescale: u32,
    /// The shortest and the longest sample, but for the last of each segment, which ends a chunk or
    /// the whole and may be cut.
    extremes: Option<(u32, u32)>,
}

impl Reader {
    /// Makes an init segment the one that applies.
    pub(super) fn use_map(
        &mut self,
        list: &SegmentList,
        (index, map): (usize, &Map),
        segment: &Segment,
        resources: &mut Resources<'_>,
        media: &mut Media,
        findings: &mut Findings,
    ) {
        if self.map.replace(index) == Some(index) {
            return;
        }
        let init = init_segment::read(list, map, resources, findings);
        if let (Some(before), Some(after)) = (&self.init, &init)
            && !segment.is_discontinuity
        {
            init_segment::judge_change(before, after, &list.at_map(map), findings);
        }
        match &init {
            Some(init) => init.describe(&Location::whole(&map.uri), media),
            None => media.is_opaque = true,
        }
        self.init = init;
    }

    /// Reads one segment.
    pub(super) fn read(
        &mut self,
        file: &SegmentFile<'_>,
        media: &mut Media,
        i_frames: &mut Vec<IFrame>,
        findings: &mut Findings,
    ) -> Option<Timing> {
        let previous = self
            .previous
            .take()
            .filter(|_| !file.segment.is_discontinuity);
        let init = self.init.as_ref()?;
        let fragments = isobmff::fragments(file.bytes, &init.main);
        if fragments.is_err() && (file.list.is_i_frames_only || init.is_muxed()) {
            // The range of an I-frame may well end inside the `mdat` it is in, and a fragment be one
            // of another track.
            media.is_opaque = true;
            return None;
        }
        let problem = match &fragments {
            Ok(fragments) if fragments.iter().all(|f| f.samples.is_empty()) => {
                Some((file.whole(), "the segment has no samples".to_owned()))
            }
            Ok(_) => None,
            Err(error) => Some((file.whole(), error.to_string())),
        };
        findings.judge(Rule::Rfc3_3, problem.is_none(), || {
            problem.expect("only asked when there is one")
        });
        let fragments = fragments
            .ok()
            .filter(|f| f.iter().any(|f| !f.samples.is_empty()))?;
        let timescale = init.main.timescale;
        let is_video = matches!(init.main.media, InitMedia::Video { .. });
        judge_decode_times(file, &fragments, previous.as_ref(), timescale, findings);
        let constant_duration = constant_duration(&fragments);
        let mut sync = previous.as_ref().map(|p| (p.sync_time, p.sync_at.clone()));
        if is_video {
            judge_frame_rate_change(file, previous.as_ref(), constant_duration, findings);
            judge_first_picture(file, init, &fragments[0], findings);
            judge_sync_intervals(file, &fragments, timescale, &mut sync, findings);
            let found = fragments.iter().filter_map(|f| i_frame(file, init, f));
            i_frames.extend(found);
        }
        self.frames.add(&fragments, timescale);
        let end = fragments
            .last()
            .map(|f| f.decode_time.wrapping_add(f.duration()));
        self.previous = end.map(|end| {
            let (sync_time, sync_at) = sync.unwrap_or((Nanos::default(), file.whole()));
            Previous {
                end,
                sync_time,
                sync_at,
                constant_duration,
            }
        });
        media.has_video |= is_video;
        let ticks: u64 = fragments.iter().map(Fragment::duration).sum();
        Some(Timing {
            start: presentation_time(init, &fragments[0]),
            duration: Nanos::from_ticks(ticks.into(), timescale),
        })
    }

    /// Lets the next segment start anywhere.
    pub(super) fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// Tells what all segments together say, and judges what only the end shows.
    pub(super) fn finish(self, list: &SegmentList, media: &mut Media, findings: &mut Findings) {
        if let (Some(init), Some(previous)) = (&self.init, &self.previous)
            && matches!(init.main.media, InitMedia::Video { .. })
            && !list.may_grow()
        {
            let end = Nanos::from_ticks(previous.end.into(), init.main.timescale);
            judge_sync_interval(previous.sync_time, end, &previous.sync_at, findings);
        }
        let Frames {
            samples,
            ticks,
            timescale,
            extremes,
        } = self.frames;
        if samples == 0 || ticks == 0 {
            return;
        }
        let whole = Nanos::from_ticks(ticks.into(), timescale);
        media.frame = Some(Nanos(whole.0 / i128::from(samples)));
        if media.has_video {
            let millihertz = u128::from(samples) * u128::from(timescale) * 1000 / u128::from(ticks);
            let spread = extremes.map_or(0, |(shortest, longest)| longest - shortest);
            media.frame_rate = Some(FrameRate {
                millihertz: u64::try_from(millihertz).unwrap_or(u64::MAX),
                // A clock of milliseconds cannot show equal frames as equal.
                is_constant: spread <= 1 || spread <= timescale / 900,
            });
        }
    }
}

impl Frames {
    fn add(&mut self, fragments: &[Fragment], timescale: u32) {
        if self.timescale != timescale {
            // Another clock: what was counted by the first one is left out.
            *self = Self {
                timescale,
                ..Self::default()
            };
        }
        let durations = || {
            fragments
                .iter()
                .flat_map(|f| &f.samples)
                .map(|s| s.duration)
        };
        let count = durations().count();
        self.samples += u64::try_from(count).unwrap_or(u64::MAX);
        self.ticks = durations().fold(self.ticks, |sum, d| sum.saturating_add(d.into()));
        for duration in durations().take(count.saturating_sub(1)) {
            let (shortest, longest) = self.extremes.unwrap_or((duration, duration));
            self.extremes = Some((shortest.min(duration), longest.max(duration)));
        }
    }
}

/// Judges that each fragment starts where the one before it ends.
fn judge_decode_times(
    file: &SegmentFile<'_>,
    fragments: &[Fragment],
    previous: Option<&Previous>,
    timescale: u32,
    findings: &mut Findings,
) {
    let mut wanted = previous.map(|previous| previous.end);
    for fragment in fragments {
        let got = fragment.decode_time;
        if let Some(wanted) = wanted {
            findings.judge(Rule::Apple7_3, got == wanted, || {
                let off = Nanos::from_ticks(i128::from(got) - i128::from(wanted), timescale);
                let message = format!(
                    "the decode time is {got}, want {wanted}, where the fragment before it ends \
                     ({off} off)"
                );
                (file.at_box(fragment.moof_offset, "moof/traf/tfdt"), message)
            });
        }
        wanted = Some(got.wrapping_add(fragment.duration()));
    }
}

/// The duration that all samples have, leaving out the very last.
fn constant_duration(fragments: &[Fragment]) -> Option<u32> {
    let samples: Vec<_> = fragments.iter().flat_map(|f| &f.samples).collect();
    let [first, rest @ ..] = &samples[..samples.len().checked_sub(1)?] else {
        return None;
    };
    let is_constant = rest.iter().all(|sample| sample.duration == first.duration);
    is_constant.then_some(first.duration)
}

fn judge_frame_rate_change(
    file: &SegmentFile<'_>,
    previous: Option<&Previous>,
    duration: Option<u32>,
    findings: &mut Findings,
) {
    let before = previous.and_then(|previous| previous.constant_duration);
    if let (Some(before), Some(after)) = (before, duration) {
        // A frame rate that really is another one differs by more than a hundredth.
        let is_same = u64::from(before.abs_diff(after)) * 100 <= u64::from(before);
        findings.judge(Rule::Apple8_14, is_same, || {
            let message = format!(
                "frames last {after} ticks, those before {before}; want an EXT-X-DISCONTINUITY"
            );
            (file.at_box(0, "moof/traf/trun"), message)
        });
    }
}

fn judge_first_picture(
    file: &SegmentFile<'_>,
    init: &Init,
    first: &Fragment,
    findings: &mut Findings,
) {
    findings.judge(Rule::Apple7_4, is_idr(file, init, first), || {
        let message = "the first picture is not an IDR, want one".to_owned();
        (file.at_box(first.moof_offset, "moof"), message)
    });
}

/// Whether a fragment starts with an IDR picture; where the codec is not looked into, its sync flag
/// is believed.
fn is_idr(file: &SegmentFile<'_>, init: &Init, fragment: &Fragment) -> bool {
    match Format::of(&init.main.codec) {
        Format::H264(_) => isobmff::first_sample_is_idr(file.bytes, fragment),
        _ => fragment.samples.first().is_some_and(|sample| sample.sync),
    }
}

/// Judges the time from each sync sample to the next one. `last` is the last one before these
/// fragments, and then the last one of them.
fn judge_sync_intervals(
    file: &SegmentFile<'_>,
    fragments: &[Fragment],
    timescale: u32,
    last: &mut Option<(Nanos, Location)>,
    findings: &mut Findings,
) {
    for fragment in fragments {
        let mut ticks = i128::from(fragment.decode_time);
        for sample in &fragment.samples {
            if sample.sync {
                let time = Nanos::from_ticks(ticks, timescale);
                if let Some((before, at)) = last {
                    judge_sync_interval(*before, time, at, findings);
                }
                *last = Some((time, file.whole()));
            }
            ticks += i128::from(sample.duration);
        }
    }
}

fn judge_sync_interval(from: Nanos, to: Nanos, at: &Location, findings: &mut Findings) {
    let interval = to - from;
    findings.judge(Rule::Apple1_13, interval <= LONGEST_SYNC_INTERVAL, || {
        (
            at.clone(),
            format!("{interval} from a key frame to the next, want 2.000 s"),
        )
    });
}

/// When the first picture, or sound, of a fragment is presented.
fn presentation_time(init: &Init, fragment: &Fragment) -> Nanos {
    let ticks = i128::from(fragment.first_presentation_time()) - init.edit_start;
    Nanos::from_ticks(ticks, init.main.timescale)
}

/// Where the first sample of a fragment is, if decoding can start there.
fn i_frame(file: &SegmentFile<'_>, init: &Init, fragment: &Fragment) -> Option<IFrame> {
    let sample = fragment.samples.first().filter(|sample| sample.sync)?;
    let end = file
        .offset(fragment.data_offset)
        .saturating_add(sample.size.into());
    Some(IFrame {
        segment_start: file.base(),
        offset: file.offset(fragment.moof_offset),
        end,
        is_idr: is_idr(file, init, fragment),
        time: presentation_time(init, fragment),
    })
}
