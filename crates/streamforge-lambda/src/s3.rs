//! S3 tells that a file has arrived: twice, late or not at all, but mostly once and at once.

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use streamforge_aws::origin;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, Message, Task};
use streamforge_worker::task::Outcome;
use streamforge_worker::{Worker, measure};

use crate::deadline::{TO_STOP, within};
use crate::unavailable;

/// What matters of an
/// [event message](https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html). `s3:TestEvent`, which S3
/// sends when notifications are set up, has no records.
///
/// The type of `aws_lambda_events` demands records, and of them much that emulators leave out.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct S3Event {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Clone, Debug, Deserialize)]
struct Record {
    s3: Entity,
}

#[derive(Clone, Debug, Deserialize)]
struct Entity {
    object: Object,
}

#[derive(Clone, Debug, Deserialize)]
struct Object {
    /// URL-encoded, as in a form.
    key: String,
}

impl S3Event {
    /// The videos whose files it tells of; of others there may be anything in the bucket.
    pub fn videos(&self) -> Vec<VideoId> {
        let keys = self.records.iter().map(|record| &record.s3.object.key);
        keys.filter_map(|key| {
            let key = key.replace('+', " ");
            UploadBucket::video_of(&percent_decode_str(&key).decode_utf8().ok()?)
        })
        .collect()
    }
}

/// Looks at the files that have arrived. What is not done at once is left to the queue, with all its patience.
///
/// # Errors
/// AWS does not answer: Lambda calls again, and what is done already is not done twice.
pub async fn handle_objects(
    worker: &Worker,
    event: LambdaEvent<S3Event>,
) -> Result<(), Diagnostic> {
    let LambdaEvent { payload, context } = event;
    for video in payload.videos() {
        let origin = worker.origin_of(&video).await;
        let looking = look_at(worker, video, &context);
        origin::within(origin, looking).await?;
    }
    Ok(())
}

async fn look_at(worker: &Worker, video: VideoId, context: &Context) -> Result<(), Diagnostic> {
    let message = Message {
        video,
        task: Task::Ingest,
    };
    // Nothing is kept from anybody: a second message of the same finds the lease.
    let keep = || std::future::ready(());
    let work = worker.handle(&message, &context.request_id, keep);
    let done = within(context, TO_STOP, Box::pin(work)).await;
    match done {
        Some(Ok(Outcome::Handled | Outcome::Dead)) => return Ok(()),
        Some(Err(err)) => return Err(unavailable(&err)),
        Some(Ok(Outcome::Again(_))) => {}
        None => measure::job(measure::LATE),
    }
    let messages = [message];
    let sent = worker.queue.send(Lane::Interactive, &messages);
    sent.await.map_err(|err| unavailable(&err))
}
