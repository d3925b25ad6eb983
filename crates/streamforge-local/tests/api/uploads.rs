//! Announce, send, resume, complete.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use streamforge_api::ApiConfig;
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::resources::{ABORT_MULTIPART_AFTER_DAYS, TTL_ATTRIBUTE};
use streamforge_aws::video_table::Change;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::Task;
use streamforge_core::upload::Upload;

use crate::{Answer, Server, text};

/// Three parts: two of 10 MiB, one of a byte.
const THREE_PARTS: u64 = (20 << 20) + 1;

fn path(upload: &Value) -> String {
    format!("/api/v1/uploads/{}", text(&upload["id"]))
}

#[tokio::test]
async fn a_file_is_announced_sent_resumed_and_completed() {
    let server = Server::start().await;
    let body = json!({ "file_name": "Ferien in Åre.mov", "size_bytes": THREE_PARTS, "content_type": "video/quicktime" });
    let created = server.post("/api/v1/uploads", &body).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let upload = created.body;
    assert_eq!(created.headers["location"], path(&upload).as_str());
    assert_eq!(upload["missing_parts"], json!([1, 2, 3]));
    for part in [&upload["part_urls"][0], &upload["part_urls"][2]] {
        assert_eq!(server.send_part(part).await, StatusCode::OK);
    }

    // The client is gone; another one asks what is missing, and sends only that.
    let found = server.get(&path(&upload)).await.body;
    assert_eq!(
        (&found["status"], &found["missing_parts"]),
        (&json!("open"), &json!([2]))
    );
    let wanted = json!({ "parts": [{ "part_number": 2 }] });
    let parts = server
        .post(&format!("{}/parts", path(&upload)), &wanted)
        .await
        .body;
    assert_eq!(parts["part_urls"].as_array().unwrap().len(), 1);
    assert_eq!(
        server.send_part(&parts["part_urls"][0]).await,
        StatusCode::OK
    );

    let complete = format!("{}/complete", path(&upload));
    let completed = server.post(&complete, &json!({})).await;
    assert_eq!(
        (completed.status, &completed.body["status"]),
        (StatusCode::OK, &json!("completed"))
    );
    // Without a body, and once more.
    let again = Answer::to(server.request(Method::POST, &complete)).await;
    assert_eq!(again.status, StatusCode::OK);
    // What no upload has is refused, though nothing is left to do.
    let many = vec![json!({ "part_number": 1 }); 10_001];
    for parts in [
        json!([{ "part_number": 0 }]),
        json!([{ "part_number": 10_001 }]),
        json!(many),
    ] {
        let refused = server.post(&complete, &json!({ "parts": parts })).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    }
    let video = server
        .get(&format!("/api/v1/videos/{}", text(&upload["video_id"])))
        .await
        .body;
    assert_eq!(
        (&video["status"], &video["title"]),
        (&json!("queued"), &json!("Ferien in Åre"))
    );
    let messages = server.messages().await;
    assert!(!messages.is_empty() && messages.iter().all(|message| message.task == Task::Ingest));
    server.stop().await;
}

#[tokio::test]
async fn completing_at_once_completes_once() {
    let server = Server::start().await;
    let upload = server.announce(5).await;
    server.send_part(&upload["part_urls"][0]).await;
    let complete = format!("{}/complete", path(&upload));
    let empty = json!({});
    for answer in join_all((0..10).map(|_| server.post(&complete, &empty))).await {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let id: VideoId = text(&upload["video_id"]).parse().unwrap();
    let video = server.table.video(&id).await.unwrap().unwrap();
    assert_eq!(video.revision, 2, "announced, queued");
    server.stop().await;
}

#[tokio::test]
async fn the_same_file_announced_at_once_is_one_upload() {
    let server = Server::start().await;
    let body =
        json!({ "file_name": "a.mp4", "size_bytes": 7, "fingerprint": "a.mp4 7 1700000000" });
    let answers = join_all((0..20).map(|_| server.post("/api/v1/uploads", &body))).await;
    let ids: BTreeSet<&str> = answers
        .iter()
        .map(|answer| text(&answer.body["id"]))
        .collect();
    assert_eq!(ids.len(), 1, "{answers:?}");
    let created = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED);
    assert_eq!(created.count(), 1);
    let list = server.get("/api/v1/videos").await.body;
    assert_eq!(list["videos"].as_array().unwrap().len(), 1);

    // Another size is another file.
    let other =
        json!({ "file_name": "a.mp4", "size_bytes": 8, "fingerprint": "a.mp4 7 1700000000" });
    let other = server.post("/api/v1/uploads", &other).await;
    assert_eq!(other.status, StatusCode::CREATED);
    server.stop().await;
}

#[tokio::test]
async fn a_checksum_that_is_none_is_refused_with_its_part() {
    let server = Server::start().await;
    let upload = server.announce(5).await;
    for checksum in [
        "",
        "é",
        "4waSgw==\n",
        "4waSgw",
        "4waSgw====",
        "rosUhgp5mIg=",
    ] {
        let parts = json!({ "parts": [{ "part_number": 1, "checksum_crc32c": checksum }] });
        for what in ["parts", "complete"] {
            let answer = server
                .post(&format!("{}/{what}", path(&upload)), &parts)
                .await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{checksum:?}");
            let detail = text(&answer.body["detail"]);
            assert!(detail.contains("part 1"), "{detail}");
        }
    }
    server.stop().await;
}

/// An upload may be given more time than it had at first, until S3 removes its parts.
#[tokio::test]
async fn what_leads_to_an_upload_is_kept_as_long_as_its_parts() {
    let server = Server::start().await;
    let begun = now();
    let body = json!({ "file_name": "a.mp4", "size_bytes": 5, "fingerprint": "f" });
    server.post("/api/v1/uploads", &body).await;
    let table = &server.services.resources().table;
    let items = server.services.dynamodb().scan().table_name(table);
    let items = items.send().await.unwrap().items.unwrap();
    let ends = items.iter().filter_map(|item| item.get(TTL_ATTRIBUTE));
    let ends: Vec<u64> = ends
        .map(|end| end.as_n().unwrap().parse().unwrap())
        .collect();
    let lost = begun.after(Duration::from_hours(
        24 * u64::from(ABORT_MULTIPART_AFTER_DAYS.unsigned_abs()),
    ));
    assert_eq!(ends.len(), 1, "{items:?}");
    assert!(ends[0] >= lost.as_secs(), "it ends at {ends:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_file_may_be_uploaded_again_but_a_repeated_request_is_one() {
    let server = Server::start().await;
    let body = json!({ "file_name": "a.mp4", "size_bytes": 5, "fingerprint": "f" });
    let announce = |key: &'static str| {
        let request = server.request(Method::POST, "/api/v1/uploads");
        let request = request
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        Answer::to(request.body(body.to_string()))
    };
    let first = announce("one").await.body;
    server.send_part(&first["part_urls"][0]).await;
    let completed = server
        .post(&format!("{}/complete", path(&first)), &json!({}))
        .await;
    assert_eq!(completed.status, StatusCode::OK);

    let repeated = announce("one").await;
    assert_eq!(
        (repeated.status, &repeated.body["id"]),
        (StatusCode::OK, &first["id"])
    );
    assert_eq!(repeated.body["status"], "completed");
    let again = announce("two").await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_ne!(again.body["id"], first["id"]);
    server.stop().await;
}

#[tokio::test]
async fn bytes_that_were_changed_on_the_way_are_noticed() {
    let server = Server::start().await;
    let upload = server.announce(5).await;
    // CRC-32C of `hello`; what is sent is five zeros.
    let hello = json!({ "parts": [{ "part_number": 1, "checksum_crc32c": "mnG7TA==" }] });
    let urls = server
        .post(&format!("{}/parts", path(&upload)), &hello)
        .await
        .body;
    assert_eq!(
        server.send_part(&urls["part_urls"][0]).await,
        StatusCode::BAD_REQUEST
    );

    server.send_part(&upload["part_urls"][0]).await;
    let complete = format!("{}/complete", path(&upload));
    let refused = server.post(&complete, &hello).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (StatusCode::CONFLICT, "upload-incomplete")
    );
    assert_eq!(refused.body["parts"], json!([1]));
    let zeros = json!({ "parts": [{ "part_number": 1, "checksum_crc32c": "RXJ2NQ==" }] });
    let completed = server.post(&complete, &zeros).await;
    assert_eq!(completed.status, StatusCode::OK, "{completed:?}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_lost() {
    let server = Server::start().await;
    let upload = server.announce(THREE_PARTS).await;
    server.send_part(&upload["part_urls"][2]).await;
    let complete = format!("{}/complete", path(&upload));
    let refused = server.post(&complete, &json!({})).await;
    assert_eq!(
        (refused.problem(), &refused.body["parts"]),
        ("upload-incomplete", &json!([1, 2]))
    );
    let found = server.get(&path(&upload)).await.body;
    assert_eq!(
        (&found["status"], &found["missing_parts"]),
        (&json!("open"), &json!([1, 2]))
    );
    server.stop().await;
}

#[tokio::test]
async fn an_upload_that_is_given_up_takes_nothing_more() {
    let server = Server::start().await;
    let upload = server.announce(5).await;
    assert_eq!(
        server.delete(&path(&upload)).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        server.delete(&path(&upload)).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(server.get(&path(&upload)).await.body["status"], "aborted");
    let parts = json!({ "parts": [{ "part_number": 1 }] });
    for (path, body) in [
        (format!("{}/parts", path(&upload)), &parts),
        (format!("{}/complete", path(&upload)), &json!({})),
    ] {
        let refused = server.post(&path, body).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (StatusCode::CONFLICT, "upload-state")
        );
    }
    assert_eq!(
        server.send_part(&upload["part_urls"][0]).await,
        StatusCode::NOT_FOUND
    );
    let video = server
        .get(&format!("/api/v1/videos/{}", text(&upload["video_id"])))
        .await;
    assert_eq!(video.problem(), "not-found");
    server.stop().await;
}

#[tokio::test]
async fn an_upload_that_s3_has_lost_is_given_up_and_its_file_can_be_announced_again() {
    let server = Server::start().await;
    let body = json!({ "file_name": "a.mp4", "size_bytes": 5, "fingerprint": "f" });
    let announced = async || {
        let answer = server.post("/api/v1/uploads", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body
    };
    // As S3 does after a week.
    let lose = async |upload: &Value| {
        let id: UploadId = text(&upload["id"]).parse().unwrap();
        let upload = server.table.upload(&id).await.unwrap().unwrap();
        let s3_upload_id = upload.s3_upload_id.unwrap();
        let lost = server.uploads.abort_multipart(&upload.video, &s3_upload_id);
        lost.await.unwrap();
    };

    let first = announced().await;
    lose(&first).await;
    let second = announced().await;
    assert_eq!(server.get(&path(&first)).await.body["status"], "aborted");

    lose(&second).await;
    let complete = format!("{}/complete", path(&second));
    let refused = server.post(&complete, &json!({})).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (StatusCode::CONFLICT, "upload-state")
    );
    assert_eq!(server.get(&path(&second)).await.body["status"], "aborted");

    // Its video was deleted by someone, and the parts with it.
    for completes in [false, true] {
        let third = announced().await;
        let video = format!("/api/v1/videos/{}", text(&third["video_id"]));
        assert_eq!(server.delete(&video).await.status, StatusCode::NO_CONTENT);
        lose(&third).await;
        if completes {
            let complete = format!("{}/complete", path(&third));
            let refused = server.post(&complete, &json!({})).await;
            assert_eq!(refused.problem(), "upload-state");
        }
        assert_eq!(server.get(&path(&third)).await.body["status"], "aborted");
    }

    let fourth = announced().await;
    lose(&fourth).await;
    assert_eq!(server.get(&path(&fourth)).await.body["status"], "aborted");
    let list = server.get("/api/v1/videos").await.body;
    assert_eq!(list["videos"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn no_upload_is_kept_longer_than_s3_keeps_its_parts() {
    let server = Server::start().await;
    let upload = server.announce(5).await;
    let id: UploadId = text(&upload["id"]).parse().unwrap();
    let six_days = Duration::from_hours(6 * 24);
    let aged = server.table.update_upload(&id, |upload: &mut Upload| {
        upload.created_at = upload.created_at.before(six_days);
        upload.expires_at = upload.created_at;
        Ok::<_, AwsError>(Change::Amend)
    });
    let aged = aged.await.unwrap().unwrap();
    let parts = json!({ "parts": [{ "part_number": 1 }] });
    server
        .post(&format!("{}/parts", path(&upload)), &parts)
        .await;
    let kept = server.table.upload(&id).await.unwrap().unwrap();
    let a_week = Duration::from_hours(7 * 24);
    assert_eq!(kept.expires_at, aged.created_at.after(a_week));
    server.stop().await;
}

#[tokio::test]
async fn an_expired_url_is_replaced_by_a_fresh_one() {
    let config = ApiConfig {
        presign_expiry: Duration::from_secs(1),
        ..ApiConfig::default()
    };
    let server = Server::start_with(config).await;
    let upload = server.announce(5).await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(
        server.send_part(&upload["part_urls"][0]).await,
        StatusCode::FORBIDDEN
    );
    let fresh = server.get(&path(&upload)).await.body;
    assert_eq!(
        server.send_part(&fresh["part_urls"][0]).await,
        StatusCode::OK
    );
    server.stop().await;
}

#[tokio::test]
async fn asking_for_parts_keeps_an_upload() {
    let server = Server::start().await;
    let upload = server.announce(5).await;
    let id: UploadId = text(&upload["id"]).parse().unwrap();
    let aged = server.table.update_upload(&id, |upload: &mut Upload| {
        upload.expires_at = upload.created_at;
        Ok::<_, AwsError>(Change::Amend)
    });
    let aged = aged.await.unwrap().unwrap();
    let parts = json!({ "parts": [{ "part_number": 1 }] });
    server
        .post(&format!("{}/parts", path(&upload)), &parts)
        .await;
    let kept = server.table.upload(&id).await.unwrap().unwrap();
    assert!(kept.expires_at > aged.expires_at);
    server.stop().await;
}

#[tokio::test]
async fn gaps_are_found_among_thousands_of_parts() {
    let server = Server::start().await;
    let upload = server.announce(2100).await;
    let id: UploadId = text(&upload["id"]).parse().unwrap();
    // S3 takes parts of any size until they are joined.
    let small = server.table.update_upload(&id, |upload: &mut Upload| {
        upload.part_size_bytes = 1;
        Ok::<_, AwsError>(Change::Amend)
    });
    let small = small.await.unwrap().unwrap();
    let s3_upload_id = small.s3_upload_id.unwrap();
    // Three pages, of which the first one is not full.
    let sent: Vec<u32> = (1..1000).chain([1001, 2050]).collect();
    for some in sent.chunks(100) {
        let puts = some.iter().map(|number| {
            server
                .uploads
                .put_part(&small.video, &s3_upload_id, *number, "0".into())
        });
        for put in join_all(puts).await {
            put.unwrap();
        }
    }
    let found = server.get(&path(&upload)).await.body;
    let missing: Vec<u32> = (1..=2100).filter(|number| !sent.contains(number)).collect();
    assert_eq!(found["missing_parts"], json!(missing));
    server.stop().await;
}

/// As many as there may be. Says how long that took.
#[tokio::test]
#[ignore = "the copies take two minutes"]
async fn ten_thousand_parts_are_joined() {
    const PARTS: u32 = 10_000;
    const PART_BYTES: u64 = 5 << 20;
    let server = Server::start().await;
    let upload = server.announce(1).await;
    let id: UploadId = text(&upload["id"]).parse().unwrap();
    let large = server.table.update_upload(&id, |upload: &mut Upload| {
        upload.part_size_bytes = PART_BYTES;
        upload.size_bytes = u64::from(PARTS) * PART_BYTES;
        Ok::<_, AwsError>(Change::Amend)
    });
    let large = large.await.unwrap().unwrap();
    // Each is a copy of one, which takes no room.
    let (s3, bucket) = (
        server.services.s3(),
        &server.services.resources().upload_bucket,
    );
    let part = s3.put_object().bucket(bucket).key("part");
    let bytes = vec![0; usize::try_from(PART_BYTES).unwrap()];
    part.body(bytes.into()).send().await.unwrap();
    let copy = |number: i32| {
        let copy = s3.upload_part_copy().copy_source(format!("{bucket}/part"));
        copy.bucket(bucket)
            .key(format!("raw/{}", large.video))
            .upload_id(large.s3_upload_id.as_ref().unwrap())
            .part_number(number)
            .send()
    };
    let numbers: Vec<i32> = (1..=i32::try_from(PARTS).unwrap()).collect();
    for some in numbers.chunks(100) {
        for copied in join_all(some.iter().map(|number| copy(*number))).await {
            copied.unwrap();
        }
    }

    let complete = format!("{}/complete", path(&upload));
    let begun = Instant::now();
    loop {
        let answer = server.post(&complete, &json!({})).await;
        println!("{} after {:?}", answer.body["status"], begun.elapsed());
        if answer.status == StatusCode::OK {
            break;
        }
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    }
    let source = server.uploads.source(&large.video).await.unwrap().unwrap();
    assert_eq!(source.size_bytes, large.size_bytes);
    server.stop().await;
}

#[tokio::test]
async fn an_upload_that_s3_does_not_join_stays_open() {
    let server = Server::start().await;
    let upload = server.announce(2).await;
    let id: UploadId = text(&upload["id"]).parse().unwrap();
    // S3 joins no parts so small.
    let small = server.table.update_upload(&id, |upload: &mut Upload| {
        upload.part_size_bytes = 1;
        Ok::<_, AwsError>(Change::Amend)
    });
    small.await.unwrap();
    let found = server.get(&path(&upload)).await.body;
    for part in found["part_urls"].as_array().unwrap() {
        assert_eq!(server.send_part(part).await, StatusCode::OK);
    }
    let complete = format!("{}/complete", path(&upload));
    let refused = server.post(&complete, &json!({})).await;
    assert_eq!(refused.problem(), "upload-incomplete");
    let found = server.get(&path(&upload)).await.body;
    assert_eq!(found["status"], "open");
    server.stop().await;
}
