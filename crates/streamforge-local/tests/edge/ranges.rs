//! Any range of any object.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use tokio::runtime::Runtime;

use crate::{Answer, Edge, IMMUTABLE, SEGMENT, content};

/// Objects of these many bytes: none, few, and on both sides of what is kept in memory.
const SIZES: [u64; 5] = [0, 1, 10, 8 << 20, (8 << 20) + 1];

/// A `Range` header by its meaning.
#[derive(Clone, Debug)]
enum Range {
    FromTo(u64, u64),
    From(u64),
    Last(u64),
    Several(u64, u64),
    Other(String),
}

impl Range {
    fn header(&self) -> String {
        match self {
            Self::FromTo(first, last) => format!("bytes={first}-{last}"),
            Self::From(first) => format!("bytes={first}-"),
            Self::Last(length) => format!("bytes=-{length}"),
            Self::Several(one, other) => format!("bytes={one}-{one}, {other}-"),
            Self::Other(text) => text.clone(),
        }
    }

    /// Whether an answer has the part that is asked for (RFC 9110 §14.1.2), or the whole, because the header is invalid or may be
    /// ignored.
    fn is_for_a_part(&self, size: u64) -> bool {
        match self {
            Self::FromTo(first, last) => first <= last,
            // All of an empty object cannot be written as a part.
            Self::Last(length) => size > 0 || *length == 0,
            Self::From(_) => true,
            Self::Several(..) | Self::Other(_) => false,
        }
    }

    /// Whether the byte at `place` of `size` bytes is asked for.
    fn has(&self, place: u64, size: u64) -> bool {
        match self {
            Self::FromTo(first, last) => (*first..=*last).contains(&place),
            Self::From(first) => place >= *first,
            Self::Last(length) => size - place <= *length,
            Self::Several(..) | Self::Other(_) => true,
        }
    }
}

/// A place near the beginning or the end, or far behind it.
fn places(size: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..12_u64,
        4 => size.saturating_sub(3)..size + 3,
        1 => any::<u64>(),
    ]
}

fn ranges(size: u64) -> impl Strategy<Value = Range> {
    prop_oneof![
        4 => (places(size), places(size)).prop_map(|(first, last)| Range::FromTo(first, last)),
        2 => places(size).prop_map(Range::From),
        2 => places(size).prop_map(Range::Last),
        1 => (places(size), places(size)).prop_map(|(one, other)| Range::Several(one, other)),
        1 => "(bytes|lines)?=?[ ,a-z+]{0,5}-?[a-z ]{0,5}".prop_map(Range::Other),
    ]
}

fn check(range: &Range, object: &[u8], answer: &Answer) {
    let size = object.len() as u64;
    let (places, bytes): (Vec<u64>, Vec<u8>) = (0..size)
        .zip(object)
        .filter(|(place, _)| range.has(*place, size))
        .unzip();
    let (status, content_range) = match (range.is_for_a_part(size), &places[..]) {
        (false, _) => (200, None),
        (true, []) => (416, Some(format!("bytes */{size}"))),
        (true, [first, ..]) => {
            let last = places[places.len() - 1];
            (206, Some(format!("bytes {first}-{last}/{size}")))
        }
    };
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("content-range"), content_range.as_deref());
    let wanted = if status == 200 { object } else { &bytes };
    assert!(answer.body == wanted, "{} bytes", answer.body.len());
    let length = wanted.len().to_string();
    assert_eq!(answer.header("content-length"), Some(&*length));
}

#[test]
fn every_range_of_every_object_has_its_bytes() {
    let runtime = Runtime::new().unwrap();
    let edge = runtime.block_on(Edge::start());
    for size in SIZES {
        let path = format!("{size}.mp4");
        let object = content(usize::try_from(size).unwrap());
        runtime.block_on(edge.put(&path, "video/mp4", IMMUTABLE, object.clone()));
        let cases = if size < 100 { 500 } else { 8 };
        let config = ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(cases)
        };
        TestRunner::new(config)
            .run(&ranges(size), |range| {
                let header = range.header();
                let headers = [("range", &*header)];
                let answer = edge.get(&path, &headers);
                check(&range, &object, &runtime.block_on(answer));
                Ok(())
            })
            .unwrap();
    }
}

#[tokio::test]
async fn a_range_means_nothing_to_head() {
    let edge = Edge::start().await;
    edge.put_segment(b"0123456789").await;
    for range in ["bytes=2-4", "bytes=99-"] {
        let range = [("range", range)];
        let answer = edge.ask(Method::HEAD, SEGMENT, &range).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-length"), Some("10"));
    }
}
