//! Lists, names, deletion, health.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use streamforge_core::job::Task;
use streamforge_core::video::VideoStatus;

use crate::{Server, now, text};

fn ids(list: &Value) -> Vec<String> {
    let videos = list["videos"].as_array().unwrap();
    videos
        .iter()
        .map(|video| text(&video["id"]).to_owned())
        .collect()
}

#[tokio::test]
async fn lists_go_page_by_page_from_the_newest() {
    let server = Server::start().await;
    let mut announced = Vec::new();
    for _ in 0..7 {
        announced.push(text(&server.announce(5).await["video_id"]).to_owned());
        // Videos of one millisecond are in no order.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    announced.reverse();
    let mut listed = Vec::new();
    let mut path = "/api/v1/videos?limit=3".to_owned();
    let sizes = loop {
        let page = server.get(&path).await.body;
        listed.push(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break listed.iter().map(Vec::len).collect::<Vec<_>>();
        };
        path = format!("/api/v1/videos?limit=3&cursor={cursor}");
    };
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(listed.concat(), announced);
    server.stop().await;
}

#[tokio::test]
async fn lists_can_be_of_one_status() {
    let server = Server::start().await;
    let mut queued = BTreeSet::new();
    for _ in 0..3 {
        queued.insert(server.video(|_| ()).await.to_string());
        server.announce(5).await;
    }
    let list = server
        .get("/api/v1/videos?status=queued&limit=2")
        .await
        .body;
    assert_eq!(ids(&list).len(), 2);
    let all = server.get("/api/v1/videos?status=queued").await.body;
    assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>(), queued);
    assert_eq!(
        ids(&server.get("/api/v1/videos?status=ready").await.body).len(),
        0
    );
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "status=nonsense",
        "cursor=nonsense",
        "order=up",
    ] {
        let refused = server.get(&format!("/api/v1/videos?{query}")).await;
        assert_eq!(refused.problem(), "invalid-request", "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_video_is_renamed_and_shown_to_others() {
    let server = Server::start().await;
    let path = format!("/api/v1/videos/{}", server.video(|_| ()).await);
    let change = json!({ "title": "  Holidays  ", "visibility": "public" });
    let changed = server.send(Method::PATCH, &path, &change).await;
    assert_eq!(changed.status, StatusCode::OK);
    for video in [changed.body, server.get(&path).await.body] {
        assert_eq!(
            (&video["title"], &video["visibility"]),
            (&json!("Holidays"), &json!("public"))
        );
        assert_eq!(video["status"], "queued");
    }
    for title in ["", " ", "a\nb", &"x".repeat(201)] {
        let refused = server
            .send(Method::PATCH, &path, &json!({ "title": title }))
            .await;
        assert_eq!(refused.problem(), "invalid-request", "{title:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_video_is_gone_at_once_and_its_removal_is_asked_for() {
    let server = Server::start().await;
    let id = server.video(|_| ()).await;
    server.messages().await;
    let path = format!("/api/v1/videos/{id}");
    assert_eq!(server.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&path).await.problem(), "not-found");
    assert_eq!(server.delete(&path).await.problem(), "not-found");
    assert_eq!(server.get("/api/v1/videos").await.body["videos"], json!([]));
    let tasks: Vec<Task> = server
        .messages()
        .await
        .iter()
        .map(|message| message.task)
        .collect();
    assert_eq!(tasks, [Task::Remove]);
    server.stop().await;
}

#[tokio::test]
async fn a_job_has_the_status_of_its_video() {
    let server = Server::start().await;
    let id = server.video(|_| ()).await;
    let job = server.get(&format!("/api/jobs/{id}/status")).await;
    let video = server.get(&format!("/api/v1/videos/{id}")).await;
    assert_eq!((job.status, job.body), (video.status, video.body));
    server.stop().await;
}

#[tokio::test]
async fn health_tells_of_queues_and_the_last_success() {
    let server = Server::start().await;
    let health = server.get("/api/health").await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(health.body["last_success_at"], Value::Null);
    server
        .video(|video| {
            video.status = VideoStatus::Processing;
            video.duration = None;
        })
        .await;
    let ready = server
        .video(|video| video.status = VideoStatus::Processing)
        .await;
    server
        .change(&ready, |video| {
            video.status = VideoStatus::Ready;
            video.ready_at = Some(now());
        })
        .await;
    let health = server.get("/api/health").await.body;
    assert_eq!(health["interactive_waiting"], 2);
    assert!(text(&health["last_success_at"]).starts_with("20"));
    server.stop().await;
}
