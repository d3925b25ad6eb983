//! The edge of one node: streams to viewers, as a CDN would deliver them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use headers::{HeaderMapExt, Range};
use moka::Expiry;
use moka::future::Cache;
use streamforge_aws::error::AwsError;
use streamforge_aws::media_bucket::MediaBucket;
use streamforge_core::id::VideoId;

/// Memory for objects that were asked for.
const CACHE_BYTES: u64 = 64 << 20;

/// How long it is remembered that there is no such object.
const ABSENT_FOR: Duration = Duration::from_secs(1);

/// The route of the streams.
pub fn router(media: MediaBucket) -> Router {
    let cache = Cache::builder()
        .max_capacity(CACHE_BYTES)
        .weigher(|key: &String, object: &Option<Arc<Object>>| {
            let bytes = object.as_ref().map_or(0, |object| object.bytes.len());
            u32::try_from(key.len() + bytes).unwrap_or(u32::MAX)
        })
        .expire_after(MaxAge)
        .build();
    Router::new()
        .route("/v/{video}/{*path}", get(deliver))
        .with_state(Edge { media, cache })
}

#[derive(Clone)]
struct Edge {
    media: MediaBucket,
    cache: Cache<String, Option<Arc<Object>>>,
}

/// An object as it is delivered.
struct Object {
    bytes: Bytes,
    etag: String,
    content_type: String,
    cache_control: String,
}

/// Objects stay as long as their `Cache-Control` says.
struct MaxAge;

impl Expiry<String, Option<Arc<Object>>> for MaxAge {
    fn expire_after_create(
        &self,
        _key: &String,
        object: &Option<Arc<Object>>,
        _now: Instant,
    ) -> Option<Duration> {
        let Some(object) = object else {
            return Some(ABSENT_FOR);
        };
        let directives = object.cache_control.split(',').map(str::trim);
        let secs = directives
            .filter_map(|directive| directive.strip_prefix("max-age="))
            .find_map(|secs| secs.parse().ok());
        Some(Duration::from_secs(secs.unwrap_or(0)))
    }
}

async fn deliver(
    State(edge): State<Edge>,
    method: Method,
    Path((video, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Ok(video) = video.parse::<VideoId>() else {
        return absent();
    };
    let key = MediaBucket::key(&video, &path);
    let hit = edge.cache.contains_key(&key);
    let media = edge.media.clone();
    // Many who ask for the same object at once wait for one answer.
    let found = edge
        .cache
        .try_get_with(key.clone(), async move { fetch(&media, &key).await })
        .await;
    let mut response = match found {
        Ok(Some(object)) => answer(&object, &method, &headers),
        Ok(None) => absent(),
        Err(err) => {
            tracing::error!(error = %err, "an object could not be delivered: {err}");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                [(header::RETRY_AFTER, "1")],
                "try again shortly\n",
            )
                .into_response()
        }
    };
    let cached = if hit { "Hit" } else { "Miss" };
    let headers = response.headers_mut();
    headers.insert("x-cache", HeaderValue::from_static(cached));
    // Players on other pages may play: who has the link may watch.
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Content-Length, Content-Range, ETag, X-Cache"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

async fn fetch(media: &MediaBucket, key: &str) -> Result<Option<Arc<Object>>, AwsError> {
    let Some(found) = media.get(key, None).await? else {
        return Ok(None);
    };
    let bytes = found.body.collect().await;
    let bytes = bytes.map_err(AwsError::other("reading a media object"))?;
    Ok(Some(Arc::new(Object {
        bytes: bytes.into_bytes(),
        etag: found.e_tag.unwrap_or_default(),
        content_type: found.content_type.unwrap_or_default(),
        cache_control: found.cache_control.unwrap_or_default(),
    })))
}

fn absent() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing at this path\n").into_response()
}

/// [RFC 9110 §13](https://www.rfc-editor.org/rfc/rfc9110#section-13) and [§14](https://www.rfc-editor.org/rfc/rfc9110#section-14).
fn answer(object: &Object, method: &Method, request: &HeaderMap) -> Response {
    let size = object.bytes.len() as u64;
    let known = request.get(header::IF_NONE_MATCH);
    let is_known = known
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| {
            let mut tags = tags
                .split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"));
            tags.any(|tag| tag == "*" || tag == object.etag)
        });
    let mut response = Response::builder()
        .header(header::ETAG, &object.etag)
        .header(header::CACHE_CONTROL, &object.cache_control)
        .header(header::ACCEPT_RANGES, "bytes");
    if is_known {
        let response = response
            .status(StatusCode::NOT_MODIFIED)
            .body(Body::empty());
        return response.unwrap_or_else(|_| absent());
    }
    response = response.header(header::CONTENT_TYPE, &object.content_type);
    let is_current = request
        .get(header::IF_RANGE)
        .is_none_or(|tag| tag.as_bytes() == object.etag.as_bytes());
    let wanted = request.typed_get::<Range>().filter(|_| is_current);
    let ranges: Option<Vec<_>> = wanted.map(|range| range.satisfiable_ranges(size).collect());
    let (response, bytes) = match ranges.as_deref() {
        // None, or several, of which a server may give the whole.
        None | Some([_, _, ..]) => (response, object.bytes.clone()),
        Some(&[(from, to)]) => {
            let from = match from {
                std::ops::Bound::Included(from) => from,
                _ => 0,
            };
            let to = match to {
                std::ops::Bound::Included(to) => to.min(size.saturating_sub(1)),
                _ => size.saturating_sub(1),
            };
            if size == 0 || from > to {
                return unsatisfiable(size);
            }
            let (first, after) = (
                usize::try_from(from).unwrap_or(usize::MAX),
                usize::try_from(to + 1).unwrap_or(usize::MAX),
            );
            let response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, format!("bytes {from}-{to}/{size}"));
            (response, object.bytes.slice(first..after))
        }
        Some([]) => return unsatisfiable(size),
    };
    let response = response.header(header::CONTENT_LENGTH, bytes.len());
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        Body::from(bytes)
    };
    response.body(body).unwrap_or_else(|_| absent())
}

fn unsatisfiable(size: u64) -> Response {
    (
        StatusCode::RANGE_NOT_SATISFIABLE,
        [(header::CONTENT_RANGE, format!("bytes */{size}"))],
    )
        .into_response()
}
