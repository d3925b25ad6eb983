//! The parts of an upload become a file; or nothing does, and it is given up.

use std::time::Duration;

use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::origin;
use streamforge_aws::upload_bucket::Completion;
use streamforge_aws::video_table::Change;
use streamforge_core::job::{Lane, Message, QUEUED_CHECK, Task};
use streamforge_core::upload::{Upload, UploadStatus, verify};
use streamforge_core::video::VideoStatus;
use tokio::time::timeout;

use crate::Api;
use crate::problem::{Problem, ProblemKind};
use crate::uploads::given_up;

/// An upload that is being completed does not expire sooner: S3 needs minutes for some files.
const JOINING: Duration = Duration::from_hours(1);

impl Api {
    /// Verifies what S3 has, and lets it join the parts. `Completing` when it is not known yet whether it did, after `patience`: S3 goes
    /// on, and whoever asks again, the event or the reconciler finds the file.
    pub(crate) async fn join(
        &self,
        upload: &Upload,
        announced: &[(u32, String)],
        patience: Duration,
    ) -> Result<UploadStatus, Problem> {
        let video = &upload.video;
        let mut parts = None;
        if let Some(s3_upload_id) = &upload.s3_upload_id {
            parts = self.uploads.list_parts(video, s3_upload_id).await?;
        }
        let has_parts = parts.is_some();
        if let Some(s3_upload_id) = &upload.s3_upload_id
            && let Some(parts) = parts
        {
            verify(upload, &parts, announced)?;
            let status = self.set_status(upload, UploadStatus::Completing).await?;
            if status == UploadStatus::Aborted {
                return Err(given_up());
            }
            let joining = self.uploads.complete_multipart(video, s3_upload_id, parts);
            let Ok(joined) = timeout(patience, joining).await else {
                return Ok(UploadStatus::Completing);
            };
            match joined? {
                Completion::Done | Completion::NoSuchUpload => {}
                Completion::Refused => {
                    self.set_status(upload, UploadStatus::Open).await?;
                    return Err(Problem::new(
                        ProblemKind::UploadIncomplete,
                        "parts were sent again while the upload was being completed: complete it again",
                    ));
                }
            }
        }
        // It was joined just now, or by an earlier request whose answer was lost.
        let Some(source) = self.uploads.source(video).await? else {
            if !has_parts && self.is_lost(upload).await? {
                self.give_up(upload).await?;
                return Err(Problem::new(
                    ProblemKind::UploadState,
                    "the storage no longer has the parts of this upload: announce the file again",
                ));
            }
            return Ok(UploadStatus::Completing);
        };
        if source.size_bytes != upload.size_bytes {
            return Err(Problem::new(
                ProblemKind::UploadIncomplete,
                format!(
                    "{} bytes arrived of {}: announce the file again",
                    source.size_bytes, upload.size_bytes
                ),
            ));
        }
        let arrived = self.table.arrived(&upload.id, now()).await?;
        if arrived.is_none_or(|video| video.status == VideoStatus::Deleting) {
            return Err(Problem::new(
                ProblemKind::UploadState,
                "the video of this upload was deleted: announce the file again",
            ));
        }
        let message = Message {
            video: video.clone(),
            task: Task::Ingest,
        };
        // The S3 event asks for the same; whichever comes first does it.
        self.queue.send(Lane::Interactive, &[message]).await?;
        Ok(UploadStatus::Completed)
    }

    /// Whether S3, which knows no parts of this upload, has lost them: it gives up by itself what takes too long
    /// ([`ABORT_MULTIPART_AFTER_DAYS`](streamforge_aws::resources::ABORT_MULTIPART_AFTER_DAYS)). So have we, of a video that was deleted.
    /// While S3 may be joining them nobody can tell; the reconciler opens an upload again of which nothing comes.
    pub(crate) async fn is_lost(&self, upload: &Upload) -> Result<bool, Problem> {
        if upload.status == UploadStatus::Completing
            || upload.s3_upload_id.is_none()
            || self.uploads.source(&upload.video).await?.is_some()
        {
            return Ok(false);
        }
        // Asked last: the file of a video that is further may have come, and gone again.
        let video = self.table.video(&upload.video).await?;
        Ok(video.is_none_or(|video| {
            matches!(video.status, VideoStatus::Uploading | VideoStatus::Deleting)
        }))
    }

    /// Changes the status, where it can become that. Returns what it is then.
    async fn set_status(
        &self,
        upload: &Upload,
        status: UploadStatus,
    ) -> Result<UploadStatus, Problem> {
        let now = now();
        let due = Some(now.after(QUEUED_CHECK));
        let stored = self
            .table
            .update_upload(&upload.id, |upload| {
                upload.status = status;
                // Not while its parts are joined.
                upload.expires_at = upload.expires_at.max(now.after(JOINING));
                upload.origin = origin::current();
                Ok::<_, AwsError>(Change::Write { due })
            })
            .await?;
        Ok(stored.map_or(UploadStatus::Aborted, |upload| upload.status))
    }

    /// Ends an upload and its video: that first, because removing it is seen through whatever happens here.
    pub(crate) async fn give_up(&self, upload: &Upload) -> Result<(), Problem> {
        self.delete_video(&upload.video).await?;
        self.table
            .update_upload(&upload.id, |upload| {
                upload.status = UploadStatus::Aborted;
                Ok::<_, AwsError>(Change::Write { due: None })
            })
            .await?;
        if let Some(s3_upload_id) = &upload.s3_upload_id {
            self.uploads
                .abort_multipart(&upload.video, s3_upload_id)
                .await?;
        }
        Ok(())
    }
}
