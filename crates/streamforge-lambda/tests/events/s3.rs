//! Notifications of files.

use std::time::Duration;

use streamforge_aws::error::AwsError;
use streamforge_aws::video_table::Change;
use streamforge_core::job::{Lane, Message, Task};
use streamforge_core::time::Timestamp;
use streamforge_core::video::VideoStatus;
use streamforge_lambda::s3::{S3Event, handle_objects};

use crate::{Deployment, announce, event, invocation, lease, origin, upload_id, video_id};

#[tokio::test]
async fn a_file_that_arrived_is_looked_at_and_refused_for_what_it_is() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp::MAX).await;
    deployment.put_file().await;
    let event = invocation(event("s3-object-created"));
    handle_objects(&worker, event).await.unwrap();
    let video = worker.table.video(&video_id()).await.unwrap().unwrap();
    assert_eq!(video.status, VideoStatus::Failed);
    assert_eq!(video.failure.unwrap().code, "not_video");
    assert_eq!(worker.uploads.source(&video_id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_file_that_somebody_else_looks_at_is_left_to_the_queue() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp::MAX).await;
    let id = upload_id();
    let completed = worker.table.update_upload(&id, |upload| {
        upload.origin = origin();
        Ok::<_, AwsError>(Change::Amend)
    });
    completed.await.unwrap();
    lease(&worker.table, Duration::from_mins(1)).await;
    let event = invocation(event("s3-object-created"));
    handle_objects(&worker, event).await.unwrap();
    let waits = worker.queue.receive(Lane::Interactive, Duration::ZERO);
    let waits = waits.await.unwrap().unwrap();
    let message: Message = serde_json::from_str(&waits.body).unwrap();
    assert_eq!((message.video, message.task), (video_id(), Task::Ingest));
    // S3 does not tell who sent the file; the upload does.
    assert_eq!(waits.origin, origin());
}

#[test]
fn of_all_keys_only_those_of_videos_count_however_they_are_encoded() {
    let event: S3Event = serde_json::from_value(event("s3-object-created-odd-keys")).unwrap();
    assert_eq!(event.videos(), [video_id()]);
}

#[test]
fn the_event_that_tries_notifications_out_tells_of_no_file() {
    let event: S3Event = serde_json::from_value(event("s3-test-event")).unwrap();
    assert_eq!(event.videos(), []);
}
