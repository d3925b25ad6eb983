//! The edge of one node: streams to viewers, as `CloudFront` delivers them from the same bucket.
//!
//! `/v/{video}/{path}` is the object of that key. Whoever has the link may watch, on any page.
//!
//! - **Cache.** Objects are kept in memory as their `Cache-Control` says, but for a minute at most and up to 64 MiB in all. One
//!   larger than 8 MiB is not kept: its bytes go from S3 to the viewer. Only the path counts: the query is ignored.
//! - **`X-Cache`** is `Miss` when S3 was read for this very answer, otherwise `Hit`. Who comes while another request is reading the
//!   object waits for it and gets a `Hit`, so there are as many misses as reads. `?nocache=1` is a `Bypass`: the object is read,
//!   and the cache neither asked nor changed. `Age` tells the seconds since a `Hit` was read.
//! - **Gzip** for playlists, manifests and WebVTT, with a weak `ETag`. Ranges are of the plain bytes.
//! - **Ranges**: one; who asks for several gets the whole.
//! - **Errors** are not to be stored. That there is no such object is remembered for a second.

use std::ops::Range;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use headers::{AcceptRanges, Age, ContentEncoding, ContentLength, ContentRange, HeaderMapExt};
use streamforge_aws::error::AwsError;
use streamforge_aws::media_bucket::MediaBucket;
use streamforge_core::id::VideoId;

use self::cache::{CacheStatus, ObjectCache};
use self::object::{Form, Object};
use self::selection::{Selection, select, wants_gzip};

mod cache;
mod object;
mod range;
mod selection;

/// What pages of other sites may send, besides what they always may.
const ALLOWED_HEADERS: &str = "Range, If-Range, If-None-Match, Cache-Control";

/// What they may read of an answer, besides what they always may.
const EXPOSED_HEADERS: &str =
    "Accept-Ranges, Age, Content-Encoding, Content-Length, Content-Range, ETag, X-Cache";

const METHODS: &str = "GET, HEAD, OPTIONS";

/// How long browsers may remember the answer to a preflight: a day.
const PREFLIGHT_SECS: &str = "86400";

/// How long a key may be in S3.
const KEY_BYTES: usize = 1024;

/// About as many headers as an answer has.
const HEADERS: usize = 16;

/// Parameter of a query that is answered past the cache.
const BYPASS: &str = "nocache=1";

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// The route of the streams.
pub fn router(media: MediaBucket) -> Router {
    let cache = ObjectCache::new();
    let delivery = get(deliver).options(preflight);
    Router::new()
        .route("/v/{*path}", delivery.layer(map_response(for_any_page)))
        .with_state(Edge { media, cache })
}

async fn deliver(State(edge): State<Edge>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let Some(key) = object_key(request.uri.path()) else {
        return absent();
    };
    edge.answer(key, &request).await.unwrap_or_else(|err| {
        tracing::error!(s3.key = key, error = %err, "an object could not be delivered: {err}");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let headers = [(header::RETRY_AFTER, "1")];
        (status, headers, "try again shortly\n").into_response()
    })
}

#[derive(Clone)]
struct Edge {
    media: MediaBucket,
    cache: ObjectCache,
}

impl Edge {
    /// Answers a `GET` or `HEAD` for `key`.
    ///
    /// # Errors
    /// S3 did not answer.
    async fn answer(&self, key: &str, request: &Parts) -> Result<Response, Arc<AwsError>> {
        let (object, mut cache_status) = if is_bypass(&request.uri) {
            let object = Object::read(&self.media, key).await?;
            (object.map(Arc::new), CacheStatus::Bypass)
        } else {
            self.cache.get(&self.media, key).await?
        };
        let Some(object) = object else {
            let x_cache = [(X_CACHE, cache_status.as_str())];
            return Ok((x_cache, absent()).into_response());
        };
        let form = object.form(wants_gzip(&request.headers));
        let selection = select(&request.method, &request.headers, form.etag, form.size);
        let part = match &selection {
            Selection::Whole => 0..form.size,
            Selection::Part(part) => part.clone(),
            Selection::NotModified | Selection::Unsatisfiable => 0..0,
        };
        let body = match form.bytes {
            Some(bytes) => Body::from(slice(bytes, part)),
            None if part.is_empty() || request.method == Method::HEAD => Body::empty(),
            None => {
                if cache_status == CacheStatus::Hit {
                    cache_status = CacheStatus::Miss;
                }
                self.stream(key, &object, part).await?
            }
        };
        let (status, mut headers) = describe(&object, &form, &selection);
        if cache_status == CacheStatus::Hit {
            headers.typed_insert(Age::from_secs(object.age().as_secs()));
        }
        let x_cache = [(X_CACHE, cache_status.as_str())];
        Ok((status, headers, x_cache, body).into_response())
    }

    /// Bytes of an object that is not in memory, on their way from S3.
    ///
    /// # Errors
    /// S3 did not answer, or has another object by now. The next request will see.
    async fn stream(&self, key: &str, object: &Object, part: Range<u64>) -> Result<Body, AwsError> {
        let body = object.stream(&self.media, key, part).await;
        if body.is_err() {
            self.cache.forget(key).await;
        }
        body.map(Body::new)
    }
}

/// Status and headers for what is selected of an object.
fn describe(object: &Object, form: &Form<'_>, selection: &Selection) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.typed_insert(form.etag.clone());
    headers.insert(header::CACHE_CONTROL, object.cache_control.clone());
    if object.gzip.is_some() {
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    let (status, length) = match selection {
        Selection::Whole => (StatusCode::OK, form.size),
        Selection::Part(part) => {
            let range = ContentRange::bytes(part.clone(), form.size);
            headers.typed_insert(range.expect("a part is not empty"));
            (StatusCode::PARTIAL_CONTENT, part.end - part.start)
        }
        // As long as what is not sent: left to axum, it would be 0.
        Selection::NotModified => (StatusCode::NOT_MODIFIED, form.size),
        Selection::Unsatisfiable => {
            headers.typed_insert(ContentRange::unsatisfied_bytes(form.size));
            (StatusCode::RANGE_NOT_SATISFIABLE, 0)
        }
    };
    headers.typed_insert(ContentLength(length));
    if status.is_success() {
        headers.insert(header::CONTENT_TYPE, object.content_type.clone());
        headers.typed_insert(AcceptRanges::bytes());
        if form.is_gzip {
            headers.typed_insert(ContentEncoding::gzip());
        }
    }
    (status, headers)
}

/// A part of bytes in memory, which are not copied.
fn slice(bytes: &Bytes, part: Range<u64>) -> Bytes {
    let place = |place| usize::try_from(place).expect("a part lies within the bytes");
    bytes.slice(place(part.start)..place(part.end))
}

/// Whether the cache is to be left out, to see what S3 has.
fn is_bypass(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    query.split('&').any(|parameter| parameter == BYPASS)
}

/// The key of the object at a URL's path, which is the path itself: see [`MediaBucket::key`]. `None` where there can be none: all
/// that is stored has a plain name.
fn object_key(path: &str) -> Option<&str> {
    let key = path.strip_prefix('/')?;
    let (video, names) = key.strip_prefix("v/")?.split_once('/')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name =
        |name: &str| !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain);
    let is_key =
        key.len() <= KEY_BYTES && video.parse::<VideoId>().is_ok() && names.split('/').all(is_name);
    is_key.then_some(key)
}

fn absent() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing at this path\n").into_response()
}

async fn preflight() -> impl IntoResponse {
    let headers = [
        (header::ALLOW, METHODS),
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECS),
    ];
    (StatusCode::NO_CONTENT, headers)
}

/// Adds what every answer has.
async fn for_any_page(mut response: Response) -> Response {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    let mut insert = |name, value| headers.insert(name, HeaderValue::from_static(value));
    if is_error {
        insert(header::CACHE_CONTROL, "no-store");
    }
    insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    insert(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}
