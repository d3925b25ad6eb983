//! Objects that are not kept in memory.

use std::fs;

use aws_sdk_s3::primitives::ByteStream;
use reqwest::{Method, StatusCode};
use tempfile::NamedTempFile;

use crate::{Edge, IMMUTABLE, content};

const PATH: &str = "film.mp4";
const SIZE: usize = (8 << 20) + 5;

impl Edge {
    async fn put_film(&self, content: impl Into<ByteStream>) -> String {
        self.put(PATH, "video/mp4", IMMUTABLE, content).await
    }
}

/// What this process has in memory, in bytes.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let kilobytes = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes = kilobytes.trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn what_is_too_large_to_keep_comes_from_s3_each_time() {
    let edge = Edge::start().await;
    let film = content(SIZE);
    edge.put_film(film.clone()).await;
    for _ in 0..2 {
        let (status, cached, body) = edge.look(PATH).await;
        assert_eq!((status, cached.as_str()), (200, "Miss"));
        assert!(body == film);
    }
    let (_, cached, body) = edge.look("film.mp4?nocache=1").await;
    assert_eq!(cached, "Bypass");
    assert!(body == film);
}

#[tokio::test]
async fn what_it_is_is_known_and_only_its_bytes_are_read() {
    let edge = Edge::start().await;
    let film = content(SIZE);
    let etag = edge.put_film(film.clone()).await;
    let first = edge.ask(Method::HEAD, PATH, &[]).await;
    assert_eq!(first.header("content-length"), Some("8388613"));
    assert_eq!((first.header("x-cache"), edge.reads()), (Some("Miss"), 1));

    let head = edge.ask(Method::HEAD, PATH, &[]).await;
    assert_eq!(head.headers["content-length"], "8388613");
    let known = edge.get(PATH, &[("if-none-match", &etag)]).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    let beyond = edge.get(PATH, &[("range", "bytes=8388613-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    for answer in [head, known, beyond] {
        assert_eq!(answer.header("x-cache"), Some("Hit"));
    }
    assert_eq!(edge.reads(), 0);

    let end = edge.get(PATH, &[("range", "bytes=-3")]).await;
    assert_eq!(end.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(end.header("content-length"), Some("3"));
    assert_eq!(end.body, film[SIZE - 3..]);
    assert_eq!((end.header("x-cache"), edge.reads()), (Some("Miss"), 1));
}

#[tokio::test]
async fn one_that_was_replaced_is_not_mixed_with_the_old() {
    let edge = Edge::start().await;
    edge.put_film(content(SIZE)).await;
    edge.ask(Method::HEAD, PATH, &[]).await;
    let etag = edge.put_film(vec![7; SIZE + 1]).await;
    let range = [("range", "bytes=-3")];
    let mixed = edge.get(PATH, &range).await;
    assert_eq!(mixed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(mixed.header("retry-after"), Some("1"));
    let new = edge.get(PATH, &range).await;
    assert_eq!(new.header("etag"), Some(&*etag));
    let range = new.header("content-range");
    assert_eq!(range, Some("bytes 8388611-8388613/8388614"));
    assert_eq!(&new.body[..], [7; 3]);
}

#[tokio::test]
async fn however_large_it_is_it_takes_little_memory() {
    const SPARSE_BYTES: u64 = 256 << 20;
    let edge = Edge::start().await;
    let sparse = NamedTempFile::new().unwrap();
    sparse.as_file().set_len(SPARSE_BYTES).unwrap();
    let film = ByteStream::from_path(sparse.path()).await.unwrap();
    edge.put_film(film).await;

    let before = resident_bytes();
    let url = format!("http://{}/v/{}/{PATH}", edge.address, edge.video);
    let mut response = edge.client.get(url).send().await.unwrap();
    let (mut received, mut most) = (0, before);
    while let Some(piece) = response.chunk().await.unwrap() {
        received += piece.len() as u64;
        most = most.max(resident_bytes());
    }
    assert_eq!(received, SPARSE_BYTES);
    assert!(most - before < SPARSE_BYTES / 4, "{}", most - before);
}
