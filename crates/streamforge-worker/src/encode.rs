//! A chunk becomes segments: from FFmpeg's pipes through memory into the bucket.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::try_join;
use futures::stream::FuturesUnordered;
use streamforge_core::id::VideoId;
use streamforge_core::layout::ObjectPath;
use streamforge_core::objects::{made_by, mended};
use streamforge_core::plan::{Job, Plan};
use streamforge_ffmpeg::engine::Output;
use streamforge_ffmpeg::error::FfmpegError;
use tokio::sync::mpsc::{self, Receiver};
use tracing::Instrument as _;

use crate::error::WorkerError;
use crate::publish::is_there;
use crate::task::Progress;
use crate::{Worker, measure, sources};

/// Objects of one job that are on their way to the bucket at once.
const STORES_AT_ONCE: usize = 4;

/// Niceness of jobs that nobody waits for.
const NOT_URGENT: i32 = 19;

impl Worker {
    /// Encodes one chunk and stores everything it is made of, its record last.
    ///
    /// When it has a record, playlists may name what it is made of: only what is lost is stored again. Nothing is lost when whoever
    /// encoded it died before it could say so.
    pub(crate) async fn encode(
        &self,
        id: &VideoId,
        job: Job,
        progress: &Progress,
    ) -> Result<(), WorkerError> {
        let plan = self.table.plan(id).await?.ok_or(WorkerError::Abandoned)?;
        if !plan.jobs().contains(&job) {
            return Err(WorkerError::Abandoned);
        }
        let former = self.table.record(id, job).await?;
        let mut kept = Vec::new();
        if let Some(former) = &former {
            let there = self.media.list(id).await?;
            let made = made_by(&plan, job, former).ok_or(WorkerError::Abandoned)?;
            let intact = made.iter().filter(|object| is_there(object, &there));
            kept.extend(intact.map(|object| object.path));
            if kept.len() == made.len() {
                return Ok(());
            }
        }
        let engine = self.open(id).await?.ok_or(WorkerError::SourceGone)?;
        let nice = match job {
            Job::Video(0) | Job::Audio(0) => 0,
            Job::Video(_) | Job::Audio(_) => NOT_URGENT,
        };
        let (out, outputs) = mpsc::channel(1);
        // One process makes every rung.
        let span = tracing::info_span!("rung.encode", rung.name = plan.tracks(job).join(","));
        let encode = async {
            // The receiver ends when the sender is gone.
            let out = out;
            let finished = engine.run(&plan, job, nice, &out).await;
            finished.map_err(WorkerError::from)
        };
        let store = self.store(id, &plan, job, &kept, progress, outputs);
        let (finished, ()) = match try_join(encode.instrument(span), store).await {
            // The engine only noticed that nobody took its output; why, the store said first.
            Err(WorkerError::Ffmpeg(FfmpegError::Cancelled)) => return Err(WorkerError::Abandoned),
            other => other?,
        };
        sources::linger(engine);
        let record = match &former {
            Some(former) => mended(&plan, job, former, finished.record, &kept)?,
            None => finished.record,
        };
        self.table.put_record(id, job, &record).await?;
        if matches!(job, Job::Video(_)) {
            let micros = plan.grid.rate.time_of_us(record.samples());
            measure::encoded(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
        }
        Ok(())
    }

    async fn store(
        &self,
        id: &VideoId,
        plan: &Plan,
        job: Job,
        kept: &[ObjectPath<'_>],
        progress: &Progress,
        mut outputs: Receiver<Output>,
    ) -> Result<(), WorkerError> {
        let (Job::Video(index) | Job::Audio(index)) = job;
        let tracks = plan.tracks(job);
        let mut storing = FuturesUnordered::new();
        let mut under_way: HashSet<ObjectPath<'_>> = HashSet::new();
        while let Some(output) = outputs.recv().await {
            let (path, bytes): (ObjectPath<'_>, Bytes) = match output {
                Output::Frames(frames) => {
                    progress.update(|progress| progress.frames = frames);
                    continue;
                }
                Output::Poster { bytes, blank } => {
                    self.media.put_poster(id, bytes, blank).await?;
                    continue;
                }
                Output::StoryboardSheet(bytes) => (ObjectPath::StoryboardSheet(index), bytes),
                // Every chunk of a track makes the same init segment, or its record tells that it does not. Nothing plays without
                // the first chunk, so that one stores it.
                Output::Init { .. } if index > 0 => continue,
                Output::Init { track, bytes } => (ObjectPath::InitSegment(tracks[track]), bytes),
                Output::Segment {
                    track,
                    segment,
                    bytes,
                } => {
                    progress.update(|progress| {
                        if progress.segments.len() <= track {
                            progress.segments.resize(track + 1, 0);
                        }
                        progress.segments[track] += 1;
                    });
                    let path = ObjectPath::MediaSegment(tracks[track], segment, plan.format());
                    (path, bytes)
                }
            };
            if kept.contains(&path) {
                continue;
            }
            // A second attempt makes the same objects again, and must come after the first one.
            while storing.len() == STORES_AT_ONCE || under_way.contains(&path) {
                let stored: Option<Result<ObjectPath<'_>, WorkerError>> = storing.next().await;
                if let Some(path) = stored.transpose()? {
                    under_way.remove(&path);
                }
            }
            under_way.insert(path);
            storing.push(async move {
                self.media.put(id, &path, bytes).await?;
                Ok(path)
            });
        }
        while let Some(stored) = storing.next().await {
            stored?;
        }
        Ok(())
    }
}
