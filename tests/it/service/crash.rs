//! The server dies at any instruction, again and again; the video is the same, once, and nothing is left over.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use tempfile::TempDir;

use super::client::Api;
use super::clip::{clip, undisturbed};
use super::process::Process;
use super::processor::on_one_processor;
use super::stored::Stored;
use crate::ports::free_pair;

/// Seeds of one test; there are five, so that runs can go side by side.
const SEEDS: u64 = 10;

/// Latest moment of a kill after a start, in milliseconds: a video that nobody disturbs is ready by then.
const READY_MS: u64 = 4000;

/// Uploads a clip to a server that is killed at moments that `seed` tells, until it is left alone.
async fn disturbed(seed: u64, expected: &BTreeMap<String, String>) {
    let dir = TempDir::new().expect("there is a folder for temporary files");
    let port = free_pair();
    let mut random = Rng::with_seed(seed);
    let kills: Vec<Duration> = (0..random.usize(1..=3))
        .map(|_| Duration::from_millis(random.u64(0..READY_MS)))
        .collect();
    let api = Api::new(format!("http://127.0.0.1:{port}"));
    let client = tokio::spawn({
        let api = api.clone();
        async move {
            let video = api.upload("clip.mp4", clip()).await;
            (api.wait_until_settled(&video).await, video)
        }
    });
    for delay in &kills {
        let process = Process::spawn(dir.path(), port);
        tokio::time::sleep(*delay).await;
        process.kill();
    }
    let mut process = Process::start(dir.path(), port);
    let answer = client.await;
    let (log, ended) = (process.log(), process.ended());
    let (settled, video) =
        answer.unwrap_or_else(|err| panic!("seed {seed}, {kills:?}: {err}\n{ended:?} {log}"));
    assert_eq!(
        settled["status"], "ready",
        "seed {seed}, {kills:?}: {settled}\n{log}"
    );
    process.kill();
    let stored = Stored::read(dir.path()).await;
    check(seed, &kills, &video, &stored, expected);
}

fn check(
    seed: u64,
    kills: &[Duration],
    video: &str,
    stored: &Stored,
    expected: &BTreeMap<String, String>,
) {
    assert_eq!(
        &stored.video(video),
        expected,
        "seed {seed}, killed after {kills:?}"
    );
    assert_eq!(
        stored.media.len(),
        expected.len(),
        "seed {seed}, killed after {kills:?}: another video was made too"
    );
    assert_eq!(stored.sources, [format!("raw/{video}")], "seed {seed}");
}

async fn all(first: u64) {
    let expected = undisturbed().await;
    for seed in first..first + SEEDS {
        disturbed(seed, &expected).await;
    }
}

#[test]
fn killed_at_any_moment_1() {
    on_one_processor(all(100));
}

#[test]
fn killed_at_any_moment_2() {
    on_one_processor(all(200));
}

#[test]
fn killed_at_any_moment_3() {
    on_one_processor(all(300));
}

#[test]
fn killed_at_any_moment_4() {
    on_one_processor(all(400));
}

#[test]
fn killed_at_any_moment_5() {
    on_one_processor(all(500));
}

/// For many hours: `STREAMFORGE_SEEDS=1000 cargo nextest run --run-ignored only soak`.
#[test]
#[ignore = "takes hours: make soak"]
fn soak_killed_at_any_moment() {
    on_one_processor(async {
        let expected = undisturbed().await;
        let seeds =
            std::env::var("STREAMFORGE_SEEDS").map_or(1000, |n| n.parse().expect("a number"));
        for seed in 0..seeds {
            disturbed(seed, &expected).await;
        }
    });
}
