//! AWS fails in every way it can; the video is the same all the same.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use fastrand::Rng;
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_core::id::VideoId;
use streamforge_core::job::{MAX_ATTEMPTS, Task};
use streamforge_core::plan::Job;
use streamforge_worker::reconcile::Since;

use super::clip::{clip, undisturbed};
use super::faulty::{Faults, Faulty};
use super::processor::on_one_processor;
use super::proxy::{Call, Decide, Fault};

const THROTTLED: Fault = Fault::Answer(
    StatusCode::BAD_REQUEST,
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#,
);
const SLOW_DOWN: Fault = Fault::Answer(
    StatusCode::SERVICE_UNAVAILABLE,
    "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
);
pub(super) const DENIED: Fault = Fault::Answer(
    StatusCode::FORBIDDEN,
    "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
);
const INTERNAL_ERROR: Fault = Fault::Answer(
    StatusCode::INTERNAL_SERVER_ERROR,
    "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>",
);

/// One of `faults` with this probability, which the seed decides.
fn sometimes(seed: u64, probability: f64, faults: Vec<Fault>) -> Box<Decide> {
    let random = Mutex::new(Rng::with_seed(seed));
    Box::new(move |_| {
        let mut random = random.lock().expect("nobody panics with it");
        if random.f64() < probability {
            faults[random.usize(..faults.len())].clone()
        } else {
            Fault::Pass
        }
    })
}

fn sends(call: &Call) -> bool {
    call.operation.starts_with("AmazonSQS.SendMessage")
}

#[test]
fn every_message_comes_twice_and_in_any_order() {
    on_one_processor(async {
        let expected = undisturbed().await;
        let random = Mutex::new(Rng::with_seed(1));
        let node = Faulty::start(Faults {
            sqs: Box::new(move |call| {
                let mut random = random.lock().expect("nobody panics with it");
                let later = Duration::from_millis(random.u64(0..1500));
                match (sends(call), random.bool()) {
                    (true, true) => Fault::Twice(later),
                    // Held back, so that others overtake it; and twice all the same.
                    (true, false) => Fault::Twice(later * 2),
                    (false, _) => Fault::Pass,
                }
            }),
            ..Faults::default()
        })
        .await;
        let (video, settled) = node.upload().await;
        assert_eq!(settled["status"], "ready", "{settled}");
        node.assert_same(&video, &expected).await;
    });
}

#[test]
fn messages_that_are_lost_are_asked_for_again() {
    on_one_processor(async {
        let expected = undisturbed().await;
        let random = Mutex::new((Rng::with_seed(2), 0));
        let node = Faulty::start(Faults {
            sqs: Box::new(move |call| {
                if !sends(call) {
                    return Fault::Pass;
                }
                // The first ones, which tell of an uploaded file, and more than a third of all else.
                let (random, sent) = &mut *random.lock().expect("nobody panics with it");
                *sent += 1;
                if *sent <= 3 || random.u8(..) < 90 {
                    Fault::Answer(StatusCode::OK, r#"{"Successful":[],"Failed":[]}"#)
                } else {
                    Fault::Pass
                }
            }),
            ..Faults::default()
        })
        .await;
        let video = node.api.upload("clip.mp4", clip()).await;
        // Nobody waits for the clock: it is put forward instead.
        let mut time = now();
        let settled = loop {
            time = time.after(Duration::from_mins(10));
            let reconciled = node.node.worker().reconcile(Since::Running, time).await;
            reconciled.expect("the table answers");
            tokio::time::sleep(Duration::from_secs(2)).await;
            let found = node.api.get(&format!("/api/v1/videos/{video}")).await;
            if found["status"] == "ready" || found["status"] == "failed" {
                break found;
            }
        };
        assert_eq!(settled["status"], "ready", "{settled}");
        node.assert_same(&video, &expected).await;
    });
}

/// A message whose delivery is lost comes again when its time is up, which is too long for a test.
fn sqs(faults: Box<Decide>) -> Box<Decide> {
    Box::new(move |call| match faults(call) {
        Fault::LoseAnswer | Fault::CutAnswer if call.operation == "AmazonSQS.ReceiveMessage" => {
            Fault::Pass
        }
        fault => fault,
    })
}

/// Every fifth request to any service fails, is slow, or its answer is lost.
async fn stumbling(seed: u64) {
    let expected = undisturbed().await;
    let slow = Fault::Delay(Duration::from_millis(700));
    let lost = [Fault::LoseAnswer, Fault::CutAnswer, slow];
    let and = |fault: Fault| [&lost[..], &[fault]].concat();
    let s3 = [and(SLOW_DOWN), vec![INTERNAL_ERROR]].concat();
    let node = Faulty::start(Faults {
        dynamodb: sometimes(seed, 0.2, and(THROTTLED)),
        s3: sometimes(seed + 1, 0.2, s3),
        sqs: sqs(sometimes(seed + 2, 0.2, and(INTERNAL_ERROR))),
    })
    .await;
    let (video, settled) = node.upload().await;
    assert_eq!(settled["status"], "ready", "seed {seed}: {settled}");
    node.assert_same(&video, &expected).await;
}

#[test]
fn every_service_stumbles_1() {
    on_one_processor(async {
        stumbling(10).await;
    });
}

#[test]
fn every_service_stumbles_2() {
    on_one_processor(async {
        stumbling(20).await;
    });
}

/// The first request of each of these kinds gets no answer, for as long as anybody waits for one.
#[test]
fn every_service_hangs() {
    on_one_processor(async {
        let expected = undisturbed().await;
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let hang = |kind: fn(&Call) -> Option<(&'static str, Fault)>| -> Box<Decide> {
            let seen = Arc::clone(&seen);
            Box::new(move |call| match kind(call) {
                Some((kind, fault)) if seen.lock().expect("nobody panics").insert(kind) => fault,
                _ => Fault::Pass,
            })
        };
        let node = Faulty::start(Faults {
            dynamodb: hang(|call| {
                let operation = call.operation.strip_prefix("DynamoDB_20120810.")?;
                let is_of_a_job = String::from_utf8_lossy(&call.body).contains("CHUNK#v00001");
                match operation {
                    "PutItem" if is_of_a_job => Some(("a job is written", Fault::DoAndHang)),
                    "GetItem" if is_of_a_job => Some(("a job is read", Fault::Hang)),
                    _ => None,
                }
            }),
            s3: hang(|call| {
                let name = call.path.rsplit('/').next().unwrap_or_default();
                // The SDK names the operation there too.
                let is_read = matches!(call.query.as_str(), "" | "x-id=GetObject");
                match call.method {
                    Method::GET if call.path.contains("/raw/") && is_read => {
                        Some(("a source is read", Fault::Hang))
                    }
                    Method::PUT if name.starts_with("seg_") => {
                        Some(("a segment is stored", Fault::DoAndHang))
                    }
                    Method::PUT if matches!(name, "index.m3u8" | "master.m3u8") => {
                        Some(("a playlist is stored", Fault::DoAndHang))
                    }
                    _ => None,
                }
            }),
            sqs: hang(|call| sends(call).then_some(("a message is sent", Fault::DoAndHang))),
        })
        .await;
        let (video, settled) = node.upload().await;
        assert_eq!(settled["status"], "ready", "{settled}");
        let seen = seen.lock().expect("nobody panics").clone();
        assert_eq!(seen.len(), 6, "{seen:?}");
        node.assert_same(&video, &expected).await;
    });
}

#[test]
fn the_table_is_gone_for_a_while() {
    on_one_processor(async {
        let expected = undisturbed().await;
        let calls = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&calls);
        let node = Faulty::start(Faults {
            dynamodb: Box::new(move |_| {
                let call = count.fetch_add(1, Ordering::Relaxed);
                if (60..120).contains(&call) {
                    THROTTLED
                } else {
                    Fault::Pass
                }
            }),
            ..Faults::default()
        })
        .await;
        let (video, settled) = node.upload().await;
        assert_eq!(settled["status"], "ready", "{settled}");
        assert!(calls.load(Ordering::Relaxed) > 120, "it was never gone");
        node.assert_same(&video, &expected).await;
    });
}

#[tokio::test]
async fn playlists_that_cannot_be_published_cost_no_chunk_an_attempt() {
    let reads = AtomicU64::new(0);
    let node = Faulty::start(Faults {
        s3: Box::new(move |call| {
            let reads_back = call.method == Method::GET && call.path.ends_with("/master.m3u8");
            if reads_back && reads.fetch_add(1, Ordering::Relaxed) < 2 {
                DENIED
            } else {
                Fault::Pass
            }
        }),
        ..Faults::default()
    })
    .await;
    let upload = node.api.announce("clip.mp4", clip().len()).await;
    let video = upload["video_id"].as_str().expect("an id").to_owned();
    let id: VideoId = video.parse().expect("an id");
    // Whoever is the last has been through a lot.
    for job in [0, 1]
        .into_iter()
        .flat_map(|i| [Job::Video(i), Job::Audio(i)])
    {
        let table = &node.node.worker().table;
        let failed = table.update_task(&id, Task::Encode(job), |state| {
            state.attempts = MAX_ATTEMPTS - 1;
            Ok::<_, AwsError>(())
        });
        failed.await.expect("the table answers");
    }
    assert_eq!(node.api.upload("clip.mp4", clip()).await, video);
    let settled = node.api.wait_until_settled(&video).await;
    assert_eq!(settled["status"], "ready", "{settled}");
}

#[test]
fn a_segment_that_cannot_be_stored_fails_the_video_with_a_reason_until_it_is_retried() {
    on_one_processor(async {
        let broken = Arc::new(AtomicU64::new(1));
        let is_broken = Arc::clone(&broken);
        let node = Faulty::start(Faults {
            s3: Box::new(move |call| {
                let stores = call.method == Method::PUT && call.path.contains("/seg_");
                if stores && is_broken.load(Ordering::Relaxed) == 1 {
                    INTERNAL_ERROR
                } else {
                    Fault::Pass
                }
            }),
            ..Faults::default()
        })
        .await;
        let video = node.api.upload("clip.mp4", clip()).await;
        let failed = node.api.wait_until_settled(&video).await;
        assert_eq!(failed["failure"]["code"], "encoding_failed", "{failed}");
        assert_eq!(failed["failure"]["retryable"], true);
        let health = node.api.get("/api/health").await;
        assert!(health["dead_letters"].as_u64() > Some(0), "{health}");
        assert!(health["ffmpeg_version"].is_string(), "{health}");

        broken.store(0, Ordering::Relaxed);
        let retry = format!("/api/v1/videos/{video}/retry");
        let (status, queued) = node.api.call(Method::POST, &retry, None).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{queued}");
        let ready = node.api.wait_until_settled(&video).await;
        assert_eq!(ready["status"], "ready", "{ready}");
        node.assert_same(&video, &undisturbed().await).await;
    });
}
