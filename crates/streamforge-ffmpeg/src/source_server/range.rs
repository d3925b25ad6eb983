//! The `Range` request header.

use std::ops::Range;

/// What a `Range` header asks of a representation of known size.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum RangeRequest {
    /// All of it: there is no header, or one a server is free to ignore.
    Whole,
    /// These bytes, never none.
    Part(Range<u64>),
    /// Bytes that are not there: 416.
    Unsatisfiable,
}

/// Reads a single byte range ([RFC 9110 §14.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2))
/// against a representation of `size` bytes.
///
/// Another unit, several ranges and what does not parse are ignored, as §14.2 allows: FFmpeg sends none.
pub(super) fn parse_range(header: Option<&str>, size: u64) -> RangeRequest {
    let Some((first, last)) = header
        .and_then(|header| header.trim().strip_prefix("bytes="))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return RangeRequest::Whole;
    };
    let (start, end) = match (position(first), position(last)) {
        (Position::Absent, Position::At(suffix)) => (size.saturating_sub(suffix), size),
        (Position::At(first), Position::Absent) => (first, size),
        (Position::At(first), Position::At(last)) if first <= last => {
            (first, last.saturating_add(1).min(size))
        }
        _ => return RangeRequest::Whole,
    };
    if start < end {
        RangeRequest::Part(start..end)
    } else {
        RangeRequest::Unsatisfiable
    }
}

enum Position {
    Absent,
    At(u64),
    Malformed,
}

fn position(digits: &str) -> Position {
    if digits.is_empty() {
        Position::Absent
    } else if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // `u64::from_str` alone would take a sign.
        Position::Malformed
    } else {
        // Only overflow is left to fail: a position past every source.
        Position::At(digits.parse().unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_single_range_is_clamped_to_the_source() {
        for (header, expected) in [
            ("bytes=0-", RangeRequest::Part(0..100)),
            ("bytes=10-19", RangeRequest::Part(10..20)),
            ("bytes=99-99", RangeRequest::Part(99..100)),
            ("bytes=90-1000", RangeRequest::Part(90..100)),
            ("bytes=5-18446744073709551615", RangeRequest::Part(5..100)),
            ("bytes=-1", RangeRequest::Part(99..100)),
            ("bytes=-1000", RangeRequest::Part(0..100)),
            (" bytes=7- ", RangeRequest::Part(7..100)),
        ] {
            assert_eq!(parse_range(Some(header), 100), expected, "{header}");
        }
    }

    #[test]
    fn bytes_that_are_not_there_are_unsatisfiable() {
        for header in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(
                parse_range(Some(header), 100),
                RangeRequest::Unsatisfiable,
                "{header}"
            );
        }
        assert_eq!(
            parse_range(Some("bytes=0-"), 0),
            RangeRequest::Unsatisfiable
        );
        assert_eq!(
            parse_range(Some("bytes=-5"), 0),
            RangeRequest::Unsatisfiable
        );
    }

    #[test]
    fn what_is_not_one_byte_range_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=5-4",
            "bytes=0-1,5-6",
            "items=0-1",
        ] {
            assert_eq!(
                parse_range(Some(header), 100),
                RangeRequest::Whole,
                "{header}"
            );
        }
        assert_eq!(parse_range(None, 100), RangeRequest::Whole);
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_never_outside(header in "(bytes=)?[0-9]{0,20}-?[0-9]{0,20}", size: u64) {
            if let RangeRequest::Part(range) = parse_range(Some(&header), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
