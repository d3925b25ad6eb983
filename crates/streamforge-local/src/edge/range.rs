//! Byte ranges ([RFC 9110 §14](https://www.rfc-editor.org/rfc/rfc9110#section-14)).

use std::ops::Range;

/// What a `Range` header asks of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Requested {
    /// All of it: the header is malformed, of another unit, or asks for several ranges, which may be answered with the whole.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Unsatisfiable,
}

/// What the value of a `Range` header asks of an object of `size` bytes.
pub(super) fn requested(range: &str, size: u64) -> Requested {
    let part = match RangeSpec::parse(range) {
        None => return Requested::Whole,
        // All that an empty object has.
        Some(RangeSpec::Suffix(1..)) if size == 0 => return Requested::Whole,
        Some(RangeSpec::Suffix(length)) => size.saturating_sub(length)..size,
        Some(RangeSpec::From(first)) => first..size,
        Some(RangeSpec::FromTo(first, last)) => first..size.min(last.saturating_add(1)),
    };
    if part.is_empty() {
        Requested::Unsatisfiable
    } else {
        Requested::Part(part)
    }
}

/// One range, before it is known how long the object is.
enum RangeSpec {
    /// `first-`
    From(u64),
    /// `first-last`, where `last` is not before `first`
    FromTo(u64, u64),
    /// `-length`
    Suffix(u64),
}

impl RangeSpec {
    /// The only range of a set; `None` when there are several, or anything else.
    fn parse(range: &str) -> Option<Self> {
        let (unit, set) = range.split_once('=')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let mut specs = set
            .split(',')
            .map(|spec| spec.trim_matches([' ', '\t']))
            .filter(|spec| !spec.is_empty());
        let (Some(spec), None) = (specs.next(), specs.next()) else {
            return None;
        };
        match spec.split_once('-')? {
            ("", length) => Some(Self::Suffix(digits(length)?)),
            (first, "") => Some(Self::From(digits(first)?)),
            (first, last) => {
                let (first, last) = (digits(first)?, digits(last)?);
                (first <= last).then_some(Self::FromTo(first, last))
            }
        }
    }
}

/// A number of any length. What does not fit lies behind the end of every object.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Requested::{Part, Unsatisfiable, Whole};
    use super::*;

    #[test]
    fn each_form_of_a_range_is_resolved() {
        for (range, size, wanted) in [
            ("bytes=0-0", 10, Part(0..1)),
            ("bytes=2-4", 10, Part(2..5)),
            ("bytes=2-", 10, Part(2..10)),
            ("bytes=2-99", 10, Part(2..10)),
            ("bytes=-3", 10, Part(7..10)),
            ("bytes=-99", 10, Part(0..10)),
            ("bytes=9-", 10, Part(9..10)),
            ("bytes=10-", 10, Unsatisfiable),
            ("bytes=10-12", 10, Unsatisfiable),
            ("bytes=-0", 10, Unsatisfiable),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=-1", 0, Whole),
            ("bytes=-0", 0, Unsatisfiable),
            // However long a number is.
            ("bytes=0-99999999999999999999999", 10, Part(0..10)),
            ("bytes=99999999999999999999999-", 10, Unsatisfiable),
            ("bytes=-99999999999999999999999", 10, Part(0..10)),
            ("bytes=0-18446744073709551615", u64::MAX, Part(0..u64::MAX)),
            // A list may have empty elements, and units are written in either case.
            ("Bytes=, 2-4 ,", 10, Part(2..5)),
        ] {
            assert_eq!(requested(range, size), wanted, "{range} of {size}");
        }
    }

    #[test]
    fn several_ranges_and_what_is_no_range_are_answered_with_the_whole() {
        for range in [
            "bytes=0-1,3-4",
            "bytes=0-1,99-",
            "bytes=4-2",
            "bytes=-",
            "bytes=",
            "bytes=,",
            "bytes=+1-2",
            "bytes=1 - 2",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes=0x1-",
            "bytes 0-1",
            "seconds=0-1",
            "",
        ] {
            assert_eq!(requested(range, 10), Whole, "{range}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_nor_outside_of_the_object(range in "bytes=[0-9]{0,3}-[0-9]{0,3}", size in 0..200_u64) {
            if let Part(part) = requested(&range, size) {
                prop_assert!(part.start < part.end && part.end <= size, "{:?}", part);
            }
        }

        #[test]
        fn no_text_is_too_odd(range in "(bytes=)?\\PC{0,40}", size: u64) {
            requested(&range, size);
        }
    }
}
