//! What one message does, start to finish: plan a video, encode one of its chunks, publish, remove.
//!
//! A message may come twice, late or out of order, and a worker may die at any instruction. So every task follows one pattern:
//! look at the record, take a lease, work, store the results before the record that says that they are there, let the lease go.
//! What was done twice is the same as done once; what was left undone is found by [`reconcile`](Worker::reconcile).
//!
//! # Layout
//! - [`delivery`]: messages of a queue. [`task`]: leases, heartbeats, retries: what all tasks have in common.
//! - [`ingest`]: a file becomes a plan and messages. [`encode`]: a chunk becomes segments.
//! - [`sources`]: what ingest and encode read, shared among the jobs of a video.
//! - [`publish`]: finished chunks become playlists. [`poster`], [`remove`]: what their names say.
//! - [`reconcile`]: nothing is ever stuck. [`measure`]: what is counted of all this.

use std::sync::Arc;
use std::time::Duration;

use streamforge_aws::error::AwsError;
use streamforge_aws::job_queue::JobQueue;
use streamforge_aws::media_bucket::MediaBucket;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_aws::video_table::VideoTable;
use streamforge_core::id::VideoId;
use streamforge_core::limits::Limits;
use streamforge_core::origin::Origin;
use streamforge_core::settings::Settings;
use streamforge_ffmpeg::byte_source::ByteSource;
use streamforge_ffmpeg::engine::{Engine, Programs};
use streamforge_ffmpeg::guard::ChildLimits;

use crate::error::WorkerError;
use crate::sources::OpenSources;

pub mod delivery;
pub mod encode;
pub mod error;
pub mod ingest;
pub mod measure;
pub mod poster;
pub mod publish;
pub mod reconcile;
pub mod remove;
pub mod sources;
pub mod task;

/// How long files are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// A source, once its stream is ready. Without it the video cannot be encoded again.
    pub ready_source: Duration,
    /// A source whose video failed and may be retried.
    pub failed_source: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            ready_source: Duration::from_hours(24),
            failed_source: Duration::from_hours(7 * 24),
        }
    }
}

/// Everything a task needs.
#[derive(Clone, Debug)]
pub struct Worker {
    /// What is known.
    pub table: VideoTable,
    /// Where sources are.
    pub uploads: UploadBucket,
    /// Where streams go.
    pub media: MediaBucket,
    /// Where further work is asked for.
    pub queue: JobQueue,
    /// FFmpeg.
    pub programs: Programs,
    /// What one FFmpeg process may use.
    pub child_limits: ChildLimits,
    /// What is accepted.
    pub limits: Limits,
    /// What new videos become.
    pub settings: Settings,
    /// How long files are kept.
    pub retention: Retention,
    /// What is read at the moment; at first, nothing.
    pub sources: OpenSources,
}

impl Worker {
    /// What the file of a video came of: the request that completed its upload, or announced it. S3's event of the file does not tell.
    pub async fn origin_of(&self, video: &VideoId) -> Origin {
        let upload = async {
            let Some(video) = self.table.video(video).await? else {
                return Ok::<_, AwsError>(None);
            };
            self.table.upload(&video.upload).await
        };
        match upload.await {
            Ok(upload) => upload.map(|upload| upload.origin).unwrap_or_default(),
            Err(err) => {
                // It is only for the log.
                tracing::warn!(video.id = %video, error = %err, "where a file came from is not known: {err}");
                Origin::default()
            }
        }
    }

    /// Opens the source of a video; `None` when it is not there.
    async fn open(&self, video: &VideoId) -> Result<Option<Arc<Engine>>, WorkerError> {
        let Some(object) = self.uploads.source(video).await? else {
            return Ok(None);
        };
        if let Some(engine) = self.sources.get(video, &object.etag) {
            return Ok(Some(engine));
        }
        let source: Arc<dyn ByteSource> = Arc::new(self.uploads.open(video, &object));
        let programs = self.programs.clone();
        let engine =
            Engine::open(source, programs, &self.limits, self.child_limits.clone()).await?;
        let engine = Arc::new(engine);
        self.sources.share(video, &object.etag, &engine);
        Ok(Some(engine))
    }
}
