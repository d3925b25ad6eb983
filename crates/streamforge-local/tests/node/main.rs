//! A whole node on real media, through its HTTP interface.
#![expect(clippy::unwrap_used, reason = "a test may fail that way")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use streamforge_local::node::{Node, NodeConfig};

mod sites;
mod upkeep;

/// Longest wait for a video of some seconds, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A node on free ports.
fn config(data: &Path) -> NodeConfig {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    NodeConfig {
        address: any,
        s3_address: any,
        ..NodeConfig::new(data)
    }
}

async fn start(data: &Path) -> Node {
    Node::start(config(data)).await.unwrap()
}

/// A video of `secs` seconds with sound, 320×240.
fn clip(dir: &Path, secs: u32) -> Vec<u8> {
    let file = dir.join("clip.mp4");
    let video = format!("testsrc2=size=320x240:rate=25:duration={secs}");
    let audio = format!("sine=frequency=440:duration={secs}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &video])
        .args(["-f", "lavfi", "-i", &audio])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    std::fs::read(file).unwrap()
}

struct Api {
    client: Client,
    url: String,
}

impl Api {
    fn of(node: &Node) -> Self {
        Self {
            client: Client::new(),
            url: node.url(),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Announces `bytes` and sends all parts, but does not complete the upload.
    async fn send(&self, bytes: &[u8]) -> Value {
        let body = json!({ "file_name": "Some clip.mp4", "size_bytes": bytes.len() });
        let (status, upload) = self.call(Method::POST, "/api/v1/uploads", Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{upload}");
        let part_size = usize::try_from(upload["part_size_bytes"].as_u64().unwrap()).unwrap();
        let urls = upload["part_urls"].as_array().unwrap();
        for (part, url) in bytes.chunks(part_size).zip(urls) {
            let url = url["url"].as_str().unwrap();
            let sent = self
                .client
                .put(url)
                .body(part.to_vec())
                .send()
                .await
                .unwrap();
            assert_eq!(sent.status(), StatusCode::OK);
        }
        upload
    }

    async fn upload(&self, bytes: &[u8]) -> String {
        let upload = self.send(bytes).await;
        let path = format!(
            "/api/v1/uploads/{}/complete",
            upload["id"].as_str().unwrap()
        );
        let (status, done) = self.call(Method::POST, &path, Some(json!({}))).await;
        assert_eq!(status, StatusCode::OK, "{done}");
        upload["video_id"].as_str().unwrap().to_owned()
    }

    /// Asks until the video is as `wanted`.
    async fn wait(&self, video: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let path = format!("/api/v1/videos/{video}");
            let (_, found) = self.call(Method::GET, &path, None).await;
            if wanted(&found) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "still {found}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_video_becomes_a_stream_that_ends() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(&dir.path().join("data")).await;
    let api = Api::of(&node);
    let video = api.upload(&clip(dir.path(), 9)).await;
    let ready = api.wait(&video, |video| video["status"] == "ready").await;
    assert_eq!(ready["title"], "Some clip");
    assert_eq!(
        (&ready["width"], &ready["height"]),
        (&json!(320), &json!(240))
    );

    let playlist = format!("{}{}", node.url(), ready["playback_url"].as_str().unwrap());
    let frames = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(&playlist)
        .output()
        .unwrap();
    let frames = String::from_utf8(frames.stdout).unwrap();
    assert_eq!(
        frames.lines().next().map(|line| line.trim_end_matches(',')),
        Some("225")
    );

    let (status, _) = api
        .call(Method::DELETE, &format!("/api/v1/videos/{video}"), None)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, list) = api.call(Method::GET, "/api/v1/videos", None).await;
    assert_eq!(list["videos"], json!([]));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_stopped_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let node = start(&data).await;
    let video = Api::of(&node).upload(&clip(dir.path(), 30)).await;
    Api::of(&node)
        .wait(&video, |video| video["status"] == "processing")
        .await;
    node.shutdown().await;

    let node = start(&data).await;
    let ready = Api::of(&node)
        .wait(&video, |video| video["status"] != "processing")
        .await;
    assert_eq!(ready["status"], "ready", "{ready}");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_video_fails_with_a_reason_and_its_file_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(&dir.path().join("data")).await;
    let api = Api::of(&node);
    let video = api.upload(b"#EXTM3U\nhttp://127.0.0.1/secret\n").await;
    let failed = api.wait(&video, |video| video["status"] == "failed").await;
    assert_eq!(failed["failure"]["code"], "not_video");
    assert_eq!(failed["failure"]["retryable"], false);
    let raw = format!("raw/{video}");
    let bucket = &node.services().resources().upload_bucket;
    let s3 = node.services().s3();
    let is_there = async || {
        s3.head_object()
            .bucket(bucket)
            .key(&raw)
            .send()
            .await
            .is_ok()
    };
    // The reason comes first, so that it is never lost.
    while is_there().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_with_a_part_missing_says_which_one() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(&dir.path().join("data")).await;
    let api = Api::of(&node);
    let body = json!({ "file_name": "a.mp4", "size_bytes": 25_000_000, "fingerprint": "a" });
    let (_, upload) = api
        .call(Method::POST, "/api/v1/uploads", Some(body.clone()))
        .await;
    assert_eq!(upload["missing_parts"], json!([1, 2, 3]));
    let path = format!(
        "/api/v1/uploads/{}/complete",
        upload["id"].as_str().unwrap()
    );
    let (status, problem) = api.call(Method::POST, &path, Some(json!({}))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["type"], "/problems/upload-incomplete");
    assert_eq!(problem["parts"], json!([1, 2, 3]));

    // The same file, announced again, is the same upload.
    let (status, again) = api.call(Method::POST, "/api/v1/uploads", Some(body)).await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &upload["id"]));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_empty_is_refused_before_a_byte_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(&dir.path().join("data")).await;
    let api = Api::of(&node);
    for (size_bytes, kind) in [(0_u64, "/problems/empty"), (1 << 50, "/problems/too_large")] {
        let body = json!({ "file_name": "a.mp4", "size_bytes": size_bytes });
        let (status, problem) = api.call(Method::POST, "/api/v1/uploads", Some(body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["type"], kind);
    }
    node.shutdown().await;
}
