//! A whole file in one request, also by the real curl.

use std::process::Output;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use reqwest::{Body, Method, StatusCode};
use serde_json::json;
use streamforge_api::ApiConfig;
use streamforge_core::id::VideoId;
use tokio::process::Command;

use crate::{Answer, Server, text};

async fn curl(args: &[&str]) -> Output {
    let curl = Command::new("curl").args(["-sS"]).args(args).output();
    curl.await.unwrap()
}

/// The bytes of a video's file.
async fn stored(server: &Server, id: &str) -> Vec<u8> {
    let got = server
        .services
        .s3()
        .get_object()
        .bucket(&server.services.resources().upload_bucket)
        .key(format!("raw/{id}"));
    let body = got.send().await.unwrap().body.collect().await.unwrap();
    body.into_bytes().to_vec()
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[tokio::test]
async fn curl_uploads_a_file_with_one_command() {
    let server = Server::start().await;
    // One that curl sends unasked, and one for which it waits to be asked.
    for size in [100_000, 3_000_000] {
        let file = server.folder().join("Mein Film.mp4");
        std::fs::write(&file, bytes(size)).unwrap();
        let url = format!("{}/api/upload/Mein%20Film.mp4", server.url);
        let done = curl(&["-L", "-f", "-i", "-T", file.to_str().unwrap(), &url]).await;
        assert!(done.status.success(), "{done:?}");
        let told = String::from_utf8(done.stdout).unwrap();
        let id = told
            .lines()
            .find_map(|line| line.strip_prefix("x-video-id: "))
            .unwrap();
        let id = id.trim();
        assert_eq!(stored(&server, id).await, bytes(size));
        let video = server.get(&format!("/api/v1/videos/{id}")).await.body;
        assert_eq!(
            (&video["title"], &video["size_bytes"]),
            (&json!("Mein Film"), &json!(size))
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_put_is_sent_on_only_when_it_could_become_a_video() {
    let server = Server::start().await;
    for (length, content_type, status, problem) in [
        ("0", "video/mp4", StatusCode::UNPROCESSABLE_ENTITY, "empty"),
        (
            "5",
            "image/png",
            StatusCode::UNPROCESSABLE_ENTITY,
            "not_video",
        ),
        (
            "6000000000",
            "video/mp4",
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large-for-one-request",
        ),
        (
            "900000000000",
            "video/mp4",
            StatusCode::UNPROCESSABLE_ENTITY,
            "too_large",
        ),
    ] {
        let url = format!("{}/api/upload/film.mp4", server.url);
        let (length, content_type) = (
            format!("content-length: {length}"),
            format!("content-type: {content_type}"),
        );
        // Told before it sends a byte.
        let done = curl(&[
            "-i",
            "-X",
            "PUT",
            "-H",
            &length,
            "-H",
            &content_type,
            "-H",
            "expect: 100-continue",
            &url,
        ])
        .await;
        let told = String::from_utf8(done.stdout).unwrap();
        assert!(
            told.starts_with(&format!("HTTP/1.1 {}", status.as_str())),
            "{told}"
        );
        assert!(told.contains(&format!("/problems/{problem}")), "{told}");
    }
    let chunked = Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>("12345")]));
    let put = server
        .request(Method::PUT, "/api/upload/film.mp4")
        .body(chunked);
    assert_eq!(Answer::to(put).await.problem(), "length-required");
    assert_eq!(server.get("/api/v1/videos").await.body["videos"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_form_is_passed_on_to_s3() {
    let server = Server::start().await;
    // Three parts of 8 MiB, the last one short.
    let file = server.folder().join("clip.webm");
    std::fs::write(&file, bytes(20_000_000)).unwrap();
    let form = format!("file=@{}", file.display());
    let url = format!("{}/api/upload", server.url);
    for title in [
        ["-F", "title=Before", "-F", &form],
        ["-F", &form, "-F", "title=After"],
    ] {
        let done = curl(&[&title[..], &[&url]].concat()).await;
        let video: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(video["status"], "queued", "{video}");
        assert_eq!(video["size_bytes"], 20_000_000);
        assert!(["Before", "After"].contains(&text(&video["title"])));
        assert_eq!(stored(&server, text(&video["id"])).await, bytes(20_000_000));
        let id: VideoId = text(&video["id"]).parse().unwrap();
        assert!(
            server
                .messages()
                .await
                .iter()
                .any(|message| message.video == id)
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_form_without_a_video_leaves_nothing() {
    let server = Server::start().await;
    let url = format!("{}/api/upload", server.url);
    for (form, problem) in [
        (vec!["-F", "title=Only"], "invalid-request"),
        (vec!["-F", "file=;filename=a.mp4"], "empty"),
        (
            vec!["-F", "file=x;filename=a.png;type=image/png"],
            "not_video",
        ),
        (
            vec!["-F", "file=x;filename=a.mp4", "-F", "what=else"],
            "invalid-request",
        ),
        (
            vec!["-F", "file=x;filename=a.mp4", "-F", "file=y;filename=b.mp4"],
            "invalid-request",
        ),
        (vec!["-d", "x=y"], "unsupported-media-type"),
    ] {
        let done = curl(&[&form[..], &[&url]].concat()).await;
        let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(told["type"], format!("/problems/{problem}"), "{form:?}");
    }
    assert_eq!(server.get("/api/v1/videos").await.body["videos"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_form_that_breaks_off_leaves_nothing() {
    let server = Server::start().await;
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n";
    let pieces = [
        Ok(head.to_owned()),
        Ok("0".repeat(1000)),
        Err(std::io::Error::other("gone")),
    ];
    let sent = server
        .request(Method::POST, "/api/upload")
        .header("content-type", "multipart/form-data; boundary=x")
        .body(Body::wrap_stream(stream::iter(pieces)))
        .send();
    assert!(sent.await.is_err());
    for _ in 0..50 {
        let list = server.get("/api/v1/videos").await.body;
        if list["videos"] == json!([]) {
            return server.stop().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the video of a form that broke off is still listed");
}

#[tokio::test]
async fn a_client_that_goes_silent_is_not_waited_for() {
    let server = Server::start_with(ApiConfig {
        max_silence: Duration::from_millis(300),
        ..ApiConfig::default()
    })
    .await;
    let form = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n0";
    for (path, content_type, begin) in [
        ("/api/upload", "multipart/form-data; boundary=x", form),
        ("/api/v1/uploads", "application/json", "{"),
    ] {
        let pieces = stream::iter([Ok::<_, std::io::Error>(begin)]).chain(stream::pending());
        let sent = server
            .request(Method::POST, path)
            .header("content-type", content_type)
            .body(Body::wrap_stream(pieces));
        let answer = tokio::time::timeout(Duration::from_secs(20), Answer::to(sent)).await;
        let answer = answer.expect("there is an answer");
        assert_eq!(answer.problem(), "invalid-request");
        let detail = text(&answer.body["detail"]);
        assert!(detail.contains("nothing more came"), "{detail}");
    }
    assert_eq!(server.get("/api/v1/videos").await.body["videos"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_is_only_slow_is_waited_for() {
    let server = Server::start_with(ApiConfig {
        max_silence: Duration::from_secs(1),
        ..ApiConfig::default()
    })
    .await;
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n";
    let pieces = [head, "0", "1", "2", "3", "4", "\r\n--x--\r\n"];
    let slow = stream::iter(pieces).then(async |piece| {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<_, std::io::Error>(piece)
    });
    let sent = server
        .request(Method::POST, "/api/upload")
        .header("content-type", "multipart/form-data; boundary=x")
        .body(Body::wrap_stream(slow));
    let answer = Answer::to(sent).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.body["size_bytes"], 5);
    server.stop().await;
}
