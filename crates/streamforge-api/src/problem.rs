//! The one way to say no: [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457).

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

use axum::Json;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use streamforge_aws::error::AwsError;
use streamforge_core::refusal::{Refusal, RefusalCode};
use streamforge_core::upload::IncompleteUpload;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{Content, Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

/// The media type of every problem.
const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! problem_kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:ident $slug:literal $title:literal)+) => {
        /// Every type of problem. What each means to a client is told in `docs/API.md`.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum ProblemKind {
            $($(#[$doc])* $kind,)+
            /// The file cannot become a video. The code of the refusal names the type.
            Refused(RefusalCode),
        }

        impl ProblemKind {
            /// Every type but the refusals.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The last part of the type, `/problems/{slug}`: stable, for programs.
            pub const fn slug(self) -> &'static str {
                match self {
                    $(Self::$kind => $slug,)+
                    Self::Refused(code) => code.as_str(),
                }
            }

            /// The HTTP status code.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$kind => StatusCode::$status,)+
                    Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
                }
            }

            /// The same for every problem of the type, for people.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$kind => $title,)+
                    Self::Refused(_) => "Not accepted",
                }
            }
        }
    };
}

problem_kinds! {
    /// The request makes no sense as it is.
    InvalidRequest = BAD_REQUEST "invalid-request" "Invalid request"
    /// There is nothing of this id.
    NotFound = NOT_FOUND "not-found" "Not found"
    /// There is nothing at this path.
    NoSuchRoute = NOT_FOUND "no-such-route" "No such route"
    /// The path takes other methods.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method-not-allowed" "Method not allowed"
    /// The upload is completed or given up.
    UploadState = CONFLICT "upload-state" "Not possible in this state"
    /// What S3 has is not the announced file.
    UploadIncomplete = CONFLICT "upload-incomplete" "Upload incomplete"
    /// There is nothing to try again, or nothing to try it with.
    NotRetryable = CONFLICT "not-retryable" "Cannot be tried again"
    /// A file without its size.
    LengthRequired = LENGTH_REQUIRED "length-required" "Length required"
    /// The JSON is larger than any that makes sense.
    ContentTooLarge = PAYLOAD_TOO_LARGE "content-too-large" "Content too large"
    /// The file is larger than S3 takes in one request.
    TooLargeForOneRequest = PAYLOAD_TOO_LARGE "too-large-for-one-request" "Too large for one request"
    /// The body is not of the type that the route takes.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "Unsupported media type"
    /// Too many uploads of one owner are unfinished.
    TooManyUploads = TOO_MANY_REQUESTS "too-many-uploads" "Too many unfinished uploads"
    /// A service behind this one does not answer.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Unavailable"
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// What happened this time, and what to do.
    pub detail: String,
    /// Part numbers, where parts are the matter.
    pub parts: Vec<u32>,
}

/// A problem as it is sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
struct ProblemBody<'a> {
    /// Stable, for programs: `/problems/{kind}`.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    kind: String,
    /// The same for every problem of this type.
    title: &'static str,
    /// The HTTP status code.
    status: u16,
    /// What happened this time, and what to do.
    detail: &'a str,
    /// Part numbers, where parts are the matter.
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    #[schema(required = false)]
    parts: &'a [u32],
}

impl Problem {
    /// A problem of this kind; `detail` says what happened and what to do.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            parts: Vec::new(),
        }
    }

    /// There is no such `what`.
    pub fn not_found(what: &str) -> Self {
        let detail = format!("there is no {what} of this id; it may have been deleted");
        Self::new(ProblemKind::NotFound, detail)
    }

    /// The request makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::InvalidRequest, detail)
    }

    /// What an extractor refused with this status.
    fn rejected(status: StatusCode, detail: String) -> Self {
        let kind = match status {
            StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::ContentTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemKind::UnsupportedMediaType,
            _ => ProblemKind::InvalidRequest,
        };
        Self::new(kind, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            kind: format!("/problems/{}", self.kind.slug()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
            parts: &self.parts,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.kind == ProblemKind::Unavailable {
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
            ProblemKind::Unavailable,
            "a service behind this one did not answer: try again shortly",
        )
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(ProblemKind::Refused(refusal.code()), refusal.to_string())
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
            ..Self::new(ProblemKind::UploadIncomplete, detail)
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(err: JsonRejection) -> Self {
        Self::rejected(err.status(), err.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(err: QueryRejection) -> Self {
        Self::invalid(err.body_text())
    }
}

impl From<MultipartRejection> for Problem {
    fn from(err: MultipartRejection) -> Self {
        let detail = format!("send the file as a form (multipart/form-data): {err}");
        Self::new(ProblemKind::UnsupportedMediaType, detail)
    }
}

impl From<MultipartError> for Problem {
    fn from(err: MultipartError) -> Self {
        // It says what it was at; behind that is why it failed.
        let mut cause: &dyn Error = &err;
        while let Some(behind) = cause.source() {
            cause = behind;
        }
        Self::rejected(err.status(), cause.to_string())
    }
}

/// What is no id, or not even text, leads to nothing.
impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::not_found("such thing")
    }
}

/// For paths that nothing is at.
pub(crate) async fn no_such_route() -> Problem {
    Problem::new(ProblemKind::NoSuchRoute, "there is nothing at this path")
}

/// For methods that a path does not take.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        ProblemKind::MethodNotAllowed,
        "this path takes other methods: see the header Allow",
    )
}

macro_rules! problem_answers {
    ($($(#[$doc:meta])* $name:ident = $($kind:expr),+;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                    use ProblemKind::*;
                    describe(&[$($kind),+])
                }
            }
        )+
    };
}

problem_answers! {
    /// Of whatever asks the services behind this one.
    Always = Unavailable;
    /// Of what has an id in its path.
    OfOne = NotFound, Unavailable;
    /// Of lists.
    OfLists = InvalidRequest, Unavailable;
    /// Of changes that come as JSON.
    OfChanges = InvalidRequest, NotFound, ContentTooLarge, UnsupportedMediaType, Unavailable;
    /// Of announcements.
    OfAnnouncements = InvalidRequest, ContentTooLarge, UnsupportedMediaType, Refused(RefusalCode::Empty), Refused(RefusalCode::TooLarge), Refused(RefusalCode::NotVideo), TooManyUploads, Unavailable;
    /// Of requests for part URLs.
    OfParts = InvalidRequest, NotFound, UploadState, ContentTooLarge, UnsupportedMediaType, Unavailable;
    /// Of completions.
    OfCompletions = InvalidRequest, NotFound, UploadState, UploadIncomplete, ContentTooLarge, UnsupportedMediaType, Unavailable;
    /// Of retries.
    OfRetries = InvalidRequest, NotFound, NotRetryable, ContentTooLarge, UnsupportedMediaType, Unavailable;
    /// Of a file sent by `PUT`.
    OfPuts = InvalidRequest, NotFound, LengthRequired, TooLargeForOneRequest, Refused(RefusalCode::Empty), Refused(RefusalCode::TooLarge), Refused(RefusalCode::NotVideo), TooManyUploads, Unavailable;
    /// Of a file sent as a form.
    OfForms = InvalidRequest, UploadState, UploadIncomplete, TooLargeForOneRequest, UnsupportedMediaType, Refused(RefusalCode::Empty), Refused(RefusalCode::TooLarge), Refused(RefusalCode::NotVideo), TooManyUploads, Unavailable;
}

/// The description of these problems, by status code.
fn describe(kinds: &[ProblemKind]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for kind in kinds {
        let text = texts
            .entry(kind.status().as_str().to_owned())
            .or_insert_with(|| "A problem of one of these types:".to_owned());
        let (slug, title) = (kind.slug(), kind.title());
        let _ = write!(text, "\n* `/problems/{slug}`: {title}");
    }
    let answer = |(status, text)| {
        let schema = Ref::from_schema_name("Problem");
        let content = Content::new(Some(schema));
        let response = ResponseBuilder::new()
            .description(text)
            .content(MEDIA_TYPE, content);
        (status, RefOr::T(response.build()))
    };
    texts.into_iter().map(answer).collect()
}

/// The schema that the answers refer to.
pub(crate) fn schema() -> (String, RefOr<utoipa::openapi::Schema>) {
    let name = "Problem".to_owned();
    (name, <ProblemBody<'_> as utoipa::PartialSchema>::schema())
}

#[cfg(test)]
mod tests {
    use streamforge_core::video::Failure;

    use super::*;

    const DOCS: &str = include_str!("../../../docs/API.md");

    #[test]
    fn the_documentation_lists_every_problem_with_its_status() {
        for kind in ProblemKind::ALL {
            let row = format!(
                "| `/problems/{}` | {} |",
                kind.slug(),
                kind.status().as_u16()
            );
            assert!(DOCS.contains(&row), "docs/API.md has no {row}");
        }
    }

    #[test]
    fn the_documentation_lists_every_reason_for_which_a_video_fails() {
        let codes = RefusalCode::ALL.map(RefusalCode::as_str);
        for code in codes
            .into_iter()
            .chain([Failure::ENCODING_FAILED, Failure::UPLOAD_INCOMPLETE])
        {
            assert!(
                DOCS.contains(&format!("\n| `{code}` |")),
                "docs/API.md has no {code}"
            );
        }
    }

    #[test]
    fn the_documentation_lists_every_route() {
        for (path, item) in &crate::openapi().paths.paths {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            for (method, _) in methods.iter().filter(|(_, operation)| operation.is_some()) {
                let row = format!("\n| `{method} {path}` |");
                assert!(DOCS.contains(&row), "docs/API.md has no {row}");
            }
        }
    }
}
