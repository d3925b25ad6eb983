//! Batches of messages.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use streamforge_aws::clock;
use streamforge_aws::error::AwsError;
use streamforge_core::job::{Lane, Start, Task, TaskState};
use streamforge_core::time::Timestamp;
use streamforge_lambda::shutdown::Shutdown;
use streamforge_lambda::sqs::handle_batch;
use streamforge_worker::Worker;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{Deployment, announce, context, event, invocation, lease, video_id};

const NO_WAIT: Duration = Duration::ZERO;

/// Sends the bodies of an event to the queue, so that its messages can be deleted or hidden as in life.
pub(crate) async fn delivered(deployment: &Deployment, mut event: Value) -> Value {
    let url = &deployment.services.resources().interactive_queue_url;
    let client = deployment.services.sqs();
    for record in event["Records"].as_array_mut().unwrap() {
        let sent = client.send_message().queue_url(url);
        let body = record["body"].as_str().unwrap();
        sent.message_body(body).send().await.unwrap();
        let received = client
            .receive_message()
            .queue_url(url)
            .send()
            .await
            .unwrap();
        let message = &received.messages()[0];
        record["messageId"] = json!(message.message_id());
        record["receiptHandle"] = json!(message.receipt_handle());
    }
    event
}

/// Ids of the messages of an event, of those at `places`.
fn ids(event: &Value, places: &[usize]) -> Vec<String> {
    let id = |place: &usize| event["Records"][*place]["messageId"].as_str().unwrap();
    places.iter().map(|place| id(place).to_owned()).collect()
}

pub(crate) fn failures(response: SqsBatchResponse) -> Vec<String> {
    let failures = response.batch_item_failures.into_iter();
    failures.map(|failure| failure.item_identifier).collect()
}

async fn attempts(worker: &Worker) -> u32 {
    let (video, task) = (video_id(), Task::Ingest);
    let attempts = |state: &mut TaskState| Ok::<_, AwsError>(state.attempts);
    let asked = worker.table.update_task(&video, task, attempts);
    asked.await.unwrap()
}

#[tokio::test]
async fn a_message_about_a_deleted_video_is_done_with() {
    let deployment = Deployment::start().await;
    let event = delivered(&deployment, event("sqs-chunk")).await;
    let response = handle_batch(
        &deployment.worker(),
        &Shutdown::default(),
        invocation(event),
    )
    .await;
    assert_eq!(failures(response), [""; 0]);
}

#[tokio::test]
async fn messages_of_every_kind_are_understood() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    for event in [
        event("sqs-audio"),
        event("sqs-publish"),
        event("sqs-poster"),
        event("sqs-remove"),
    ] {
        let event = delivered(&deployment, event).await;
        let response = handle_batch(&worker, &Shutdown::default(), invocation(event)).await;
        assert_eq!(failures(response), [""; 0]);
    }
    assert_eq!(worker.queue.dead_letters().await.unwrap(), 0);
}

#[tokio::test]
async fn poison_is_buried_and_leaves_the_rest_of_its_batch_alone() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    let event = delivered(&deployment, event("sqs-poison-batch")).await;
    let response = handle_batch(&worker, &Shutdown::default(), invocation(event)).await;
    assert_eq!(failures(response), [""; 0]);
    assert_eq!(worker.queue.dead_letters().await.unwrap(), 2);
    // Lambda deletes the first, which did not fail; the others are gone.
    let depth = worker.queue.depth(Lane::Interactive).await.unwrap();
    assert_eq!((depth.waiting, depth.in_flight), (0, 1));
}

#[tokio::test]
async fn poison_that_cannot_be_buried_fails_alone() {
    let mut deployment = Deployment::start().await;
    deployment.config.resources.dead_letter_queue_url += "-gone";
    let event = delivered(&deployment, event("sqs-poison-batch")).await;
    let poison = ids(&event, &[1, 2]);
    let response = handle_batch(
        &deployment.worker(),
        &Shutdown::default(),
        invocation(event),
    )
    .await;
    assert_eq!(failures(response), poison);
}

#[tokio::test]
async fn a_message_whose_work_somebody_else_does_comes_again_when_the_lease_ends() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp::MAX).await;
    lease(&worker.table, Duration::from_secs(4)).await;
    let event = delivered(&deployment, event("sqs-ingest")).await;
    let all = ids(&event, &[0]);
    let response = handle_batch(&worker, &Shutdown::default(), invocation(event)).await;
    assert_eq!(failures(response), all);
    // Left alone it would be hidden for minutes.
    let lane = Lane::Interactive;
    assert_eq!(worker.queue.receive(lane, NO_WAIT).await.unwrap(), None);
    let again = worker.queue.receive(lane, Duration::from_secs(20)).await;
    assert_eq!(again.unwrap().unwrap().message_id, all[0]);
}

#[tokio::test]
async fn nothing_is_begun_for_which_no_time_is_left() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp::MAX).await;
    let event = delivered(&deployment, event("sqs-ingest")).await;
    let all = ids(&event, &[0]);
    let mut invocation: LambdaEvent<SqsEvent> = invocation(event);
    invocation.context = context(Duration::from_secs(1));
    let response = handle_batch(&worker, &Shutdown::default(), invocation).await;
    assert_eq!(failures(response), all);
    assert_eq!(attempts(&worker).await, 0);
}

/// Takes calls and never answers.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn work_that_does_not_end_is_given_up_before_the_deadline() {
    let deployment = Deployment::start().await;
    let (_listener, silent) = silent().await;
    let mut clients = deployment.clients();
    let table = clients.dynamodb.config().to_builder().endpoint_url(silent);
    clients.dynamodb = aws_sdk_dynamodb::Client::from_conf(table.build());
    let worker = deployment.config.worker(clients);
    let event = delivered(&deployment, event("sqs-chunk")).await;
    let all = ids(&event, &[0]);
    let mut invocation: LambdaEvent<SqsEvent> = invocation(event);
    let left = Duration::from_secs(6);
    invocation.context = context(left);
    let response = tokio::time::timeout(
        left,
        handle_batch(&worker, &Shutdown::default(), invocation),
    )
    .await;
    assert_eq!(failures(response.expect("before the deadline")), all);
}

#[tokio::test]
async fn work_is_given_back_when_its_environment_ends() {
    let deployment = Deployment::start().await;
    let (_listener, silent) = silent().await;
    let mut clients = deployment.clients();
    let s3 = clients.s3.config().to_builder().endpoint_url(silent);
    clients.s3 = aws_sdk_s3::Client::from_conf(s3.build());
    let worker = deployment.config.worker(clients);
    announce(&worker.table, Timestamp::MAX).await;
    let event = delivered(&deployment, event("sqs-ingest")).await;
    let all = ids(&event, &[0]);

    let (end, ended) = watch::channel(false);
    let shutdown = Shutdown::when(ended);
    let ending = async {
        while attempts(&worker).await == 0 {
            tokio::task::yield_now().await;
        }
        end.send_replace(true);
    };
    let handling = handle_batch(&worker, &shutdown, invocation(event));
    let (response, ()) = tokio::join!(handling, ending);
    assert_eq!(failures(response), all);
    // The next one finds the message and nobody at it, and has as many attempts.
    let again = worker.queue.receive(Lane::Interactive, NO_WAIT).await;
    assert_eq!(again.unwrap().unwrap().message_id, all[0]);
    let (video, task) = (video_id(), Task::Ingest);
    let start = |state: &mut TaskState| Ok::<_, AwsError>(state.start(task, "next", clock::now()));
    let started = worker.table.update_task(&video, task, start).await;
    assert_eq!(started.unwrap(), Start::Attempt(1));
    // Whoever waits for the end of all work need not wait any more.
    shutdown.over().await;
}

#[tokio::test]
async fn a_message_of_a_foreign_queue_fails() {
    let deployment = Deployment::start().await;
    let mut event = delivered(&deployment, event("sqs-chunk")).await;
    event["Records"][0]["eventSourceARN"] = json!("arn:aws:sqs:us-east-1:000000000000:other");
    let all = ids(&event, &[0]);
    let response = handle_batch(
        &deployment.worker(),
        &Shutdown::default(),
        invocation(event),
    )
    .await;
    assert_eq!(failures(response), all);
}
