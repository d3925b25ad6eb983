//! What all tasks have in common: a lease that is renewed while somebody works, an end when nobody wants the result, retries with
//! growing pauses, and a reason that a person can read when they run out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::origin;
use streamforge_aws::video_table::Change;
use streamforge_core::id::VideoId;
use streamforge_core::job::{
    HEARTBEAT, JobProgress, LEASE, MAX_ATTEMPTS, Message, Start, Task, TaskState,
    UNTIL_ALL_STOPPED, backoff,
};
use streamforge_core::origin::Origin;
use streamforge_core::plan::Job;
use streamforge_core::time::Timestamp;
use streamforge_core::video::{Failure, Video, VideoStatus};
use tokio::time::timeout;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::error::{WorkerError, code};
use crate::{Worker, measure};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is handled: delete it.
    Handled,
    /// It has to come again after this long.
    Again(Duration),
    /// Its attempts are used up: it belongs to the dead letters.
    Dead,
}

impl Outcome {
    /// The word that is counted and logged.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Again(_) => "again",
            Self::Dead => "dead",
        }
    }
}

/// How far the task is, from who does it to who tells of it.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<JobProgress>>);

impl Progress {
    /// Changes what will be told.
    pub fn update(&self, change: impl FnOnce(&mut JobProgress)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn get(&self) -> JobProgress {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A task that is being done.
struct Held<'a> {
    id: &'a VideoId,
    task: Task,
    holder: &'a str,
    progress: &'a Progress,
    /// The progress that is stored.
    told: JobProgress,
    /// From when on its lease lasts.
    renewed_at: (Instant, Timestamp),
}

impl Held<'_> {
    /// Leases end by the clock on the wall, which goes on while a machine sleeps; it may also be set back.
    fn since_renewed(&self) -> Duration {
        let (instant, timestamp) = self.renewed_at;
        instant.elapsed().max(now().since(timestamp))
    }
}

impl Worker {
    /// Does what `message` asks for. `holder` names this attempt and no other one; `keep` is called again and again while the work
    /// goes on, to keep the message from others.
    ///
    /// # Errors
    /// AWS does not answer, so that nothing could be recorded: the message should come again.
    pub async fn handle<Kept: Future<Output = ()> + Send>(
        &self,
        message: &Message,
        holder: &str,
        keep: impl Fn() -> Kept + Send + Sync,
    ) -> Result<Outcome, AwsError> {
        let Message { video, task } = message;
        let Origin {
            request_id,
            trace_id,
        } = origin::current();
        let span = tracing::info_span!(
            "job.run",
            request.id = request_id,
            trace.id = trace_id,
            video.id = %video,
            job.id = %task,
            job.attempt = Empty,
        );
        let doing = async {
            let begun = Instant::now();
            let done = Box::pin(self.begin(message, holder, keep)).await;
            match &done {
                Ok(outcome) => {
                    let outcome = outcome.as_str();
                    let duration_ms =
                        u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    measure::job(outcome);
                    tracing::info!(duration_ms, outcome, "{task} of video {video}: {outcome}");
                }
                Err(err) => {
                    measure::job(measure::UNAVAILABLE);
                    measure::error(code(err));
                }
            }
            done
        };
        doing.instrument(span).await
    }

    async fn begin<Kept: Future<Output = ()> + Send>(
        &self,
        message: &Message,
        holder: &str,
        keep: impl Fn() -> Kept + Send + Sync,
    ) -> Result<Outcome, AwsError> {
        let Message { video: id, task } = message;
        let Some(video) = self.table.video(id).await? else {
            if *task == Task::Ingest {
                // Sent by an URL that was signed before the video was deleted.
                self.uploads.delete_source(id).await?;
            }
            return Ok(Outcome::Handled);
        };
        if !is_wanted(video.status, *task) {
            if *task == Task::Ingest && !video.has_source {
                // Its file was done with, and has been sent once more.
                self.uploads.delete_source(id).await?;
            }
            return Ok(Outcome::Handled);
        }
        let start = self
            .table
            .update_task(id, *task, |state| {
                Ok::<_, AwsError>(state.start(*task, holder, now()))
            })
            .await?;
        match start {
            Start::Done => {
                if matches!(task, Task::Encode(_)) {
                    // Who did it may have died before it told anybody.
                    let published = self.publish_and_keep(id, holder, &keep).await;
                    return self.finish(id, *task, holder, published).await;
                }
                Ok(Outcome::Handled)
            }
            Start::Taken(wait) => Ok(Outcome::Again(wait)),
            Start::Exhausted => {
                let reason = "it was tried several times and never came to an end";
                measure::error("exhausted");
                self.give_up(id, *task, reason).await?;
                Ok(Outcome::Dead)
            }
            Start::Attempt(attempt) => {
                tracing::Span::current().record("job.attempt", attempt);
                let progress = Progress::default();
                let mut worked = tokio::select! {
                    worked = self.work(&video, *task, holder, &progress) => worked,
                    err = self.heartbeat(id, *task, holder, &progress, &keep) => Err(err),
                };
                if matches!((&worked, task), (Ok(()), Task::Encode(_))) {
                    worked = match self.publish_and_keep(id, holder, &keep).await {
                        // Whoever is at it sees our job too.
                        Err(WorkerError::Taken(_)) => Ok(()),
                        published => published,
                    };
                }
                self.finish(id, *task, holder, worked).await
            }
        }
    }

    /// Publishes what a job that is done and leased to nobody has made, while its video is not deleted, and keeps its message from others
    /// for so long.
    async fn publish_and_keep<Kept: Future<Output = ()> + Send>(
        &self,
        id: &VideoId,
        holder: &str,
        keep: impl Fn() -> Kept + Send + Sync,
    ) -> Result<(), WorkerError> {
        let keeping = async {
            let mut kept_at = now();
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                match self.table.video(id).await {
                    Ok(Some(video)) if video.status != VideoStatus::Deleting => {}
                    Ok(_) => return WorkerError::Abandoned,
                    Err(err) => tracing::warn!(video.id = %id, error = %err, "no heartbeat: {err}"),
                }
                if now().since(kept_at) >= LEASE / 3 {
                    keep().await;
                    kept_at = now();
                }
            }
        };
        tokio::select! {
            published = self.publish(id, holder) => published,
            err = keeping => Err(err),
        }
    }

    async fn work(
        &self,
        video: &Video,
        task: Task,
        holder: &str,
        progress: &Progress,
    ) -> Result<(), WorkerError> {
        match task {
            Task::Ingest => self.ingest(video).await?,
            Task::Encode(job) => self.encode(&video.id, job, progress).await?,
            Task::Poster => self.find_poster(&video.id).await?,
            Task::Remove => self.remove(video).await?,
            Task::Publish => self.publish(&video.id, holder).await?,
        }
        // These come again by themselves.
        let done = !matches!(task, Task::Publish | Task::Remove);
        self.table
            .update_task(&video.id, task, |state| {
                state.lease = None;
                state.error = None;
                state.done = done;
                if !done {
                    state.attempts = 0;
                }
                state.touched_at = now();
                Ok::<_, AwsError>(())
            })
            .await?;
        if let Task::Encode(job) = task {
            self.table.forget_progress(&video.id, job).await?;
            self.table.want_publish(&video.id).await?;
        }
        Ok(())
    }

    /// Renews the lease and asks whether the result is still wanted, until it is not.
    async fn heartbeat<Kept: Future<Output = ()> + Send>(
        &self,
        id: &VideoId,
        task: Task,
        holder: &str,
        progress: &Progress,
        keep: impl Fn() -> Kept + Send + Sync,
    ) -> WorkerError {
        let mut held = Held {
            id,
            task,
            holder,
            progress,
            told: JobProgress::default(),
            renewed_at: (Instant::now(), now()),
        };
        loop {
            let left = LEASE.saturating_sub(held.since_renewed());
            let beat = async {
                tokio::time::sleep(HEARTBEAT).await;
                self.beat(&mut held, &keep).await
            };
            match timeout(left, beat).await {
                Ok(Ok(())) => {}
                Ok(Err(err)) => return err,
                // Who cannot reach the table would otherwise go on beside whoever has the job by then.
                Err(_) => {
                    tracing::warn!(video.id = %id, "{task} is given up: its lease could not be renewed in time");
                    return WorkerError::Taken(LEASE);
                }
            }
        }
    }

    /// One look at whether the result is still wanted, which also tells how far the work is and renews the lease when it is time to. What
    /// fails is made up for by the next.
    async fn beat<Kept: Future<Output = ()> + Send>(
        &self,
        held: &mut Held<'_>,
        keep: impl Fn() -> Kept + Send + Sync,
    ) -> Result<(), WorkerError> {
        let Held {
            id, task, holder, ..
        } = *held;
        match self.table.video(id).await {
            Ok(Some(video)) if is_wanted(video.status, task) => {}
            Ok(_) => return Err(WorkerError::Abandoned),
            Err(err) => tracing::warn!(video.id = %id, error = %err, "no heartbeat: {err}"),
        }
        let so_far = held.progress.get();
        if let Task::Encode(job) = task
            && so_far != held.told
        {
            if let Err(err) = self.table.put_progress(id, job, &so_far, now()).await {
                tracing::warn!(video.id = %id, error = %err, "progress was not stored: {err}");
            }
            held.told = so_far;
        }
        if held.since_renewed() < LEASE / 3 {
            return Ok(());
        }
        // From when it is asked on: the answer may come late.
        let asked_at = (Instant::now(), now());
        let renewed = self.table.update_task(id, task, |state| {
            Ok::<_, AwsError>(state.renew(holder, now()))
        });
        match renewed.await {
            Ok(true) => held.renewed_at = asked_at,
            // Somebody else has it; or it was done this moment, and is to be published by whom the message reaches next.
            Ok(false) => return Err(WorkerError::Taken(LEASE)),
            Err(err) => tracing::warn!(video.id = %id, error = %err, "no heartbeat: {err}"),
        }
        // A message that comes to others meanwhile is no harm, a queue that hangs no reason to stop.
        let _ = timeout(LEASE / 3, keep()).await;
        Ok(())
    }

    /// Records how a task ended.
    async fn finish(
        &self,
        id: &VideoId,
        task: Task,
        holder: &str,
        worked: Result<(), WorkerError>,
    ) -> Result<Outcome, AwsError> {
        let err = match worked {
            Ok(()) => return Ok(Outcome::Handled),
            Err(WorkerError::Abandoned) => {
                self.let_go(id, task, holder).await?;
                return Ok(Outcome::Handled);
            }
            Err(WorkerError::Taken(wait)) => {
                self.let_go(id, task, holder).await?;
                return Ok(Outcome::Again(wait));
            }
            Err(err) => err,
        };
        measure::error(err.code());
        if let Some(failure) = err.permanent() {
            tracing::info!(video.id = %id, "the video cannot become a stream: {err}");
            self.fail(id, &failure).await?;
            return Ok(Outcome::Handled);
        }
        tracing::warn!(video.id = %id, error = %err, ffmpeg.exit_code = err.exit_code(), "{task} failed: {err}");
        let reason = err.to_string();
        if self.table.video(id).await?.is_none() {
            // Nothing is left of it, nor must there be anything again.
            return Ok(Outcome::Handled);
        }
        let state = self
            .table
            .update_task(id, task, |state: &mut TaskState| {
                state.release(holder);
                if state.lease.is_some() {
                    // We were too late to renew ours, and how we ended is of no interest.
                    return Ok::<_, AwsError>(None);
                }
                state.error = Some(reason.clone());
                state.touched_at = now();
                Ok(Some((state.done, state.attempts)))
            })
            .await?;
        let Some((done, attempts)) = state else {
            return Ok(Outcome::Again(LEASE));
        };
        if done {
            // Only its publishing failed, which counts as no attempt at it.
            return Ok(Outcome::Again(backoff(1)));
        }
        if task.max_attempts().is_none_or(|max| attempts < max) {
            return Ok(Outcome::Again(backoff(attempts)));
        }
        self.give_up(id, task, &reason).await?;
        Ok(Outcome::Dead)
    }

    /// Frees a task that was begun for nothing, unless somebody else has it.
    pub(crate) async fn let_go(
        &self,
        id: &VideoId,
        task: Task,
        holder: &str,
    ) -> Result<(), AwsError> {
        if self.table.video(id).await?.is_none() {
            return Ok(());
        }
        self.table
            .update_task(id, task, |state| {
                if state.release(holder) {
                    state.attempts = state.attempts.saturating_sub(1);
                }
                Ok::<_, AwsError>(())
            })
            .await
    }

    /// Ends a task whose attempts are used up.
    async fn give_up(&self, id: &VideoId, task: Task, reason: &str) -> Result<(), AwsError> {
        if task == Task::Poster {
            // A video with a blank poster is better than none.
            return self.has_poster(id).await;
        }
        self.fail(id, &exhausted(task, reason)).await
    }

    /// Ends a video that cannot become a stream. The file of one that never can is removed at once; what was made of it when nobody
    /// can be writing for it any more.
    ///
    /// # Errors
    /// AWS did not answer.
    pub(crate) async fn fail(&self, id: &VideoId, failure: &Failure) -> Result<(), AwsError> {
        let now = now();
        let kept = if failure.retryable {
            self.retention.failed_source.max(UNTIL_ALL_STOPPED)
        } else {
            UNTIL_ALL_STOPPED
        };
        let video = self
            .table
            .update_video(id, now, |video| {
                // What failed for good has its reason, and its file is gone: whoever misses that tells nothing new.
                let failed_for_good = video
                    .failure
                    .as_ref()
                    .is_some_and(|failure| !failure.retryable);
                if failed_for_good
                    || matches!(video.status, VideoStatus::Ready | VideoStatus::Deleting)
                {
                    return Ok::<_, AwsError>(Change::Keep);
                }
                // The file of one that is uploading is there, though its upload has not been told yet: whose event came first.
                let has_source = video.has_source || video.status == VideoStatus::Uploading;
                video.status = VideoStatus::Failed;
                video.failure = Some(failure.clone());
                video.has_source = has_source && failure.retryable;
                Ok(Change::Write {
                    due: Some(now.after(kept)),
                })
            })
            .await?;
        let failed = video.is_some_and(|video| video.status == VideoStatus::Failed);
        if failed && !failure.retryable {
            self.uploads.delete_source(id).await?;
        }
        Ok(())
    }
}

/// Whether a video in this status wants this task done.
fn is_wanted(status: VideoStatus, task: Task) -> bool {
    match task {
        // A video is processed as soon as it is planned, even if whoever planned it died before it asked for the jobs.
        Task::Ingest => matches!(
            status,
            VideoStatus::Uploading | VideoStatus::Queued | VideoStatus::Processing
        ),
        Task::Encode(_) | Task::Publish => status == VideoStatus::Processing,
        Task::Poster => status == VideoStatus::Ready,
        Task::Remove => status == VideoStatus::Deleting,
    }
}

fn exhausted(task: Task, reason: &str) -> Failure {
    let what = match task {
        Task::Ingest => "the file could not be looked at".to_owned(),
        Task::Encode(Job::Video(index)) => {
            format!("video chunk {index} could not be encoded")
        }
        Task::Encode(Job::Audio(index)) => {
            format!("audio chunk {index} could not be encoded")
        }
        Task::Publish | Task::Poster | Task::Remove => "it could not be finished".to_owned(),
    };
    Failure {
        code: Failure::ENCODING_FAILED.to_owned(),
        message: format!("{what} in {MAX_ATTEMPTS} attempts: {reason}"),
        retryable: true,
    }
}
