//! The pages beside the API, by real HTTP. Whether they were built does not matter: there is always one.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use axum::Router;
use reqwest::{Method, Response, StatusCode};
use streamforge_local::pages;
use tokio::net::TcpListener;

const FILES: &str = "http://files.example:8081";

async fn get(path: &str) -> Response {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let api = Router::new().route("/api/v1/videos", axum::routing::get(|| async { "videos" }));
    let app = Router::new().merge(pages::router(FILES)).merge(api);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let request = reqwest::Client::new().request(Method::GET, url);
    request.send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn one_page_is_at_every_address_of_the_app() {
    let home = get("/").await;
    assert_eq!(home.status(), StatusCode::OK);
    assert_eq!(header(&home, "cache-control"), "no-cache");
    let page = home.text().await.unwrap();
    assert!(page.contains("<title>StreamForge"), "{page}");

    for path in ["/watch/05Z", "/embed/05Z?t=3", "/index.html"] {
        let answer = get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.text().await.unwrap(), page, "{path}");
    }
}

#[tokio::test]
async fn where_nothing_is_the_page_says_so_and_files_are_missing() {
    let answer = get("/somewhere/else").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(header(&answer, "content-type").starts_with("text/html"));

    let old = get("/assets/index-0ldHash.js").await;
    assert_eq!(old.status(), StatusCode::NOT_FOUND);
    assert_eq!(old.text().await.unwrap(), "");
}

#[tokio::test]
async fn other_routes_stay_what_they_are() {
    let answer = get("/api/v1/videos").await;
    assert!(!answer.headers().contains_key("content-security-policy"));
    assert_eq!(answer.text().await.unwrap(), "videos");
}

#[tokio::test]
async fn pages_may_do_little_and_only_the_player_is_for_frames_of_others() {
    for (path, ancestors) in [
        ("/", "'none'"),
        ("/watch/05Z", "'none'"),
        ("/nothing", "'none'"),
        ("/embed/05Z", "*"),
    ] {
        let answer = get(path).await;
        let policy = header(&answer, "content-security-policy");
        let directives: Vec<&str> = policy.split("; ").collect();
        assert!(directives.contains(&"default-src 'none'"), "{policy}");
        assert!(directives.contains(&"script-src 'self'"), "{policy}");
        assert!(
            directives.contains(&format!("connect-src 'self' {FILES}").as_str()),
            "{policy}"
        );
        assert!(
            directives.contains(&format!("frame-ancestors {ancestors}").as_str()),
            "{path}: {policy}"
        );
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn files_that_change_their_name_with_their_content_are_kept() {
    let page = get("/").await.text().await.unwrap();
    // Only built pages have some.
    let Some((_, rest)) = page.split_once("\"/assets/") else {
        return;
    };
    let (name, _) = rest.split_once('"').unwrap();
    let answer = get(&format!("/assets/{name}")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(header(&answer, "cache-control").contains("immutable"));
}
