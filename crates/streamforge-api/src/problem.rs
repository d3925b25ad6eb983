//! The one way to say no: RFC 9457.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use streamforge_aws::error::AwsError;
use streamforge_core::refusal::Refusal;
use streamforge_core::upload::IncompleteUpload;

/// What went wrong, for people and programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// Stable, for programs: `/problems/{kind}`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every problem of this type.
    pub title: &'static str,
    /// The HTTP status code.
    pub status: u16,
    /// What happened this time, and what to do.
    pub detail: String,
    /// Part numbers, where parts are the matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<u32>,
}

impl Problem {
    /// A problem of the type `/problems/{kind}`.
    pub fn new(
        status: StatusCode,
        kind: &str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            parts: Vec::new(),
        }
    }

    /// There is no such `what`.
    pub fn not_found(what: &str) -> Self {
        let detail = format!("there is no {what} of this id; it may have been deleted");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// The request makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-request",
            "Invalid request",
            detail,
        )
    }

    /// The record is in another state.
    pub fn conflict(kind: &str, detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            kind,
            "Not possible in this state",
            detail,
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// The cause goes to the log, not to the client.
impl From<AwsError> for Problem {
    fn from(err: AwsError) -> Self {
        tracing::error!(error = %err, "request failed: {err}");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Unavailable",
            "a service behind this one did not answer: try again shortly",
        )
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            refusal.code().as_str(),
            "Not accepted",
            refusal.to_string(),
        )
    }
}

impl From<IncompleteUpload> for Problem {
    fn from(err: IncompleteUpload) -> Self {
        let parts = match &err {
            IncompleteUpload::MissingParts { parts, .. } => parts.clone(),
            IncompleteUpload::ChecksumDiffers { part, .. } => vec![*part],
            _ => Vec::new(),
        };
        let detail = format!("{err}: send these parts again, then complete the upload");
        Self {
            parts,
            ..Self::conflict("upload-incomplete", detail)
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(err: JsonRejection) -> Self {
        Self {
            status: err.status().as_u16(),
            ..Self::invalid(err.body_text())
        }
    }
}

impl From<QueryRejection> for Problem {
    fn from(err: QueryRejection) -> Self {
        Self::invalid(err.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(err: PathRejection) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not found",
            err.body_text(),
        )
    }
}

/// For paths that nothing is at.
pub(crate) async fn no_such_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no-such-route",
        "No such route",
        "there is nothing at this path",
    )
}
