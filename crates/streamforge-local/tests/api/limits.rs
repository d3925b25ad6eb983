//! What is refused before a byte is sent.

use reqwest::{Method, StatusCode};
use serde_json::json;
use streamforge_api::ApiConfig;

use crate::{Answer, Server, text};

#[tokio::test]
async fn what_cannot_become_a_video_is_refused_by_what_is_said_of_it() {
    let server = Server::start().await;
    for (size_bytes, content_type, kind) in [
        (0, "video/mp4", "empty"),
        (1_u64 << 50, "video/mp4", "too_large"),
        (5, "image/png", "not_video"),
        (5, "text/plain; charset=utf-8", "not_video"),
        (5, "application/pdf", "not_video"),
    ] {
        let body =
            json!({ "file_name": "a.mp4", "size_bytes": size_bytes, "content_type": content_type });
        let refused = server.post("/api/v1/uploads", &body).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (StatusCode::UNPROCESSABLE_ENTITY, kind)
        );
    }
    for content_type in [
        "video/mp4",
        "audio/mpeg",
        "application/mxf",
        "application/octet-stream",
    ] {
        let body = json!({ "file_name": "a", "size_bytes": 5, "content_type": content_type });
        let accepted = server.post("/api/v1/uploads", &body).await;
        assert_eq!(accepted.status, StatusCode::CREATED, "{content_type}");
    }
    server.stop().await;
}

#[tokio::test]
async fn unfinished_uploads_are_limited_and_finished_ones_are_not() {
    let config = ApiConfig {
        max_unfinished_uploads: 2,
        ..ApiConfig::default()
    };
    let server = Server::start_with(config).await;
    for _ in 0..3 {
        // It is completed, so it does not count.
        server.video(|_| ()).await;
    }
    server.announce(5).await;
    let body = json!({ "file_name": "a.mp4", "size_bytes": 5, "fingerprint": "mine" });
    let mine = server.post("/api/v1/uploads", &body).await;
    assert_eq!(mine.status, StatusCode::CREATED);

    let more = json!({ "file_name": "b.mp4", "size_bytes": 5 });
    let refused = server.post("/api/v1/uploads", &more).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (StatusCode::TOO_MANY_REQUESTS, "too-many-uploads")
    );
    let put = server
        .request(Method::PUT, "/api/upload/b.mp4")
        .body("12345");
    assert_eq!(Answer::to(put).await.problem(), "too-many-uploads");
    // What is there already can be gone on with.
    let again = server.post("/api/v1/uploads", &body).await;
    assert_eq!(
        (again.status, &again.body["id"]),
        (StatusCode::OK, &mine.body["id"])
    );

    let path = format!("/api/v1/uploads/{}", text(&mine.body["id"]));
    server.delete(&path).await;
    let accepted = server.post("/api/v1/uploads", &more).await;
    assert_eq!(accepted.status, StatusCode::CREATED);
    server.stop().await;
}

#[tokio::test]
async fn more_urls_than_make_sense_are_not_signed() {
    let server = Server::start().await;
    let upload = server.announce(5).await;
    let path = format!("/api/v1/uploads/{}/parts", text(&upload["id"]));
    let many: Vec<_> = (1..=101)
        .map(|number| json!({ "part_number": number }))
        .collect();
    assert_eq!(
        server
            .post(&path, &json!({ "parts": many }))
            .await
            .problem(),
        "invalid-request"
    );
    for absent in [0, 2] {
        let wanted = json!({ "parts": [{ "part_number": absent }] });
        assert_eq!(
            server.post(&path, &wanted).await.problem(),
            "invalid-request"
        );
    }
    server.stop().await;
}
