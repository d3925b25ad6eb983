//! What is not delivered.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use reqwest::{Method, StatusCode};

use crate::{Edge, SEGMENT};

#[tokio::test]
async fn where_no_object_can_be_there_is_nothing_and_s3_is_not_asked() {
    let edge = Edge::start().await;
    edge.put_segment(b"one").await;
    let video = &edge.video;
    let get = async |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n");
        edge.raw(&request).await
    };
    for path in [
        format!("/v/{video}"),
        format!("/v/{video}/"),
        format!("/v/{video}//{SEGMENT}"),
        format!("/v/{video}/{SEGMENT}/"),
        format!("/v/{video}/720p/../{SEGMENT}"),
        format!("/v/{video}/./{SEGMENT}"),
        format!("/v/{video}/720p/%2e%2e/{SEGMENT}"),
        format!("/v/{video}/720p%2fseg_00000.m4s"),
        format!("/v/{video}/..%2f..%2fetc%2fpasswd"),
        format!("/v/{video}/%00"),
        format!("/v/{video}/%ff%fe"),
        format!("/v/{video}/%"),
        format!("/v/{video}/{}", "a".repeat(1024)),
        format!("/v/{video}/a+b"),
        format!("/v/{video}/.hidden"),
        format!("/v/{}/{SEGMENT}", video.to_string().to_lowercase() + "a"),
        format!("/v/../v/{video}/{SEGMENT}"),
        format!("/v/8{}/{SEGMENT}", &video.as_str()[1..]),
        format!("//v/{video}/{SEGMENT}"),
    ] {
        let answer = get(&path).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert_eq!(edge.reads(), 0, "{path}");
    }
    let answer = get(&format!("/v/{video}/{SEGMENT}")).await;
    assert!(answer.ends_with("\r\n\r\none"), "{answer}");
}

#[tokio::test]
async fn every_refusal_is_for_any_page_and_not_to_be_stored() {
    let edge = Edge::start().await;
    edge.put_segment(b"one").await;
    let beyond = edge.get(SEGMENT, &[("range", "bytes=3-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("content-range"), Some("bytes */3"));
    assert!(beyond.body.is_empty());
    let absent = edge.get("720p/seg_00001.m4s", &[]).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    let impossible = edge.get("a+b", &[]).await;
    assert_eq!(impossible.status, StatusCode::NOT_FOUND);
    let post = edge.ask(Method::POST, SEGMENT, &[]).await;
    for refusal in [beyond, absent, impossible, post] {
        assert_eq!(refusal.header("cache-control"), Some("no-store"));
        assert_eq!(refusal.header("access-control-allow-origin"), Some("*"));
        assert_eq!(refusal.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let edge = Edge::start().await;
    edge.put_segment(b"one").await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = edge.ask(method, SEGMENT, &[]).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        let allowed: Vec<_> = answer.header("allow").unwrap().split(',').collect();
        assert_eq!(allowed, ["GET", "HEAD", "OPTIONS"]);
    }
    assert_eq!(edge.get(SEGMENT, &[]).await.body, "one");
}

#[tokio::test]
async fn pages_may_ask_for_ranges_after_a_preflight() {
    let edge = Edge::start().await;
    let preflight = [
        ("origin", "https://player.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "range"),
    ];
    let answer = edge.ask(Method::OPTIONS, SEGMENT, &preflight).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-max-age"), Some("86400"));
    let methods = answer.header("access-control-allow-methods");
    assert_eq!(methods, Some("GET, HEAD, OPTIONS"));
    let headers = answer.header("access-control-allow-headers").unwrap();
    let headers: Vec<_> = headers.split(", ").collect();
    for wanted in ["Range", "If-Range", "If-None-Match"] {
        assert!(headers.contains(&wanted), "{headers:?}");
    }
    assert_eq!(edge.reads(), 0);
}

#[tokio::test]
async fn when_s3_does_not_answer_another_try_may_help() {
    let edge = Edge::with_s3(|s3| {
        let wrong = Credentials::new("LOCAL0", "guessed", None, None, "test");
        let config = s3.config().to_builder().credentials_provider(wrong);
        Client::from_conf(config.build())
    })
    .await;
    edge.put_segment(b"one").await;
    for path in [SEGMENT, "720p/seg_00000.m4s?nocache=1"] {
        let answer = edge.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.body, "try again shortly\n");
    }
}
