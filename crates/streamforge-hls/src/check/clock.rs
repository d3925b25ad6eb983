//! Time as the checker counts it: whole nanoseconds, wide enough for any file's numbers.

use std::fmt;

/// Nanoseconds. 64-bit ticks of a 1 Hz clock, and sums of as many of them as a playlist can hold,
/// fit.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Nanos(pub(crate) i128);

impl Nanos {
    /// Nanoseconds in a second.
    const SECOND: i128 = 1_000_000_000;

    pub(crate) const fn from_secs(seconds: u32) -> Self {
        Self(seconds as i128 * Self::SECOND)
    }

    pub(crate) const fn from_millis(millis: u32) -> Self {
        Self(millis as i128 * 1_000_000)
    }

    /// `ticks` of a clock with `timescale` ticks a second (0 counts as 1), rounded down.
    pub(crate) fn from_ticks(ticks: i128, timescale: u32) -> Self {
        let timescale = i128::from(timescale.max(1));
        let (seconds, rest) = (ticks.div_euclid(timescale), ticks.rem_euclid(timescale));
        Self(seconds * Self::SECOND + rest * Self::SECOND / timescale)
    }

    /// A decimal-integer or decimal-floating-point of seconds
    /// ([RFC 8216 §4.2](https://www.rfc-editor.org/rfc/rfc8216#section-4.2)); digits past the ninth
    /// decimal are cut off.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) {
            return None;
        }
        let decimals = decimals.get(..9).unwrap_or(decimals);
        let nanos: i128 = format!("{decimals:0<9}").parse().ok()?;
        let seconds: u64 = whole.parse().ok()?;
        Some(Self(i128::from(seconds) * Self::SECOND + nanos))
    }

    pub(crate) fn abs_diff(self, other: Self) -> Self {
        Self((self.0 - other.0).abs())
    }

    /// Seconds, rounded to the nearest and half up, as RFC 8216 rounds EXTINF.
    pub(crate) fn rounded_secs(self) -> i128 {
        (self.0 + Self::SECOND / 2).div_euclid(Self::SECOND)
    }
}

impl std::ops::Add for Nanos {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::ops::Sub for Nanos {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::iter::Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(nanos: I) -> Self {
        nanos.fold(Self::default(), std::ops::Add::add)
    }
}

/// Seconds with three to six decimals, and the unit.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = (self.0.unsigned_abs() + 500) / 1000;
        let sign = if self.0 < 0 && micros > 0 { "-" } else { "" };
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        if micros.is_multiple_of(1000) {
            write!(f, "{sign}{seconds}.{:03} s", micros / 1000)
        } else {
            write!(f, "{sign}{seconds}.{micros:06} s")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(Nanos::parse("4.004"), Some(Nanos(4_004_000_000)));
        assert_eq!(Nanos::parse("6"), Some(Nanos(6_000_000_000)));
        assert_eq!(Nanos::parse("0.0000000019"), Some(Nanos(1)));
        assert_eq!(Nanos::parse("4."), Some(Nanos(4_000_000_000)));
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in [
            "",
            ".5",
            "-1",
            "+1",
            "1e3",
            " 1",
            "1,5",
            "99999999999999999999",
            "ä",
        ] {
            assert_eq!(Nanos::parse(text), None, "{text:?}");
        }
        assert_eq!(Nanos::parse("1.00000000ä"), None);
    }

    #[test]
    fn ticks_become_nanoseconds_also_before_zero() {
        assert_eq!(Nanos::from_ticks(3003, 90_000), Nanos(33_366_666));
        assert_eq!(Nanos::from_ticks(-90_000, 90_000), Nanos(-1_000_000_000));
        assert_eq!(
            Nanos::from_ticks(i128::from(u64::MAX), 0).to_string().len(),
            26
        );
    }

    #[test]
    fn seconds_are_shown_with_three_decimals_or_six() {
        assert_eq!(Nanos(4_004_000_000).to_string(), "4.004 s");
        assert_eq!(Nanos(33_366_666).to_string(), "0.033367 s");
        assert_eq!(Nanos(-1_500_000_000).to_string(), "-1.500 s");
    }

    #[test]
    fn half_a_second_rounds_up() {
        assert_eq!(Nanos(4_499_999_999).rounded_secs(), 4);
        assert_eq!(Nanos(4_500_000_000).rounded_secs(), 5);
    }
}
