//! Nothing is ever stuck: what is due is looked after, whatever was lost.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use streamforge_aws::error::AwsError;
use streamforge_aws::origin;
use streamforge_aws::video_table::{Change, Due, VideoWork};
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::{Lane, Message, QUEUED_CHECK, STALLED, Task};
use streamforge_core::time::Timestamp;
use streamforge_core::upload::UploadStatus;
use streamforge_core::video::VideoStatus;

use crate::Worker;

/// Records looked after side by side.
const AT_ONCE: usize = 8;

/// What is known of the world.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Since {
    /// It goes on as it was.
    Running,
    /// This is the only worker and it has just started: leases are of the dead, and queues are empty.
    Restart,
}

impl Worker {
    /// Looks after everything that is due at `now`. Returns how many records that were.
    ///
    /// # Errors
    /// AWS did not answer; the next round goes on.
    pub async fn reconcile(&self, since: Since, now: Timestamp) -> Result<usize, AwsError> {
        let by = match since {
            Since::Running => now,
            Since::Restart => Timestamp::MAX,
        };
        let due = self.table.due(by).await?;
        stream::iter(&due)
            .for_each_concurrent(AT_ONCE, |record| async move {
                let looked_after = match record {
                    Due::Upload(id) => self.look_after_upload(id, now).await,
                    Due::Video(id) => self.look_after_video(id, since, now).await,
                };
                if let Err(err) = looked_after {
                    tracing::warn!(?record, error = %err, "could not look after {record:?}: {err}");
                }
            })
            .await;
        Ok(due.len())
    }

    async fn look_after_upload(&self, id: &UploadId, now: Timestamp) -> Result<(), AwsError> {
        let Some(upload) = self.table.upload(id).await? else {
            return Ok(());
        };
        if matches!(
            upload.status,
            UploadStatus::Completed | UploadStatus::Aborted
        ) {
            return Ok(());
        }
        if let Some(source) = self.uploads.source(&upload.video).await?
            && source.size_bytes == upload.size_bytes
        {
            self.table.arrived(id, now).await?;
            let sent = self.send(&upload.video, Lane::Interactive, Task::Ingest);
            return origin::within(upload.origin, sent).await;
        }
        if upload.expires_at > now {
            // Completing it came to nothing: it is open again.
            self.table
                .update_upload(id, |upload| {
                    if upload.status == UploadStatus::Completing {
                        upload.status = UploadStatus::Open;
                    }
                    let due = upload.expires_at.min(now.after(STALLED));
                    Ok::<_, AwsError>(Change::Write { due: Some(due) })
                })
                .await?;
            return Ok(());
        }
        tracing::info!(upload.id = %id, "nobody came back to an upload: it is given up");
        // First the video: removing it is seen through whatever happens here.
        self.table.delete(&upload.video, now).await?;
        self.table
            .update_upload(id, |upload| {
                upload.status = UploadStatus::Aborted;
                Ok::<_, AwsError>(Change::Write { due: None })
            })
            .await?;
        self.send(&upload.video, Lane::Interactive, Task::Remove)
            .await
    }

    async fn look_after_video(
        &self,
        id: &VideoId,
        since: Since,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let Some(video) = self.table.video(id).await? else {
            return Ok(());
        };
        match video.status {
            VideoStatus::Uploading => {}
            VideoStatus::Queued => {
                self.free(id, Task::Ingest, since).await?;
                self.due_again(id, now, 2 * QUEUED_CHECK).await?;
                self.send(id, Lane::Interactive, Task::Ingest).await?;
            }
            VideoStatus::Processing => self.resume(id, since, now).await?,
            VideoStatus::Ready if !video.has_poster => {
                self.free(id, Task::Poster, since).await?;
                self.due_again(id, now, STALLED).await?;
                self.send(id, Lane::Bulk, Task::Poster).await?;
            }
            // After a restart everything is looked at, also what is not due yet.
            VideoStatus::Ready | VideoStatus::Failed if since == Since::Restart => {}
            VideoStatus::Ready => {
                self.uploads.delete_source(id).await?;
                self.table
                    .update_video(id, now, |video| {
                        video.has_source = false;
                        Ok::<_, AwsError>(Change::Write { due: None })
                    })
                    .await?;
            }
            VideoStatus::Failed => {
                self.uploads.delete_source(id).await?;
                self.media.delete_all(id).await?;
                self.table
                    .update_video(id, now, |video| {
                        video.has_source = false;
                        video.playable = false;
                        if let Some(failure) = &mut video.failure {
                            failure.retryable = false;
                        }
                        Ok::<_, AwsError>(Change::Write { due: None })
                    })
                    .await?;
            }
            VideoStatus::Deleting => {
                self.free(id, Task::Remove, since).await?;
                self.send(id, Lane::Interactive, Task::Remove).await?;
            }
        }
        Ok(())
    }

    /// Asks again for what is not done of a video on which nobody works.
    async fn resume(&self, id: &VideoId, since: Since, now: Timestamp) -> Result<(), AwsError> {
        let Some(plan) = self.table.plan(id).await? else {
            return Ok(());
        };
        let VideoWork { jobs, .. } = self.table.work(id).await?;
        self.due_again(id, now, STALLED).await?;
        match since {
            Since::Running => {
                let touched = jobs.values().map(|state| state.touched_at).max();
                if touched.is_some_and(|touched| now.since(touched) < STALLED) {
                    return Ok(());
                }
            }
            Since::Restart => {
                for (job, _) in jobs.iter().filter(|(_, state)| state.lease.is_some()) {
                    self.free(id, Task::Encode(*job), since).await?;
                }
                self.table
                    .update_publish(id, |state| state.lease = None)
                    .await?;
            }
        }
        self.dispatch_missing(id, &plan).await
    }

    /// After a restart, nobody holds a lease. An attempt that a crash of ours ended is not held against the video.
    async fn free(&self, id: &VideoId, task: Task, since: Since) -> Result<(), AwsError> {
        if since == Since::Running {
            return Ok(());
        }
        self.table
            .update_task(id, task, |state| {
                if state.lease.take().is_some() {
                    state.attempts = state.attempts.saturating_sub(1);
                }
                Ok::<_, AwsError>(())
            })
            .await
    }

    /// It has to be looked after again this much later.
    async fn due_again(
        &self,
        id: &VideoId,
        now: Timestamp,
        wait: Duration,
    ) -> Result<(), AwsError> {
        let due = Some(now.after(wait));
        self.table
            .update_video(id, now, |_| Ok::<_, AwsError>(Change::Write { due }))
            .await?;
        Ok(())
    }

    async fn send(&self, id: &VideoId, lane: Lane, task: Task) -> Result<(), AwsError> {
        let message = Message {
            video: id.clone(),
            task,
        };
        self.queue.send(lane, &[message]).await
    }
}
