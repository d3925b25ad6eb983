//! What pages of other sites can have a browser do.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use streamforge_local::node::{Node, NodeConfig};
use tempfile::TempDir;

use crate::{Api, config};

/// A node that clients reach as `https://videos.example` too.
async fn public() -> (TempDir, Node) {
    let dir = TempDir::new().unwrap();
    let config = NodeConfig {
        public_url: Some("https://videos.example".to_owned()),
        ..config(&dir.path().join("data"))
    };
    (dir, Node::start(config).await.unwrap())
}

fn request(node: &Node, method: &Method, path: &str, headers: &[(&str, &str)]) -> RequestBuilder {
    let Api { client, url } = Api::of(node);
    let request = client.request(method.clone(), format!("{url}{path}"));
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

/// The status of an answer; one that was refused says why.
async fn status(request: RequestBuilder) -> StatusCode {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    if [StatusCode::MISDIRECTED_REQUEST, StatusCode::FORBIDDEN].contains(&status) {
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(problem["status"], status.as_u16());
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("--public-url"), "{detail}");
    }
    status
}

#[tokio::test]
async fn only_names_of_its_own_lead_to_a_node() {
    let (_dir, node) = public().await;
    let video = "00000000000000000000000000";
    for path in ["/api/v1/videos", "/", &format!("/v/{video}/master.m3u8")] {
        let own = status(request(&node, &Method::GET, path, &[])).await;
        for (host, is_own) in [
            ("192.168.1.5:8080", true),
            ("[::1]:8080", true),
            ("localhost:8080", true),
            ("LocalHost", true),
            ("videos.localhost:8080", true),
            ("videos.example", true),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("evillocalhost", false),
            ("127.0.0.1.evil.example", false),
            ("127.0.0.1@evil.example", false),
            ("files.videos.example", false),
            ("", false),
        ] {
            let got = status(request(&node, &Method::GET, path, &[("host", host)])).await;
            let expected = if is_own {
                own
            } else {
                StatusCode::MISDIRECTED_REQUEST
            };
            assert_eq!(got, expected, "{host}: {path}");
        }
    }
    node.shutdown().await;
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let (_dir, node) = public().await;
    let own = node.url();
    let own_host = own.strip_prefix("http://").unwrap();
    let tls = format!("https://{own_host}");
    let (origin, site) = ("origin", "sec-fetch-site");
    let form = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\nvideo\r\n--x--\r\n";
    for (headers, is_own) in [
        // Programs.
        (&[][..], true),
        (&[(origin, own.as_str()), (site, "same-origin")], true),
        // Browsers tell nothing more to plain HTTP elsewhere.
        (&[(origin, own.as_str())], true),
        (&[(origin, "https://videos.example")], true),
        // Something in between speaks TLS, or changes the host.
        (&[(origin, tls.as_str())], true),
        (
            &[(origin, "https://elsewhere.example"), (site, "same-origin")],
            true,
        ),
        (&[(site, "none")], true),
        (&[(origin, "https://evil.example")], false),
        (
            &[(origin, "https://evil.example"), (site, "cross-site")],
            false,
        ),
        (
            &[(origin, "http://127.0.0.1:1"), (site, "same-site")],
            false,
        ),
        (&[(origin, "http://192.168.1.6")], false),
        (&[(origin, "null")], false),
        (&[(site, "cross-site")], false),
    ] {
        for (method, path, body) in [
            (Method::POST, "/api/upload", form),
            (
                Method::DELETE,
                "/api/v1/videos/00000000000000000000000000",
                "",
            ),
        ] {
            let form = ("content-type", "multipart/form-data; boundary=x");
            let sent = request(&node, &method, path, &[headers, &[form]].concat());
            let got = status(sent.body(body)).await;
            let is_refused = got == StatusCode::FORBIDDEN;
            assert_eq!(is_refused, !is_own, "{headers:?}: {method} {path}: {got}");
        }
    }
    node.shutdown().await;
}

#[tokio::test]
async fn pages_of_other_sites_may_still_show_streams() {
    let (_dir, node) = public().await;
    let headers = [
        ("origin", "https://blog.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let path = "/v/00000000000000000000000000/master.m3u8";
    let asked = request(&node, &Method::OPTIONS, path, &headers);
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let answer = request(&node, &Method::GET, path, &headers)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    node.shutdown().await;
}
