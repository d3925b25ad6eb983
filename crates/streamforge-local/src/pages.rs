//! The pages of the web app: in the program itself when it is built for release, read from `web/dist` otherwise.
//!
//! One page serves every address that is none of the API's and no stream's: what is at it, the app decides.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use memory_serve::CacheControl;

/// The only file that is HTML.
const APP: &str = "/index.html";

/// Where the app shows something.
const ADDRESSES: [&str; 2] = ["/watch/{id}", EMBED];

/// The player for pages of others: the only one that may be in a frame of theirs.
const EMBED: &str = "/embed/{id}";

/// Everywhere else it says that there is nothing.
const ELSEWHERE: &str = "/{*path}";

/// Files whose names change with what is in them.
const HASHED: &str = "/assets/";

/// They may be kept for a year.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// What a page may do; `{files}` is where files are sent, `{ancestors}` is who may have it in a frame.
const POLICY: &str = include_str!("../../../web/csp.txt");

/// The routes of the pages. Files go to S3 at `files`: `http://127.0.0.1:8081`.
pub fn router(files: &str) -> Router {
    let mut pages = memory_serve::load!()
        .cache_control(CacheControl::NoCache)
        .html_cache_control(CacheControl::NoCache)
        .add_alias(ELSEWHERE, APP);
    for address in ADDRESSES {
        pages = pages.add_alias(address, APP);
    }
    let policy = |ancestors| {
        let policy = POLICY.trim_end().replace("{files}", files);
        HeaderValue::try_from(policy.replace("{ancestors}", ancestors)).ok()
    };
    let policies = Policies {
        own: policy("'none'"),
        embed: policy("*"),
    };
    pages
        .into_router()
        .layer(from_fn_with_state(policies, guard))
}

#[derive(Clone)]
struct Policies {
    own: Option<HeaderValue>,
    embed: Option<HeaderValue>,
}

async fn guard(
    State(policies): State<Policies>,
    matched: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let is_elsewhere = matched.as_str() == ELSEWHERE;
    let last = request.uri().path().rsplit('/').next();
    if is_elsewhere && last.is_some_and(|name| name.contains('.')) {
        // A file of an earlier version: a page in its place would be taken for the file.
        return StatusCode::NOT_FOUND.into_response();
    }
    let is_hashed = request.uri().path().starts_with(HASHED);
    let mut response = next.run(request).await;
    if is_elsewhere && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    let policy = match matched.as_str() {
        EMBED => policies.embed,
        _ => policies.own,
    };
    let headers: &mut HeaderMap = response.headers_mut();
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if is_hashed {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
