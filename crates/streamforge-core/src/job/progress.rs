//! How far a video is, and when it will be done.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{JobProgress, STALLED, TaskState};
use crate::plan::{Job, Plan};
use crate::time::Timestamp;

/// Finished jobs that tell how fast the work goes: enough that each of many workers has a few of them, and few enough that the end of
/// a video that is slow to encode is not guessed from its beginning.
const PACE_JOBS: usize = 32;

/// Jobs whose failures are told.
const TOLD_FAILURES: usize = 20;

/// How far a video is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 100; 100 only when every job is done.
    pub percent: f64,
    /// Jobs done and jobs in all.
    pub jobs: (u32, u32),
    /// Each rung, largest first.
    pub rungs: Vec<RungProgress>,
    /// Seconds until the pictures are done, if the work goes on as it went lately; none until there is something to go by.
    pub eta_secs: Option<u64>,
    /// Jobs whose last attempt failed, in the order of the stream; at most 20.
    pub failing: Vec<FailingJob>,
}

/// How far one rung is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct RungProgress {
    /// `720p`.
    pub name: String,
    /// Segments encoded.
    pub segments_done: u32,
    /// Segments in all, as planned.
    pub segments: u32,
}

/// A job whose last attempt failed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FailingJob {
    /// The job.
    pub job: Job,
    /// Attempts so far; there are [`MAX_ATTEMPTS`](super::MAX_ATTEMPTS).
    pub attempts: u32,
    /// How the last one failed.
    pub error: String,
}

impl Progress {
    /// The progress of a plan at `now`, from its jobs' states and what the running ones last said.
    pub fn new(
        plan: &Plan,
        jobs: &BTreeMap<Job, TaskState>,
        running: &BTreeMap<Job, JobProgress>,
        now: Timestamp,
    ) -> Self {
        let all = plan.jobs();
        let is_done = |job: &Job| jobs.get(job).is_some_and(|state| state.done);
        let done = all.iter().filter(|job| is_done(job)).count();

        let mut frames = 0;
        let mut pace = Pace::default();
        let mut segments_done = vec![0; plan.rungs.len()];
        let mut segments = 0;
        for chunk in &plan.chunks {
            segments += chunk.segments;
            let job = Job::Video(chunk.index);
            let (start, end) = plan.frame_range(*chunk);
            let whole = end.unwrap_or(plan.frames).saturating_sub(start);
            if let Some(state) = jobs.get(&job).filter(|state| state.done) {
                frames += whole;
                pace.done.push((state.touched_at, whole));
                for rung in &mut segments_done {
                    *rung += chunk.segments;
                }
            } else if let Some(progress) = running.get(&job) {
                let so_far = progress.frames.min(whole);
                frames += so_far;
                pace.begun += so_far;
                for (rung, made) in segments_done.iter_mut().zip(&progress.segments) {
                    *rung += *made.min(&chunk.segments);
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a share, for people")]
        let percent = if done == all.len() {
            100.0
        } else {
            // A video whose pictures are done may still lack sound.
            (100.0 * frames as f64 / plan.frames.max(1) as f64).min(99.0)
        };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let failing = all.iter().filter_map(|job| {
            let state = jobs.get(job).filter(|state| !state.done)?;
            Some(FailingJob {
                job: *job,
                attempts: state.attempts,
                error: state.error.clone()?,
            })
        });
        Self {
            percent,
            jobs: (count(done), count(all.len())),
            rungs: plan
                .rungs
                .iter()
                .zip(segments_done)
                .map(|(rung, segments_done)| RungProgress {
                    name: rung.name.clone(),
                    segments_done,
                    segments,
                })
                .collect(),
            eta_secs: pace.secs_for(plan.frames.saturating_sub(frames), now),
            failing: failing.take(TOLD_FAILURES).collect(),
        }
    }
}

/// What is known of how fast the frames of a video come.
#[derive(Default)]
struct Pace {
    /// When each finished job ended, and its frames.
    done: Vec<(Timestamp, u64)>,
    /// Frames of the jobs that run.
    begun: u64,
}

impl Pace {
    /// Seconds that `frames` more take, by what was done since the first of the last jobs ended.
    fn secs_for(mut self, frames: u64, now: Timestamp) -> Option<u64> {
        self.done.sort_unstable_by_key(|(ended, _)| *ended);
        let lately = &self.done[self.done.len().saturating_sub(PACE_JOBS)..];
        let ((first, _), since) = lately.split_first()?;
        if frames == 0 || since.is_empty() {
            return None;
        }
        let ends = since.iter().map(|(ended, _)| *ended).chain([now]);
        let mut worked_for = Duration::ZERO;
        let mut before = *first;
        for end in ends {
            // While nothing was running, nothing was slow.
            worked_for += end.since(before).min(STALLED);
            before = end;
        }
        let made = since.iter().map(|(_, frames)| frames).sum::<u64>() + self.begun;
        let millis = worked_for.as_millis() * u128::from(frames) / u128::from(made.max(1));
        u64::try_from(millis / 1000).ok()
    }
}

#[cfg(test)]
mod tests;
