//! The service dies at one certain request to AWS, before or after it was carried out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::client::Api;
use super::clip::{clip, undisturbed};
use super::faulty::{Faults, Faulty, free};
use super::processor::on_one_processor;
use super::proxy::{Decide, Fault};

/// Requests from a start on the data of nobody to a video that is ready, about; what comes after is never reached.
const REQUESTS: u64 = 140;

/// By then, S3 has given up what nobody did.
const LATER: Duration = Duration::from_hours(8 * 24);

/// Where the service dies.
#[derive(Clone, Copy, Debug)]
struct CrashPoint {
    /// At this request, counted from 0.
    request: u64,
    /// Whether the request is still carried out.
    done: bool,
}

/// Proxies that hang at the crash point, for ever, and say when it is reached.
fn dying(point: CrashPoint, reached: &Arc<Notify>) -> Faults {
    let count = Arc::new(AtomicU64::new(0));
    let decide = || -> Box<Decide> {
        let (count, reached) = (Arc::clone(&count), Arc::clone(reached));
        Box::new(move |call| {
            // Waiting for messages is no step of anything.
            if call.operation == "AmazonSQS.ReceiveMessage" {
                return Fault::Pass;
            }
            let request = count.fetch_add(1, Ordering::Relaxed);
            if request < point.request {
                return Fault::Pass;
            }
            reached.notify_one();
            if request == point.request && point.done {
                Fault::DoAndHang
            } else {
                // Whatever else is under way does not get any further either.
                Fault::Hang
            }
        })
    };
    Faults {
        dynamodb: decide(),
        s3: decide(),
        sqs: decide(),
    }
}

async fn dies_at(point: CrashPoint, expected: &BTreeMap<String, String>) {
    let dir = Arc::new(TempDir::new().expect("there is a folder for temporary files"));
    let listener = free().await;
    let address = listener.local_addr().expect("it is bound");
    let api = Api::new(format!("http://{address}"));
    let client = tokio::spawn({
        let api = api.clone();
        async move {
            let video = api.upload("clip.mp4", clip()).await;
            (api.wait_until_settled(&video).await, video)
        }
    });
    let reached = Arc::new(Notify::new());
    let faults = dying(point, &reached);
    let alive = async {
        let _node = Faulty::start_on(Arc::clone(&dir), listener, faults).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = alive => {}
        () = reached.notified() => {}
    }
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            // What was dropped is not gone yet.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let node = Faulty::start_on(dir, listener, Faults::default()).await;
    let (settled, video) = client.await.expect("the client does not give up");
    assert_eq!(settled["status"], "ready", "{point:?}: {settled}");
    // A multipart upload that was begun but never recorded holds no bytes; S3 itself gives it up after a week.
    let sweeper = node.node.services().sweeper();
    let swept = sweeper.sweep(SystemTime::now() + LATER);
    swept.await.expect("the disk can be read");
    node.assert_same(&video, expected).await;
}

#[test]
fn a_death_at_any_request_is_made_up_for() {
    on_one_processor(async {
        let expected = undisturbed().await;
        let mut random = Rng::with_seed(3);
        for _ in 0..12 {
            let point = CrashPoint {
                request: random.u64(..REQUESTS),
                done: random.bool(),
            };
            Box::pin(dies_at(point, &expected)).await;
        }
    });
}

#[test]
#[ignore = "takes half an hour: make soak"]
fn soak_a_death_at_every_request_is_made_up_for() {
    on_one_processor(async {
        let expected = undisturbed().await;
        for request in 0..REQUESTS {
            for done in [false, true] {
                Box::pin(dies_at(CrashPoint { request, done }, &expected)).await;
            }
        }
    });
}
