//! Nothing is ever stuck: what is due is looked after, whatever was lost.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use streamforge_aws::error::AwsError;
use streamforge_aws::origin;
use streamforge_aws::video_table::{Change, Due, VideoWork};
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::{Lane, Message, QUEUED_CHECK, STALLED, Task, UNTIL_ALL_STOPPED};
use streamforge_core::time::Timestamp;
use streamforge_core::upload::{Upload, UploadStatus};
use streamforge_core::video::{Video, VideoStatus};

use crate::Worker;

/// Records looked after side by side.
const AT_ONCE: usize = 8;

/// Whose jobs nobody has begun for long mostly waits for its turn, and its messages with it: they are sent anew ever more seldom, but at
/// least this often.
const ASKED_EVERY: Duration = Duration::from_hours(1);

/// From when on a deleted video can be removed for good: when all have stopped, and the clock has gone on since.
const REMOVABLE_AFTER: Duration = UNTIL_ALL_STOPPED.saturating_add(Duration::from_secs(1));

/// How often jobs have been asked for that nobody has begun for so long: after 5, 10, 20 and 40 minutes, and then every hour.
fn times_asked(waited: Duration) -> u64 {
    let hours = waited.as_secs() / ASKED_EVERY.as_secs();
    let periods = waited.min(ASKED_EVERY).as_secs() / STALLED.as_secs();
    u64::from(periods.checked_ilog2().map_or(0, |log| log + 1)) + hours
}

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
        match upload.status {
            UploadStatus::Open | UploadStatus::Completing => {}
            UploadStatus::Completed => return self.finish_upload(id).await,
            UploadStatus::Aborted => return self.abandon(&upload, now).await,
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
                    if !upload.status.is_unfinished() {
                        return Ok::<_, AwsError>(Change::Keep);
                    }
                    upload.status = UploadStatus::Open;
                    let due = upload.expires_at.min(now.after(STALLED));
                    Ok(Change::Write { due: Some(due) })
                })
                .await?;
            return Ok(());
        }
        let video = self.table.video(&upload.video).await?;
        if video.is_some_and(|video| {
            !matches!(video.status, VideoStatus::Uploading | VideoStatus::Deleting)
        }) {
            // Its file came, and may be gone again; only this record was not told.
            self.table
                .update_upload(id, |upload| {
                    upload.status = UploadStatus::Completed;
                    Ok::<_, AwsError>(Change::Write { due: None })
                })
                .await?;
            return Ok(());
        }
        // First of all nobody can complete it any more; until its video is deleted too, it stays due.
        let given_up = self.table.update_upload(id, |upload| {
            if !upload.status.is_unfinished() || upload.expires_at > now {
                return Ok::<_, AwsError>(Change::Keep);
            }
            upload.status = UploadStatus::Aborted;
            Ok(Change::Amend)
        });
        match given_up.await? {
            Some(upload) if upload.status == UploadStatus::Aborted => {
                tracing::info!(upload.id = %id, "nobody came back to an upload: it is given up");
                self.abandon(&upload, now).await
            }
            // Somebody came back this moment.
            _ => Ok(()),
        }
    }

    /// Deletes the video of an upload that was given up, unless its file came all the same.
    async fn abandon(&self, upload: &Upload, now: Timestamp) -> Result<(), AwsError> {
        let has_no_file = |video: &Video| video.status == VideoStatus::Uploading;
        let video = self.table.delete_if(&upload.video, now, has_no_file);
        let is_deleted = |video: Video| video.status == VideoStatus::Deleting;
        if video.await?.is_some_and(is_deleted) {
            self.send(&upload.video, Lane::Interactive, Task::Remove)
                .await?;
        }
        self.finish_upload(&upload.id).await
    }

    /// Nobody has to look after this upload any more.
    async fn finish_upload(&self, id: &UploadId) -> Result<(), AwsError> {
        self.table
            .update_upload(id, |_| Ok::<_, AwsError>(Change::Write { due: None }))
            .await?;
        Ok(())
    }

    async fn look_after_video(
        &self,
        id: &VideoId,
        since: Since,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let Some((video, due)) = self.table.video_and_due(id).await? else {
            return Ok(());
        };
        if since == Since::Running && due.is_none_or(|due| due > now) {
            // Somebody came before us, and perhaps all is different now.
            return Ok(());
        }
        match video.status {
            VideoStatus::Uploading => {}
            VideoStatus::Queued => {
                self.free(id, Task::Ingest, since).await?;
                if self.due_again(&video, now, 2 * QUEUED_CHECK).await? {
                    self.send(id, Lane::Interactive, Task::Ingest).await?;
                }
            }
            VideoStatus::Processing => self.resume(&video, due, since, now).await?,
            VideoStatus::Ready if !video.has_poster => {
                self.free(id, Task::Poster, since).await?;
                if self.due_again(&video, now, STALLED).await? {
                    self.send(id, Lane::Bulk, Task::Poster).await?;
                }
            }
            // After a restart everything is looked at, also what is not due yet.
            VideoStatus::Ready | VideoStatus::Failed if since == Since::Restart => {}
            VideoStatus::Ready | VideoStatus::Failed => self.clear(&video, now).await?,
            VideoStatus::Deleting => {
                self.free(id, Task::Remove, since).await?;
                self.send(id, Lane::Interactive, Task::Remove).await?;
                // By that it is known when all have stopped: it stays.
                let deleted_at = video.updated_at;
                let removable_at = deleted_at.after(REMOVABLE_AFTER);
                let due = Some(if now < removable_at {
                    removable_at
                } else {
                    now.after(STALLED)
                });
                self.table
                    .update_video(id, deleted_at, |_| Ok::<_, AwsError>(Change::Write { due }))
                    .await?;
            }
        }
        Ok(())
    }

    /// Removes the file of a video that has come to its end, and of one that failed the stream, too. First that is written down: whoever
    /// would try it again, or deletes it, has come before, or comes too late.
    async fn clear(&self, video: &Video, now: Timestamp) -> Result<(), AwsError> {
        let id = &video.id;
        let begun = |video: &mut Video| {
            video.has_source = false;
            if let Some(failure) = &mut video.failure {
                failure.retryable = false;
                video.playable = false;
            }
            Some(now.after(STALLED))
        };
        let Some(begun) = self.update_seen(video, now, begun).await? else {
            return Ok(());
        };
        self.uploads.delete_source(id).await?;
        if begun.status == VideoStatus::Failed {
            self.media.delete_all(id).await?;
        }
        self.update_seen(&begun, now, |_| None).await?;
        Ok(())
    }

    /// Asks again for what is not done of a video on which nobody works.
    async fn resume(
        &self,
        video: &Video,
        due: Option<Timestamp>,
        since: Since,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let id = &video.id;
        let Some(plan) = self.table.plan(id).await? else {
            return Ok(());
        };
        let VideoWork { jobs, .. } = self.table.work(id).await?;
        let touched = jobs.values().map(|state| state.touched_at).max();
        let waits_since = touched.max(video.queued_at).unwrap_or(video.created_at);
        // Clients are told of videos that change, so this one does.
        if !self.due_again(video, now, STALLED).await? {
            return Ok(());
        }
        match since {
            Since::Running => {
                let looked_at = due.unwrap_or(now).before(STALLED);
                if times_asked(now.since(waits_since)) <= times_asked(looked_at.since(waits_since))
                {
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

    /// It has to be looked after again this much later. `false` when it is not as it was seen any more.
    async fn due_again(
        &self,
        seen: &Video,
        now: Timestamp,
        wait: Duration,
    ) -> Result<bool, AwsError> {
        let due = Some(now.after(wait));
        Ok(self.update_seen(seen, now, |_| due).await?.is_some())
    }

    /// Changes a video that is still as it was `seen`, and says when it is due again. None when somebody else has changed it since: what
    /// was decided by what was seen does not hold any more.
    async fn update_seen(
        &self,
        seen: &Video,
        now: Timestamp,
        change: impl Fn(&mut Video) -> Option<Timestamp>,
    ) -> Result<Option<Video>, AwsError> {
        let mut is_same = false;
        let updated = self.table.update_video(&seen.id, now, |video| {
            is_same = video.revision == seen.revision;
            if !is_same {
                return Ok::<_, AwsError>(Change::Keep);
            }
            let due = change(video);
            Ok(Change::Write { due })
        });
        let updated = updated.await?;
        Ok(updated.filter(|_| is_same))
    }

    async fn send(&self, id: &VideoId, lane: Lane, task: Task) -> Result<(), AwsError> {
        let message = Message {
            video: id.clone(),
            task,
        };
        self.queue.send(lane, &[message]).await
    }
}
