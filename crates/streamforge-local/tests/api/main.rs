//! The HTTP API over the embedded services, with nobody at work behind it: what it answers, and what it leaves in table, bucket and queue.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use streamforge_api::{Api, ApiConfig};
use streamforge_aws::error::AwsError;
use streamforge_aws::job_queue::JobQueue;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_aws::video_table::{Change, VideoTable};
use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, Message};
use streamforge_core::time::Timestamp;
use streamforge_core::video::Video;
use streamforge_local::services::EmbeddedServices;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

mod description;
mod events;
mod limits;
mod one_request;
mod origin;
mod problems;
mod retry;
mod uploads;
mod videos;

/// The API on services of its own.
struct Server {
    services: EmbeddedServices,
    table: VideoTable,
    uploads: UploadBucket,
    queue: JobQueue,
    url: String,
    client: Client,
    serving: JoinHandle<()>,
    data: TempDir,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Server {
    async fn start() -> Self {
        Self::start_with(ApiConfig::default()).await
    }

    async fn start_with(config: ApiConfig) -> Self {
        let data = TempDir::new().unwrap();
        let s3_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let s3_url = format!("http://{}", s3_listener.local_addr().unwrap());
        let services = EmbeddedServices::start(data.path(), s3_listener)
            .await
            .unwrap();
        let resources = services.resources();
        let table = VideoTable::new(services.dynamodb(), &resources.table);
        let presigner = services.s3_presigner(&s3_url);
        let uploads = UploadBucket::new(services.s3(), presigner, &resources.upload_bucket);
        let queue = JobQueue::new(services.sqs(), resources);
        let api = Api::new(table.clone(), uploads.clone(), queue.clone(), config);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            axum::serve(listener, streamforge_api::router(api))
                .await
                .unwrap();
        });
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            services,
            table,
            uploads,
            queue,
            url,
            client,
            serving,
            data,
        }
    }

    fn folder(&self) -> &Path {
        self.data.path()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::DELETE, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path);
        let request = request.header("content-type", "application/json");
        Answer::to(request.body(body.to_string())).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// Announces a file of this size.
    async fn announce(&self, size_bytes: u64) -> Value {
        let body = json!({ "file_name": "Film.mp4", "size_bytes": size_bytes });
        let answer = self.post("/api/v1/uploads", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body
    }

    /// Sends zeros to where a part belongs.
    async fn send_part(&self, part: &Value) -> StatusCode {
        let size = usize::try_from(part["size_bytes"].as_u64().unwrap()).unwrap();
        let mut request = self.client.put(text(&part["url"]));
        for (name, value) in part["headers"].as_object().unwrap() {
            request = request.header(name, text(value));
        }
        request.body(vec![0; size]).send().await.unwrap().status()
    }

    /// A video whose file has arrived, in this state.
    async fn video(&self, change: impl Fn(&mut Video)) -> VideoId {
        let upload = self.announce(5).await;
        self.send_part(&upload["part_urls"][0]).await;
        let path = format!("/api/v1/uploads/{}/complete", text(&upload["id"]));
        assert_eq!(self.post(&path, &json!({})).await.status, StatusCode::OK);
        let id: VideoId = text(&upload["video_id"]).parse().unwrap();
        self.change(&id, change).await;
        id
    }

    /// Changes a video as a worker would.
    async fn change(&self, id: &VideoId, change: impl Fn(&mut Video)) {
        let changed = self.table.update_video(id, now(), |video| {
            change(video);
            Ok::<_, AwsError>(Change::Amend)
        });
        changed.await.unwrap();
    }

    /// What is asked for by now, in both lanes.
    async fn messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        for lane in [Lane::Interactive, Lane::Bulk] {
            while let Some(received) = self.queue.receive(lane, Duration::ZERO).await.unwrap() {
                messages.push(serde_json::from_str(&received.body).unwrap());
                let url = self.queue.url(lane);
                let deleted = self.queue.delete(url, &received.receipt_handle);
                deleted.await.unwrap();
            }
        }
        messages
    }

    async fn stop(self) {
        self.serving.abort();
        self.services.shutdown().await;
    }
}

impl Answer {
    async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        }
    }

    /// The last part of the type of a problem, which it must be.
    fn problem(&self) -> &str {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], self.status.as_u16());
        assert!(!text(&self.body["title"]).is_empty());
        assert!(!text(&self.body["detail"]).is_empty());
        text(&self.body["type"]).strip_prefix("/problems/").unwrap()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn now() -> Timestamp {
    streamforge_aws::clock::now()
}
