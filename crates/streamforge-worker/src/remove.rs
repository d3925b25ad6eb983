//! A deleted video leaves nothing behind.

use streamforge_aws::clock::now;
use streamforge_core::job::UNTIL_ALL_STOPPED;
use streamforge_core::video::Video;

use crate::Worker;
use crate::error::WorkerError;

impl Worker {
    /// Removes the objects of a deleted video. Its records go when nobody can be writing for it any more; until then the record
    /// says that it is deleted, so that whoever still works on it stops.
    pub(crate) async fn remove(&self, video: &Video) -> Result<(), WorkerError> {
        if let Some(upload) = self.table.upload(&video.upload).await?
            && let Some(s3_upload_id) = &upload.s3_upload_id
        {
            self.uploads
                .abort_multipart(&video.id, s3_upload_id)
                .await?;
        }
        self.uploads.delete_source(&video.id).await?;
        self.media.delete_all(&video.id).await?;
        if now().since(video.updated_at) > UNTIL_ALL_STOPPED {
            self.table.purge(&video.id).await?;
            return Err(WorkerError::Abandoned);
        }
        Ok(())
    }
}
