//! What an object is delivered with, and when it is not sent again.

use reqwest::{Method, StatusCode};

use crate::{Edge, IMMUTABLE, PLAYLIST, SEGMENT, SEGMENT_TYPE, content};

#[tokio::test]
async fn an_object_comes_with_what_the_bucket_says_of_it() {
    let edge = Edge::start().await;
    let etag = edge.put_segment(b"0123456789").await;
    let answer = edge.get(SEGMENT, &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(&answer.body[..], b"0123456789");
    for (name, value) in [
        ("content-type", SEGMENT_TYPE),
        ("content-length", "10"),
        ("cache-control", IMMUTABLE),
        ("etag", &etag),
        ("accept-ranges", "bytes"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let exposed = answer.header("access-control-expose-headers").unwrap();
    for name in ["Content-Length", "Content-Range", "ETag", "Age", "X-Cache"] {
        assert!(exposed.contains(name), "{name}");
    }
    for name in ["content-encoding", "vary", "content-range"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn an_object_that_the_bucket_says_nothing_of_is_not_to_be_kept() {
    let edge = Edge::start().await;
    let put = edge.services.s3().put_object();
    let put = put
        .bucket(&edge.services.resources().media_bucket)
        .key(format!("v/{}/file", edge.video));
    put.send().await.unwrap();
    let answer = edge.get("file", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("content-length"), Some("0"));
}

#[tokio::test]
async fn head_tells_what_get_tells_and_sends_no_bytes() {
    let edge = Edge::start().await;
    edge.put_segment(b"0123456789").await;
    edge.put_playlist("#EXTM3U\n").await;
    let large = content((8 << 20) + 1);
    edge.put("large.mp4", "video/mp4", IMMUTABLE, large).await;
    for path in [SEGMENT, PLAYLIST, "large.mp4", "nothing.m4s"] {
        let request = [("accept-encoding", "gzip")];
        let mut get = edge.get(path, &request).await;
        let mut head = edge.ask(Method::HEAD, path, &request).await;
        for headers in [&mut get.headers, &mut head.headers] {
            for differs in ["date", "x-cache", "age"] {
                headers.remove(differs);
            }
        }
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.headers, get.headers, "{path}");
        assert!(head.body.is_empty(), "{path}");
        let length = get.body.len().to_string();
        assert_eq!(get.header("content-length"), Some(&*length), "{path}");
    }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let edge = Edge::start().await;
    let etag = edge.put_segment(b"0123456789").await;
    for known in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        "*".to_owned(),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = [("if-none-match", known.as_str())];
            let answer = edge.ask(method, SEGMENT, &request).await;
            assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(answer.header("etag"), Some(&*etag));
            assert_eq!(answer.header("cache-control"), Some(IMMUTABLE));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("content-type"), None);
            // It may be there, but would have to be that of a whole answer.
            assert_ne!(answer.header("content-length"), Some("0"));
        }
    }
    let changed = edge.get(SEGMENT, &[("if-none-match", "\"other\"")]).await;
    assert_eq!(changed.status, StatusCode::OK);
}

#[tokio::test]
async fn a_connection_goes_on_after_answers_without_bytes() {
    let edge = Edge::start().await;
    let etag = edge.put_segment(b"0123456789").await;
    let target = format!("/v/{}/{SEGMENT} HTTP/1.1\r\nHost: edge\r\n", edge.video);
    let answers = edge
        .raw(&format!(
            "GET {target}If-None-Match: {etag}\r\n\r\n\
             HEAD {target}\r\n\
             GET {target}Range: bytes=99-\r\n\r\n\
             GET {target}Connection: close\r\n\r\n"
        ))
        .await;
    let answers = answers.split_terminator("HTTP/1.1 ");
    let statuses: Vec<_> = answers.clone().map(|answer| answer.get(..3)).collect();
    assert_eq!(
        statuses,
        [None, Some("304"), Some("200"), Some("416"), Some("200")]
    );
    assert!(answers.last().unwrap().ends_with("\r\n\r\n0123456789"));
}

#[tokio::test]
async fn a_part_of_another_object_is_not_sent() {
    let edge = Edge::start().await;
    let etag = edge.put_segment(b"0123456789").await;
    let weak = format!("W/{etag}");
    for (if_range, status, body) in [
        (etag.as_str(), 206, "234"),
        ("\"other\"", 200, "0123456789"),
        (&weak, 200, "0123456789"),
        ("Sat, 29 Oct 2094 19:43:31 GMT", 200, "0123456789"),
    ] {
        let request = [("range", "bytes=2-4"), ("if-range", if_range)];
        let answer = edge.get(SEGMENT, &request).await;
        assert_eq!(answer.status, status, "{if_range}");
        assert_eq!(answer.body, body, "{if_range}");
    }
}
