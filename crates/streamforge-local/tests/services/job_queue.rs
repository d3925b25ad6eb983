//! `JobQueue` against the embedded SQS.

use std::time::Duration;

use streamforge_aws::job_queue::{Depth, JobQueue, Received};
use streamforge_aws::origin;
use streamforge_aws::resources::MAX_RECEIVE_COUNT;
use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, Message, Task};
use streamforge_core::origin::Origin;
use streamforge_core::plan::Job;

use crate::Node;

const NO_WAIT: Duration = Duration::ZERO;

fn message(number: u32) -> Message {
    Message {
        video: VideoId::from_random(7),
        task: Task::Encode(Job::Video(number)),
    }
}

fn read(received: &Received) -> Message {
    serde_json::from_str(&received.body).unwrap()
}

#[tokio::test]
async fn every_message_arrives_once_on_its_own_lane() {
    let node = Node::start().await;
    let queue = JobQueue::new(node.services.sqs(), node.services.resources());
    // More than SQS takes at once.
    let sent: Vec<_> = (0..23).map(message).collect();
    queue.send(Lane::Bulk, &sent).await.unwrap();
    assert_eq!(
        queue.receive(Lane::Interactive, NO_WAIT).await.unwrap(),
        None
    );

    let mut received = Vec::new();
    while let Some(next) = queue.receive(Lane::Bulk, NO_WAIT).await.unwrap() {
        received.push(read(&next));
        let url = queue.url(Lane::Bulk);
        queue.delete(url, &next.receipt_handle).await.unwrap();
    }
    assert_eq!(received, sent);
    assert_eq!(queue.depth(Lane::Bulk).await.unwrap(), Depth::default());
}

#[tokio::test]
async fn a_received_message_is_hidden_until_it_is_given_back() {
    let node = Node::start().await;
    let queue = JobQueue::new(node.services.sqs(), node.services.resources());
    let url = queue.url(Lane::Interactive);
    queue.send(Lane::Interactive, &[message(1)]).await.unwrap();

    let first = queue
        .receive(Lane::Interactive, NO_WAIT)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        queue.receive(Lane::Interactive, NO_WAIT).await.unwrap(),
        None
    );
    let depth = queue.depth(Lane::Interactive).await.unwrap();
    assert_eq!((depth.waiting, depth.in_flight), (0, 1));

    queue
        .change_visibility(url, &first.receipt_handle, NO_WAIT)
        .await
        .unwrap();
    let again = queue
        .receive(Lane::Interactive, NO_WAIT)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.message_id, first.message_id);
    assert_ne!(again.receipt_handle, first.receipt_handle);
    queue.delete(url, &again.receipt_handle).await.unwrap();
    let depth = queue.depth(Lane::Interactive).await.unwrap();
    assert_eq!(depth, Depth::default());
}

#[tokio::test]
async fn a_message_tells_what_it_came_of_and_does_without() {
    let node = Node::start().await;
    let queue = JobQueue::new(node.services.sqs(), node.services.resources());
    let request = Origin {
        request_id: Some("JKJaXmPLvHcESHA=".to_owned()),
        trace_id: Some("1-6920b5d0-5f84c8d93b1e2a7c4d6f9e01".to_owned()),
    };
    let sent = [message(4)];
    let sending = queue.send(Lane::Bulk, &sent);
    origin::within(request.clone(), sending).await.unwrap();
    let received = queue.receive(Lane::Bulk, NO_WAIT).await.unwrap().unwrap();
    assert_eq!(read(&received), sent[0]);
    assert_eq!(received.origin, request);

    // It still does among the dead letters.
    let (url, receipt) = (queue.url(Lane::Bulk), &received.receipt_handle);
    let burying = queue.bury(url, receipt, &received.body);
    origin::within(received.origin.clone(), burying)
        .await
        .unwrap();
    let client = node.services.sqs();
    let dead = client
        .receive_message()
        .queue_url(&node.services.resources().dead_letter_queue_url)
        .message_attribute_names("All");
    let dead = dead.send().await.unwrap();
    let attributes = dead.messages()[0].message_attributes().unwrap();
    let id = attributes["request.id"].string_value();
    assert_eq!(id, request.request_id.as_deref());

    queue.send(Lane::Interactive, &sent).await.unwrap();
    let received = queue.receive(Lane::Interactive, NO_WAIT).await.unwrap();
    assert_eq!(received.unwrap().origin, Origin::default());
}

#[tokio::test]
async fn only_the_wait_for_the_first_receipt_is_one() {
    let node = Node::start().await;
    let queue = JobQueue::new(node.services.sqs(), node.services.resources());
    queue.send(Lane::Bulk, &[message(5)]).await.unwrap();
    let wait = Duration::from_millis(50);
    tokio::time::sleep(wait).await;
    let first = queue.receive(Lane::Bulk, NO_WAIT).await.unwrap().unwrap();
    let waited = first.waited.unwrap();
    // The clock that it is told by has milliseconds.
    assert!(waited + Duration::from_millis(1) >= wait, "{waited:?}");
    queue
        .change_visibility(queue.url(Lane::Bulk), &first.receipt_handle, NO_WAIT)
        .await
        .unwrap();
    let again = queue.receive(Lane::Bulk, NO_WAIT).await.unwrap().unwrap();
    assert_eq!(again.waited, None);
}

#[tokio::test]
async fn who_waits_gets_a_message_as_soon_as_it_is_sent() {
    let node = Node::start().await;
    let queue = JobQueue::new(node.services.sqs(), node.services.resources());
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move {
            queue
                .receive(Lane::Interactive, Duration::from_secs(20))
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    queue.send(Lane::Interactive, &[message(2)]).await.unwrap();
    let received = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    let received = received.expect("long before the wait is over").unwrap();
    assert_eq!(read(&received.unwrap().unwrap()), message(2));
}

#[tokio::test]
async fn a_message_that_nobody_can_handle_ends_among_the_dead_letters() {
    let node = Node::start().await;
    let queue = JobQueue::new(node.services.sqs(), node.services.resources());
    let url = queue.url(Lane::Bulk);
    queue.send(Lane::Bulk, &[message(3)]).await.unwrap();
    for receipt in 1..=MAX_RECEIVE_COUNT {
        let received = queue.receive(Lane::Bulk, NO_WAIT).await.unwrap();
        let received = received.unwrap_or_else(|| panic!("gone before receipt {receipt}"));
        assert_eq!(queue.dead_letters().await.unwrap(), 0);
        queue
            .change_visibility(url, &received.receipt_handle, NO_WAIT)
            .await
            .unwrap();
    }
    assert_eq!(queue.receive(Lane::Bulk, NO_WAIT).await.unwrap(), None);
    assert_eq!(queue.dead_letters().await.unwrap(), 1);
    assert_eq!(queue.depth(Lane::Bulk).await.unwrap(), Depth::default());
}

#[tokio::test]
async fn waiting_workers_do_not_hold_a_shutdown_up() {
    let Node { services, _data } = Node::start().await;
    let queue = JobQueue::new(services.sqs(), services.resources());
    let waiting =
        tokio::spawn(async move { queue.receive(Lane::Bulk, Duration::from_secs(20)).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::timeout(Duration::from_secs(5), services.shutdown())
        .await
        .expect("a shutdown does not wait for who waits");
    waiting.abort();
}
