//! What is looked after when its time has come. Nobody waits for the clock: the reconciler is told another time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::video_table::{Change, Due};
use streamforge_core::id::VideoId;
use streamforge_core::job::{MAX_ATTEMPTS, Task};
use streamforge_core::plan::Job;
use streamforge_core::upload::UploadStatus;
use streamforge_worker::Retention;
use streamforge_worker::reconcile::Since;
use tokio::runtime::Handle;

use super::clip::clip;
use super::faulty::{Faults, Faulty};
use super::proxy::{Call, Fault};
use super::stored::Stored;
use crate::media::MediaDir;

const HOUR: Duration = Duration::from_hours(1);

/// Looks after what will be due this much later.
async fn look_after(node: &Faulty, later: Duration) {
    let reconciled = node
        .node
        .worker()
        .reconcile(Since::Running, now().after(later));
    reconciled.await.expect("the table answers");
}

async fn stored(node: &Faulty) -> Stored {
    Stored::of(node.node.services()).await
}

/// An upload all of whose parts have been sent, and its path.
async fn sent(node: &Faulty) -> (Value, String) {
    let upload = node.api.announce("clip.mp4", clip().len()).await;
    node.api.send_missing(&upload, clip()).await;
    let path = format!("/api/v1/uploads/{}", upload["id"].as_str().expect("an id"));
    (upload, path)
}

/// What one try to complete it is answered.
async fn complete(node: &Faulty, path: &str) -> (StatusCode, Value) {
    let path = format!("{path}/complete");
    let nothing = json!({});
    let answer = node.api.try_call(Method::POST, &path, Some(&nothing));
    answer.await.expect("there is an answer")
}

async fn until_ready(node: &Faulty, video: &str) {
    let settled = node.api.wait_until_settled(video).await;
    assert_eq!(settled["status"], "ready", "{settled}");
}

/// What goes by itself goes a moment after the reason is told.
async fn until_no_source(node: &Faulty) {
    let begun = Instant::now();
    while !stored(node).await.sources.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is kept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whoever works for a video that has failed notices it within seconds, which are days for a reconciler that is told another time.
async fn until_nobody_works(node: &Faulty, video: &VideoId) {
    let begun = Instant::now();
    loop {
        let work = node.node.worker().table.work(video).await;
        let mut jobs = work.expect("the table answers").jobs.into_values();
        if jobs.all(|state| state.lease.is_none()) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_source_goes_after_its_retention_and_its_stream_stays() {
    let node = Faulty::start(Faults::default()).await;
    let (video, ready) = node.upload().await;
    assert_eq!(ready["status"], "ready", "{ready}");
    let source = format!("raw/{video}");
    let Retention { ready_source, .. } = Retention::default();

    look_after(&node, ready_source / 2).await;
    let before = stored(&node).await;
    assert_eq!(before.sources, [source]);

    look_after(&node, ready_source + HOUR).await;
    let after = stored(&node).await;
    assert_eq!(after.sources, [""; 0]);
    assert_eq!(after.media, before.media);
    let found = node.api.get(&format!("/api/v1/videos/{video}")).await;
    assert_eq!(found["status"], "ready", "{found}");
}

/// What happens once, in the middle of something else.
type Meanwhile = Mutex<Option<Box<dyn FnOnce() + Send>>>;

#[tokio::test(flavor = "multi_thread")]
async fn a_video_that_is_deleted_while_its_source_goes_is_still_looked_after() {
    let meanwhile: Arc<Meanwhile> = Arc::default();
    let happens = Arc::clone(&meanwhile);
    let node = Faulty::start(Faults {
        s3: Box::new(move |call| {
            if call.method == Method::DELETE && call.path.contains("/raw/") {
                let what = happens.lock().expect("nobody panics").take();
                if let Some(what) = what {
                    what();
                }
            }
            Fault::Pass
        }),
        ..Faults::default()
    })
    .await;
    let (video, ready) = node.upload().await;
    assert_eq!(ready["status"], "ready", "{ready}");
    let path = format!("/api/v1/videos/{video}");
    let (runtime, api) = (Handle::current(), node.api.clone());
    let delete = move || {
        let deleted = async move { api.call(Method::DELETE, &path, None).await.0 };
        let deleted = std::thread::spawn(move || runtime.block_on(deleted)).join();
        let status = deleted.expect("it does not panic");
        assert_eq!(status, StatusCode::NO_CONTENT);
    };
    *meanwhile.lock().expect("nobody panics") = Some(Box::new(delete));

    let Retention { ready_source, .. } = Retention::default();
    look_after(&node, ready_source + HOUR).await;
    let due = node.node.worker().table.due(now().after(HOUR)).await;
    let id = video.parse().expect("an id");
    let is_due = due.expect("the table answers").contains(&Due::Video(id));
    assert!(is_due, "what is left of it stays for ever");
}

#[tokio::test]
async fn a_job_that_never_ends_fails_its_video_and_everything_goes_after_a_while() {
    let node = Faulty::start(Faults::default()).await;
    let upload = node.api.announce("clip.mp4", clip().len()).await;
    let video = upload["video_id"].as_str().expect("an id").to_owned();
    // Whoever was at its second chunk died each time.
    let id: VideoId = video.parse().expect("an id");
    let died = node
        .node
        .worker()
        .table
        .update_task(&id, Task::Encode(Job::Video(1)), |state| {
            state.attempts = MAX_ATTEMPTS;
            Ok::<_, AwsError>(())
        });
    died.await.expect("the table answers");
    assert_eq!(node.api.upload("clip.mp4", clip()).await, video);
    let failed = node.api.wait_until_settled(&video).await;
    assert_eq!(failed["failure"]["code"], "encoding_failed", "{failed}");
    assert_eq!(failed["failure"]["retryable"], true);
    let message = failed["failure"]["message"].as_str().expect("a sentence");
    assert!(message.starts_with("video chunk 1 could not"), "{message}");
    until_nobody_works(&node, &id).await;

    let Retention { failed_source, .. } = Retention::default();
    look_after(&node, failed_source / 2).await;
    assert_eq!(stored(&node).await.sources.len(), 1);
    look_after(&node, failed_source + HOUR).await;
    assert_eq!(stored(&node).await, Stored::default());
    let found = node.api.get(&format!("/api/v1/videos/{video}")).await;
    assert_eq!(found["failure"]["retryable"], false, "{found}");
    let retry = format!("/api/v1/videos/{video}/retry");
    let (status, answer) = node.api.call(Method::POST, &retry, None).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
}

/// How often jobs of a lane have been asked for, of which nobody ever hears.
#[derive(Clone, Default)]
struct Unheard(Arc<AtomicUsize>);

impl Unheard {
    fn fault(&self, call: &Call, queue: &str) -> Fault {
        if !String::from_utf8_lossy(&call.body).contains(queue) {
            return Fault::Pass;
        }
        match call.operation.as_str() {
            "AmazonSQS.ReceiveMessage" => Fault::Hang,
            "AmazonSQS.SendMessageBatch" => {
                self.0.fetch_add(1, Ordering::Relaxed);
                Fault::Pass
            }
            _ => Fault::Pass,
        }
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn jobs_that_wait_behind_others_are_asked_for_ever_more_seldom() {
    const LOOK_EVERY: usize = 5;
    const MINUTES: usize = 6 * 60;
    let bulk = Unheard::default();
    let unheard = bulk.clone();
    let node = Faulty::start(Faults {
        sqs: Box::new(move |call| unheard.fault(call, "streamforge-bulk")),
        ..Faults::default()
    })
    .await;
    let dir = MediaDir::new();
    // Long enough not to be hurried.
    dir.ffmpeg(
        "-f lavfi -i testsrc2=size=192x108:rate=5:duration=130 -c:v libx264 -preset ultrafast film.mp4",
    );
    let film = std::fs::read(dir.path("film.mp4")).expect("it was just made");
    let video = node.api.upload("film.mp4", &film).await;
    let begun = |video: &Value| video["playable"] == true;
    node.api.wait(&video, begun).await;
    assert_eq!(bulk.count(), 1, "when it was planned");

    for minute in (LOOK_EVERY..=MINUTES).step_by(LOOK_EVERY) {
        let later = Duration::from_mins(u64::try_from(minute).expect("it fits"));
        look_after(&node, later).await;
    }
    // After 5, 10, 20 and 40 minutes, then hourly; the first look may come too early.
    let again = bulk.count() - 1;
    assert!((7..=10).contains(&again), "{again} times in six hours");
}

#[tokio::test]
async fn a_file_that_is_announced_again_when_its_video_was_deleted_is_another_upload() {
    let unheard = Unheard::default();
    let node = Faulty::start(Faults {
        // So that the deleted one is not removed before.
        sqs: Box::new(move |call| unheard.fault(call, "streamforge-interactive")),
        ..Faults::default()
    })
    .await;
    let (first, path) = sent(&node).await;
    let video = format!(
        "/api/v1/videos/{}",
        first["video_id"].as_str().expect("an id")
    );
    node.api.call(Method::DELETE, &video, None).await;
    let (second, _) = sent(&node).await;
    assert_ne!(second["id"], first["id"]);
    assert_eq!(second["status"], "open");
    // All its parts are there; it is too late.
    let (status, answer) = complete(&node, &path).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
}

#[tokio::test]
async fn a_file_that_could_not_be_looked_at_when_it_came_is_kept_to_be_tried_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let node = Faulty::start(Faults {
        s3: Box::new(move |call| {
            if call.method == Method::HEAD && is_broken.load(Ordering::Relaxed) {
                return Fault::Answer(StatusCode::INTERNAL_SERVER_ERROR, "");
            }
            Fault::Pass
        }),
        ..Faults::default()
    })
    .await;
    let (upload, path) = sent(&node).await;
    let video = upload["video_id"].as_str().expect("an id");
    let id: VideoId = video.parse().expect("an id");
    // As after two tries.
    let tried = node
        .node
        .worker()
        .table
        .update_task(&id, Task::Ingest, |state| {
            state.attempts = MAX_ATTEMPTS - 1;
            Ok::<_, AwsError>(())
        });
    tried.await.expect("the table answers");
    // S3 joins the parts, and its event comes; nobody can look at the file.
    complete(&node, &path).await;
    let failed = node.api.wait_until_settled(video).await;
    assert_eq!(failed["failure"]["retryable"], true, "{failed}");

    broken.store(false, Ordering::Relaxed);
    let (status, completed) = complete(&node, &path).await;
    assert_eq!(status, StatusCode::OK, "{completed}");
    let retry = format!("/api/v1/videos/{video}/retry");
    let (status, answer) = node.api.call(Method::POST, &retry, None).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    until_ready(&node, video).await;
}

#[tokio::test]
async fn an_upload_that_is_being_completed_does_not_expire() {
    let joins = Arc::new(AtomicBool::new(false));
    let may_join = Arc::clone(&joins);
    let node = Faulty::start(Faults {
        s3: Box::new(move |call| {
            let completes = call.method == Method::POST && call.path.contains("/raw/");
            if completes && !call.body.is_empty() && !may_join.load(Ordering::Relaxed) {
                return Fault::Hang;
            }
            Fault::Pass
        }),
        ..Faults::default()
    })
    .await;
    let (upload, path) = sent(&node).await;
    let id = upload["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let soon = now().after(Duration::from_mins(1));
    let table = &node.node.worker().table;
    let updated = table.update_upload(&id, |upload| {
        upload.expires_at = soon;
        Ok::<_, AwsError>(Change::Write { due: Some(soon) })
    });
    updated.await.expect("the table answers");
    let (status, answer) = complete(&node, &path).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");

    look_after(&node, Duration::from_mins(10)).await;
    joins.store(true, Ordering::Relaxed);
    let (status, answer) = complete(&node, &path).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn an_upload_that_was_given_up_when_all_went_dark_takes_its_video_along() {
    let node = Faulty::start(Faults::default()).await;
    let (upload, path) = sent(&node).await;
    let id = upload["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let table = &node.node.worker().table;
    let given_up = table.update_upload(&id, |upload| {
        upload.status = UploadStatus::Aborted;
        Ok::<_, AwsError>(Change::Amend)
    });
    given_up.await.expect("the table answers");
    look_after(&node, 50 * HOUR).await;
    let video = format!(
        "/api/v1/videos/{}",
        upload["video_id"].as_str().expect("an id")
    );
    let (status, _) = node.api.call(Method::GET, &video, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, answer) = complete(&node, &path).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
}

#[tokio::test]
async fn a_video_that_begins_black_gets_a_poster_that_shows_something() {
    let dir = MediaDir::new();
    dir.ffmpeg(
        "-f lavfi -i color=black:size=192x108:rate=15:duration=9 \
         -f lavfi -i testsrc2=size=192x108:rate=15:duration=3 \
         -filter_complex [0][1]concat -c:v libx264 -preset ultrafast -g 15 black.mp4",
    );
    let bytes = std::fs::read(dir.path("black.mp4")).expect("it was just made");
    let node = Faulty::start(Faults::default()).await;
    let video = node.api.upload("black.mp4", &bytes).await;
    until_ready(&node, &video).await;
    let (s3, resources) = (node.node.services().s3(), node.node.services().resources());
    let key = format!("v/{video}/thumbs/poster.jpg");
    for _ in 0..100 {
        let poster = s3.get_object().bucket(&resources.media_bucket).key(&key);
        let poster = poster.send().await.expect("there is one from the start on");
        let poster = poster.body.collect().await.expect("S3 answers");
        dir.write("poster.jpg", &poster.into_bytes());
        let gray = dir.ffmpeg("-i poster.jpg -f rawvideo -pix_fmt gray -");
        if gray.iter().any(|sample| *sample > 128) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it is still black");
}

#[tokio::test]
async fn an_upload_that_could_not_be_completed_is_open_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let node = Faulty::start(Faults {
        s3: Box::new(move |call| {
            let completes = call.method == Method::POST && call.path.contains("/raw/");
            let creates = call.body.is_empty();
            if completes && !creates && is_broken.load(Ordering::Relaxed) {
                return Fault::Answer(StatusCode::INTERNAL_SERVER_ERROR, "");
            }
            Fault::Pass
        }),
        ..Faults::default()
    })
    .await;
    let (upload, path) = sent(&node).await;
    let (status, answered) = complete(&node, &path).await;
    // The first when S3 was asked again for longer than we let a client wait: the pauses in between are random.
    let answers = [StatusCode::ACCEPTED, StatusCode::SERVICE_UNAVAILABLE];
    assert!(answers.contains(&status), "{status}: {answered}");
    assert_eq!(node.api.get(&path).await["status"], "completing");

    look_after(&node, HOUR).await;
    let found = node.api.get(&path).await;
    assert_eq!(
        (&found["status"], &found["missing_parts"]),
        (&json!("open"), &json!([]))
    );
    broken.store(false, Ordering::Relaxed);
    let video = node.api.upload("clip.mp4", clip()).await;
    assert_eq!(upload["video_id"], video.as_str());
    until_ready(&node, &video).await;
}

#[tokio::test]
async fn an_upload_that_was_not_told_that_its_file_came_costs_no_video() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let node = Faulty::start(Faults {
        dynamodb: Box::new(move |call| {
            let completed = br#""status":{"S":"completed"}"#;
            let tells = call.body.windows(completed.len()).any(|it| it == completed);
            if tells && is_broken.load(Ordering::Relaxed) {
                return Fault::Answer(StatusCode::INTERNAL_SERVER_ERROR, "");
            }
            Fault::Pass
        }),
        ..Faults::default()
    })
    .await;
    let (upload, path) = sent(&node).await;
    let (status, answered) = complete(&node, &path).await;
    assert!(status.is_server_error(), "{status}: {answered}");
    let video = upload["video_id"].as_str().expect("an id");
    until_ready(&node, video).await;
    let Retention { ready_source, .. } = Retention::default();
    look_after(&node, ready_source + HOUR).await;
    assert_eq!(stored(&node).await.sources, [""; 0]);

    broken.store(false, Ordering::Relaxed);
    // Nobody comes back to it.
    look_after(&node, 10 * ready_source).await;
    assert_eq!(node.api.get(&path).await["status"], "completed");
    let found = node.api.get(&format!("/api/v1/videos/{video}")).await;
    assert_eq!(found["status"], "ready", "{found}");
}

#[tokio::test]
async fn a_file_of_another_size_than_announced_is_refused() {
    let node = Faulty::start(Faults::default()).await;
    let upload = node.api.announce("clip.mp4", clip().len()).await;
    let video = upload["video_id"].as_str().expect("an id");
    // Nobody can do that by the URLs we give out.
    let services = node.node.services();
    let put = services
        .s3()
        .put_object()
        .bucket(&services.resources().upload_bucket)
        .key(format!("raw/{video}"))
        .body(clip()[1..].to_vec().into());
    put.send().await.expect("S3 takes it");
    let failed = node.api.wait_until_settled(video).await;
    assert_eq!(failed["failure"]["code"], "upload_incomplete", "{failed}");
    until_no_source(&node).await;
}

#[tokio::test]
async fn a_file_that_is_sent_again_when_its_video_is_over_goes_too() {
    let node = Faulty::start(Faults::default()).await;
    let (video, ready) = node.upload().await;
    assert_eq!(ready["status"], "ready", "{ready}");
    let Retention { ready_source, .. } = Retention::default();
    look_after(&node, ready_source + HOUR).await;
    assert_eq!(stored(&node).await.sources, [""; 0]);

    // A URL for a whole file works until it expires.
    let services = node.node.services();
    let put = services
        .s3()
        .put_object()
        .bucket(&services.resources().upload_bucket)
        .key(format!("raw/{video}"))
        .body(clip().to_vec().into());
    put.send().await.expect("S3 takes it");
    until_no_source(&node).await;
    let found = node.api.get(&format!("/api/v1/videos/{video}")).await;
    assert_eq!(found["status"], "ready", "{found}");
}
