//! What goes wrong on the machine itself: FFmpeg is killed, the disk is full.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use super::client::Api;
use super::clip::{clip, undisturbed};
use super::faulty::{Faults, Faulty};
use super::process::Process;
use super::processor::on_one_processor;
use crate::media::MediaDir;
use crate::ports::free_pair;
use crate::processes::children;

#[test]
fn ffmpeg_that_is_killed_is_run_again() {
    on_one_processor(async {
        let expected = undisturbed().await;
        let node = Faulty::start(Faults::default()).await;
        let video = node.api.upload("clip.mp4", clip()).await;
        // As many as no job has attempts, so that none can lose them all.
        let mut killed = BTreeSet::new();
        let begun = Instant::now();
        while killed.len() < 2 {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "nothing is encoded"
            );
            let alive = children();
            if let Some(child) = alive.difference(&killed).next().copied() {
                let id = Pid::from_raw(child).expect("no process id is 0");
                // It may have ended by itself this moment.
                if kill_process(id, Signal::KILL).is_ok() {
                    killed.insert(child);
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let settled = node.api.wait_until_settled(&video).await;
        assert_eq!(settled["status"], "ready", "{settled}");
        node.assert_same(&video, &expected).await;
    });
}

/// 12 MB of it: two parts.
fn large_clip() -> Vec<u8> {
    let dir = MediaDir::new();
    dir.ffmpeg(
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4,noise=alls=60:allf=t \
         -c:v libx264 -preset ultrafast -qp 1 clip.mp4",
    );
    let mut bytes = fs::read(dir.path("clip.mp4")).expect("it was just made");
    // What comes after the last box is of no interest to anybody.
    bytes.resize(12 << 20, 0);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_not_lost_and_goes_on_when_it_can() {
    let bytes = large_clip();
    let dir = TempDir::new().expect("there is a folder for temporary files");
    let port = free_pair();
    let api = Api::new(format!("http://127.0.0.1:{port}"));

    // Room for the records, but not for the first part.
    let process = Process::start_with_small_files(dir.path(), port, 6 << 20);
    let upload = api.announce("clip.mp4", bytes.len()).await;
    api.send_missing(&upload, &bytes).await;
    let path = format!("/api/v1/uploads/{}", upload["id"].as_str().expect("an id"));
    let upload = api.get(&path).await;
    assert_eq!(upload["missing_parts"], json!([1]), "{upload}");
    let log = process.log();
    assert!(log.contains("File too large"), "it tells nobody: {log}");
    process.kill();

    let _process = Process::start(dir.path(), port);
    let video = api.upload("clip.mp4", &bytes).await;
    assert_eq!(upload["video_id"], video.as_str(), "it is the same upload");
    let settled = api.wait_until_settled(&video).await;
    assert_eq!(settled["status"], "ready", "{settled}");
}

/// Takes all the room there is, until it is dropped.
struct Filler(PathBuf);

impl Filler {
    fn on(disk: &Path) -> Self {
        let path = disk.join("filler");
        let mut file = File::create(&path).expect("a file can be made");
        let full = loop {
            if let Err(err) = file.write_all(&[0; 4096]) {
                break err;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        fs::remove_file(&self.0).expect("it can be removed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_nothing_is_lost_and_it_goes_on_when_there_is_room() {
    let bytes = large_clip();
    let dir = TempDir::new().expect("there is a folder for temporary files");
    let port = free_pair();
    let api = Api::new(format!("http://127.0.0.1:{port}"));
    let Some(process) = Process::start_on_small_disk(dir.path(), port, 160 << 20) else {
        eprintln!("skipped: this user may not mount a disk in a namespace of its own");
        return;
    };
    let disk = process.disk();

    let upload = api.announce("clip.mp4", bytes.len()).await;
    let path = format!("/api/v1/uploads/{}", upload["id"].as_str().expect("an id"));
    let filler = Filler::on(&disk);
    api.send_missing(&upload, &bytes).await;
    let upload = api.get(&path).await;
    assert_eq!(upload["missing_parts"], json!([1, 2]), "{upload}");
    let other = json!({ "file_name": "other.mp4", "size_bytes": 5 });
    let refused = api.try_call(Method::POST, "/api/v1/uploads", Some(&other));
    let (status, problem) = refused.await.expect("it answers");
    assert!(status.is_server_error(), "{status} {problem}");
    drop(filler);

    let video = api.upload("clip.mp4", &bytes).await;
    assert_eq!(upload["video_id"], video.as_str(), "it is the same upload");
    let filler = Filler::on(&disk);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let full = api.get(&format!("/api/v1/videos/{video}")).await;
    assert_ne!(full["status"], "ready", "there is no room for it");
    drop(filler);
    let settled = api.wait_until_settled(&video).await;
    assert_eq!(settled["status"], "ready", "{settled}\n{}", process.log());
}
