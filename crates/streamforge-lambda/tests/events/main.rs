//! The functions' handlers, called with what Lambda gives them, on the embedded services.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::ByteStream;
use lambda_runtime::{Context, LambdaEvent};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_aws::video_table::VideoTable;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::{Lease, Task, TaskState};
use streamforge_core::origin::Origin;
use streamforge_core::time::Timestamp;
use streamforge_core::upload::Upload;
use streamforge_core::video::Video;
use streamforge_lambda::config::{Clients, Config};
use streamforge_local::services::EmbeddedServices;
use streamforge_worker::Worker;
use tempfile::TempDir;
use tokio::net::TcpListener;

mod http;
mod observed;
mod s3;
mod schedule;
mod sqs;

/// Events as AWS sends them.
const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");

/// Far more than a test needs.
const ENOUGH: Duration = Duration::from_mins(5);

/// The event in `{name}.json`.
fn event(name: &str) -> Value {
    serde_json::from_slice(&fs::read(format!("{EVENTS}/{name}.json")).unwrap()).unwrap()
}

/// A context with so much time until its deadline.
fn context(left: Duration) -> Context {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + left;
    let mut context = Context::default();
    "8476a536-e9f4-11e8-9739-2dfe598c3fcd".clone_into(&mut context.request_id);
    context.deadline = u64::try_from(deadline.as_millis()).unwrap();
    context
}

fn invocation<T: DeserializeOwned>(event: Value) -> LambdaEvent<T> {
    LambdaEvent::new(serde_json::from_value(event).unwrap(), context(ENOUGH))
}

/// The video and the upload that the events are about.
fn video_id() -> VideoId {
    VideoId::from_random(7)
}

fn upload_id() -> UploadId {
    UploadId::from_random(7)
}

/// The request that the events are about, or came of.
fn origin() -> Origin {
    Origin {
        request_id: Some("JKJaXmPLvHcESHA=".to_owned()),
        trace_id: Some("1-6920b5d0-5f84c8d93b1e2a7c4d6f9e01".to_owned()),
    }
}

/// Embedded services and what a function makes of its configuration.
struct Deployment {
    services: EmbeddedServices,
    config: Config,
    _data: TempDir,
}

impl Deployment {
    async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let services = EmbeddedServices::start(data.path(), listener)
            .await
            .unwrap();
        let resources = services.resources().clone();
        let config = Config::from_vars(|name| match name {
            "TABLE_NAME" => Some(resources.table.clone()),
            "UPLOAD_BUCKET" => Some(resources.upload_bucket.clone()),
            "MEDIA_BUCKET" => Some(resources.media_bucket.clone()),
            "INTERACTIVE_QUEUE_URL" => Some(resources.interactive_queue_url.clone()),
            "BULK_QUEUE_URL" => Some(resources.bulk_queue_url.clone()),
            "DEAD_LETTER_QUEUE_URL" => Some(resources.dead_letter_queue_url.clone()),
            _ => None,
        });
        Self {
            services,
            config: config.unwrap(),
            _data: data,
        }
    }

    fn clients(&self) -> Clients {
        Clients {
            dynamodb: self.services.dynamodb(),
            s3: self.services.s3(),
            s3_presigner: self.services.s3_presigner("https://uploads.example"),
            sqs: self.services.sqs(),
        }
    }

    fn worker(&self) -> Worker {
        self.config.worker(self.clients())
    }

    /// Puts the file of the video where it belongs.
    async fn put_file(&self) {
        let body = ByteStream::from_static(b"this is not a video.");
        let put = self
            .services
            .s3()
            .put_object()
            .bucket(&self.config.resources.upload_bucket)
            .key(UploadBucket::key(&video_id()))
            .body(body);
        put.send().await.unwrap();
    }
}

/// Announces the video of the events, a file of 20 bytes.
async fn announce(table: &VideoTable, expires_at: Timestamp) {
    let upload: Upload = serde_json::from_value(json!({
        "id": upload_id(), "video": video_id(), "status": "open", "size_bytes": 20,
        "part_size_bytes": 10_485_760, "file_name": "film.mp4", "created_at": 1000,
        "expires_at": expires_at,
    }))
    .unwrap();
    let video: Video = serde_json::from_value(json!({
        "id": video_id(), "owner": "default", "upload": upload_id(), "title": "film",
        "visibility": "unlisted", "status": "uploading", "size_bytes": 20, "revision": 0,
        "created_at": 1000, "updated_at": 1000,
    }))
    .unwrap();
    assert!(table.create(&upload, &video, expires_at).await.unwrap());
}

/// Somebody else looks at the file of the video, for so long.
async fn lease(table: &VideoTable, left: Duration) {
    let lease = Lease {
        holder: "somebody else".to_owned(),
        until: now().after(left),
    };
    let take = |state: &mut TaskState| {
        state.lease = Some(lease.clone());
        Ok::<_, AwsError>(())
    };
    let taken = table.update_task(&video_id(), Task::Ingest, take).await;
    taken.unwrap();
}

#[test]
fn every_event_is_used_by_a_test() {
    let tests = [
        include_str!("http.rs"),
        include_str!("s3.rs"),
        include_str!("schedule.rs"),
        include_str!("sqs.rs"),
    ]
    .concat();
    for entry in fs::read_dir(EVENTS).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(tests.contains(&format!("event(\"{name}\")")), "{name}");
    }
}
