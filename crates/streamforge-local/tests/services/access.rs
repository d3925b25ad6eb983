//! Who is answered: nobody without the node's keys, least of all a page in a browser.

use aws_sdk_s3::config::Credentials;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use reqwest::{Client, Method, Response, StatusCode};
use rustack_auth::canonical::build_canonical_request;
use rustack_auth::hash_payload;
use rustack_auth::sigv4::{build_string_to_sign, compute_signature, derive_signing_key};
use serde_json::Value;

use crate::{Node, keys};

const DATE: &str = "20260101T000000Z";

const SCOPE: &str = "20260101/us-east-1/dynamodb/aws4_request";

/// What `Authorization` says of a request with this body.
fn authorization(keys: &Credentials, host: &str, target: &str, body: &str) -> String {
    let signed = ["host", "x-amz-date", "x-amz-target"];
    let values = [host, DATE, target];
    let headers: Vec<_> = signed.into_iter().zip(values).collect();
    let hash = hash_payload(body.as_bytes());
    let request = build_canonical_request("POST", "/", "", &headers, &signed, &hash);
    let text = build_string_to_sign(DATE, SCOPE, &hash_payload(request.as_bytes()));
    let secret = keys.secret_access_key();
    let key = derive_signing_key(secret, "20260101", "us-east-1", "dynamodb").unwrap();
    let signature = compute_signature(&key, &text).unwrap();
    let (id, signed) = (keys.access_key_id(), signed.join(";"));
    format!("AWS4-HMAC-SHA256 Credential={id}/{SCOPE},SignedHeaders={signed},Signature={signature}")
}

/// Calls DynamoDB with a signature for `signed` and the body `sent`.
async fn call(node: &Node, operation: &str, signed: &str, sent: &str) -> (StatusCode, Value) {
    let keys = keys(&node.services).await;
    let url = &node.services.endpoints().dynamodb;
    let host = url.strip_prefix("http://").unwrap();
    let target = format!("DynamoDB_20120810.{operation}");
    let response = Client::new()
        .post(url)
        .header("x-amz-date", DATE)
        .header("x-amz-target", &target)
        .header("authorization", authorization(&keys, host, &target, signed))
        .body(sent.to_owned())
        .send()
        .await
        .unwrap();
    let status = response.status();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn requests_signed_with_other_keys_are_refused() {
    let node = Node::start().await;
    let id = keys(&node.services).await.access_key_id().to_owned();
    for (id, code) in [
        ("LOCAL0", "UnrecognizedClientException"),
        (&*id, "InvalidSignatureException"),
    ] {
        let wrong = Credentials::new(id, "guessed", None, None, "test");

        let s3 = node.services.s3().config().to_builder();
        let s3 = aws_sdk_s3::Client::from_conf(s3.credentials_provider(wrong.clone()).build());
        let refused = s3.list_buckets().send().await.unwrap_err();
        assert_eq!(refused.raw_response().unwrap().status().as_u16(), 403);

        let sqs = node.services.sqs().config().to_builder();
        let sqs = aws_sdk_sqs::Client::from_conf(sqs.credentials_provider(wrong.clone()).build());
        let refused = sqs.list_queues().send().await.unwrap_err();
        assert_eq!(refused.code(), Some(code));

        let dynamodb = node.services.dynamodb().config().to_builder();
        let dynamodb = dynamodb.credentials_provider(wrong).build();
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb);
        let refused = dynamodb.list_tables().send().await.unwrap_err();
        assert_eq!(refused.code(), Some(code));
    }
}

#[tokio::test]
async fn a_signature_is_for_one_body() {
    let node = Node::start().await;
    let (status, answer) = call(&node, "ListTables", "{}", "{}").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["TableNames"][0], node.services.resources().table);
    let (status, answer) = call(&node, "ListTables", "{}", r#"{"Limit":1}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let kind = "com.amazon.coral.service#InvalidSignatureException";
    assert_eq!(answer["__type"], kind);
}

#[tokio::test]
async fn dynamodb_knows_operations_on_tables_and_items_only() {
    let node = Node::start().await;
    for (operation, body, code) in [
        ("DeleteTable", "{}", "UnknownOperationException"),
        ("GetItem", "{", "SerializationException"),
    ] {
        let (status, answer) = call(&node, operation, body, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let kind = answer["__type"].as_str().unwrap();
        assert!(kind.ends_with(code), "{answer}");
    }
}

#[tokio::test]
async fn a_page_in_a_browser_is_allowed_nothing() {
    let node = Node::start().await;
    let endpoints = node.services.endpoints();
    let of_a_page = async |method, url, target| -> Response {
        Client::new()
            .request(method, url)
            .header("origin", "https://page.example")
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "x-amz-target,authorization",
            )
            .header("x-amz-target", target)
            .send()
            .await
            .unwrap()
    };
    for (url, target) in [
        (&endpoints.dynamodb, "DynamoDB_20120810.ListTables"),
        (&endpoints.sqs, "AmazonSQS.ListQueues"),
    ] {
        for method in [Method::OPTIONS, Method::GET, Method::POST] {
            let refused = of_a_page(method, url, target).await;
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
            assert_eq!(refused.headers().get("access-control-allow-origin"), None);
            let body = refused.text().await.unwrap();
            assert!(body.contains("MissingAuthenticationToken"), "{body}");
        }
    }
}
