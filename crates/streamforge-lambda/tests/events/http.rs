//! Requests.

use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::response::Response;
use lambda_http::tower::ServiceExt as _;
use lambda_http::{RequestExt as _, request};
use serde_json::Value;
use streamforge_core::job::Lane;
use streamforge_core::time::Timestamp;
use streamforge_lambda::http::{ending_in_time, router};

use crate::{Deployment, ENOUGH, announce, context, event, origin};

/// Answers a request whose invocation ends in so long.
async fn answer(deployment: &Deployment, event: Value, left: Duration) -> Response<Body> {
    let request = request::from_str(&event.to_string()).unwrap();
    let api = deployment.config.api(deployment.clients());
    let router = ending_in_time(router(api));
    let answered = router.oneshot(request.with_lambda_context(context(left)));
    answered.await.unwrap()
}

#[tokio::test]
async fn an_announced_upload_gets_urls_that_clients_reach() {
    let deployment = Deployment::start().await;
    let left = Duration::from_secs(10);
    let response = answer(&deployment, event("http-create-upload"), left).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let upload: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(upload["parts"], 2);
    let url = upload["part_urls"][0]["url"].as_str().unwrap();
    let begin = "https://uploads.example/streamforge-uploads/raw/";
    assert!(url.starts_with(begin), "{url}");
}

#[tokio::test]
async fn what_looks_like_the_end_of_a_path_is_part_of_a_name() {
    let deployment = Deployment::start().await;
    for (name, query) in [
        ("warum? darum", ""),
        ("take #3", ""),
        ("\"#\" <{`^`}>", "a=b"),
        ("50%25?", "c=d%3Fe"),
    ] {
        let mut event = event("http-put-file");
        event["rawPath"] = format!("/api/upload/{name}.mp4").into();
        event["rawQueryString"] = query.into();
        let response = answer(&deployment, event, Duration::from_secs(10)).await;
        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let video: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(video["title"], name.replace("%25", "%"));
    }
}

#[tokio::test]
async fn every_route_is_answered() {
    let deployment = Deployment::start().await;
    announce(&deployment.worker().table, Timestamp::MAX).await;
    // Nothing of the file has arrived, and it is given up in the end.
    for (request, status) in [
        (event("http-get-upload"), StatusCode::OK),
        (event("http-create-part-urls"), StatusCode::OK),
        (event("http-complete-upload"), StatusCode::ACCEPTED),
        (event("http-get-video"), StatusCode::OK),
        (event("http-get-job-status"), StatusCode::OK),
        (event("http-list-videos"), StatusCode::OK),
        (event("http-update-video"), StatusCode::OK),
        (event("http-retry-video"), StatusCode::CONFLICT),
        (event("http-put-file"), StatusCode::TEMPORARY_REDIRECT),
        (event("http-post-file"), StatusCode::CREATED),
        (event("http-get-health"), StatusCode::OK),
        (event("http-get-description"), StatusCode::OK),
        (event("url-all-events"), StatusCode::OK),
        (event("http-delete-video"), StatusCode::NO_CONTENT),
        (event("http-delete-upload"), StatusCode::NO_CONTENT),
    ] {
        let path = request["rawPath"].clone();
        let response = answer(&deployment, request, ENOUGH).await;
        assert_eq!(response.status(), status, "{path}");
    }
}

#[tokio::test]
async fn a_request_keeps_the_ids_that_it_has_on_aws() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp::MAX).await;
    deployment.put_file().await;
    let response = answer(&deployment, event("http-complete-upload"), ENOUGH).await;
    assert_eq!(response.status(), StatusCode::OK);
    let named = response.headers()["x-request-id"].to_str().unwrap();
    assert_eq!(Some(named), origin().request_id.as_deref());
    let sent = worker.queue.receive(Lane::Interactive, Duration::ZERO);
    assert_eq!(sent.await.unwrap().unwrap().origin, origin());
}

#[tokio::test]
async fn events_end_before_the_invocation_does() {
    let deployment = Deployment::start().await;
    announce(&deployment.worker().table, Timestamp::MAX).await;
    let left = Duration::from_secs(4);
    let begun = Instant::now();
    let response = answer(&deployment, event("url-video-events"), left).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let events = String::from_utf8(events.to_vec()).unwrap();
    assert!(events.contains("event: video"), "{events}");
    let took = begun.elapsed();
    assert!(took > left / 4 && took < left, "{took:?}");
}
