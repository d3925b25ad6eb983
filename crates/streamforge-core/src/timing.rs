//! Which frame rate a source really has, read from its timestamps.
//!
//! Containers lie about it: `avg_frame_rate` of a phone clip with dropped frames is 25.x for 30, `r_frame_rate` of some
//! files is 57600 or 1000. The distances between the timestamps do not.

use crate::rate::FrameRate;

/// Frame rates of the trade, which a measured rate snaps to.
const STANDARD: [(u32, u32); 8] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
];

/// The highest rate we make (Apple 1.19: frame rates above 60 fps shall not be used).
const MAX_RATE: f64 = 60.0;

/// The lowest rate we make of frames that come at irregular times: below it, the rounding to the grid would be seen.
const MIN_VARIABLE_RATE: f64 = 23.0;

/// How far a measured rate may be from the one it snaps to. Between 29.97 and 30 lies 0.1 %.
const SNAP: f64 = 0.004;

/// Shorter packets are not told apart for sure where their times are rounded to milliseconds.
const SHORTEST_PACKET_US: f64 = 5000.0;

/// No packet of sound is as long; so long a step is a gap.
const LONGEST_PACKET_US: i64 = 250_000;

/// How far a container may put a packet of sound from its time: the first one and the packet itself are rounded by half a
/// millisecond each. A little more, against our own rounding.
const ROUNDED_BY_US: i64 = 1100;

/// A frame rate and how the source keeps to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FrameTiming {
    /// The rate to encode at, never above 60.
    pub rate: FrameRate,
    /// Whether every frame comes when the rate says.
    pub constant: bool,
}

/// Reads the frame rate from presentation times in microseconds, in any order.
///
/// `declared` are the container's own statements. They decide nothing but what the timestamps leave open: the exact fraction of a
/// rate that was measured near them, and the rate of a source with fewer than two frames.
///
/// - A constant rate is kept, as the fraction of the trade nearest to it; one above 60 is divided by the smallest
///   whole number that brings it to 60 or below, so that motion stays even.
/// - Frames at irregular times get the rate at which most of them come.
pub fn measure(times_us: &[i64], declared: &[FrameRate]) -> FrameTiming {
    let mut times = times_us.to_vec();
    times.sort_unstable();
    times.dedup();
    let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if steps.is_empty() {
        return FrameTiming {
            rate: lone_frame_rate(declared),
            constant: true,
        };
    }
    steps.sort_unstable();
    let median = steps[steps.len() / 2];
    let measured = frames_per_second(&steps, median);
    // Millisecond clocks (Matroska, FLV) write 33, 33, 34 for a steady 29.97.
    let tolerance = (median / 20).max(1500);
    let odd_ones = steps
        .iter()
        .filter(|step| (**step - median).abs() > tolerance)
        .count();
    let constant = odd_ones * 50 <= steps.len();

    let rate = if constant {
        constant_rate(measured, declared)
    } else {
        variable_rate(measured)
    };
    FrameTiming { rate, constant }
}

/// How many packets of sound there are in a second, if all last equally long.
///
/// `times_us` are the presentation times of the source's first packets, in its order; `sample_rate` is in hertz. Containers round
/// these times, Matroska to milliseconds. But a packet is a whole number of samples, which enough packets tell in spite of that.
pub fn packet_rate(times_us: &[i64], sample_rate: u32) -> Option<FrameRate> {
    let is_next = |pair: &&[i64]| (1..LONGEST_PACKET_US).contains(&(pair[1] - pair[0]));
    let steps = times_us.windows(2).take_while(is_next).count();
    let first = *times_us.first()?;
    let last = times_us[steps];
    // The first and the last are rounded by half a millisecond each; divided among so many, that is less than half a sample.
    if u32::try_from(steps).is_ok_and(|steps| steps <= sample_rate / 500) {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a few seconds in microseconds are far below 2^52"
    )]
    let length_us = (last - first) as f64 / steps as f64;
    if length_us < SHORTEST_PACKET_US {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, and a part of a second"
    )]
    let samples = (length_us * f64::from(sample_rate) / 1e6).round() as u32;
    let packet_rate = FrameRate::new(sample_rate, samples)?;
    let due = (0..).map(|packet| first + packet_rate.time_of_us(packet));
    let off = times_us[..=steps]
        .iter()
        .zip(due)
        .filter(|(time, due)| (*time - due).abs() > ROUNDED_BY_US)
        .count();
    // The last packet of a file may be padding, put where it does not belong.
    (off * 100 <= steps).then_some(packet_rate)
}

/// How many frames a second `steps` make.
///
/// A step that jitters or spans dropped frames is a whole number of frames all the same. Over all of them the jitter evens out,
/// which it must: 29.97 and 30 are but a thousandth apart.
#[expect(
    clippy::cast_precision_loss,
    reason = "a few seconds in microseconds are far below 2^52"
)]
fn frames_per_second(steps: &[i64], median: i64) -> f64 {
    let rate = |(us, frames): (f64, f64)| frames * 1e6 / us;
    let sum = |all: (f64, f64), one: (f64, f64)| (all.0 + one.0, all.1 + one.1);
    let near = steps
        .iter()
        .filter(|step| **step * 2 > median && **step * 2 < median * 3);
    let roughly = rate(near.map(|step| (*step as f64, 1.0)).fold((0.0, 0.0), sum));
    let counted = steps
        .iter()
        .map(|step| (*step as f64, (*step as f64 * roughly / 1e6).round()))
        // How many frames a longer gap would be is a guess.
        .filter(|(_, frames)| *frames < 100.0);
    rate(counted.fold((0.0, 0.0), sum))
}

fn constant_rate(measured: f64, declared: &[FrameRate]) -> FrameRate {
    let whole = if measured > MAX_RATE * (1.0 + SNAP) {
        (measured / MAX_RATE - SNAP).ceil()
    } else {
        1.0
    };
    // Slower than one a second, a frame is shown more than once, so that segments can be cut.
    let repeat = if measured < 1.0 - SNAP {
        (1.0 / measured - SNAP).ceil()
    } else {
        1.0
    };
    let target = measured / whole * repeat;
    let nearest = |rates: &mut dyn Iterator<Item = FrameRate>| {
        rates
            .filter(|rate| off_by(*rate, target) < SNAP)
            .min_by(|a, b| off_by(*a, target).total_cmp(&off_by(*b, target)))
    };
    // On a clip too short to tell 29.97 from 30, the container's word does.
    let declared_standard = nearest(
        &mut declared
            .iter()
            .copied()
            .filter(|rate| standard().any(|s| s == *rate)),
    )
    .filter(|rate| off_by(*rate, target) < 0.0015);
    declared_standard
        .or_else(|| nearest(&mut standard()))
        .or_else(|| nearest(&mut declared.iter().copied().filter(|rate| rate.den() <= 1001)))
        .unwrap_or_else(|| simple_fraction(target))
}

fn variable_rate(measured: f64) -> FrameRate {
    let repeat = if measured < MIN_VARIABLE_RATE {
        (MIN_VARIABLE_RATE / measured).ceil()
    } else {
        1.0
    };
    let target = measured * repeat;
    standard()
        .min_by(|a, b| off_by(*a, target).total_cmp(&off_by(*b, target)))
        .expect("there are standard rates")
}

fn lone_frame_rate(declared: &[FrameRate]) -> FrameRate {
    let sane = |rate: &&FrameRate| (1.0..=MAX_RATE).contains(&rate.as_f64()) && rate.den() <= 1001;
    declared
        .iter()
        .find(sane)
        .copied()
        .unwrap_or_else(|| FrameRate::new(25, 1).expect("25 is no zero"))
}

fn standard() -> impl Iterator<Item = FrameRate> {
    STANDARD
        .into_iter()
        .filter_map(|(num, den)| FrameRate::new(num, den))
}

fn off_by(rate: FrameRate, target: f64) -> f64 {
    (rate.as_f64() / target - 1.0).abs()
}

/// The fraction with a denominator of at most 4 nearest to `target`, which is between 1 and 60.
fn simple_fraction(target: f64) -> FrameRate {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, and between 1 and 240"
    )]
    let candidates =
        (1..=4_u32).filter_map(|den| FrameRate::new((target * f64::from(den)).round() as u32, den));
    candidates
        .min_by(|a, b| off_by(*a, target).total_cmp(&off_by(*b, target)))
        .unwrap_or_else(|| lone_frame_rate(&[]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    fn steady(rate: FrameRate, frames: u64, clock_us: i64) -> Vec<i64> {
        (0..frames)
            .map(|i| rate.time_of_us(i) / clock_us * clock_us)
            .collect()
    }

    #[test]
    fn standard_rates_are_told_apart_even_on_a_millisecond_clock() {
        for (num, den) in STANDARD {
            for clock_us in [1, 11, 1000] {
                let got = measure(&steady(rate(num, den), 500, clock_us), &[]);
                assert_eq!(
                    got,
                    FrameTiming {
                        rate: rate(num, den),
                        constant: true
                    },
                    "{num}/{den} at {clock_us} µs"
                );
            }
        }
    }

    #[test]
    fn a_lying_container_is_not_believed_but_settles_what_a_short_clip_leaves_open() {
        let second = steady(rate(30_000, 1001), 30, 1000);
        let guessed = measure(&second, &[rate(57_600, 1)]).rate.as_f64();
        assert!((29.9..30.1).contains(&guessed), "{guessed}");
        assert_eq!(
            measure(&second, &[rate(1000, 1), rate(30_000, 1001)]).rate,
            rate(30_000, 1001)
        );
    }

    #[test]
    fn fast_sources_are_divided_evenly_and_slow_ones_kept() {
        let got = |num, den| measure(&steady(rate(num, den), 400, 1), &[]).rate;
        assert_eq!(got(120, 1), rate(60, 1));
        assert_eq!(got(240, 1), rate(60, 1));
        assert_eq!(got(120_000, 1001), rate(60_000, 1001));
        assert_eq!(got(90, 1), rate(45, 1));
        assert_eq!(got(15, 1), rate(15, 1));
        assert_eq!(got(67, 4), rate(67, 4));
        assert_eq!(got(1, 1), rate(1, 1));
        assert_eq!(got(1, 5), rate(1, 1));
    }

    #[test]
    fn a_phone_clip_with_jitter_and_drops_keeps_its_rate() {
        for rate in [rate(30, 1), rate(30_000, 1001)] {
            for mut seed in 1_u64..50 {
                let mut times = steady(rate, 600, 1);
                times.retain_mut(|t| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    *t += i64::try_from((seed >> 33) % 8000).unwrap() - 4000;
                    (seed >> 40) % 6 != 0
                });
                assert_eq!(
                    measure(&times, &[]),
                    FrameTiming {
                        rate,
                        constant: false
                    }
                );
            }
        }
    }

    #[test]
    fn packets_of_sound_are_measured_to_the_sample() {
        for (sample_rate, samples) in [
            (48_000, 1024),
            (44_100, 1024),
            (44_100, 1152),
            (96_000, 4096),
        ] {
            let exact = rate(sample_rate, samples);
            for clock_us in [1, 11, 1000] {
                let times: Vec<i64> = (0..400)
                    .map(|packet| (exact.time_of_us(packet) + clock_us / 2) / clock_us * clock_us)
                    .collect();
                assert_eq!(packet_rate(&times, sample_rate), Some(exact));
            }
        }
    }

    #[test]
    fn packets_of_sound_that_differ_or_are_few_have_no_rate() {
        let steady: Vec<i64> = (0..400).map(|packet| packet * 21_333).collect();
        let mut uneven = steady.clone();
        uneven[200..].iter_mut().for_each(|time| *time += 5_000);
        assert_eq!(packet_rate(&uneven, 48_000), None);
        assert_eq!(packet_rate(&steady[..90], 48_000), None);
        assert_eq!(packet_rate(&[], 48_000), None);
    }

    #[test]
    fn a_gap_ends_what_is_measured_of_the_sound() {
        let mut times: Vec<i64> = (0..400).map(|packet| packet * 1_024_000 / 48).collect();
        times[300..]
            .iter_mut()
            .for_each(|time| *time += 3_600_000_000);
        assert_eq!(packet_rate(&times, 48_000), Some(rate(48_000, 1024)));
    }

    #[test]
    fn no_timestamps_leave_the_containers_word_or_twenty_five() {
        assert_eq!(
            measure(&[0], &[rate(90_000, 1), rate(12, 1)]).rate,
            rate(12, 1)
        );
        assert_eq!(measure(&[], &[]).rate, rate(25, 1));
    }

    proptest! {
        #[test]
        fn any_timestamps_give_a_rate_between_one_and_sixty(
            times in prop::collection::vec(-1_000_000_000_i64..1_000_000_000_000, 0..200),
        ) {
            let got = measure(&times, &[]).rate.as_f64();
            prop_assert!((0.99..=60.01).contains(&got), "{}", got);
        }
    }
}
