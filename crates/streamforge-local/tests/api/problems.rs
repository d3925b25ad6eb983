//! Every way to say no.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::json;
use streamforge_api::ApiConfig;
use streamforge_api::problem::ProblemKind;

use crate::{Answer, Server, text};

/// An id that nobody has.
const NOBODY: &str = "00000000000000000000000000";

#[tokio::test]
async fn every_type_of_problem_is_produced_and_looks_the_same() {
    let config = ApiConfig {
        max_unfinished_uploads: 1,
        ..ApiConfig::default()
    };
    let server = Server::start_with(config).await;
    let upload = server.announce(5).await;
    let path = format!("/api/v1/uploads/{}", text(&upload["id"]));
    let file = json!({ "file_name": "a.mp4", "size_bytes": 5 });
    let large = json!({ "file_name": "a".repeat(3 << 20), "size_bytes": 5 });

    let put = |length: &str| {
        let request = server.request(Method::PUT, "/api/upload/a.mp4");
        // Nothing is sent until it is asked for.
        request
            .header("content-length", length)
            .header("expect", "100-continue")
    };
    let plain = server
        .request(Method::POST, "/api/v1/uploads")
        .body(file.to_string());
    let video = format!("/api/v1/videos/{}", text(&upload["video_id"]));
    let mut answers = vec![
        server.post("/api/v1/uploads", &json!({})).await,
        server.get(&format!("/api/v1/videos/{NOBODY}")).await,
        server.get("/api/v2").await,
        server.send(Method::PUT, "/api/v1/videos", &json!({})).await,
        server.post(&format!("{path}/complete"), &json!({})).await,
        server.post(&format!("{video}/retry"), &json!({})).await,
        Answer::to(server.request(Method::PUT, "/api/upload/a.mp4")).await,
        server.post("/api/v1/uploads", &large).await,
        Answer::to(put("6000000000").body("")).await,
        Answer::to(plain).await,
        server.post("/api/v1/uploads", &file).await,
    ];
    server.delete(&path).await;
    answers.push(server.post(&format!("{path}/complete"), &json!({})).await);
    let Server {
        services,
        url,
        client,
        serving,
        ..
    } = server;
    services.shutdown().await;
    for path in ["/api/health", &video] {
        let answer = Answer::to(client.get(format!("{url}{path}"))).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers["retry-after"], "2");
        answers.push(answer);
    }
    serving.abort();

    let produced: BTreeSet<&str> = answers.iter().map(Answer::problem).collect();
    let all: BTreeSet<&str> = ProblemKind::ALL.iter().map(|kind| kind.slug()).collect();
    assert_eq!(produced, all);
}

#[tokio::test]
async fn nonsense_is_answered_by_a_problem_everywhere() {
    let server = Server::start().await;
    let upload = server.announce(5).await;
    let path = format!("/api/v1/uploads/{}", text(&upload["id"]));
    for (method, path, body) in [
        (Method::POST, format!("{path}/complete"), "{"),
        (
            Method::POST,
            format!("{path}/complete"),
            r#"{"parts":[{}]}"#,
        ),
        (Method::POST, format!("{path}/parts"), "[]"),
        (
            Method::POST,
            "/api/v1/uploads".to_owned(),
            r#"{"file_name":"","size_bytes":5}"#,
        ),
        (
            Method::POST,
            "/api/v1/uploads".to_owned(),
            r#"{"file_name":"a","size_bytes":-5}"#,
        ),
        (
            Method::POST,
            "/api/v1/uploads".to_owned(),
            r#"{"file_name":"a","size_bytes":5,"owner":"me"}"#,
        ),
        (
            Method::PATCH,
            format!("/api/v1/videos/{}", text(&upload["video_id"])),
            "null",
        ),
    ] {
        let request = server
            .request(method, &path)
            .header("content-type", "application/json");
        let answer = Answer::to(request.body(body)).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (StatusCode::BAD_REQUEST, "invalid-request"),
            "{path} {body}"
        );
    }
    for id in ["x", "%FF", "..%2f..%2fetc", NOBODY, "👾"] {
        for path in [
            format!("/api/v1/uploads/{id}"),
            format!("/api/v1/videos/{id}"),
            format!("/api/v1/videos/{id}/events"),
            format!("/api/jobs/{id}/status"),
        ] {
            let answer = server.get(&path).await;
            assert_eq!(
                (answer.status, answer.problem()),
                (StatusCode::NOT_FOUND, "not-found"),
                "{path}"
            );
        }
    }
    let wrong = server.delete("/api/v1/videos").await;
    assert_eq!(wrong.problem(), "method-not-allowed");
    assert_eq!(wrong.headers["allow"], "GET,HEAD");
    server.stop().await;
}
