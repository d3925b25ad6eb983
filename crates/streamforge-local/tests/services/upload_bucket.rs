//! `UploadBucket` against the embedded S3, with the requests a browser sends.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use reqwest::StatusCode;
use streamforge_aws::upload_bucket::{Completion, PresignedRequest, UploadBucket};
use streamforge_core::id::VideoId;
use streamforge_core::upload::MIN_PART_BYTES;
use streamforge_ffmpeg::byte_source::ByteSource as _;

use crate::Node;

const EXPIRES_IN: Duration = Duration::from_mins(5);

fn bucket(node: &Node) -> UploadBucket {
    let services = &node.services;
    let presigner = services.s3_presigner(&services.endpoints().s3);
    UploadBucket::new(
        services.s3(),
        presigner,
        &services.resources().upload_bucket,
    )
}

/// Bytes that are nowhere the same as a little further on.
fn bytes(len: u64) -> Bytes {
    (0..len)
        .map(|place| (place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 53).to_le_bytes()[0])
        .collect()
}

fn crc32c(bytes: &[u8]) -> String {
    let crc = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes);
    let crc = u32::try_from(crc).unwrap();
    STANDARD.encode(crc.to_be_bytes())
}

async fn send(request: &PresignedRequest, body: Bytes) -> reqwest::Response {
    let mut put = reqwest::Client::new().put(&request.url).body(body);
    for (name, value) in &request.headers {
        put = put.header(name, value);
    }
    put.send().await.unwrap()
}

#[tokio::test]
async fn presigned_parts_become_the_file_and_random_ranges_of_it_are_its_bytes() {
    let node = Node::start().await;
    let bucket = bucket(&node);
    let video = VideoId::from_random(1);
    let file = bytes(2 * MIN_PART_BYTES + 1_234_567);
    let part_bytes = usize::try_from(MIN_PART_BYTES).unwrap();

    assert_eq!(bucket.source(&video).await.unwrap(), None);
    let multipart = bucket.create_multipart(&video).await.unwrap();
    for (number, part) in (1..).zip(file.chunks(part_bytes)) {
        let checksum = crc32c(part);
        // The last one as a client sends it that computes no checksums.
        let announced = (number < 3).then_some(checksum.as_str());
        let request = bucket
            .presign_part(
                &video,
                &multipart,
                number,
                part.len() as u64,
                announced,
                EXPIRES_IN,
            )
            .await
            .unwrap();
        let answer = send(&request, file.slice_ref(part)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    let parts = bucket
        .list_parts(&video, &multipart)
        .await
        .unwrap()
        .unwrap();
    let sizes: Vec<_> = parts
        .iter()
        .map(|part| (part.number, part.size_bytes))
        .collect();
    assert_eq!(
        sizes,
        [(1, MIN_PART_BYTES), (2, MIN_PART_BYTES), (3, 1_234_567)]
    );
    for (listed, part) in parts.iter().zip(file.chunks(part_bytes)) {
        assert_eq!(listed.checksum_crc32c, Some(crc32c(part)));
    }
    assert_eq!(bucket.source(&video).await.unwrap(), None);

    let completed = bucket
        .complete_multipart(&video, &multipart, parts)
        .await
        .unwrap();
    assert_eq!(completed, Completion::Done);
    assert_eq!(bucket.list_parts(&video, &multipart).await.unwrap(), None);

    let object = bucket.source(&video).await.unwrap().unwrap();
    assert_eq!(object.size_bytes, file.len() as u64);
    let source = bucket.open(&video, &object);
    assert_eq!(source.size(), file.len() as u64);
    let ranges = (0..file.len(), 1..400_000_usize);
    let mut runner = TestRunner::deterministic();
    let mut offset = 0;
    for read in 0..150 {
        let (place, len) = ranges.new_tree(&mut runner).unwrap().current();
        // Every other one goes on where the last one ended, as demuxers do.
        offset = if read % 2 == 0 || offset == file.len() {
            place
        } else {
            offset
        };
        let len = len.min(file.len() - offset);
        let found = source.read(offset as u64, len).await.unwrap();
        assert_eq!(found.len(), len);
        assert!(
            found == file.slice(offset..offset + len),
            "{len} bytes from {offset}"
        );
        offset += len;
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_is_not_read_as_a_mixture() {
    let node = Node::start().await;
    let bucket = bucket(&node);
    let video = VideoId::from_random(1);
    for fill in [b'a', b'b'] {
        let before = bucket.source(&video).await.unwrap();
        let request = bucket.presign_put(&video, 1000, EXPIRES_IN).await.unwrap();
        let answer = send(&request, vec![fill; 1000].into()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        if let Some(before) = before {
            bucket
                .open(&video, &before)
                .read(500, 10)
                .await
                .unwrap_err();
        }
    }
    let object = bucket.source(&video).await.unwrap().unwrap();
    let read = bucket.open(&video, &object).read(500, 10).await.unwrap();
    assert_eq!(&read[..], b"bbbbbbbbbb");
    bucket.delete_source(&video).await.unwrap();
    bucket.delete_source(&video).await.unwrap();
    assert_eq!(bucket.source(&video).await.unwrap(), None);
}

#[tokio::test]
async fn a_part_is_refused_unless_it_has_the_announced_length_and_checksum() {
    let node = Node::start().await;
    let bucket = bucket(&node);
    let video = VideoId::from_random(1);
    let multipart = bucket.create_multipart(&video).await.unwrap();
    let part = bytes(1000);
    let checksum = crc32c(&part);
    let request = bucket
        .presign_part(&video, &multipart, 1, 1000, Some(&checksum), EXPIRES_IN)
        .await
        .unwrap();

    let longer = send(&request, bytes(1001)).await;
    assert_eq!(longer.status(), StatusCode::FORBIDDEN);
    let shorter = send(&request, bytes(999)).await;
    assert_eq!(shorter.status(), StatusCode::FORBIDDEN);

    let mut damaged = part.to_vec();
    damaged[500] ^= 1;
    let damaged = send(&request, damaged.into()).await;
    assert_eq!(damaged.status(), StatusCode::BAD_REQUEST);

    let mut other_checksum = request.clone();
    for (name, value) in &mut other_checksum.headers {
        if name.eq_ignore_ascii_case("x-amz-checksum-crc32c") {
            *value = crc32c(b"other");
        }
    }
    assert_ne!(other_checksum, request);
    let other = send(&other_checksum, part.clone()).await;
    assert!(other.status().is_client_error());

    assert_eq!(
        bucket.list_parts(&video, &multipart).await.unwrap(),
        Some(vec![])
    );
    assert_eq!(send(&request, part).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn parts_that_changed_are_refused_and_a_given_up_upload_is_gone() {
    let node = Node::start().await;
    let bucket = bucket(&node);
    let video = VideoId::from_random(1);
    let multipart = bucket.create_multipart(&video).await.unwrap();
    let request = bucket
        .presign_part(&video, &multipart, 1, 10, None, EXPIRES_IN)
        .await
        .unwrap();
    send(&request, Bytes::from_static(b"0123456789")).await;
    let listed = bucket
        .list_parts(&video, &multipart)
        .await
        .unwrap()
        .unwrap();
    send(&request, Bytes::from_static(b"9876543210")).await;
    let completed = bucket.complete_multipart(&video, &multipart, listed.clone());
    assert_eq!(completed.await.unwrap(), Completion::Refused);

    bucket.abort_multipart(&video, &multipart).await.unwrap();
    bucket.abort_multipart(&video, &multipart).await.unwrap();
    let completed = bucket.complete_multipart(&video, &multipart, listed);
    assert_eq!(completed.await.unwrap(), Completion::NoSuchUpload);
    assert_eq!(bucket.source(&video).await.unwrap(), None);
}
