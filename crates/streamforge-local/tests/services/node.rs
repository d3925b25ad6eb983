//! What a node keeps, and what it makes at its start.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::ByteStream;
use streamforge_aws::clock;
use streamforge_aws::job_queue::JobQueue;
use streamforge_aws::resources::ABORT_MULTIPART_AFTER_DAYS;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_aws::video_table::VideoTable;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::{Lane, Message, Task};
use streamforge_core::time::Timestamp;
use streamforge_local::services::StartError;
use tempfile::TempDir;

use crate::{Node, keys, start};

#[tokio::test]
async fn a_second_start_finds_records_objects_and_keys_and_has_queues_again() {
    let data = TempDir::new().unwrap();
    let upload = UploadId::from_random(1);

    let first = start(data.path()).await.unwrap();
    let first_keys = keys(&first).await;
    let resources = first.resources().clone();
    VideoTable::new(first.dynamodb(), &resources.table)
        .claim("key", &upload, None, Timestamp(u64::MAX))
        .await
        .unwrap();
    first
        .s3()
        .put_object()
        .bucket(&resources.media_bucket)
        .key("v/1")
        .body(ByteStream::from_static(b"kept"))
        .send()
        .await
        .unwrap();
    first.shutdown().await;

    let second = start(data.path()).await.unwrap();
    assert_eq!(keys(&second).await, first_keys);
    let table = VideoTable::new(second.dynamodb(), &second.resources().table);
    assert_eq!(table.claimed("key").await.unwrap(), Some(upload));
    let object = second
        .s3()
        .get_object()
        .bucket(&resources.media_bucket)
        .key("v/1")
        .send()
        .await
        .unwrap();
    assert_eq!(&object.body.collect().await.unwrap().to_vec(), b"kept");
    let queue = JobQueue::new(second.sqs(), second.resources());
    let message = Message {
        video: VideoId::from_random(1),
        task: Task::Ingest,
    };
    queue.send(Lane::Bulk, &[message]).await.unwrap();
    assert_eq!(queue.depth(Lane::Bulk).await.unwrap().waiting, 1);
    second.shutdown().await;
}

#[tokio::test]
async fn a_folder_in_use_is_refused_and_its_user_goes_on() {
    let data = TempDir::new().unwrap();
    let first = start(data.path()).await.unwrap();
    let second = start(data.path()).await;
    assert!(matches!(second.err(), Some(StartError::S3 { .. })));
    first.s3().list_buckets().send().await.unwrap();
    first.shutdown().await;
}

#[tokio::test]
async fn keys_are_for_their_owner_only_and_differ_between_nodes() {
    let data = TempDir::new().unwrap();
    let (one, other) = (start(data.path()).await.unwrap(), Node::start().await);
    let file = std::fs::metadata(data.path().join("credentials.json")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let (one, other) = (keys(&one).await, keys(&other.services).await);
    assert_ne!(one.access_key_id(), other.access_key_id());
    assert_ne!(one.secret_access_key(), other.secret_access_key());
}

#[tokio::test]
async fn a_file_that_holds_no_keys_is_an_error_and_not_overwritten() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("credentials.json");
    std::fs::write(&file, "{}").unwrap();
    let err = start(data.path()).await.err();
    assert!(
        matches!(err, Some(StartError::Credentials { .. })),
        "{err:?}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"{}");
}

#[tokio::test]
async fn pages_of_any_origin_may_send_parts_and_read_their_tags() {
    let node = Node::start().await;
    let presigner = node.services.s3_presigner("http://media.example:9000");
    let upload_bucket = &node.services.resources().upload_bucket;
    let signed = UploadBucket::new(node.services.s3(), presigner, upload_bucket)
        .presign_put(&VideoId::from_random(1), 1, Duration::from_mins(1))
        .await
        .unwrap();
    assert!(
        signed
            .url
            .starts_with("http://media.example:9000/streamforge-uploads/raw/")
    );

    let cors = node
        .services
        .s3()
        .get_bucket_cors()
        .bucket(&node.services.resources().upload_bucket)
        .send()
        .await
        .unwrap();
    let [rule] = cors.cors_rules() else {
        panic!("one rule: {cors:?}")
    };
    assert_eq!(rule.allowed_origins(), ["*"]);
    assert_eq!(rule.allowed_methods(), ["PUT", "GET", "HEAD"]);
    assert_eq!(rule.expose_headers(), ["ETag", "x-amz-checksum-crc32c"]);
}

#[tokio::test]
async fn arrived_files_are_announced_and_nothing_else_is() {
    let node = Node::start().await;
    let mut events = node.services.s3_events();
    let resources = node.services.resources();
    for (bucket, key) in [
        (&resources.media_bucket, "raw/elsewhere"),
        (&resources.upload_bucket, "other/file"),
        (&resources.upload_bucket, "raw/file"),
    ] {
        let put = node.services.s3().put_object().bucket(bucket).key(key);
        put.body(ByteStream::from_static(b"12345"))
            .send()
            .await
            .unwrap();
    }
    let event = events.recv().await.unwrap();
    assert_eq!((event.key.as_str(), event.size), ("raw/file", 5));
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn a_sweep_removes_old_uploads_and_items_and_leaves_young_ones() {
    let node = Node::start().await;
    let resources = node.services.resources();
    let bucket = UploadBucket::new(
        node.services.s3(),
        node.services.s3_presigner("http://127.0.0.1"),
        &resources.upload_bucket,
    );
    let video = VideoId::from_random(1);
    let multipart = bucket.create_multipart(&video).await.unwrap();
    let table = VideoTable::new(node.services.dynamodb(), &resources.table);
    let (upload, now) = (UploadId::from_random(1), clock::now());
    let long_past = Timestamp(now.0 - 60_000);
    table.claim("old", &upload, None, long_past).await.unwrap();
    let later = now.after(Duration::from_hours(1));
    table.claim("young", &upload, None, later).await.unwrap();

    let swept = node
        .services
        .sweeper()
        .sweep(SystemTime::now())
        .await
        .unwrap();
    assert_eq!((swept.uploads, swept.items), (0, 1));
    assert_eq!(table.claimed("old").await.unwrap(), None);
    assert_eq!(table.claimed("young").await.unwrap(), Some(upload));
    assert!(
        bucket
            .list_parts(&video, &multipart)
            .await
            .unwrap()
            .is_some()
    );

    let days = u64::try_from(ABORT_MULTIPART_AFTER_DAYS).unwrap() + 1;
    let in_days = SystemTime::now() + Duration::from_hours(24 * days);
    let swept = node.services.sweeper().sweep(in_days).await.unwrap();
    assert_eq!((swept.uploads, swept.items), (1, 0));
    assert_eq!(bucket.list_parts(&video, &multipart).await.unwrap(), None);
}
