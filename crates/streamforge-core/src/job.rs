//! The work on one video: which message asks for it, how often it is tried, and how far it is.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::VideoId;
use crate::plan::{Job, Plan};
use crate::time::Timestamp;

mod progress;

pub use progress::{FailingJob, Progress, RungProgress};

/// Tries of a task before it is given up.
pub const MAX_ATTEMPTS: u32 = 3;

/// How long a worker may be silent before its job is taken for dead.
pub const LEASE: Duration = Duration::from_mins(1);

/// How often a worker renews its lease and asks whether its video is still wanted.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// After this, nobody works any more on a video that does not want it, as far as a clock can tell.
pub const UNTIL_ALL_STOPPED: Duration = Duration::from_mins(2);

/// A queued video that nobody has looked at by then is asked for again.
pub const QUEUED_CHECK: Duration = Duration::from_secs(30);

/// A video on which nobody has worked for so long has lost its messages.
pub const STALLED: Duration = Duration::from_mins(5);

/// A video up to this long is encoded ahead of the long ones.
const SHORT_VIDEO: Duration = Duration::from_mins(2);

/// What one message asks for. It may come twice, late or out of order.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Message {
    /// The video.
    pub video: VideoId,
    /// What to do with it.
    pub task: Task,
}

/// The kinds of work.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Look at the file and plan it.
    Ingest,
    /// Encode one chunk.
    Encode(Job),
    /// Write what the finished chunks allow: somebody who should have is gone.
    Publish,
    /// Look for a better poster than one that shows nothing.
    Poster,
    /// Remove a deleted video.
    Remove,
}

impl Task {
    /// Tries before it is given up; none for what has to be done in the end, however often it fails.
    pub const fn max_attempts(self) -> Option<u32> {
        match self {
            Self::Ingest | Self::Encode(_) | Self::Poster => Some(MAX_ATTEMPTS),
            Self::Publish | Self::Remove => None,
        }
    }
}

impl fmt::Display for Task {
    /// The job, `video-00003`, or what else is done.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingest => f.write_str("ingest"),
            Self::Encode(job) => fmt::Display::fmt(job, f),
            Self::Publish => f.write_str("publish"),
            Self::Poster => f.write_str("poster"),
            Self::Remove => f.write_str("remove"),
        }
    }
}

/// The queue a task waits in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Lane {
    /// What somebody waits for: the first seconds of every video, and all of short ones.
    Interactive,
    /// The rest.
    Bulk,
}

/// The lane of a job.
pub fn lane(plan: &Plan, job: Job) -> Lane {
    let is_first = matches!(job, Job::Video(0) | Job::Audio(0));
    if is_first || plan.duration() <= SHORT_VIDEO {
        Lane::Interactive
    } else {
        Lane::Bulk
    }
}

/// How long to wait after failed attempt number `attempt` (from 1).
pub fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(5) * 4_u32.saturating_pow(attempt.saturating_sub(1).min(4))
}

/// Where one task of a video is.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskState {
    /// Times it was begun since its video was last retried.
    pub attempts: u32,
    /// Who works on it, and until when that is believed.
    pub lease: Option<Lease>,
    /// Whether it is done; of a job, whether its record is stored.
    pub done: bool,
    /// When somebody last worked on it.
    pub touched_at: Timestamp,
    /// How the last attempt failed.
    pub error: Option<String>,
}

/// A worker's claim on a job.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// The worker: another one for each attempt.
    pub holder: String,
    /// When the claim ends unless it is renewed.
    pub until: Timestamp,
}

/// What a worker that was asked for a job is to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// Do it, as this attempt (from 1).
    Attempt(u32),
    /// Nothing: it is done.
    Done,
    /// Nothing now: somebody else does it, for so long at least.
    Taken(Duration),
    /// Nothing: every attempt failed.
    Exhausted,
}

impl TaskState {
    /// What `holder` is to do when it is asked for `task` at `now`; if it is to do it, the task is leased to it.
    pub fn start(&mut self, task: Task, holder: &str, now: Timestamp) -> Start {
        if self.done {
            return Start::Done;
        }
        if let Some(lease) = self.lease.as_ref().filter(|lease| lease.until > now) {
            // It may have been told before, and the answer was lost.
            if lease.holder == holder {
                return Start::Attempt(self.attempts);
            }
            return Start::Taken(lease.until.since(now));
        }
        if task.max_attempts().is_some_and(|max| self.attempts >= max) {
            return Start::Exhausted;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.touched_at = now;
        self.lease = Some(Lease::new(holder, now));
        Start::Attempt(self.attempts)
    }

    /// Ends the lease of `holder`; `false` when it has none (any more).
    pub fn release(&mut self, holder: &str) -> bool {
        let ours = self.lease.take_if(|lease| lease.holder == holder);
        ours.is_some()
    }

    /// Renews the lease of `holder`; `false` when it has none (any more).
    pub fn renew(&mut self, holder: &str, now: Timestamp) -> bool {
        let ours = self.lease.as_mut().filter(|lease| lease.holder == holder);
        let Some(lease) = ours else { return false };
        *lease = Lease::new(holder, now);
        self.touched_at = now;
        true
    }
}

impl Lease {
    fn new(holder: &str, now: Timestamp) -> Self {
        Self {
            holder: holder.to_owned(),
            until: now.after(LEASE),
        }
    }
}

/// Who may write a video's playlists, and whether there is something new to write.
///
/// Finished jobs count `wanted` up and whoever holds the lease publishes until it has seen the last of them: hundreds of jobs may
/// finish at once, and one writer is enough.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PublishState {
    /// Counts what happened that playlists should tell.
    pub wanted: u64,
    /// The value of `wanted` that the playlists tell of.
    pub published: u64,
    /// The writer.
    pub lease: Option<Lease>,
}

impl PublishState {
    /// Makes `holder` the writer, of what is wanted by now.
    ///
    /// # Errors
    /// Somebody else is, for so long at least.
    pub fn claim(&mut self, holder: &str, now: Timestamp) -> Result<u64, Duration> {
        let others = self.lease.as_ref().filter(|lease| lease.holder != holder);
        if let Some(lease) = others.filter(|lease| lease.until > now) {
            return Err(lease.until.since(now));
        }
        self.lease = Some(Lease::new(holder, now));
        Ok(self.wanted)
    }

    /// `holder` has written what was wanted at `written`. What is wanted by now, when that is more and `holder` is still the writer;
    /// otherwise its lease ends.
    pub fn written(&mut self, holder: &str, written: u64, now: Timestamp) -> Option<u64> {
        self.lease.as_ref().filter(|lease| lease.holder == holder)?;
        self.published = self.published.max(written);
        let more = (self.wanted > written).then_some(self.wanted);
        self.lease = more.map(|_| Lease::new(holder, now));
        more
    }

    /// `holder` could not write: who comes next need not wait for its lease to end.
    pub fn release(&mut self, holder: &str) {
        self.lease.take_if(|lease| lease.holder == holder);
    }
}

/// The hot part of a running job.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct JobProgress {
    /// Frames encoded.
    pub frames: u64,
    /// Segments stored of each rung.
    pub segments: Vec<u32>,
}

#[cfg(test)]
mod tests;
