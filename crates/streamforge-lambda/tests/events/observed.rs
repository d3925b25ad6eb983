//! What is seen of the work from outside: what its messages came of, what it logs, and what is counted.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use streamforge_core::job::{Lane, Message, Task};
use streamforge_core::limits::Limits;
use streamforge_core::plan::{Job, Plan};
use streamforge_core::settings::Settings;
use streamforge_core::time::Timestamp;
use streamforge_lambda::shutdown::Shutdown;
use streamforge_lambda::sqs::handle_batch;
use streamforge_lambda::{embedded_metrics, logging};

use crate::sqs::{delivered, failures};
use crate::{Deployment, announce, event, invocation, origin, video_id};

/// What Lambda calls the function.
const FUNCTION: &str = "streamforge-Transcode-1A2B3C4D5E6F";

/// Lines of JSON that somebody wrote.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn read(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        let parse = |line| serde_json::from_str(line).unwrap();
        text.lines().map(parse).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Forty seconds without sound.
fn plan() -> Plan {
    let source = serde_json::from_value(json!({
        "container": "mov", "size_bytes": 20, "start_us": 0,
        "video": {
            "stream_index": 0, "codec": "h264", "width": 854, "height": 480, "sample_aspect_ratio": [1, 1],
            "turned": false, "pix_fmt": "yuv420p",
            "color": { "full_range": false, "space": null, "primaries": null, "transfer": null },
            "interlaced": false, "rate": [30, 1], "constant_rate": true,
            "start_us": 0, "end_us": 40_000_000, "longest_gop_us": null,
        },
        "audio": null,
    }));
    Plan::new(source.unwrap(), Settings::default(), &Limits::default()).unwrap()
}

#[tokio::test]
async fn what_a_message_asks_for_came_of_the_same_request() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp::MAX).await;
    deployment.put_file().await;
    worker.table.plan_once(&video_id(), &plan()).await.unwrap();
    let event = delivered(&deployment, event("sqs-ingest")).await;
    let response = handle_batch(&worker, &Shutdown::default(), invocation(event)).await;
    assert_eq!(failures(response), [""; 0]);

    let sent = worker.queue.receive(Lane::Interactive, Duration::ZERO);
    let sent = sent.await.unwrap().unwrap();
    let message: Message = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(message.task, Task::Encode(Job::Video(0)));
    assert_eq!(sent.origin, origin());
}

#[tokio::test]
async fn what_is_logged_of_a_job_tells_whose_it_is() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = logging::subscriber(|_| None, move || writer.clone());
    let _logging = tracing::subscriber::set_default(subscriber);
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp::MAX).await;
    deployment.put_file().await;
    let event = delivered(&deployment, event("sqs-ingest")).await;
    let message_id = event["Records"][0]["messageId"].clone();
    handle_batch(&worker, &Shutdown::default(), invocation(event)).await;

    let lines = lines.read();
    let of_job: Vec<&Value> = lines
        .iter()
        .filter(|line| line["job.id"] == "ingest")
        .collect();
    assert!(of_job.len() >= 2, "{lines:#?}");
    let request = origin();
    for line in &of_job {
        assert_eq!(line["request.id"].as_str(), request.request_id.as_deref());
        assert_eq!(line["trace.id"].as_str(), request.trace_id.as_deref());
        assert_eq!(line["sqs.message_id"], message_id);
        assert_eq!(line["video.id"], video_id().as_str());
        assert_eq!(line["job.attempt"], 1);
        assert_eq!(line["span"], "job.run");
    }
    let end = of_job.last().unwrap();
    assert_eq!(end["outcome"], "handled");
    assert!(end["duration_ms"].is_u64(), "{end}");
}

#[tokio::test]
async fn a_batch_is_counted_in_the_words_of_the_dashboard() {
    embedded_metrics::start(|name| {
        let is_asked = name == "AWS_LAMBDA_FUNCTION_NAME";
        is_asked.then(|| FUNCTION.to_owned())
    });
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp::MAX).await;
    deployment.put_file().await;
    let event = delivered(&deployment, event("sqs-ingest")).await;
    handle_batch(&worker, &Shutdown::default(), invocation(event)).await;
    let mut lines = Lines::default();
    embedded_metrics::write(&mut lines).unwrap();

    let lines = lines.read();
    for (dimension, of_it, metric, unit, value) in [
        (None, None, "queued_ms", "Milliseconds", json!([12.0])),
        (Some("outcome"), Some("handled"), "jobs", "Count", json!(1)),
        (Some("code"), Some("not_video"), "errors", "Count", json!(1)),
    ] {
        let dimensions: Vec<&str> = ["function"].into_iter().chain(dimension).collect();
        let line = lines
            .iter()
            .find(|line| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == json!([dimensions]));
        let line = line.unwrap_or_else(|| panic!("no {metric}: {lines:#?}"));
        let told = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(told["Namespace"], "StreamForge");
        assert_eq!(told["Metrics"], json!([{ "Name": metric, "Unit": unit }]));
        assert!(line["_aws"]["Timestamp"].is_u64());
        assert_eq!(line["function"], FUNCTION);
        if let Some(dimension) = dimension {
            assert_eq!(line[dimension].as_str(), of_it);
        }
        assert_eq!(line[metric], value);
    }
    assert_eq!(lines.len(), 3, "{lines:#?}");
}
