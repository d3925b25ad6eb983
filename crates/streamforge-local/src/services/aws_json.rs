//! [AWS JSON 1.0](https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html), which DynamoDB and SQS speak: a signed `POST`
//! with the operation in a header.
//!
//! Nobody is answered who has not signed with the node's keys: a page in any browser of this machine reaches the loopback
//! interface, also under a name of its own, but cannot sign. No answer allows another origin anything.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::handler::HandlerWithoutStateExt as _;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rustack_auth::{AuthError, StaticCredentialProvider, hash_payload, verify_sigv4};
use serde_json::json;
use tokio::net::TcpListener;

use super::credentials::KeyPair;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Most bytes of a request: as much as the largest one of DynamoDB
/// ([quotas](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html)).
const MAX_REQUEST_BYTES: usize = 16 << 20;

/// Answers signed requests on `listener` by `answer`, until `stopped` is ready and those under way have ended.
pub(super) async fn serve<Answer, Answering>(
    listener: TcpListener,
    keys: &KeyPair,
    answer: Answer,
    stopped: impl Future<Output = ()> + Send + 'static,
) where
    Answer: Fn(HeaderMap, Bytes) -> Answering + Clone + Send + Sync + 'static,
    Answering: Future<Output = Response> + Send,
{
    let keys = [(keys.access_key_id.clone(), keys.secret_access_key.clone())];
    let keys = Arc::new(StaticCredentialProvider::new(keys));
    let handler = async move |request: Request| {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        match verify_sigv4(&head, &hash_payload(&body), &*keys) {
            Ok(_) => answer(head.headers, body).await,
            Err(err) => refusal(&err),
        }
    };
    let served = axum::serve(listener, handler.into_make_service());
    if let Err(err) = served.with_graceful_shutdown(stopped).await {
        tracing::error!(error = %err, "an embedded service stopped: {err}");
    }
}

/// What follows `prefix` in the header that names the operation.
pub(super) fn operation<'a>(headers: &'a HeaderMap, prefix: &str) -> Option<&'a str> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.strip_prefix(prefix)
}

/// An answer: JSON.
pub(super) fn response(status: StatusCode, json: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], json.into()).into_response()
}

/// An error that all these services have in common
/// ([list](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html)).
pub(super) fn error(code: &str, message: &str) -> Response {
    let kind = format!("com.amazon.coral.service#{code}");
    let body = json!({ "__type": kind, "message": message });
    response(StatusCode::BAD_REQUEST, body.to_string())
}

fn refusal(err: &AuthError) -> Response {
    let code = match err {
        AuthError::MissingAuthHeader => "MissingAuthenticationTokenException",
        AuthError::AccessKeyNotFound(_) => "UnrecognizedClientException",
        AuthError::SignatureDoesNotMatch => "InvalidSignatureException",
        _ => "IncompleteSignatureException",
    };
    error(code, &err.to_string())
}
