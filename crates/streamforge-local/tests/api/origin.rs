//! What a request leads to carries its id.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use streamforge_core::id::UploadId;
use streamforge_core::job::Lane;

use crate::{Answer, Server, text};

/// A form with a file of five bytes.
const FORM: &str = "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"film.mp4\"\r\n\r\n12345\r\n--boundary--\r\n";

/// What an answer says that its request is called.
fn id(answer: &Answer) -> &str {
    answer.headers["x-request-id"].to_str().unwrap()
}

/// What the next message says that it came of.
async fn asked_by(server: &Server) -> Option<String> {
    let received = server.queue.receive(Lane::Interactive, Duration::ZERO);
    received.await.unwrap().unwrap().origin.request_id
}

async fn announced(server: &Server) -> (Answer, Value) {
    let body = json!({ "file_name": "film.mp4", "size_bytes": 5 });
    let mut answer = server.post("/api/v1/uploads", &body).await;
    let upload = answer.body.take();
    (answer, upload)
}

#[tokio::test]
async fn a_message_names_the_request_whose_client_was_told_the_same() {
    let server = Server::start().await;
    let (_, upload) = announced(&server).await;
    server.send_part(&upload["part_urls"][0]).await;
    let path = format!("/api/v1/uploads/{}/complete", text(&upload["id"]));
    let completed = server.post(&path, &json!({})).await;
    assert_eq!(completed.status, StatusCode::OK);
    assert_eq!(asked_by(&server).await.as_deref(), Some(id(&completed)));

    let path = format!("/api/v1/videos/{}", text(&upload["video_id"]));
    let deleted = server.delete(&path).await;
    assert_ne!(id(&deleted), id(&completed));
    assert_eq!(asked_by(&server).await.as_deref(), Some(id(&deleted)));
    server.stop().await;
}

#[tokio::test]
async fn a_form_that_goes_on_without_its_client_keeps_its_id() {
    let server = Server::start().await;
    let request = server
        .request(Method::POST, "/api/upload")
        .header("content-type", "multipart/form-data; boundary=boundary");
    let sent = Answer::to(request.body(FORM)).await;
    assert_eq!(sent.status, StatusCode::CREATED);
    assert_eq!(asked_by(&server).await.as_deref(), Some(id(&sent)));
    server.stop().await;
}

#[tokio::test]
async fn an_upload_remembers_who_completed_it_or_else_announced_it() {
    let server = Server::start().await;
    let (answer, upload) = announced(&server).await;
    let upload_id: UploadId = text(&upload["id"]).parse().unwrap();
    let stored = server.table.upload(&upload_id).await.unwrap().unwrap();
    assert_eq!(stored.origin.request_id.as_deref(), Some(id(&answer)));

    server.send_part(&upload["part_urls"][0]).await;
    let path = format!("/api/v1/uploads/{upload_id}/complete");
    let completed = server.post(&path, &json!({})).await;
    let stored = server.table.upload(&upload_id).await.unwrap().unwrap();
    assert_eq!(stored.origin.request_id.as_deref(), Some(id(&completed)));
    server.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id_that_no_client_chose() {
    let server = Server::start().await;
    for path in ["/api/health", "/api/v1/videos/nonsense", "/nowhere"] {
        let request = server.request(Method::GET, path);
        let answer = Answer::to(request.header("x-request-id", "mine")).await;
        assert_eq!(id(&answer).len(), 32, "{path}");
    }
    server.stop().await;
}
