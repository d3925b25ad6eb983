//! Frame rates as exact fractions.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// Frames per second as a reduced fraction, such as 30000/1001.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct FrameRate {
    num: NonZeroU32,
    den: NonZeroU32,
}

impl FrameRate {
    /// `num / den` frames per second, reduced; `None` when either is zero.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        let divisor = gcd(num, den);
        Some(Self {
            num: NonZeroU32::new(num.checked_div(divisor)?)?,
            den: NonZeroU32::new(den.checked_div(divisor)?)?,
        })
    }

    /// The numerator of the reduced fraction.
    pub fn num(self) -> u32 {
        self.num.get()
    }

    /// The denominator of the reduced fraction.
    pub fn den(self) -> u32 {
        self.den.get()
    }

    /// Frames per second, for comparisons and for people; never for arithmetic on the grid.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num()) / f64::from(self.den())
    }

    /// When frame `frame` is shown, in microseconds from frame 0, rounded up: a seek to it that was rounded down
    /// would land on the key frame before the one that stands exactly there.
    pub fn time_of_us(self, frame: u64) -> i64 {
        let us = (u128::from(frame) * u128::from(self.den()) * 1_000_000)
            .div_ceil(u128::from(self.num()));
        i64::try_from(us).unwrap_or(i64::MAX)
    }

    /// The least whole number of frames that last a second.
    pub fn frames_a_second(self) -> u32 {
        self.num().div_ceil(self.den())
    }

    /// How many frames `us` microseconds are, rounded to the nearest; nothing for a negative time.
    pub fn frames_in_us(self, us: i64) -> u64 {
        let us = u128::try_from(us).unwrap_or(0);
        let scale = u128::from(self.den()) * 1_000_000;
        u64::try_from((us * u128::from(self.num()) + scale / 2) / scale).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for FrameRate {
    /// As FFmpeg writes and reads it: `30000/1001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl From<FrameRate> for (u32, u32) {
    fn from(rate: FrameRate) -> Self {
        (rate.num(), rate.den())
    }
}

impl TryFrom<(u32, u32)> for FrameRate {
    type Error = &'static str;

    fn try_from((num, den): (u32, u32)) -> Result<Self, Self::Error> {
        Self::new(num, den).ok_or("a frame rate has no zero in it")
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_reduced_and_has_no_zero() {
        assert_eq!(FrameRate::new(50, 2), FrameRate::new(25, 1));
        assert_eq!(FrameRate::new(0, 1), None);
        assert_eq!(FrameRate::new(25, 0), None);
        assert_eq!(FrameRate::new(0, 0), None);
    }

    #[test]
    fn times_are_rounded_up_and_frame_counts_to_the_nearest() {
        let ntsc = FrameRate::new(30_000, 1001).unwrap();
        assert_eq!(ntsc.time_of_us(120), 4_004_000);
        assert_eq!(ntsc.time_of_us(1), 33_367); // 33 366.67
        assert_eq!(ntsc.frames_in_us(4_004_000), 120);
        assert_eq!(ntsc.frames_in_us(-5), 0);
    }
}
