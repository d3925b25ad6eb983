//! A client of the API that goes on whatever happens to the server.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(50);

/// The longest that one answer may take: more than the 7 s that the SDK may wait in all between its tries of one call.
const ANSWER: Duration = Duration::from_secs(20);

/// A client of one server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: Client,
    url: String,
}

impl Api {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        let http = Client::builder().timeout(ANSWER).build();
        Self {
            http: http.expect("TLS can be set up"),
            url: url.into(),
        }
    }

    /// One request; the error of a connection that could not be made, or broke off.
    pub(crate) async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<(StatusCode, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            let json = ("content-type", "application/json");
            request = request.header(json.0, json.1).body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Asks until there is an answer that is no failure of the server.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let begun = Instant::now();
        loop {
            let answer = self.try_call(method.clone(), path, body).await;
            match answer {
                Ok((status, body)) if !status.is_server_error() => return (status, body),
                _ => assert!(begun.elapsed() < PATIENCE, "{method} {path}: {answer:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Announces a file; the same file again is the same upload.
    pub(crate) async fn announce(&self, name: &str, size_bytes: usize) -> Value {
        let announced = json!({
            "file_name": name, "size_bytes": size_bytes, "fingerprint": format!("{name} {size_bytes}"),
        });
        let (status, upload) = self
            .call(Method::POST, "/api/v1/uploads", Some(&announced))
            .await;
        assert!(status.is_success(), "{status}: {upload}");
        upload
    }

    /// Uploads `bytes` as a client with all the patience in the world does: whatever breaks off, it announces the file again and
    /// sends what is missing. Returns the id of the video.
    pub(crate) async fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let begun = Instant::now();
        let mut upload = self.announce(name, bytes.len()).await;
        loop {
            assert!(begun.elapsed() < PATIENCE, "{upload}");
            let video = upload["video_id"].as_str().expect("a video").to_owned();
            if upload["status"] == "completed" {
                return video;
            }
            self.send_missing(&upload, bytes).await;
            let path = format!("/api/v1/uploads/{}", upload["id"].as_str().expect("an id"));
            let complete = format!("{path}/complete");
            let (status, answer) = self.call(Method::POST, &complete, Some(&json!({}))).await;
            upload = match status {
                StatusCode::OK => answer,
                StatusCode::ACCEPTED | StatusCode::CONFLICT => self.get(&path).await,
                _ => panic!("{status}: {answer}"),
            };
        }
    }

    /// Sends the parts that are missing; those that do not get through stay so.
    pub(crate) async fn send_missing(&self, upload: &Value, bytes: &[u8]) {
        let part_size = usize::try_from(upload["part_size_bytes"].as_u64().expect("a size"));
        let parts: Vec<&[u8]> = bytes.chunks(part_size.expect("it fits")).collect();
        for part in upload["part_urls"].as_array().into_iter().flatten() {
            let number = part["part_number"].as_u64().expect("a number");
            let body = parts[usize::try_from(number).expect("it fits") - 1].to_vec();
            let url = part["url"].as_str().expect("an URL");
            // A server that is gone is noticed by what is missing afterwards.
            let _ = self.http.put(url).body(body).send().await;
        }
    }

    /// The URL of a path of this server.
    pub(crate) fn absolute(&self, url: &str) -> String {
        if url.starts_with('/') {
            format!("{}{url}", self.url)
        } else {
            url.to_owned()
        }
    }

    /// Asks until the video is as `wanted`.
    pub(crate) async fn wait(&self, video: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(video, PATIENCE, wanted).await
    }

    /// Asks until the video is as `wanted`, for so long at most.
    pub(crate) async fn wait_for(
        &self,
        video: &str,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.get(&format!("/api/v1/videos/{video}")).await;
            if wanted(&found) {
                return found;
            }
            assert!(begun.elapsed() < patience, "still {found}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks until the video is ready, or failed.
    pub(crate) async fn wait_until_settled(&self, video: &str) -> Value {
        let is_settled = |video: &Value| video["status"] == "ready" || video["status"] == "failed";
        self.wait(video, is_settled).await
    }
}
