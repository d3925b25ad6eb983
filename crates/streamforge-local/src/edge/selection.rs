//! What of an object answers a request, and in which form: decided by the request's headers alone.

use std::ops::Range;

use axum::http::{HeaderMap, Method, header};
use headers::{ETag, HeaderMapExt, IfNoneMatch, IfRange};

use super::range::{Requested, requested};

/// What answers a request for an object that is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Selection {
    /// Nothing: the client has it.
    NotModified,
    /// All of it.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Nothing: there are no such bytes.
    Unsatisfiable,
}

/// Chooses from an object of `size` bytes that is tagged `etag`.
///
/// Preconditions come first ([RFC 9110 §13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2)). Ranges are for `GET` only
/// ([§14.2](https://www.rfc-editor.org/rfc/rfc9110#section-14.2)).
pub(super) fn select(method: &Method, request: &HeaderMap, etag: &ETag, size: u64) -> Selection {
    let if_none_match = request.typed_get::<IfNoneMatch>();
    if if_none_match.is_some_and(|tags| !tags.precondition_passes(etag)) {
        return Selection::NotModified;
    }
    let range = request
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok())
        .filter(|_| method == Method::GET && has_current_parts(request, etag));
    match range.map(|range| requested(range, size)) {
        None | Some(Requested::Whole) => Selection::Whole,
        Some(Requested::Part(part)) => Selection::Part(part),
        Some(Requested::Unsatisfiable) => Selection::Unsatisfiable,
    }
}

/// Whether the parts that a client has are of the object `etag` tags, as far as `If-Range` tells. We send no dates, so none is
/// current.
fn has_current_parts(request: &HeaderMap, etag: &ETag) -> bool {
    match request.typed_try_get::<IfRange>() {
        Ok(None) => true,
        Ok(Some(if_range)) => !if_range.is_modified(Some(etag), None),
        Err(_) => false,
    }
}

/// Whether a client takes gzip and likes nothing better
/// ([RFC 9110 §12.5.3](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3)).
///
/// Ranges are of the plain bytes, so who asks for one gets those.
pub(super) fn wants_gzip(request: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    let codings = request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for coding in codings {
        let (name, weight) = weighted(coding);
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "identity" => identity = Some(weight),
            "*" => any = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0) && !request.contains_key(header::RANGE)
}

/// The name of a content coding and its weight, 0 where that cannot be read.
fn weighted(coding: &str) -> (&str, f32) {
    let (name, parameter) = coding.split_once(';').unwrap_or((coding, "q=1"));
    let weight = parameter
        .trim()
        .strip_prefix(['q', 'Q'])
        .and_then(|weight| weight.trim_start().strip_prefix('='))
        .and_then(|weight| weight.trim_start().parse().ok());
    (name.trim(), weight.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const SIZE: u64 = 10;

    fn with(headers: &[(HeaderName, &'static str)]) -> HeaderMap {
        let header = |(name, value): &(HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(value))
        };
        headers.iter().map(header).collect()
    }

    fn get(headers: &[(HeaderName, &'static str)]) -> Selection {
        let etag = "\"a,b\"".parse().unwrap();
        select(&Method::GET, &with(headers), &etag, SIZE)
    }

    #[test]
    fn a_known_tag_is_found_weak_or_strong_in_lists_and_by_a_star() {
        for tags in [
            r#""a,b""#,
            r#"W/"a,b""#,
            r#""x", W/"a,b""#,
            r#"W/"x","a,b","y""#,
            "*",
        ] {
            assert_eq!(
                get(&[(header::IF_NONE_MATCH, tags)]),
                Selection::NotModified,
                "{tags}"
            );
        }
        for tags in [r#""x""#, r#""a""#, "a,b", r#""a,b"#, "", "W/*"] {
            assert_eq!(
                get(&[(header::IF_NONE_MATCH, tags)]),
                Selection::Whole,
                "{tags}"
            );
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_in_parts_either() {
        let known = (header::IF_NONE_MATCH, "\"a,b\"");
        let range = (header::RANGE, "bytes=99-");
        assert_eq!(get(&[known, range]), Selection::NotModified);
    }

    #[test]
    fn a_part_is_sent_only_to_who_has_other_parts_of_the_same() {
        let range = (header::RANGE, "bytes=2-4");
        assert_eq!(get(std::slice::from_ref(&range)), Selection::Part(2..5));
        let same = (header::IF_RANGE, "\"a,b\"");
        assert_eq!(get(&[range.clone(), same]), Selection::Part(2..5));
        for other in [
            "\"x\"",
            "W/\"a,b\"",
            "Sat, 29 Oct 1994 19:43:31 GMT",
            "Sat, 29 Oct 2094 19:43:31 GMT",
            "a,b",
            "*",
            "",
        ] {
            let other = (header::IF_RANGE, other);
            assert_eq!(
                get(&[range.clone(), other.clone()]),
                Selection::Whole,
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_range_means_nothing_to_head() {
        let etag = "\"a\"".parse().unwrap();
        for range in ["bytes=2-4", "bytes=99-"] {
            let request = with(&[(header::RANGE, range)]);
            assert_eq!(
                select(&Method::HEAD, &request, &etag, SIZE),
                Selection::Whole
            );
        }
    }

    #[test]
    fn gzip_is_for_who_takes_it_and_likes_nothing_better() {
        for accepted in [
            "gzip",
            "GZIP",
            "x-gzip",
            "deflate, gzip;q=1.0, *;q=0.5",
            "br , gzip ; q=0.001",
            "gzip;q=0.8, identity;q=0.8",
            "gzip; Q=1",
            "*",
            "identity;q=0.5, *;q=0.6",
        ] {
            assert!(
                wants_gzip(&with(&[(header::ACCEPT_ENCODING, accepted)])),
                "{accepted}"
            );
        }
        for refused in [
            "",
            "br",
            "identity",
            "gzip;q=0",
            "gzip;q=0.000",
            "*, gzip;q=0",
            "*;q=0",
            "gzip;q=0.5, identity",
            "gzip;q=much",
            "gzip;q=nan",
            "gzip;x=1",
            "gzipped",
        ] {
            assert!(
                !wants_gzip(&with(&[(header::ACCEPT_ENCODING, refused)])),
                "{refused}"
            );
        }
        assert!(!wants_gzip(&HeaderMap::new()));
    }

    #[test]
    fn gzip_may_be_named_in_any_of_several_headers_but_not_with_a_range() {
        let codings = [
            (header::ACCEPT_ENCODING, "br"),
            (header::ACCEPT_ENCODING, "gzip"),
        ];
        assert!(wants_gzip(&with(&codings)));
        let [_, gzip] = codings;
        assert!(!wants_gzip(&with(&[gzip, (header::RANGE, "bytes=0-")])));
    }
}
