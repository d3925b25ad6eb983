//! Bit rates as measured, against those declared
//! (RFC 8216 §4.1; Apple 1.26, 1.27, 1.30, 2.4, 2.9, 6.9 and 9.13).

use super::clock::Nanos;
use super::format::Format;
use super::media::Track;
use super::multivariant::Stream;
use super::report::Findings;
use super::rule::Rule;

/// Segments in a run that is looked at for the peak. Real runs have a handful; without a limit a
/// playlist of segments that last next to nothing would keep the checker busy for ever.
const RUN_LIMIT: usize = 1000;

/// The bit rates of a track, in bits a second, rounded down.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct BitRates {
    /// The largest of any run of segments that lasts half to one and a half target durations, or
    /// the average where there is no such run.
    pub(crate) peak: u64,
    /// All bytes by all EXTINF.
    pub(crate) average: u64,
}

impl BitRates {
    /// The rates of a track; `None` unless the size of every segment is known.
    pub(crate) fn measure(track: &Track) -> Option<Self> {
        let target = track.list.target_duration?;
        let sizes: Option<Vec<(u64, Nanos)>> = (track.media.segments.iter())
            .zip(&track.list.segments)
            .map(|(facts, segment)| Some((facts.bytes?, segment.duration)))
            .collect();
        Self::of_segments(&sizes?, target)
    }

    /// The rates of segments of so many bytes and EXTINF.
    fn of_segments(segments: &[(u64, Nanos)], target: Nanos) -> Option<Self> {
        let average = rate(
            segments
                .iter()
                .fold(0, |sum, (bytes, _)| bytes.saturating_add(sum)),
            segments.iter().map(|(_, duration)| *duration).sum(),
        )?;
        let (shortest, longest) = (target.0 / 2, target.0 * 3 / 2);
        let mut peak = None;
        for start in 0..segments.len() {
            let (mut bytes, mut duration) = (0_u64, Nanos::default());
            for (segment_bytes, segment_duration) in segments[start..].iter().take(RUN_LIMIT) {
                // Ranges in a playlist may claim any size.
                bytes = bytes.saturating_add(*segment_bytes);
                duration += *segment_duration;
                if duration.0 > longest {
                    break;
                }
                if duration.0 >= shortest {
                    peak = peak.max(rate(bytes, duration));
                }
            }
        }
        Some(Self {
            peak: peak.unwrap_or(average),
            average,
        })
    }
}

/// Bits a second; `None` when no time passes.
fn rate(bytes: u64, duration: Nanos) -> Option<u64> {
    let nanos = u128::try_from(duration.0).ok().filter(|nanos| *nanos > 0)?;
    let bits_a_second = u128::from(bytes) * 8 * 1_000_000_000 / nanos;
    Some(u64::try_from(bits_a_second).unwrap_or(u64::MAX))
}

/// Whether `measured` is within 10 % of what is declared.
fn is_within_tenth(measured: u64, declared: u64) -> bool {
    u128::from(measured.abs_diff(declared)) * 10 <= u128::from(declared)
}

/// Judges a variant: its own track and the renditions of its audio group, of which one plays with
/// it.
pub(crate) fn judge_variant(
    stream: &Stream,
    track: &Track,
    audio: &[&Track],
    findings: &mut Findings,
) {
    let audio: Option<Vec<BitRates>> = audio.iter().map(|t| BitRates::measure(t)).collect();
    let (Some(own), Some(audio)) = (BitRates::measure(track), audio) else {
        return;
    };
    let loudest = |rate: fn(&BitRates) -> u64| audio.iter().map(rate).max().unwrap_or(0);
    let peak = own.peak.saturating_add(loudest(|rates| rates.peak));
    let average = own.average.saturating_add(loudest(|rates| rates.average));
    let at = || stream.at.clone();
    let may_grow = track.list.may_grow();
    if let Some(declared) = stream.bandwidth {
        let enough = u128::from(declared) * 1001 >= u128::from(peak) * 1000;
        findings.judge(Rule::Apple9_13, enough, || {
            (
                at(),
                format!("BANDWIDTH is {declared}, the segments peak at {peak}"),
            )
        });
        if !may_grow {
            findings.judge(Rule::Apple1_27, is_within_tenth(peak, declared), || {
                let percent = percent(peak, declared);
                let message = format!(
                    "BANDWIDTH is {declared}, the segments peak at {peak}, {percent} of it"
                );
                (at(), message)
            });
        }
    }
    if may_grow {
        return;
    }
    if let Some(declared) = stream.average_bandwidth {
        findings.judge(Rule::Apple1_26, is_within_tenth(average, declared), || {
            let percent = percent(average, declared);
            let message = format!(
                "AVERAGE-BANDWIDTH is {declared}, the segments average {average}, {percent} of it"
            );
            (at(), message)
        });
    }
    findings.judge(Rule::Apple1_30, peak <= average.saturating_mul(2), || {
        let percent = percent(peak, average);
        (
            at(),
            format!("the segments peak at {peak}, {percent} of their average {average}"),
        )
    });
}

/// Judges an I-frame playlist.
pub(crate) fn judge_i_frames(stream: &Stream, track: &Track, findings: &mut Findings) {
    let (Some(measured), Some(declared)) = (BitRates::measure(track), stream.bandwidth) else {
        return;
    };
    let holds = if track.list.may_grow() {
        declared >= measured.peak
    } else {
        is_within_tenth(measured.peak, declared)
    };
    findings.judge(Rule::Apple6_9, holds, || {
        let peak = measured.peak;
        (
            stream.at.clone(),
            format!("BANDWIDTH is {declared}, the I-frames peak at {peak}"),
        )
    });
}

/// Judges the bit rate of an audio track.
pub(crate) fn judge_audio(track: &Track, findings: &mut Findings) {
    let (Some(measured), Some(at)) = (BitRates::measure(track), &track.media.codec_at) else {
        return;
    };
    let kbits = measured.average / 1000;
    let formats: Vec<Format> = track.media.codecs.iter().map(|c| Format::of(c)).collect();
    if formats
        .iter()
        .any(|f| matches!(f, Format::HeAac | Format::HeAacV2))
    {
        findings.judge(Rule::Apple2_4, kbits <= 64, || {
            (
                at.clone(),
                format!("got HE-AAC at {kbits} kbit/s, want at most 64"),
            )
        });
    }
    if formats.iter().any(|f| f.is_aac()) && track.media.channels == Some(2) {
        findings.judge(Rule::Apple2_9, (32..=176).contains(&kbits), || {
            (at.clone(), format!("got {kbits} kbit/s, want 32 to 160"))
        });
    }
}

fn percent(part: u64, whole: u64) -> String {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    format!("{percent} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(segments: &[(u64, u32)], target_secs: u32) -> BitRates {
        let segments: Vec<_> = (segments.iter())
            .map(|(bytes, millis)| (*bytes, Nanos::from_millis(*millis)))
            .collect();
        BitRates::of_segments(&segments, Nanos::from_secs(target_secs)).unwrap()
    }

    #[test]
    fn peak_is_that_of_the_largest_run_of_about_a_target_duration() {
        let rates = rates(&[(500_000, 4000), (1_000_000, 4000), (250_000, 4000)], 4);
        assert_eq!(rates.peak, 2_000_000);
        assert_eq!(rates.average, 1_166_666);
    }

    #[test]
    fn short_last_segment_is_no_peak_by_itself() {
        // Half a megabit in a tenth of a second, but 4.1 seconds with the segment before it.
        let rates = rates(&[(500_000, 4000), (62_500, 100)], 4);
        assert_eq!(rates.peak, 1_097_560);
    }

    #[test]
    fn short_segments_count_together() {
        let rates = rates(
            &[
                (10_000, 1000),
                (10_000, 1000),
                (90_000, 1000),
                (10_000, 1000),
            ],
            4,
        );
        assert_eq!(rates.peak, 400_000);
    }

    #[test]
    fn stream_shorter_than_half_a_target_duration_peaks_at_its_average() {
        assert_eq!(rates(&[(1000, 1000)], 6), rates(&[(1000, 1000)], 1));
    }

    #[test]
    fn many_segments_of_next_to_no_duration_are_soon_done() {
        let segments = vec![(1, Nanos(1)); 100_000];
        assert!(BitRates::of_segments(&segments, Nanos::from_secs(6)).is_some());
    }
}
