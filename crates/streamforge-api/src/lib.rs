//! The HTTP API: uploads, videos, their events. Requests in, records and presigned URLs out; knows no Lambda and no FFmpeg.
//!
//! Every answer that is no success is an `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
//!
//! # Layout
//! - [`uploads`]: announce a file, send its parts straight to S3, complete. [`videos`]: what became of it. [`events`]: as it happens.
//! - [`problem`]: the one way to say no. [`health`]: whether the service does its work.

use std::time::Duration;

use axum::Router;
use streamforge_aws::job_queue::JobQueue;
use streamforge_aws::media_bucket::MediaBucket;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_aws::video_table::VideoTable;
use streamforge_core::limits::Limits;

pub mod events;
pub mod health;
pub mod problem;
pub mod uploads;
pub mod videos;

/// Whose everything is, until there are accounts.
const OWNER: &str = "default";

/// How the API is set up.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// What is refused before a byte is sent.
    pub limits: Limits,
    /// How long a presigned URL works. Short: clients ask for more just in time.
    pub presign_expiry: Duration,
    /// How long an upload waits for somebody to come back to it.
    pub upload_expiry: Duration,
    /// Where streams are delivered, without a slash at the end: `https://cdn.example`. Empty for the same host.
    pub media_url: String,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            presign_expiry: Duration::from_hours(1),
            upload_expiry: Duration::from_hours(48),
            media_url: String::new(),
        }
    }
}

/// Everything a request needs.
#[derive(Clone, Debug)]
pub struct Api {
    /// What is known.
    pub table: VideoTable,
    /// Where files go.
    pub uploads: UploadBucket,
    /// Where streams are.
    pub media: MediaBucket,
    /// Where work is asked for.
    pub queue: JobQueue,
    /// How it is set up.
    pub config: ApiConfig,
}

/// Every route of the API.
pub fn router(api: Api) -> Router {
    Router::new()
        .merge(uploads::router())
        .merge(videos::router())
        .merge(events::router())
        .merge(health::router())
        .fallback(problem::no_such_route)
        .with_state(api)
}

/// 128 random bits from the system.
fn random() -> u128 {
    let mut bytes = [0; 16];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .expect("the system has random bytes once it has booted");
    u128::from_ne_bytes(bytes)
}
