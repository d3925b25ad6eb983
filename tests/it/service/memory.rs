//! Memory that does not grow with the file.

use std::fs;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::client::Api;
use super::process::Process;
use super::server::Server;
use crate::media::MediaDir;

/// The most that the server may take, besides FFmpeg.
const MAX_BYTES: u64 = 150 << 20;

/// Parts on their way at once.
const PARALLEL: usize = 4;

/// The most that `process` ever had in memory, in bytes.
fn peak_bytes(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()));
    let status = status.expect("it is running");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("Linux tells")
        << 10
}

fn assert_small(server: &Server) {
    if let Some(process) = server.process() {
        let peak = peak_bytes(process);
        eprintln!("at most {} MiB in memory", peak >> 20);
        assert!(peak < MAX_BYTES, "{} MiB in memory", peak >> 20);
    }
}

/// Sends a file of so many zeros, part by part. Returns the upload.
async fn send_zeros(api: &Api, size_bytes: u64) -> Value {
    let announced = json!({ "file_name": "zeros.mp4", "size_bytes": size_bytes });
    let (status, upload) = api
        .call(Method::POST, "/api/v1/uploads", Some(&announced))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{upload}");
    let path = format!("/api/v1/uploads/{}", upload["id"].as_str().expect("an id"));
    let parts = upload["parts"].as_u64().expect("a number");
    let part_size = upload["part_size_bytes"].as_u64().expect("a number");
    let zeros = bytes::Bytes::from(vec![0; usize::try_from(part_size).expect("it fits")]);
    let http = Client::new();
    let numbers: Vec<u64> = (1..=parts).collect();
    for some in numbers.chunks(100) {
        let wanted: Vec<Value> = some.iter().map(|n| json!({ "part_number": n })).collect();
        let wanted = json!({ "parts": wanted });
        let (_, signed) = api
            .call(Method::POST, &format!("{path}/parts"), Some(&wanted))
            .await;
        let urls = signed["part_urls"].as_array().expect("a list").clone();
        stream::iter(urls)
            .map(|part| {
                let size = part["size_bytes"].as_u64().expect("a number");
                let body = zeros.slice(..usize::try_from(size).expect("it fits"));
                let url = part["url"].as_str().expect("an URL");
                http.put(url).body(body).send()
            })
            .buffer_unordered(PARALLEL)
            .try_for_each(async |sent| {
                assert_eq!(sent.status(), StatusCode::OK);
                Ok(())
            })
            .await
            .expect("every part gets through");
    }
    api.get(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn five_gigabytes_are_uploaded_in_little_memory() {
    const SIZE: u64 = 5 << 30;
    let disk = rustix::fs::statvfs(std::env::temp_dir()).expect("it is there");
    if disk.f_bavail * disk.f_frsize < SIZE * 3 / 2 {
        eprintln!("skipped: there is no room for 5 GB in the folder for temporary files (TMPDIR)");
        return;
    }
    let server = Server::start().await;
    let upload = send_zeros(&server.api, SIZE).await;
    assert_eq!(upload["missing_parts"], json!([]));
    let path = format!(
        "/api/v1/uploads/{}/complete",
        upload["id"].as_str().expect("an id")
    );
    let (status, done) = server.api.call(Method::POST, &path, Some(&json!({}))).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let video = upload["video_id"].as_str().expect("an id");
    let video = server.api.wait_until_settled(video).await;
    assert_eq!(video["failure"]["code"], "not_video", "{video}");
    assert_small(&server);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes five minutes: make soak"]
async fn soak_two_hours_are_encoded_in_little_memory() {
    let dir = MediaDir::new();
    dir.ffmpeg(
        "-f lavfi -i testsrc2=size=64x36:rate=5:duration=7200 -f lavfi -i sine=duration=7200 \
         -c:v libx264 -preset ultrafast -g 50 -c:a aac -b:a 32k a.mp4",
    );
    let bytes = fs::read(dir.path("a.mp4")).expect("it was just made");
    let server = Server::start().await;
    let video = server.api.upload("a.mp4", &bytes).await;
    let patience = Duration::from_mins(9);
    let is_settled = |video: &Value| video["status"] == "ready" || video["status"] == "failed";
    let video = server.api.wait_for(&video, patience, is_settled).await;
    assert_eq!(video["status"], "ready", "{video}");
    assert_small(&server);
}
