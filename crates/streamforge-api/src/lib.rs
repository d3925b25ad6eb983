//! The HTTP API: uploads, videos, their events. Requests in, records and presigned URLs out; knows no Lambda and no FFmpeg.
//!
//! Every answer that is no success is an `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)). The whole is
//! told in `docs/API.md`, and described by the code itself at `/api/openapi.json`.
//!
//! # Layout
//! - [`uploads`]: announce a file, send its parts straight to S3, complete. [`one_request`]: a whole file in one request, for small ones.
//! - [`videos`]: what became of it, and [`retry`]. [`events`]: as it happens.
//! - [`problem`]: the one way to say no. [`health`]: whether the service does its work.
//! - `request_span`: what is logged of each request. `idle`: clients that go silent.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{from_fn, map_request};
use axum::routing::{any, get};
use axum::{Json, Router};
use streamforge_aws::job_queue::JobQueue;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_aws::video_table::VideoTable;
use streamforge_core::limits::Limits;
use utoipa::OpenApi;
use utoipa::openapi::Components;
use utoipa_axum::router::OpenApiRouter;

pub mod events;
mod extract;
pub mod health;
mod idle;
mod looks;
pub mod one_request;
pub mod problem;
mod request_span;
pub mod retry;
mod schema;
pub mod uploads;
pub mod videos;

use looks::Looks;

/// Whose everything is, until there are accounts.
const OWNER: &str = "default";

/// Where the description of the API is.
const OPENAPI_PATH: &str = "/api/openapi.json";

/// How the API is set up.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// What is refused before a byte is sent.
    pub limits: Limits,
    /// Most uploads that an owner may have announced and not finished.
    pub max_unfinished_uploads: u32,
    /// How long a presigned URL works. Short: clients ask for more just in time.
    pub presign_expiry: Duration,
    /// How long an upload waits for somebody to come back to it.
    pub upload_expiry: Duration,
    /// How long a client may send nothing in the middle of a request.
    pub max_silence: Duration,
    /// Where streams are delivered, without a slash at the end: `https://cdn.example`. Empty for the same host.
    pub media_url: String,
    /// Tasks that the workers do at a time, where somebody knows.
    pub workers: Option<u32>,
    /// Version of FFmpeg, where there is one: `5.1.9-0+deb12u1`.
    pub ffmpeg_version: Option<String>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_unfinished_uploads: 1000,
            presign_expiry: Duration::from_hours(1),
            upload_expiry: Duration::from_hours(48),
            max_silence: Duration::from_secs(30),
            media_url: String::new(),
            workers: None,
            ffmpeg_version: None,
        }
    }
}

/// Everything a request needs.
#[derive(Clone, Debug)]
pub struct Api {
    /// What is known.
    table: VideoTable,
    /// Where files go.
    uploads: UploadBucket,
    /// Where work is asked for.
    queue: JobQueue,
    /// How it is set up.
    config: ApiConfig,
    /// What was looked at a moment ago.
    looks: Looks,
}

impl Api {
    /// An API over these services.
    pub fn new(
        table: VideoTable,
        uploads: UploadBucket,
        queue: JobQueue,
        config: ApiConfig,
    ) -> Self {
        Self {
            table,
            uploads,
            queue,
            config,
            looks: Looks::default(),
        }
    }
}

/// Every route of the API.
pub fn router(api: Api) -> Router {
    let max_silence = api.config.max_silence;
    let (router, description) = routes().split_for_parts();
    let describe = move || std::future::ready(Json(description));
    let router = router.with_state(api).route(OPENAPI_PATH, get(describe));
    #[cfg(feature = "viewer")]
    let router = router.merge(viewer());
    router
        // Of the API's own paths, whatever else is served beside them.
        .route("/api/{*path}", any(problem::no_such_route))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(map_request(move |request: Request| {
            std::future::ready(idle::limit(request, max_silence))
        }))
        .layer(from_fn(request_span::answer))
}

/// The description of the API ([OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0)).
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "StreamForge",
        description = "Upload a video once; seconds later it streams. Every answer that is no success is a problem (RFC 9457).",
    ),
    tags(
        (name = "uploads", description = "A file of any size, in parts, straight to S3; resumable"),
        (name = "one request", description = "A whole file in one request: for small files and simple clients"),
        (name = "videos", description = "What became of the files"),
        (name = "events", description = "The same, as it happens: server-sent events"),
        (name = "service", description = "Whether it does its work"),
    ),
)]
struct Description;

fn routes() -> OpenApiRouter<Api> {
    let mut description = Description::openapi();
    let (name, schema) = problem::schema();
    let components = description.components.get_or_insert_with(Components::new);
    components.schemas.insert(name, schema);
    OpenApiRouter::with_openapi(description)
        .merge(uploads::routes())
        .merge(one_request::routes())
        .merge(videos::routes())
        .merge(retry::routes())
        .merge(events::routes())
        .merge(health::routes())
}

/// Swagger UI, from this program alone: it asks no other host for anything.
#[cfg(feature = "viewer")]
fn viewer() -> Router {
    use axum::http::StatusCode;
    use axum::middleware::map_response;
    use axum::response::{IntoResponse, Response};
    use utoipa_swagger_ui::{Config, SwaggerUi};

    let config = Config::new([OPENAPI_PATH]).validator_url("none");
    let files = Router::from(SwaggerUi::new("/api/docs").config(config));
    files.layer(map_response(async |response: Response| {
        match response.status() {
            StatusCode::NOT_FOUND => problem::no_such_route().await.into_response(),
            _ => response,
        }
    }))
}

/// 128 random bits from the system.
fn random() -> u128 {
    let mut bytes = [0; 16];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .expect("the system has random bytes once it has booted");
    u128::from_ne_bytes(bytes)
}
