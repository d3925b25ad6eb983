//! What is kept, for how long, and what is told of it.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use reqwest::Method;

use crate::{Edge, IMMUTABLE, SEGMENT, SEGMENT_TYPE, content};

/// Longer than what is fresh for a second.
const OVER_A_SECOND: Duration = Duration::from_millis(1200);

fn seen(status: u16, cached: &str, body: &'static str) -> (u16, String, Bytes) {
    (status, cached.to_owned(), body.into())
}

#[tokio::test]
async fn an_object_is_read_once_and_its_age_told() {
    let edge = Edge::start().await;
    edge.put_segment(b"one").await;
    let first = edge.get(SEGMENT, &[]).await;
    assert_eq!(first.header("x-cache"), Some("Miss"));
    assert_eq!(first.header("age"), None);
    assert_eq!(edge.reads(), 1);
    tokio::time::sleep(OVER_A_SECOND).await;
    // Nobody fills the cache by making queries up.
    for path in [SEGMENT, "720p/seg_00000.m4s?a=b&nocache=0"] {
        let again = edge.get(path, &[]).await;
        assert_eq!(again.header("x-cache"), Some("Hit"));
        let age: u64 = again.header("age").unwrap().parse().unwrap();
        assert!((1..10).contains(&age), "{age}");
        assert_eq!(again.body, "one");
    }
    assert_eq!(edge.reads(), 0);
}

#[tokio::test]
async fn there_are_as_many_misses_as_reads_however_many_ask_at_once() {
    let edge = Edge::start().await;
    let segment = content(1 << 20);
    edge.put_segment(&segment).await;
    let answers = join_all((0..32).map(|_| edge.look(SEGMENT))).await;
    let misses = answers.iter().filter(|(_, cached, _)| cached == "Miss");
    assert_eq!((misses.count(), edge.reads()), (1, 1));
    assert!(answers.iter().all(|(_, _, body)| body == &segment));
}

#[tokio::test]
async fn what_changes_is_read_again_when_its_time_is_up() {
    let edge = Edge::start().await;
    let playlist = "live.m3u8";
    let put = |text: &'static str| {
        let text = text.as_bytes().to_vec();
        edge.put(playlist, "text/plain", "public, max-age=1", text)
    };
    put("one").await;
    assert_eq!(edge.look(playlist).await, seen(200, "Miss", "one"));
    for (old, new) in [("one", "two"), ("two", "three")] {
        put(new).await;
        assert_eq!(edge.look(playlist).await, seen(200, "Hit", old));
        tokio::time::sleep(OVER_A_SECOND).await;
        assert_eq!(edge.look(playlist).await, seen(200, "Miss", new));
    }
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_read_each_time() {
    let edge = Edge::start().await;
    for cache_control in ["no-store", "no-cache", "private, max-age=60", "max-age=0"] {
        for text in ["one", "two"] {
            let content = text.as_bytes().to_vec();
            edge.put(SEGMENT, SEGMENT_TYPE, cache_control, content)
                .await;
            assert_eq!(edge.look(SEGMENT).await, seen(200, "Miss", text));
        }
    }
}

#[tokio::test]
async fn a_bypass_shows_what_s3_has_and_changes_nothing() {
    let edge = Edge::start().await;
    let bypass = "720p/seg_00000.m4s?nocache=1";
    edge.put_segment(b"one").await;
    assert_eq!(edge.look(bypass).await, seen(200, "Bypass", "one"));
    assert_eq!(edge.look(SEGMENT).await, seen(200, "Miss", "one"));
    edge.put_segment(b"two").await;
    assert_eq!(edge.look(bypass).await, seen(200, "Bypass", "two"));
    let also = edge.get("720p/seg_00000.m4s?a=b&nocache=1", &[]).await;
    assert_eq!(also.header("x-cache"), Some("Bypass"));
    assert_eq!(also.header("age"), None);
    assert_eq!(edge.look(SEGMENT).await, seen(200, "Hit", "one"));
    assert_eq!(edge.reads(), 4);
}

#[tokio::test]
async fn that_there_is_nothing_is_remembered_for_a_second() {
    let edge = Edge::start().await;
    let nothing = "there is nothing at this path\n";
    assert_eq!(edge.look(SEGMENT).await, seen(404, "Miss", nothing));
    edge.put_segment(b"one").await;
    assert_eq!(edge.look(SEGMENT).await, seen(404, "Hit", nothing));
    tokio::time::sleep(OVER_A_SECOND).await;
    assert_eq!(edge.look(SEGMENT).await, seen(200, "Miss", "one"));
}

#[tokio::test]
async fn not_more_is_kept_than_there_is_room_for() {
    let edge = Edge::start().await;
    let segment = content(7 << 20);
    let paths: Vec<_> = (0..20).map(|n| format!("720p/seg_{n:05}.m4s")).collect();
    for path in &paths {
        let segment = segment.clone();
        edge.put(path, SEGMENT_TYPE, IMMUTABLE, segment).await;
    }
    for path in &paths {
        assert_eq!(edge.look(path).await.2, segment);
    }
    let mut hits = 0;
    for path in paths.iter().rev() {
        let head = edge.ask(Method::HEAD, path, &[]).await;
        hits += usize::from(head.header("x-cache") == Some("Hit"));
    }
    // 64 MiB of 140.
    assert!((1..=9).contains(&hits), "{hits}");
    assert_eq!(edge.reads(), 40 - hits);
}
