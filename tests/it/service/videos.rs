//! From files of every kind to streams that play, or to a reason.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use streamforge_aws::clock::now;
use streamforge_worker::reconcile::Since;

use super::client::Api;
use super::faulty::{Faults, Faulty};
use super::server::Server;
use super::stored::Stored;
use crate::media::MediaDir;
use crate::processes::ffmpegs;
use crate::program::streamforge;
use crate::samples::samples;

/// Frames that a player finds in the first variant of a stream, without a complaint.
fn frames_played(url: &str) -> usize {
    let played = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", url, "-map", "0:v:0"])
        .args(["-fps_mode", "passthrough", "-f", "framecrc", "-"])
        .output()
        .expect("ffmpeg can be started");
    let complaints = String::from_utf8_lossy(&played.stderr);
    assert!(
        played.status.success() && complaints.is_empty(),
        "{url}: {complaints}"
    );
    let listed = String::from_utf8(played.stdout).expect("framecrc is text");
    listed.lines().filter(|line| line.starts_with("0,")).count()
}

pub(super) fn assert_follows_the_rules(url: &str) {
    let checked = streamforge().args(["check", url]).output();
    let checked = checked.expect("the program can be started");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_every_container_become_streams_that_play() {
    let dir = MediaDir::new();
    let source = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=5 -f lavfi -i sine=duration=5";
    let x264 = "-c:v libx264 -preset ultrafast -bf 2 -c:a aac";
    let files = [
        ("a.mp4", x264, 125),
        ("a.mov", x264, 125),
        ("a.mkv", x264, 125),
        ("a.ts", x264, 125),
        (
            "a.webm",
            "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus",
            125,
        ),
        // The encoder's delay is a frame that is not there, and is shown by repeating the first one.
        ("a.avi", "-c:v mpeg4 -c:a libmp3lame", 126),
    ];
    for (name, codecs, _) in files {
        dir.ffmpeg(&format!("{source} {codecs} {name}"));
    }
    let server = Server::start().await;
    let api = &server.api;
    let streams = files.map(|(name, _, frames)| {
        let bytes = fs::read(dir.path(name)).expect("it was just made");
        async move {
            let video = api.upload(name, &bytes).await;
            (name, frames, api.wait_until_settled(&video).await)
        }
    });
    for (name, frames, video) in join_all(streams).await {
        assert_eq!(video["status"], "ready", "{name}: {video}");
        let url = api.absolute(video["playback_url"].as_str().expect("it plays"));
        assert_eq!(frames_played(&url), frames, "{name}");
        assert_follows_the_rules(&url);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_files_at_once_all_become_streams() {
    let dir = MediaDir::new();
    dir.ffmpeg("-f lavfi -i testsrc2=size=128x72:rate=10:duration=2 -c:v libx264 a.mp4");
    let bytes = Arc::new(fs::read(dir.path("a.mp4")).expect("it was just made"));
    let server = Server::start().await;
    let uploads = (0..20).map(|number| {
        let (api, bytes) = (server.api.clone(), Arc::clone(&bytes));
        tokio::spawn(async move {
            let video = api.upload(&format!("{number}.mp4"), &bytes).await;
            api.wait_until_settled(&video).await
        })
    });
    for uploaded in join_all(uploads).await {
        let video = uploaded.expect("no upload gives up");
        assert_eq!(video["status"], "ready", "{video}");
    }
}

/// Uploads a file that cannot become a stream. Returns its code.
async fn refused(api: &Api, path: &Path) -> String {
    let bytes = fs::read(path).expect("the file is there");
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.expect("it has a name");
    if bytes.is_empty() {
        // Known before a byte is sent.
        let body = json!({ "file_name": name, "size_bytes": 0 });
        let (status, problem) = api.call(Method::POST, "/api/v1/uploads", Some(&body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        let kind = problem["type"].as_str().expect("a problem has a type");
        return kind.trim_start_matches("/problems/").to_owned();
    }
    let video = api.upload(name, &bytes).await;
    let video = api.wait_until_settled(&video).await;
    assert_eq!(video["status"], "failed", "{name}: {video}");
    assert_eq!(video["failure"]["retryable"], false, "{name}: {video}");
    assert_eq!(video["playable"], false, "{name}: {video}");
    video["failure"]["code"]
        .as_str()
        .expect("a code")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_streams_are_refused_for_their_reason_and_gone() {
    let dir = MediaDir::new();
    dir.write("playlist.mp4", b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n");
    dir.write("text.mp4", b"not a video at all");
    dir.write("empty.mp4", b"");
    dir.ffmpeg("-f lavfi -i sine=duration=2 -c:a aac sound.mp4");
    dir.ffmpeg("-f lavfi -i testsrc2=size=128x72:duration=2 -c:v libx264 cut.mp4");
    dir.edit("cut.mp4", |bytes| bytes.truncate(bytes.len() / 2));
    dir.ffmpeg("-f lavfi -i testsrc2=size=128x72:duration=2 -c:v libx264 unknown.mp4");
    dir.edit("unknown.mp4", |bytes| {
        // The type of its samples; the brand of the same name comes before.
        let place = bytes.windows(4).rposition(|word| word == b"avc1");
        let place = place.expect("it is H.264");
        bytes[place..place + 4].copy_from_slice(b"zzzz");
    });
    let key = "-encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8";
    dir.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=128x72:duration=2 -c:v libx264 -encryption_scheme cenc-aes-ctr {key} encrypted.mp4"
    ));
    dir.ffmpeg("-f lavfi -i color=size=64x64:rate=1/20:duration=46800 -c:v libx264 long.mp4");
    dir.ffmpeg("-f lavfi -i color=size=8192x4352:rate=1:duration=1 -c:v mjpeg large.mov");
    let expected = [
        ("playlist.mp4", "not_video"),
        ("text.mp4", "not_video"),
        ("empty.mp4", "empty"),
        ("sound.mp4", "no_video_track"),
        ("cut.mp4", "malformed"),
        ("unknown.mp4", "unsupported_codec"),
        ("encrypted.mp4", "encrypted"),
        ("long.mp4", "too_long"),
        ("large.mov", "too_many_pixels"),
    ];
    let server = Server::start().await;
    for (name, code) in expected {
        assert_eq!(refused(&server.api, &dir.path(name)).await, code, "{name}");
    }
    for sample in samples(|sample| sample.verdict.starts_with("refuse")) {
        let code = refused(&server.api, &sample.path).await;
        assert!(
            sample.refusals().contains(&code.as_str()),
            "{}: {code}",
            sample.name
        );
    }
    // First the reason is told, a moment later the last file is gone.
    tokio::time::sleep(Duration::from_secs(3)).await;
    if let Some(data) = server.stop() {
        let stored = Stored::read(data.path()).await;
        assert_eq!((stored.sources, stored.unfinished), (Vec::new(), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_video_is_ready_while_a_long_one_is_still_encoded() {
    let dir = MediaDir::new();
    // It has more jobs than can be done at once, and they take a while.
    dir.ffmpeg("-f lavfi -i testsrc2=size=1280x720:rate=30:duration=180 -c:v libx264 -preset ultrafast long.mp4");
    let bytes = fs::read(dir.path("long.mp4")).expect("it was just made");
    let node = Faulty::start(Faults::default()).await;
    let long = node.api.upload("long.mp4", &bytes).await;
    let is_begun = |video: &Value| video["progress"]["jobs_done"].as_u64() > Some(1);
    node.api.wait(&long, is_begun).await;

    let (_, short) = node.upload().await;
    assert_eq!(short["status"], "ready", "{short}");
    let path = format!("/api/v1/videos/{long}");
    let long = node.api.get(&path).await;
    assert_eq!(long["status"], "processing");
    // What was running goes on; what was waiting goes on waiting.
    let [done, jobs] = ["jobs_done", "jobs"].map(|count| long["progress"][count].as_u64());
    assert!(done <= jobs.map(|jobs| jobs / 2), "it came first: {long}");
    node.api.call(Method::DELETE, &path, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_deleted_while_it_is_encoded_stops_and_leaves_nothing() {
    let dir = MediaDir::new();
    dir.ffmpeg("-f lavfi -i testsrc2=size=1280x720:rate=30:duration=60 -c:v libx264 -preset ultrafast a.mp4");
    let bytes = fs::read(dir.path("a.mp4")).expect("it was just made");
    let node = Faulty::start(Faults::default()).await;
    let video = node.api.upload("a.mp4", &bytes).await;
    node.api
        .wait(&video, |video| video["playable"] == true)
        .await;
    let path = format!("/api/v1/videos/{video}");
    let (status, _) = node.api.call(Method::DELETE, &path, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = node.api.call(Method::GET, &path, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let begun = Instant::now();
    while !ffmpegs().is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it is still being encoded"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What was still being stored when it was deleted is removed some time later. Nobody waits for the clock: it is put forward.
    let mut time = now();
    loop {
        time = time.after(Duration::from_mins(1));
        let looked_after = node.node.worker().reconcile(Since::Running, time).await;
        looked_after.expect("the table answers");
        let left = Stored::of(node.node.services()).await;
        if left == Stored::default() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{left:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
