//! What AWS does between the services: S3's events and SQS's messages reach who handles them, and a clock ticks.

use std::time::Duration;

use streamforge_aws::clock::now;
use streamforge_aws::origin;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_core::job::{Lane, Message, Task};
use streamforge_s3::ObjectEvent;
use streamforge_worker::Worker;
use streamforge_worker::reconcile::Since;
use streamforge_worker::task::Outcome;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

/// How long one request waits for a message.
const LONG_POLL: Duration = Duration::from_secs(20);

/// How often what is due is looked after.
const RECONCILE_EVERY: Duration = Duration::from_secs(10);

/// How long to wait when a service does not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Ready when the node stops.
async fn stops(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Asks for each uploaded file to be looked at.
pub(super) async fn follow_events(
    worker: Worker,
    mut events: UnboundedReceiver<ObjectEvent>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = stops(&mut stopped) => None,
        };
        let Some(event) = event else { return };
        let Some(video) = UploadBucket::video_of(&event.key) else {
            continue;
        };
        let origin = worker.origin_of(&video).await;
        let messages = [Message {
            video,
            task: Task::Ingest,
        }];
        let sent = worker.queue.send(Lane::Interactive, &messages);
        if let Err(err) = origin::within(origin, sent).await {
            // The reconciler finds it.
            tracing::warn!(error = %err, "an event was lost: {err}");
        }
    }
}

/// Looks after what is due.
pub(super) async fn reconcile(worker: Worker, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RECONCILE_EVERY) => {}
            () = stops(&mut stopped) => return,
        }
        if let Err(err) = worker.reconcile(Since::Running, now()).await {
            tracing::warn!(error = %err, "nothing could be looked after: {err}");
        }
    }
}

/// Takes one message of a lane after the other.
pub(super) async fn work(
    worker: Worker,
    lane: Lane,
    place: usize,
    mut stopped: watch::Receiver<bool>,
) {
    let mut count: u64 = 0;
    loop {
        count += 1;
        let holder = format!("{lane:?}-{place}-{count}-{}", std::process::id());
        let done = tokio::select! {
            done = one(&worker, lane, &holder) => done,
            () = stops(&mut stopped) => return,
        };
        if let Err(err) = done {
            tracing::warn!(error = %err, "a worker pauses: {err}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn one(
    worker: &Worker,
    lane: Lane,
    holder: &str,
) -> Result<(), streamforge_aws::error::AwsError> {
    let queue = &worker.queue;
    let Some(received) = queue.receive(lane, LONG_POLL).await? else {
        return Ok(());
    };
    if worker.deliver(lane, &received, holder).await? == Outcome::Handled {
        let url = queue.url(lane);
        queue.delete(url, &received.receipt_handle).await?;
    }
    Ok(())
}
