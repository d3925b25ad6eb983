//! What goes wrong on the machine itself: FFmpeg is killed, the disk is full.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
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
async fn on_a_full_disk_nothing_is_lost_and_it_goes_on_when_there_is_room() {
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
    assert_eq!(upload["missing_parts"], serde_json::json!([1]), "{upload}");
    let log = process.log();
    assert!(log.contains("File too large"), "it tells nobody: {log}");
    process.kill();

    let _process = Process::start(dir.path(), port);
    let video = api.upload("clip.mp4", &bytes).await;
    assert_eq!(upload["video_id"], video.as_str(), "it is the same upload");
    let settled = api.wait_until_settled(&video).await;
    assert_eq!(settled["status"], "ready", "{settled}");
}
