//! Finished chunks become playlists; the last one makes the video ready.
//!
//! Hundreds of chunks may finish at once, on as many machines. Each counts up what is wanted, one of them takes the lease, and
//! writes until it has seen the last. Whoever had the lease and does not know that it lost it is stopped by S3: a playlist is only
//! written in the place of the one that was read, and only when it reaches further, or ends as the other one does and knows more.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::media_bucket::{NewText, StoredText};
use streamforge_aws::video_table::Change;
use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, Message, PublishState, STALLED, Task};
use streamforge_core::layout::ObjectPath;
use streamforge_core::objects::{Content, MadeObject, made_by};
use streamforge_core::package::{Published, TextObject, publish};
use streamforge_core::plan::{Job, Plan};
use streamforge_core::record::ChunkRecord;
use streamforge_core::refusal::Refusal;
use streamforge_core::time::Timestamp;
use streamforge_core::video::{Video, VideoStatus};
use streamforge_ffmpeg::error::FfmpegError;

use crate::error::WorkerError;
use crate::{Worker, measure};

/// Tries to write the playlists, and each of them; each failure means that somebody else wrote one.
const WRITE_ATTEMPTS: usize = 10;

impl Worker {
    /// Writes what the finished jobs of a video allow.
    ///
    /// # Errors
    /// [`WorkerError::Taken`]: somebody else is at it, and will see what was wanted before unless it dies. The chunks are not one
    /// stream, or AWS does not answer.
    pub async fn publish(&self, id: &VideoId, holder: &str) -> Result<(), WorkerError> {
        let claim = self
            .table
            .update_publish(id, |state| state.claim(holder, now()));
        let mut wanted = claim.await?.map_err(WorkerError::Taken)?;
        loop {
            if let Err(err) = self.write(id).await {
                let release = |state: &mut PublishState| state.release(holder);
                self.table.update_publish(id, release).await?;
                return Err(err);
            }
            let more = self
                .table
                .update_publish(id, |state| state.written(holder, wanted, now()));
            match more.await? {
                Some(more) => wanted = more,
                None => return Ok(()),
            }
        }
    }

    async fn write(&self, id: &VideoId) -> Result<(), WorkerError> {
        for _ in 0..WRITE_ATTEMPTS {
            if self.write_once(id).await? {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// `false` when it has to be looked anew at what there is to write.
    async fn write_once(&self, id: &VideoId) -> Result<bool, WorkerError> {
        let Some(video) = self.table.video(id).await? else {
            return Ok(true);
        };
        if video.status != VideoStatus::Processing {
            return Ok(true);
        }
        let plan = self.table.plan(id).await?.ok_or(WorkerError::Abandoned)?;
        let records = self.table.records(id).await?;
        let published = publish(&plan, &records)?;
        if published.complete {
            if published.texts.is_empty() {
                let refusal = Refusal::Malformed {
                    why: "none of it can be decoded".to_owned(),
                };
                return Err(FfmpegError::Refused(refusal).into());
            }
            // Before the playlists end: what is made again has another record.
            let lost = lost_jobs(&plan, &records, &self.media.list(id).await?);
            if !lost.is_empty() {
                tracing::warn!(video.id = %id, ?lost, "objects of {} jobs are missing: they are made again", lost.len());
                self.again(id, &plan, &lost).await?;
                return Ok(true);
            }
        }
        for text in &published.texts {
            self.write_text(id, text).await?;
        }
        if !published.texts.is_empty() && !video.playable {
            self.playable(id).await?;
        }
        if published.complete {
            return self.complete(id, &records, &published).await;
        }
        Ok(true)
    }

    /// Writes one text, unless one is there that reaches as far.
    async fn write_text(&self, id: &VideoId, text: &TextObject) -> Result<(), WorkerError> {
        for _ in 0..WRITE_ATTEMPTS {
            let there = self.media.text(id, &text.path).await?;
            let there = there.as_ref();
            if there.is_some_and(|there| there.reach >= text.reach)
                || self.put_text(id, text, there).await?
            {
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn put_text(
        &self,
        id: &VideoId,
        text: &TextObject,
        instead_of: Option<&StoredText>,
    ) -> Result<bool, AwsError> {
        let new = NewText {
            path: &text.path,
            content_type: text.content_type,
            cache_control: text.cache_control,
            reach: text.reach,
            text: &text.text,
        };
        self.media.put_text(id, &new, instead_of).await
    }

    async fn playable(&self, id: &VideoId) -> Result<(), WorkerError> {
        let now = now();
        let mut waited = None;
        self.table
            .update_video(id, now, |video| {
                // It may be asked again.
                waited = None;
                if video.playable || video.status != VideoStatus::Processing {
                    return Ok::<_, AwsError>(Change::Keep);
                }
                video.playable = true;
                waited = video.queued_at.map(|queued| now.since(queued));
                Ok(Change::Amend)
            })
            .await?;
        if let Some(waited) = waited {
            measure::playable(waited);
        }
        Ok(())
    }

    /// Reads everything back, and only then says that the video is ready. `false` when something else was there.
    async fn complete(
        &self,
        id: &VideoId,
        records: &BTreeMap<Job, ChunkRecord>,
        published: &Published,
    ) -> Result<bool, WorkerError> {
        let mut others = Vec::new();
        for text in &published.texts {
            let there = self.media.read(id, &text.path).await?;
            let is_ours = |(_, there): &(StoredText, Bytes)| there == text.text.as_bytes();
            if !there.as_ref().is_some_and(is_ours) {
                others.push((text, there.map(|(stored, _)| stored)));
            }
        }
        if !others.is_empty() {
            // They tell of another attempt at a chunk. Whoever wrote them had read the records before they were read here: if those of
            // now are ours, ours are not the older ones.
            if self.table.records(id).await? == *records {
                for (text, there) in others {
                    self.put_text(id, text, there.as_ref()).await?;
                }
            }
            return Ok(false);
        }
        let poster = ObjectPath::Poster.to_string();
        let poster = self.media.text(id, &poster).await?;
        let has_poster = poster.is_some_and(|poster| poster.reach > 0);
        let now = now();
        self.table
            .update_video(id, now, |video| {
                if video.status != VideoStatus::Processing {
                    // Somebody else has completed it, or ended it.
                    return Ok::<_, AwsError>(Change::Keep);
                }
                video.status = VideoStatus::Ready;
                video.ready_at = Some(now);
                video.has_poster = has_poster;
                let due = if has_poster {
                    self.source_due(video)
                } else {
                    Some(now.after(STALLED))
                };
                Ok(Change::Write { due })
            })
            .await?;
        if !has_poster {
            let message = Message {
                video: id.clone(),
                task: Task::Poster,
            };
            self.queue.send(Lane::Bulk, &[message]).await?;
        }
        Ok(true)
    }

    /// By when the source of a ready video may go, while it is there.
    pub(crate) fn source_due(&self, video: &Video) -> Option<Timestamp> {
        let ready_at = video.ready_at.filter(|_| video.has_source)?;
        Some(ready_at.after(self.retention.ready_source))
    }

    /// Has jobs done again whose objects are lost.
    async fn again(
        &self,
        id: &VideoId,
        plan: &Plan,
        lost: &BTreeSet<Job>,
    ) -> Result<(), WorkerError> {
        for job in lost {
            self.table
                .update_task(id, Task::Encode(*job), |state| {
                    state.done = false;
                    // It did succeed, so what failed before counts no more.
                    state.attempts = 0;
                    Ok::<_, AwsError>(())
                })
                .await?;
        }
        let jobs: Vec<Job> = lost.iter().copied().collect();
        Ok(self.queue.dispatch(id, plan, &jobs).await?)
    }
}

fn contended() -> WorkerError {
    let doing = "writing the playlists";
    AwsError::Contended { doing }.into()
}

/// The jobs whose objects are not all there with the size that was recorded.
fn lost_jobs(
    plan: &Plan,
    records: &BTreeMap<Job, ChunkRecord>,
    there: &BTreeMap<String, u64>,
) -> BTreeSet<Job> {
    let lost = records.iter().filter(|(job, record)| {
        let objects = made_by(plan, **job, record).unwrap_or_default();
        !objects.iter().all(|object| is_there(object, there))
    });
    lost.map(|(job, _)| *job).collect()
}

/// Whether an object is among those that are `there`, with the size that was recorded.
pub(crate) fn is_there(object: &MadeObject<'_>, there: &BTreeMap<String, u64>) -> bool {
    let found = there.get(&object.path.to_string());
    found.is_some_and(|found| match object.content {
        Content::Bytes(bytes) => *found == bytes,
        Content::Sha256(_) | Content::Unknown => true,
    })
}
