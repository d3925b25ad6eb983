//! A better poster than one that shows nothing.

use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::video_table::Change;
use streamforge_core::id::VideoId;
use streamforge_core::video::VideoStatus;

use crate::Worker;
use crate::error::WorkerError;

/// It is in no hurry.
const NICE: i32 = 15;

impl Worker {
    /// Looks through the source for a picture that shows something. When there is none, the blank one stays.
    pub(crate) async fn find_poster(&self, id: &VideoId) -> Result<(), WorkerError> {
        let plan = self.table.plan(id).await?.ok_or(WorkerError::Abandoned)?;
        if let Some(engine) = self.open(id).await?
            && let Some(poster) = engine.find_poster(&plan, NICE).await?
        {
            self.media.put_poster(id, poster, false).await?;
        }
        Ok(self.has_poster(id).await?)
    }

    /// Remembers that the poster is as good as it gets.
    pub(crate) async fn has_poster(&self, id: &VideoId) -> Result<(), AwsError> {
        let now = now();
        self.table
            .update_video(id, now, |video| {
                if video.status != VideoStatus::Ready {
                    return Ok::<_, AwsError>(Change::Keep);
                }
                video.has_poster = true;
                let due = self.source_due(video);
                Ok(Change::Write { due })
            })
            .await?;
        Ok(())
    }
}
