//! A message on its way: from the queue that delivered it to what becomes of it there. The same wherever a worker runs.

use std::time::Duration;

use streamforge_aws::error::AwsError;
use streamforge_aws::job_queue::Received;
use streamforge_aws::origin;
use streamforge_aws::resources::VISIBILITY_TIMEOUT;
use streamforge_core::job::{Lane, Message, backoff};
use streamforge_core::origin::Origin;
use tracing::Instrument as _;

use crate::task::Outcome;
use crate::{Worker, measure};

/// A message never comes again sooner: it would find everything as it was.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

impl Worker {
    /// Does what a message of `lane` asks for, and tells the queue what becomes of it: one that must come again is hidden until then,
    /// one that nobody can handle is buried. One that is handled is left to the caller to delete. What is sent meanwhile came of the same
    /// request.
    ///
    /// `holder` names this delivery and no other one.
    ///
    /// # Errors
    /// AWS does not answer. The message comes again after a pause.
    pub async fn deliver(
        &self,
        lane: Lane,
        received: &Received,
        holder: &str,
    ) -> Result<Outcome, AwsError> {
        let Origin {
            request_id,
            trace_id,
        } = &received.origin;
        let id = &received.message_id;
        let span = tracing::info_span!(
            "sqs.record",
            sqs.message_id = id,
            request.id = request_id,
            trace.id = trace_id,
        );
        if let Some(waited) = received.waited {
            measure::queued(waited);
        }
        let delivering = async {
            let settled = self.settle(lane, received, holder).await;
            if let Err(err) = &settled {
                tracing::error!(error = %err, "message {id} comes again: {err}");
                self.hide(lane, received, backoff(1)).await;
            }
            settled
        };
        origin::within(received.origin.clone(), delivering.instrument(span)).await
    }

    /// Keeps a delivered message from others for so long. When that fails it may come twice at once, which is harmless.
    pub async fn hide(&self, lane: Lane, received: &Received, timeout: Duration) {
        let (queue, receipt) = (&self.queue, &received.receipt_handle);
        let hidden = queue.change_visibility(queue.url(lane), receipt, timeout);
        if let Err(err) = hidden.await {
            let id = &received.message_id;
            tracing::warn!(sqs.message_id = id, error = %err, "a message was not hidden: {err}");
        }
    }

    /// Gives a delivered message back whose work was dropped in the middle: `holder` holds it no longer, so whoever takes it next can
    /// begin, and this attempt does not count.
    pub async fn give_back(&self, lane: Lane, received: &Received, holder: &str) {
        // What nobody understands, nobody holds.
        if let Ok(Message { video, task }) = serde_json::from_str(&received.body)
            && let Err(err) = self.let_go(&video, task, holder).await
        {
            tracing::warn!(video.id = %video, error = %err, "{task} is held until its lease ends: {err}");
        }
        self.hide(lane, received, Duration::ZERO).await;
    }

    async fn settle(
        &self,
        lane: Lane,
        received: &Received,
        holder: &str,
    ) -> Result<Outcome, AwsError> {
        let outcome = match serde_json::from_str::<Message>(&received.body) {
            Ok(message) => {
                let keep = || self.hide(lane, received, VISIBILITY_TIMEOUT);
                Box::pin(self.handle(&message, holder, keep)).await?
            }
            Err(err) => {
                tracing::error!(error = %err, "a message is none of ours: {err}");
                measure::job(Outcome::Dead.as_str());
                Outcome::Dead
            }
        };
        match outcome {
            Outcome::Handled => {}
            Outcome::Again(wait) => self.hide(lane, received, wait.max(LEAST_PAUSE)).await,
            Outcome::Dead => {
                let (queue, receipt) = (&self.queue, &received.receipt_handle);
                queue.bury(queue.url(lane), receipt, &received.body).await?;
            }
        }
        Ok(outcome)
    }
}
