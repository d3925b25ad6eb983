//! Trying failed videos again.

use reqwest::{Method, StatusCode};
use serde_json::json;
use streamforge_aws::error::AwsError;
use streamforge_core::id::VideoId;
use streamforge_core::job::{MAX_ATTEMPTS, Task, TaskState};
use streamforge_core::limits::Limits;
use streamforge_core::plan::{Job, Plan};
use streamforge_core::settings::Settings;
use streamforge_core::video::{Failure, VideoStatus};

use crate::{Answer, Server};

/// Forty seconds without sound: ten segments in four chunks.
pub(crate) fn plan() -> Plan {
    let source = serde_json::from_value(json!({
        "container": "mov", "size_bytes": 5, "start_us": 0,
        "video": {
            "stream_index": 0, "codec": "h264", "width": 854, "height": 480, "sample_aspect_ratio": [1, 1],
            "turned": false, "pix_fmt": "yuv420p",
            "color": { "full_range": false, "space": null, "primaries": null, "transfer": null },
            "interlaced": false, "rate": [30, 1], "constant_rate": true,
            "start_us": 0, "end_us": 40_000_000, "longest_gop_us": null,
        },
        "audio": null,
    }));
    Plan::new(source.unwrap(), Settings::default(), &Limits::default()).unwrap()
}

async fn set(server: &Server, id: &VideoId, task: Task, state: &TaskState) {
    let set = server.table.update_task(id, task, |there| {
        *there = state.clone();
        Ok::<_, AwsError>(())
    });
    set.await.unwrap();
}

async fn state(server: &Server, id: &VideoId, job: u32) -> TaskState {
    let work = server.table.work(id).await.unwrap();
    work.jobs.get(&Job::Video(job)).cloned().unwrap_or_default()
}

/// The first job is done, the second one never got through, the third was tried once, the fourth not at all.
async fn failed(server: &Server) -> VideoId {
    let id = server
        .video(|video| video.status = VideoStatus::Processing)
        .await;
    server.table.plan_once(&id, &plan()).await.unwrap();
    let done = TaskState {
        attempts: 1,
        done: true,
        ..TaskState::default()
    };
    let exhausted = TaskState {
        attempts: MAX_ATTEMPTS,
        error: Some("the encoder crashed".to_owned()),
        ..TaskState::default()
    };
    let tried = TaskState {
        attempts: 1,
        error: Some("the disk was full".to_owned()),
        ..TaskState::default()
    };
    for (job, state) in [(0, &done), (1, &exhausted), (2, &tried)] {
        set(server, &id, Task::Encode(Job::Video(job)), state).await;
    }
    set(server, &id, Task::Ingest, &done).await;
    server
        .change(&id, |video| {
            video.status = VideoStatus::Failed;
            video.failure = Some(Failure {
                code: Failure::ENCODING_FAILED.to_owned(),
                message: "video chunk 1 could not be encoded".to_owned(),
                retryable: true,
            });
        })
        .await;
    server.messages().await;
    id
}

#[tokio::test]
async fn one_job_is_retried_and_no_other_is_touched() {
    let server = Server::start().await;
    let id = failed(&server).await;
    let path = format!("/api/v1/videos/{id}");
    let found = server.get(&path).await.body;
    let job = &found["progress"]["failing"][0];
    assert_eq!(job["job"], json!({ "video": 1 }));
    assert_eq!(
        (&job["attempts"], &job["error"]),
        (&json!(3), &json!("the encoder crashed"))
    );

    let retry = json!({ "job": job["job"] });
    let answer = server.post(&format!("{path}/retry"), &retry).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(
        (&answer.body["status"], &answer.body["failure"]),
        (&json!("processing"), &json!(null))
    );
    assert_eq!(state(&server, &id, 1).await, TaskState::default());
    assert_eq!(state(&server, &id, 2).await.attempts, 1);
    assert!(state(&server, &id, 0).await.done);
    // The others that have attempts left lost their messages when the video failed.
    let tasks: Vec<Task> = server
        .messages()
        .await
        .iter()
        .map(|message| message.task)
        .collect();
    assert_eq!(tasks, [1, 2, 3].map(|job| Task::Encode(Job::Video(job))));
    server.stop().await;
}

#[tokio::test]
async fn a_whole_video_is_retried_but_what_is_done_stays_done() {
    let server = Server::start().await;
    let id = failed(&server).await;
    let retry = server.request(Method::POST, &format!("/api/v1/videos/{id}/retry"));
    let answer = Answer::to(retry).await;
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (StatusCode::ACCEPTED, &json!("queued"))
    );
    assert!(state(&server, &id, 0).await.done);
    for job in [1, 2] {
        assert_eq!(state(&server, &id, job).await, TaskState::default());
    }
    let tasks: Vec<Task> = server
        .messages()
        .await
        .iter()
        .map(|message| message.task)
        .collect();
    assert_eq!(tasks, [Task::Ingest]);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_retried_is_not() {
    let server = Server::start().await;
    let id = failed(&server).await;
    let path = format!("/api/v1/videos/{id}/retry");
    for (body, problem) in [
        (json!({ "job": { "video": 0 } }), "not-retryable"),
        (json!({ "job": { "video": 9 } }), "invalid-request"),
        (json!({ "job": { "audio": 0 } }), "invalid-request"),
        (json!({ "job": "v1" }), "invalid-request"),
        (json!({ "jobs": [] }), "invalid-request"),
    ] {
        assert_eq!(server.post(&path, &body).await.problem(), problem, "{body}");
    }
    server.change(&id, |video| video.has_source = false).await;
    assert_eq!(
        server.post(&path, &json!({})).await.problem(),
        "not-retryable"
    );
    let queued = server.video(|_| ()).await;
    let path = format!("/api/v1/videos/{queued}/retry");
    assert_eq!(
        server.post(&path, &json!({})).await.problem(),
        "not-retryable"
    );
    server.stop().await;
}
