//! What keeps a node going for months.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_s3::presigning::PresigningConfig;
use streamforge_aws::video_table::VideoTable;
use streamforge_core::id::UploadId;
use streamforge_core::time::Timestamp;
use streamforge_local::services::EmbeddedServices;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::{Api, start};

#[tokio::test]
async fn what_aws_would_have_removed_is_removed_after_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let s3_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let services = EmbeddedServices::start(&data, s3_listener).await.unwrap();
    let table = VideoTable::new(services.dynamodb(), &services.resources().table);
    let (upload, long_past) = (UploadId::from_random(1), Timestamp(1000));
    table.claim("old", &upload, None, long_past).await.unwrap();
    services.shutdown().await;

    let node = start(&data).await;
    let begun = Instant::now();
    while node.worker().table.claimed("old").await.unwrap().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    node.shutdown().await;
}

/// Panics at the beginning of so many jobs.
struct Panics(Arc<AtomicUsize>);

impl Subscriber for Panics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.name() == "job.run"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        let one_less = |left: usize| left.checked_sub(1);
        let left = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        assert!(left.is_err(), "this is the bug");
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

// On one thread, so that the subscriber is that of the workers.
#[tokio::test(flavor = "current_thread")]
async fn jobs_that_panic_end_no_worker() {
    // More than there are workers.
    let left = Arc::new(AtomicUsize::new(8));
    let _panics = tracing::subscriber::set_default(Panics(Arc::clone(&left)));
    let dir = tempfile::tempdir().unwrap();
    let node = start(&dir.path().join("data")).await;
    let api = Api::of(&node);
    let begun = Instant::now();
    while left.load(Ordering::Relaxed) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody works");
        api.upload(b"no video").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let video = api.upload(b"no video").await;
    let failed = api.wait(&video, |video| video["status"] == "failed").await;
    assert_eq!(failed["failure"]["code"], "not_video");
    node.shutdown().await;
}

#[tokio::test]
async fn who_dawdles_over_the_head_of_a_request_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(&dir.path().join("data")).await;
    let address = node.url();
    let address = address.strip_prefix("http://").unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(40), client.read_to_end(&mut answer));
    ended.await.expect("the connection ends").unwrap();
    node.shutdown().await;
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(&dir.path().join("data")).await;
    let (s3, bucket) = (
        node.services().s3(),
        &node.services().resources().media_bucket,
    );
    let put = s3.put_object().bucket(bucket).key("a");
    put.body(vec![0; 32 << 20].into()).send().await.unwrap();
    let minute = PresigningConfig::expires_in(Duration::from_mins(1)).unwrap();
    let get = s3.get_object().bucket(bucket).key("a");
    let get = get.presigned(minute).await.unwrap();
    let (address, path) = get
        .uri()
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();

    tokio::time::sleep(Duration::from_secs(75)).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), client.read_to_end(&mut answer));
    let read = read.await.expect("it is not sent to its end");
    assert!(read.is_err(), "it was waited for");
    node.shutdown().await;
}
