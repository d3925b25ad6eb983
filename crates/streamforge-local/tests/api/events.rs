//! Server-sent events.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use streamforge_core::id::VideoId;
use streamforge_core::job::JobProgress;
use streamforge_core::plan::Job;
use streamforge_core::video::{Failure, VideoStatus};

use crate::retry::plan;
use crate::{Server, now, text};

/// Longest wait for an event.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client that reads events.
struct Events {
    response: Response,
    read: String,
    /// What an `EventSource` would send as `Last-Event-ID`.
    last_id: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    data: Value,
}

impl Events {
    async fn connect(server: &Server, path: &str, last_id: Option<&str>) -> Self {
        let response = connect(server, path, last_id).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            read: String::new(),
            last_id: last_id.unwrap_or_default().to_owned(),
        }
    }

    /// The next event; none when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                while let Some(end) = self.read.find("\n\n") {
                    let block: String = self.read.drain(..end + 2).collect();
                    if let Some(event) = self.read_block(&block) {
                        return Some(event);
                    }
                }
                let bytes = self.response.chunk().await.unwrap()?;
                self.read.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        })
        .await
        .unwrap()
    }

    fn read_block(&mut self, block: &str) -> Option<Event> {
        let field = |name: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        if let Some(id) = field("id") {
            id.clone_into(&mut self.last_id);
        }
        Some(Event {
            name: field("event")?.to_owned(),
            data: serde_json::from_str(field("data")?).unwrap(),
        })
    }

    /// The next event of this video.
    async fn next_of(&mut self, id: &VideoId) -> Event {
        loop {
            let event = self.next().await.unwrap();
            if event.data["id"] == id.as_str() {
                return event;
            }
        }
    }
}

async fn connect(server: &Server, path: &str, last_id: Option<&str>) -> Response {
    let mut request = server.client.get(format!("{}{path}", server.url));
    if let Some(id) = last_id {
        request = request.header("last-event-id", id);
    }
    request.send().await.unwrap()
}

async fn processing(server: &Server) -> VideoId {
    let id = server
        .video(|video| video.status = VideoStatus::Processing)
        .await;
    server.table.plan_once(&id, &plan()).await.unwrap();
    id
}

async fn make_ready(server: &Server, id: &VideoId) {
    server
        .change(id, |video| {
            video.status = VideoStatus::Ready;
            video.ready_at = Some(now());
        })
        .await;
}

async fn progress(server: &Server, id: &VideoId, frames: u64) {
    let progress = JobProgress {
        frames,
        segments: vec![1, 1],
    };
    let job = Job::Video(1);
    server
        .table
        .put_progress(id, job, &progress, now())
        .await
        .unwrap();
}

#[tokio::test]
async fn one_video_is_told_from_its_present_state_to_its_last() {
    let server = Server::start().await;
    let id = processing(&server).await;
    let path = format!("/api/v1/videos/{id}/events");
    let mut events = Events::connect(&server, &path, None).await;
    let first = events.next().await.unwrap();
    assert_eq!(
        (first.name.as_str(), &first.data["status"]),
        ("video", &json!("processing"))
    );
    assert_eq!(first.data["progress"]["percent"], 0.0);

    progress(&server, &id, 120).await;
    let second = events.next().await.unwrap();
    assert_eq!(second.data["progress"]["percent"], 10.0);
    let rungs = second.data["progress"]["rungs"].as_array().unwrap();
    assert!(
        rungs
            .iter()
            .any(|rung| rung["segments_done"] == 1 && rung["segments"] == 10)
    );
    // An attempt that begins anew does not take it back.
    progress(&server, &id, 30).await;
    let found = server.get(&format!("/api/v1/videos/{id}")).await.body;
    assert_eq!(found["progress"]["percent"], 10.0);

    make_ready(&server, &id).await;
    let last = events.next().await.unwrap();
    assert_eq!(last.data["status"], "ready");
    assert!(events.next().await.is_none());

    // An `EventSource` comes back, and is told to stay away.
    let back = connect(&server, &path, Some(&events.last_id)).await;
    assert_eq!(back.status(), StatusCode::NO_CONTENT);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_comes_back_is_told_only_what_is_new() {
    let server = Server::start().await;
    let id = processing(&server).await;
    let path = format!("/api/v1/videos/{id}/events");
    let mut events = Events::connect(&server, &path, None).await;
    events.next().await.unwrap();
    let known = events.last_id;

    let mut events = Events::connect(&server, &path, Some(&known)).await;
    let failure = Failure {
        code: "malformed".to_owned(),
        message: "ä".repeat(100_000),
        retryable: false,
    };
    server
        .change(&id, |video| {
            video.status = VideoStatus::Failed;
            video.failure = Some(failure.clone());
        })
        .await;
    let event = events.next().await.unwrap();
    assert_eq!(event.data["failure"]["code"], "malformed");
    // Whatever FFmpeg said.
    assert!(event.data.to_string().len() < 10_000);
    assert!(events.next().await.is_none());
    server.stop().await;
}

#[tokio::test]
async fn deletion_is_the_last_that_is_told_of_a_video() {
    let server = Server::start().await;
    let id = processing(&server).await;
    let mut events = Events::connect(&server, &format!("/api/v1/videos/{id}/events"), None).await;
    events.next().await.unwrap();
    server.delete(&format!("/api/v1/videos/{id}")).await;
    let event = events.next().await.unwrap();
    assert_eq!(
        (event.name.as_str(), event.data),
        ("deleted", json!({ "id": id.as_str() }))
    );
    assert!(events.next().await.is_none());
    server.stop().await;
}

#[tokio::test]
async fn all_videos_are_told_of_as_they_change() {
    let server = Server::start().await;
    let working = processing(&server).await;
    let mut events = Events::connect(&server, "/api/v1/events", None).await;
    assert_eq!(events.next_of(&working).await.data["status"], "processing");

    let announced = server.announce(5).await;
    let announced: VideoId = text(&announced["video_id"]).parse().unwrap();
    assert_eq!(events.next_of(&announced).await.data["status"], "uploading");
    progress(&server, &working, 240).await;
    assert_eq!(
        events.next_of(&working).await.data["progress"]["percent"],
        20.0
    );
    server.delete(&format!("/api/v1/videos/{announced}")).await;
    assert_eq!(events.next_of(&announced).await.name, "deleted");
    make_ready(&server, &working).await;
    assert_eq!(events.next_of(&working).await.data["status"], "ready");
    server.stop().await;
}

#[tokio::test]
async fn a_feed_goes_on_where_it_was_left() {
    let server = Server::start().await;
    let first = server.video(|_| ()).await;
    let mut events = Events::connect(&server, "/api/v1/events", None).await;
    events.next_of(&first).await;
    let left_at = events.last_id.clone();
    drop(events);

    // Longer than one look reaches back.
    let deleted = server.video(|_| ()).await;
    server.delete(&format!("/api/v1/videos/{deleted}")).await;
    let changed = server.video(|_| ()).await;
    tokio::time::sleep(Duration::from_secs(16)).await;

    let mut events = Events::connect(&server, "/api/v1/events", Some(&left_at)).await;
    assert_eq!(events.next_of(&deleted).await.name, "deleted");
    assert_eq!(events.next_of(&changed).await.name, "video");
    server.stop().await;
}

#[tokio::test]
async fn who_was_away_for_too_long_is_told_to_begin_anew() {
    let server = Server::start().await;
    let long_ago = now().before(Duration::from_mins(10)).0.to_string();
    for id in [long_ago.as_str(), "nonsense", "99999999999999"] {
        let mut events = Events::connect(&server, "/api/v1/events", Some(id)).await;
        assert_eq!(events.next().await.unwrap().name, "reset", "{id}");
        assert_ne!(events.last_id, id);
    }
    server.stop().await;
}

#[tokio::test]
async fn silence_is_broken_by_heartbeats_that_say_where_to_go_on() {
    let server = Server::start().await;
    let mut events = Events::connect(&server, "/api/v1/events", None).await;
    let begun = Instant::now();
    while !events.read.contains("still here") {
        let bytes = tokio::time::timeout(PATIENCE, events.response.chunk()).await;
        let bytes = bytes.unwrap().unwrap().unwrap();
        events.read.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    assert!(begun.elapsed() < Duration::from_secs(18));
    assert!(events.read.starts_with("retry: 2000\n"), "{}", events.read);
    assert!(events.read.contains("\nid: 1"), "{}", events.read);
    server.stop().await;
}

#[tokio::test]
async fn two_hundred_clients_are_served() {
    let server = Server::start().await;
    let id = processing(&server).await;
    let path = format!("/api/v1/videos/{id}/events");
    let paths = (0..200).map(|n| {
        if n % 2 == 0 {
            path.as_str()
        } else {
            "/api/v1/events"
        }
    });
    let clients = join_all(paths.map(|path| Events::connect(&server, path, None))).await;
    let clients = join_all(clients.into_iter().map(|mut events| {
        let id = &id;
        async move {
            events.next_of(id).await;
            events
        }
    }))
    .await;
    make_ready(&server, &id).await;
    let begun = Instant::now();
    join_all(clients.into_iter().map(|mut events| {
        let id = &id;
        async move { assert_eq!(events.next_of(id).await.data["status"], "ready") }
    }))
    .await;
    assert!(begun.elapsed() < PATIENCE);
    server.stop().await;
}
