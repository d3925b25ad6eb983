//! What AWS does between the services: S3's events and SQS's messages reach who handles them, and a clock ticks.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
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

use crate::services::Sweeper;

/// How long one request waits for a message.
const LONG_POLL: Duration = Duration::from_secs(20);

/// How often what is due is looked after.
const RECONCILE_EVERY: Duration = Duration::from_secs(10);

/// How often what AWS removes by itself is removed.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// How long to wait when a service does not answer, or something panicked.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a task that nobody waits for lets others go first: they may never end where new videos come all the time.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many tasks somebody waits for at the moment. They share the processors with all others here, and even at the lowest priority those
/// would delay them: the first pictures of a video come a tenth sooner when its next chunks begin after them.
#[derive(Clone, Debug, Default)]
pub(super) struct Urgent(watch::Sender<usize>);

impl Urgent {
    /// Counts `task` until it ends or is dropped.
    async fn count<T>(&self, task: impl Future<Output = T>) -> T {
        struct Counted<'a>(&'a watch::Sender<usize>);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.0.send_modify(|count| *count -= 1);
            }
        }
        self.0.send_modify(|count| *count += 1);
        let _counted = Counted(&self.0);
        task.await
    }

    /// Ready when there is none, or patience is at its end.
    async fn none(&self) {
        let mut count = self.0.subscribe();
        let _ = tokio::time::timeout(PATIENCE, count.wait_for(|count| *count == 0)).await;
    }
}

/// Ready when the node stops.
async fn stops(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// What `work` comes to; nothing when it panics, which is logged. Whoever does one thing after the other goes on with the next: a bug that
/// one video brings out must not end the work for all of them.
async fn survived<T>(what: &str, work: impl Future<Output = T>) -> Option<T> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => Some(done),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let why = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let why = why.unwrap_or("it does not say why");
            tracing::error!(error = why, "{what} panicked: {why}");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
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
        let asking = async {
            let origin = worker.origin_of(&video).await;
            let messages = [Message {
                video,
                task: Task::Ingest,
            }];
            let sent = worker.queue.send(Lane::Interactive, &messages);
            origin::within(origin, sent).await
        };
        if let Some(Err(err)) = survived("following events", asking).await {
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
        let looking_after = worker.reconcile(Since::Running, now());
        if let Some(Err(err)) = survived("looking after what is due", looking_after).await {
            tracing::warn!(error = %err, "nothing could be looked after: {err}");
        }
    }
}

/// Removes what AWS removes by itself: what is left of an earlier run, and then every hour.
pub(super) async fn sweep(sweeper: Sweeper, mut stopped: watch::Receiver<bool>) {
    loop {
        match survived("sweeping", sweeper.sweep(SystemTime::now())).await {
            Some(Ok(swept)) => tracing::debug!(?swept, "swept"),
            Some(Err(err)) => tracing::warn!(error = %err, "{err}"),
            None => {}
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = stops(&mut stopped) => return,
        }
    }
}

/// Takes one message of a lane after the other.
pub(super) async fn work(
    worker: Worker,
    lane: Lane,
    place: usize,
    urgent: Urgent,
    mut stopped: watch::Receiver<bool>,
) {
    let mut count: u64 = 0;
    loop {
        count += 1;
        let holder = format!("{lane:?}-{place}-{count}-{}", std::process::id());
        let done = tokio::select! {
            done = survived("a worker", one(&worker, lane, &holder, &urgent)) => done,
            () = stops(&mut stopped) => return,
        };
        // A message whose work panicked comes again when its lease has ended, and that attempt has counted.
        if let Some(Err(err)) = done {
            tracing::warn!(error = %err, "a worker pauses: {err}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn one(
    worker: &Worker,
    lane: Lane,
    holder: &str,
    urgent: &Urgent,
) -> Result<(), streamforge_aws::error::AwsError> {
    let queue = &worker.queue;
    let Some(received) = queue.receive(lane, LONG_POLL).await? else {
        return Ok(());
    };
    let delivering = worker.deliver(lane, &received, holder);
    let outcome = match lane {
        Lane::Interactive => urgent.count(delivering).await?,
        Lane::Bulk => {
            urgent.none().await;
            delivering.await?
        }
    };
    if outcome == Outcome::Handled {
        let url = queue.url(lane);
        queue.delete(url, &received.receipt_handle).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_begins_when_nothing_urgent_is_left() {
        let urgent = Urgent::default();
        urgent.none().await;

        let (end, ended) = oneshot::channel::<()>();
        let waited_for = tokio::spawn({
            let urgent = urgent.clone();
            async move { urgent.count(ended).await }
        });
        let aborted = tokio::spawn({
            let urgent = urgent.clone();
            async move { urgent.count(std::future::pending::<()>()).await }
        });
        while *urgent.0.borrow() < 2 {
            tokio::task::yield_now().await;
        }
        let mut none = Box::pin(urgent.none());
        assert!(futures::poll!(&mut none).is_pending());

        end.send(()).expect("it is waited for");
        waited_for.await.expect("it ends").expect("it was sent");
        assert!(futures::poll!(&mut none).is_pending(), "one is left");
        aborted.abort();
        none.await;
        assert_eq!(*urgent.0.borrow(), 0);
    }
}
