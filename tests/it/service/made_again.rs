//! Chunks that are asked for again after they were done: because S3 lost an object, or because nobody knew that they were.
//!
//! x264 rarely makes the same bytes twice, on several processors. Here a changed record tells of the other ones.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use streamforge_aws::media_bucket::MediaBucket;
use streamforge_core::id::VideoId;
use streamforge_core::objects::{Content, made_by};
use streamforge_core::package;
use streamforge_core::plan::Job;
use streamforge_core::record::SegmentRecord;
use tokio::sync::watch;

use super::clip::clip;
use super::faults::DENIED;
use super::faulty::{Faults, Faulty};
use super::proxy::{Call, Decide, Fault};
use super::videos::assert_follows_the_rules;

/// The chunk that is made again, of two segments.
const CHUNK: Job = Job::Video(1);

const LOST: &str = "108p/seg_00001.m4s";

const REFUSED: Fault = Fault::Answer(
    StatusCode::BAD_REQUEST,
    r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"no"}"#,
);

/// How often each segment was sent to S3.
type Puts = Arc<Mutex<BTreeMap<String, usize>>>;

/// Counts the segments that are sent; `decide` is told which one it is, and how often it has come.
fn counting(
    puts: &Puts,
    decide: impl Fn(&str, usize) -> Fault + Send + Sync + 'static,
) -> Box<Decide> {
    let puts = Arc::clone(puts);
    Box::new(move |call| {
        let name = call.path.splitn(5, '/').nth(4).unwrap_or_default();
        if call.method != Method::PUT || !name.contains("/seg_") {
            return Fault::Pass;
        }
        let mut puts = puts.lock().expect("nobody panics with it");
        let count = puts.entry(name.to_owned()).or_default();
        *count += 1;
        decide(name, *count)
    })
}

fn writes(call: &Call, item: &str) -> bool {
    let body = std::str::from_utf8(&call.body).unwrap_or_default();
    call.operation.ends_with(".PutItem") && body.contains(item)
}

/// Keeps the sound, and so the video, from being done until it may be.
fn without_sound(may_end: watch::Receiver<bool>) -> Box<Decide> {
    Box::new(move |call| {
        if writes(call, "RECORD#a00001") {
            Fault::Until(may_end.clone())
        } else {
            Fault::Pass
        }
    })
}

/// Changes what the record of the chunk tells of its first segment, as soon as there is one.
async fn change(node: &Faulty, id: &VideoId, by: impl Fn(&mut SegmentRecord)) {
    let table = &node.node.worker().table;
    loop {
        let record = table.record(id, CHUNK).await.expect("the table answers");
        if let Some(mut record) = record {
            by(&mut record.tracks[0].segments[0]);
            let put = table.put_record(id, CHUNK, &record).await;
            return put.expect("the table answers");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the video is ready: then objects are as recorded, playlists tell what is recorded, and the stream is right.
async fn assert_becomes_whole(node: &Faulty, id: &VideoId) {
    let ready = node.api.wait_until_settled(&id.to_string()).await;
    assert_eq!(ready["status"], "ready", "{ready}");
    let worker = node.node.worker();
    let plan = worker.table.plan(id).await.expect("the table answers");
    let plan = plan.expect("it was planned");
    let records = worker.table.records(id).await.expect("the table answers");
    let stored = worker.media.list(id).await.expect("S3 answers");
    for (job, record) in &records {
        for object in made_by(&plan, *job, record).expect("it is planned") {
            let path = object.path.to_string();
            let size = stored.get(&path).copied();
            match object.content {
                Content::Bytes(bytes) => assert_eq!(size, Some(bytes), "{path}"),
                Content::Sha256(_) | Content::Unknown => assert!(size.is_some(), "{path}"),
            }
        }
    }
    let published = package::publish(&plan, &records).expect("it is one stream");
    for text in published.texts {
        let key = MediaBucket::key(id, &text.path);
        let there = worker.media.get(&key, None).await.expect("S3 answers");
        let there = there.expect("it is published").body.collect().await;
        let there = there.expect("S3 answers").to_vec();
        assert_eq!(String::from_utf8_lossy(&there), text.text, "{}", text.path);
    }
    let url = ready["playback_url"].as_str().expect("it plays");
    assert_follows_the_rules(&node.api.absolute(url));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_segment_that_s3_lost_is_stored_again_whatever_it_was_like() {
    let puts = Puts::default();
    let (end, may_end) = watch::channel(false);
    let node = Faulty::start(Faults {
        dynamodb: without_sound(may_end),
        s3: counting(&puts, |name, count| {
            if name == LOST && count == 1 {
                Fault::Answer(StatusCode::OK, "")
            } else {
                Fault::Pass
            }
        }),
        ..Faults::default()
    })
    .await;
    let video = node.api.upload("clip.mp4", clip()).await;
    let id = video.parse().expect("an id");
    change(&node, &id, |segment| {
        segment.bytes += 1;
        segment.i_frame_bytes += 1;
    })
    .await;
    end.send_replace(true);
    assert_becomes_whole(&node, &id).await;
    let puts = puts.lock().expect("nobody panics with it").clone();
    let again: Vec<_> = puts.iter().filter(|(_, count)| **count > 1).collect();
    assert_eq!(again, [(&LOST.to_owned(), &2)], "{puts:?}");
    assert_eq!(puts.len(), 6, "{puts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn playlists_that_have_ended_are_written_anew_when_a_chunk_is_another_one() {
    let (end, may_end) = watch::channel(false);
    let (deny, mut denied) = watch::channel(false);
    let node = Faulty::start(Faults {
        dynamodb: without_sound(may_end),
        s3: Box::new(move |call| {
            let reads_back = call.method == Method::GET && call.path.ends_with("/master.m3u8");
            if reads_back && !deny.send_replace(true) {
                DENIED
            } else {
                Fault::Pass
            }
        }),
        ..Faults::default()
    })
    .await;
    let video = node.api.upload("clip.mp4", clip()).await;
    let id = video.parse().expect("an id");
    change(&node, &id, |segment| segment.i_frame_bytes += 1).await;
    end.send_replace(true);
    // The playlists have ended, and whoever wrote them got no further.
    let wrote = denied.wait_for(|denied| *denied).await;
    wrote.expect("the node runs");
    change(&node, &id, |segment| segment.i_frame_bytes -= 1).await;
    assert_becomes_whole(&node, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_stored_is_not_encoded_again() {
    let puts = Puts::default();
    let (end, may_end) = watch::channel(false);
    let is_unsaid = AtomicBool::new(false);
    let without_sound = without_sound(may_end);
    let node = Faulty::start(Faults {
        dynamodb: Box::new(move |call| {
            let says_done = writes(call, "CHUNK#v00001") && writes(call, r#""done":{"BOOL":true}"#);
            if says_done && !is_unsaid.swap(true, Ordering::Relaxed) {
                return REFUSED;
            }
            without_sound(call)
        }),
        s3: counting(&puts, |_, _| Fault::Pass),
        ..Faults::default()
    })
    .await;
    let video = node.api.upload("clip.mp4", clip()).await;
    let id = video.parse().expect("an id");
    let attempts = loop {
        let work = node.node.worker().table.work(&id).await;
        let work = work.expect("the table answers");
        if let Some(state) = work.jobs.get(&CHUNK).filter(|state| state.done) {
            break state.attempts;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(attempts, 2);
    end.send_replace(true);
    assert_becomes_whole(&node, &id).await;
    let puts = puts.lock().expect("nobody panics with it").clone();
    assert_eq!(puts.len(), 6, "{puts:?}");
    assert!(puts.values().all(|count| *count == 1), "{puts:?}");
}
