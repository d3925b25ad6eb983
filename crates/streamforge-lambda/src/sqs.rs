//! Batches of messages, each one handled and answered for by itself. The event source mapping must have `ReportBatchItemFailures`:
//! without it one message that has to come again brings all others of its batch with it.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::LambdaEvent;
use streamforge_aws::job_queue::{JobQueue, Received, attributes};
use streamforge_aws::resources::VISIBILITY_TIMEOUT;
use streamforge_core::job::{LEASE, Lane};
use streamforge_worker::task::Outcome;
use streamforge_worker::{Worker, measure};

use crate::deadline::{TO_ANSWER, TO_STOP, within};
use crate::shutdown::Shutdown;

/// Does what the messages ask for, one after the other: each needs the whole machine. Names those that have to come again: at once, if the
/// environment ends meanwhile.
pub async fn handle_batch(
    worker: &Worker,
    shutdown: &Shutdown,
    event: LambdaEvent<SqsEvent>,
) -> SqsBatchResponse {
    let _working = shutdown.hold_off().await;
    let LambdaEvent { payload, context } = event;
    let mut response = SqsBatchResponse::default();
    for record in payload.records {
        let Some(lane) = lane(&worker.queue, &record) else {
            let (id, queue) = (record.message_id, record.event_source_arn);
            tracing::error!(
                sqs.message_id = id,
                ?queue,
                "a message of a queue that is none of ours"
            );
            response.add_failure(id.unwrap_or_default());
            continue;
        };
        let received = received(record);
        let holder = format!("{}/{}", context.request_id, received.message_id);
        // Boxed, or the compiler loses itself in the layout of all that is awaited in there.
        let work = Box::pin(async {
            // The mapping has hidden it for as long as this function may run, several times over. If we die, it shall not take so long.
            worker.hide(lane, &received, VISIBILITY_TIMEOUT).await;
            worker.deliver(lane, &received, &holder).await
        });
        let delivered = shutdown.unless_over(within(&context, TO_STOP, work)).await;
        let comes_again = match delivered {
            // Why, whoever delivered it has logged.
            Some(Some(delivered)) => !matches!(delivered, Ok(Outcome::Handled | Outcome::Dead)),
            Some(None) => {
                warn(&received, "no time is left for");
                measure::job(measure::LATE);
                // Until then our lease may hold others off.
                let hidden = worker.hide(lane, &received, LEASE);
                within(&context, TO_ANSWER, hidden).await;
                true
            }
            None => {
                warn(&received, "the environment ends before the end of");
                worker.give_back(lane, &received, &holder).await;
                true
            }
        };
        if comes_again {
            response.add_failure(received.message_id);
        }
    }
    response
}

fn warn(received: &Received, why: &str) {
    let id = &received.message_id;
    let request_id = &received.origin.request_id;
    tracing::warn!(
        sqs.message_id = id,
        request.id = request_id,
        "{why} message {id}"
    );
}

/// The lane of the queue that a message comes from, which is told as an ARN: `arn:aws:sqs:eu-central-1:123456789012:name`. Our queues are
/// known by their URLs: `https://sqs.eu-central-1.amazonaws.com/123456789012/name`.
fn lane(queue: &JobQueue, record: &SqsMessage) -> Option<Lane> {
    let (_, name) = record.event_source_arn.as_deref()?.rsplit_once(':')?;
    let is_of = |lane: &Lane| {
        let named = queue.url(*lane).rsplit_once('/');
        named.is_some_and(|(_, known)| known == name)
    };
    [Lane::Interactive, Lane::Bulk].into_iter().find(is_of)
}

fn received(record: SqsMessage) -> Received {
    let (own, system) = (&record.message_attributes, &record.attributes);
    let origin = attributes::origin(|name| own.get(name)?.string_value.as_deref());
    let waited = attributes::waited(|name| system.get(name.as_str()).map(String::as_str));
    Received {
        origin,
        waited,
        message_id: record.message_id.unwrap_or_default(),
        receipt_handle: record.receipt_handle.unwrap_or_default(),
        body: record.body.unwrap_or_default(),
    }
}
