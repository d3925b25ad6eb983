//! The queues: what is to be done.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use streamforge_core::job::{Lane, Message};
use streamforge_core::origin::Origin;

use crate::error::AwsError;
use crate::resources::Resources;

pub mod attributes;
mod dispatch;

/// Most messages that one `SendMessageBatch` takes.
const BATCH: usize = 10;

/// A message that was received.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Received {
    /// SQS's id of the message.
    pub message_id: String,
    /// What deletes or extends this receipt of it.
    pub receipt_handle: String,
    /// Its text.
    pub body: String,
    /// What it came of.
    pub origin: Origin,
    /// How long it waited, if this is its first receipt.
    pub waited: Option<Duration>,
}

/// Both queues, and the one for dead letters.
#[derive(Clone, Debug)]
pub struct JobQueue {
    client: Client,
    interactive_url: String,
    bulk_url: String,
    dead_letter_url: String,
}

/// How many messages wait.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Depth {
    /// Visible, waiting for a worker.
    pub waiting: u64,
    /// Received and not yet deleted.
    pub in_flight: u64,
}

impl JobQueue {
    /// The queues of these URLs.
    pub fn new(client: Client, resources: &Resources) -> Self {
        Self {
            client,
            interactive_url: resources.interactive_queue_url.clone(),
            bulk_url: resources.bulk_queue_url.clone(),
            dead_letter_url: resources.dead_letter_queue_url.clone(),
        }
    }

    /// URL of a lane's queue.
    pub fn url(&self, lane: Lane) -> &str {
        match lane {
            Lane::Interactive => &self.interactive_url,
            Lane::Bulk => &self.bulk_url,
        }
    }

    /// Sends messages to a lane, in their order. With them goes what the work at hand came of.
    ///
    /// # Errors
    /// SQS did not answer, or did not take all of them: sending again repeats some, which is harmless.
    pub async fn send(&self, lane: Lane, messages: &[Message]) -> Result<(), AwsError> {
        const DOING: &str = "sending messages";
        let attributes = attributes::of_origin(DOING)?;
        for batch in messages.chunks(BATCH) {
            let mut request = self.client.send_message_batch().queue_url(self.url(lane));
            for (place, message) in batch.iter().enumerate() {
                let body = serde_json::to_string(message).map_err(AwsError::other(DOING))?;
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(place.to_string())
                    .message_body(body)
                    .set_message_attributes(attributes.clone())
                    .build()
                    .map_err(AwsError::other(DOING))?;
                request = request.entries(entry);
            }
            let sent = request.send().await.map_err(AwsError::unavailable(DOING))?;
            if let Some(failed) = sent.failed().first() {
                return Err(AwsError::Record {
                    doing: DOING,
                    why: format!(
                        "SQS refused one: {}",
                        failed.message().unwrap_or(failed.code())
                    ),
                });
            }
        }
        Ok(())
    }

    /// Waits up to `wait` (at most 20 s) for a message of a lane.
    ///
    /// # Errors
    /// SQS did not answer.
    pub async fn receive(&self, lane: Lane, wait: Duration) -> Result<Option<Received>, AwsError> {
        let received = self
            .client
            .receive_message()
            .queue_url(self.url(lane))
            .max_number_of_messages(1)
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(20))
            .message_attribute_names(attributes::REQUEST_ID)
            .message_attribute_names(attributes::TRACE_ID)
            .set_message_system_attribute_names(Some(attributes::OF_WAITING.to_vec()))
            .send()
            .await
            .map_err(AwsError::unavailable("receiving messages"))?;
        let message = received.messages.unwrap_or_default().into_iter().next();
        Ok(message.map(|message| {
            let own = message.message_attributes.unwrap_or_default();
            let system = message.attributes.unwrap_or_default();
            Received {
                message_id: message.message_id.unwrap_or_default(),
                receipt_handle: message.receipt_handle.unwrap_or_default(),
                body: message.body.unwrap_or_default(),
                origin: attributes::origin(|name| own.get(name)?.string_value()),
                waited: attributes::waited(|name| system.get(name).map(String::as_str)),
            }
        }))
    }

    /// Removes a message that was handled.
    ///
    /// # Errors
    /// SQS did not answer: the message comes again.
    pub async fn delete(&self, queue_url: &str, receipt_handle: &str) -> Result<(), AwsError> {
        self.client
            .delete_message()
            .queue_url(queue_url)
            .receipt_handle(receipt_handle)
            .send()
            .await
            .map_err(AwsError::unavailable("deleting a message"))?;
        Ok(())
    }

    /// Puts a message that cannot be handled where somebody will look at it, and removes it from its queue.
    ///
    /// # Errors
    /// SQS did not answer: the message comes again.
    pub async fn bury(
        &self,
        queue_url: &str,
        receipt_handle: &str,
        body: &str,
    ) -> Result<(), AwsError> {
        const DOING: &str = "burying a message";
        self.client
            .send_message()
            .queue_url(&self.dead_letter_url)
            .message_body(body)
            .set_message_attributes(attributes::of_origin(DOING)?)
            .send()
            .await
            .map_err(AwsError::unavailable(DOING))?;
        self.delete(queue_url, receipt_handle).await
    }

    /// Keeps a message hidden for `timeout` from now; zero shows it again at once.
    ///
    /// # Errors
    /// SQS did not answer, or the receipt is out of date.
    pub async fn change_visibility(
        &self,
        queue_url: &str,
        receipt_handle: &str,
        timeout: Duration,
    ) -> Result<(), AwsError> {
        self.client
            .change_message_visibility()
            .queue_url(queue_url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(AwsError::unavailable("hiding a message"))?;
        Ok(())
    }

    /// How many messages wait in a lane.
    ///
    /// # Errors
    /// SQS did not answer.
    pub async fn depth(&self, lane: Lane) -> Result<Depth, AwsError> {
        self.depth_of(self.url(lane)).await
    }

    /// How many messages could not be handled.
    ///
    /// # Errors
    /// SQS did not answer.
    pub async fn dead_letters(&self) -> Result<u64, AwsError> {
        Ok(self.depth_of(&self.dead_letter_url).await?.waiting)
    }

    async fn depth_of(&self, url: &str) -> Result<Depth, AwsError> {
        let waiting = QueueAttributeName::ApproximateNumberOfMessages;
        let in_flight = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let found = self
            .client
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(waiting.clone())
            .attribute_names(in_flight.clone())
            .send()
            .await
            .map_err(AwsError::unavailable("asking how long a queue is"))?;
        let number = |name: &QueueAttributeName| {
            let value = found.attributes().and_then(|all| all.get(name));
            value.and_then(|n| n.parse().ok()).unwrap_or(0)
        };
        Ok(Depth {
            waiting: number(&waiting),
            in_flight: number(&in_flight),
        })
    }
}
