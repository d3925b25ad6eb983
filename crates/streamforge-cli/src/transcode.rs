//! `streamforge transcode`: one file into one package, its chunks encoded side by side.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::StreamExt;
use futures::future::try_join;
use futures::stream::FuturesUnordered;
use indicatif::MultiProgress;
use sha2::{Digest, Sha256};
use streamforge_core::ladder::{EncodingLadder, Rung};
use streamforge_core::layout::ObjectPath;
use streamforge_core::limits::Limits;
use streamforge_core::package::{self, PublishError, Published};
use streamforge_core::plan::{Job, Plan};
use streamforge_core::record::ChunkRecord;
use streamforge_core::refusal::Refusal;
use streamforge_core::settings::{SegmentFormat, Settings};
use streamforge_ffmpeg::byte_source::{ByteSource, FileSource};
use streamforge_ffmpeg::engine::{Engine, Finished, Output, Programs};
use streamforge_ffmpeg::error::FfmpegError;
use streamforge_ffmpeg::guard::ChildLimits;
use tokio::sync::mpsc;

use crate::exit::{INTERRUPTED, REFUSED, WRONG_USE};
use crate::interrupt::interrupted;
use crate::package_dir::{Fingerprint, PackageDir};
use crate::report::{self, Console};

mod reporter;

use self::reporter::{Event, Reporter};

/// Shown under `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  streamforge transcode film.mov -o out/film
  streamforge transcode talk.mkv -o out/talk --rungs 720p,360p --jobs 4
  streamforge transcode film.mov -o out/film --json | jq -c .

The stream plays from its first seconds on while the rest is being encoded:
open out/film/master.m3u8 with any HLS player. Stopped half-way, the same
command does only what is missing.

A ladder file, with all of its keys (sizes are those of the short side, bit
rates in bit/s, presets those of x264; \"crf\": 0 is lossless):
  {
    \"rungs\": [
      { \"short_side\": 720, \"crf\": 21, \"maxrate\": 2500000 },
      { \"short_side\": 480, \"crf\": 22, \"maxrate\": 1400000 }
    ],
    \"preset\": \"veryfast\",
    \"audio_bitrate\": 128000
  }

Exit code: 0 done, 1 failed, 2 wrong use, 3 the file cannot become a stream,
130 interrupted.";

/// What one FFmpeg may use here. Nobody else waits for this machine, and a chunk of 4K at a slow preset takes long; one that hangs is
/// noticed by its silence.
const CHILD_LIMITS: ChildLimits = ChildLimits {
    memory_bytes: 4 << 30,
    cpu: Duration::from_hours(100),
    wall: Duration::from_hours(24),
    silence: Duration::from_mins(2),
};

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(200);

/// A job takes up to a gigabyte: on a large machine, more are for the user to ask for.
const MOST_DEFAULT_JOBS: usize = 16;

/// Pieces of output that may wait for the disk, for each job.
const OUTPUTS_WAITING: usize = 2;

/// Niceness of every job but those on which the first second of playback waits.
const NOT_URGENT: i32 = 10;

/// Bytes at each end of the source that its fingerprint covers.
const FINGERPRINT_BYTES: u64 = 1 << 20;

/// Arguments of `streamforge transcode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The video file; its content decides what it is, not its name
    file: PathBuf,
    /// Folder for the stream; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Sizes to encode, of 2160p, 1440p, 1080p, 720p and 360p; never larger than the source
    #[arg(long, value_name = "SIZE,…", value_delimiter = ',', default_values = ["1080p", "720p", "360p"], value_parser = parse_rung)]
    rungs: Vec<Rung>,
    /// JSON file with a whole encoding ladder, instead of --rungs; see below
    #[arg(long, value_name = "FILE", conflicts_with = "rungs")]
    ladder: Option<PathBuf>,
    /// Length of a segment in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=10))]
    segment_secs: u64,
    /// Container of the segments
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Cmaf)]
    segment_format: Format,
    /// Chunks to encode at a time [default: half the processors, at least 2]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: Option<u32>,
    /// Print events to standard output, one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// Fragmented MP4, for HLS and DASH
    Cmaf,
    /// MPEG-2 transport stream, for old HLS players
    Mpegts,
}

fn parse_rung(name: &str) -> Result<Rung, String> {
    let size = name
        .trim()
        .strip_suffix('p')
        .and_then(|size| size.parse().ok());
    size.and_then(Rung::standard).ok_or_else(|| {
        "known are 2160p, 1440p, 1080p, 720p and 360p; for others use --ladder".to_owned()
    })
}

/// How a transcode that did not go through ended.
enum Failure {
    Refused(Refusal),
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(err: E) -> Self {
        let err = err.into();
        if let Some(refusal) = err.downcast_ref::<Refusal>() {
            return Self::Refused(refusal.clone());
        }
        if let Some(FfmpegError::Refused(refusal)) = err.downcast_ref() {
            return Self::Refused(refusal.clone());
        }
        if let Some(hole @ PublishError::Hole { .. }) = err.downcast_ref() {
            return Self::Refused(Refusal::Malformed {
                why: hole.to_string(),
            });
        }
        if let Some(differs @ PublishError::InitDiffers { .. }) = err.downcast_ref() {
            return Self::Other(anyhow!("{differs}: begin anew in another folder"));
        }
        Self::Other(err)
    }
}

/// Runs the command to its exit code.
pub(crate) async fn run(args: Args, bars: MultiProgress) -> ExitCode {
    let interrupted = interrupted();
    let settings = match args.settings() {
        Ok(settings) => settings,
        Err(err) => {
            report::error(&format!("{err:#}"));
            return ExitCode::from(WRONG_USE);
        }
    };
    let mut reporter = Reporter::new(Console::new(args.json, bars));
    let outcome = tokio::select! {
        outcome = transcode(&args, settings, &mut reporter) => Some(outcome),
        () = interrupted => None,
    };
    // Whatever still ran was killed when its future was dropped.
    reporter.done();
    match outcome {
        None => {
            report::error("interrupted; the same command goes on where this one stopped");
            ExitCode::from(INTERRUPTED)
        }
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(Failure::Refused(refusal))) => {
            let message = refusal.to_string();
            reporter.event(&Event::Refused {
                code: refusal.code(),
                message: message.clone(),
            });
            report::error(&format!("{}: {message}", args.file.display()));
            ExitCode::from(REFUSED)
        }
        Some(Err(Failure::Other(err))) => {
            reporter.event(&Event::Failed {
                message: format!("{err:#}"),
            });
            report::error(&format!("{err:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn transcode(
    args: &Args,
    settings: Settings,
    reporter: &mut Reporter,
) -> Result<(), Failure> {
    let name = args.file.display();
    if name.to_string().contains("://") && !args.file.exists() {
        return Err(anyhow!("{name}: is a URL, not a file: download it first").into());
    }
    let source = FileSource::open(&args.file).map_err(anyhow::Error::new)?;
    let source: Arc<dyn ByteSource> = Arc::new(source);
    let limits = Limits::default();
    let engine = Engine::open(
        Arc::clone(&source),
        Programs::default(),
        &limits,
        CHILD_LIMITS,
    )
    .await?;
    let fingerprint = fingerprint(&*source).await.map_err(FfmpegError::Source)?;

    let mut dir = PackageDir::open(&args.output)?;
    let plan = if let Some(plan) = dir.plan(&fingerprint, &settings)? {
        plan
    } else {
        let plan = Plan::new(engine.probe().await?, settings, &limits)?;
        dir.begin(&fingerprint, &plan)?;
        plan
    };
    let records = dir.records(&plan)?;
    let jobs = args.jobs.map_or_else(default_jobs, |jobs| jobs as usize);
    Transcode {
        engine: &engine,
        plan: &plan,
        dir: Arc::new(dir),
        records,
        reporter,
        progress: Progress::default(),
        playable: false,
    }
    .run(jobs)
    .await?;
    Ok(())
}

/// FFmpeg's encoders use several threads each, so half as many jobs as processors keep all of them busy.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(2, |processors| {
        (processors.get() / 2).clamp(2, MOST_DEFAULT_JOBS)
    })
}

async fn fingerprint(source: &dyn ByteSource) -> std::io::Result<Fingerprint> {
    let size_bytes = source.size();
    let piece = size_bytes.min(FINGERPRINT_BYTES);
    let len = usize::try_from(piece).expect("a megabyte fits");
    let mut hash = Sha256::new();
    hash.update(source.read(0, len).await?);
    hash.update(source.read(size_bytes - piece, len).await?);
    let sha256 = format!("{:x}", hash.finalize());
    Ok(Fingerprint { size_bytes, sha256 })
}

impl Args {
    fn settings(&self) -> anyhow::Result<Settings> {
        let ladder = match &self.ladder {
            None => EncodingLadder {
                rungs: self.rungs.clone(),
                ..EncodingLadder::default()
            },
            Some(file) => {
                let text = std::fs::read(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                serde_json::from_slice(&text)
                    .with_context(|| format!("{} is no encoding ladder", file.display()))?
            }
        };
        ladder.validate()?;
        Ok(Settings {
            ladder,
            segment: Duration::from_secs(self.segment_secs),
            segment_format: match self.segment_format {
                Format::Cmaf => SegmentFormat::Cmaf,
                Format::Mpegts => SegmentFormat::MpegTs,
            },
            ..Settings::default()
        })
    }
}

/// Frames that each running job has encoded.
type Progress = Arc<Mutex<BTreeMap<Job, u64>>>;

/// One run: what is done, and what is told.
struct Transcode<'a> {
    engine: &'a Engine,
    plan: &'a Plan,
    dir: Arc<PackageDir>,
    records: BTreeMap<Job, ChunkRecord>,
    reporter: &'a mut Reporter,
    progress: Progress,
    /// Whether the stream can be played from its start, and everyone knows.
    playable: bool,
}

impl Transcode<'_> {
    async fn run(mut self, at_once: usize) -> anyhow::Result<()> {
        let jobs = self.plan.jobs();
        let mut missing: Vec<Job> = jobs
            .into_iter()
            .filter(|job| !self.records.contains_key(job))
            .rev()
            .collect();
        let jobs_run = missing.len();
        self.reporter
            .planned(self.plan, self.frames_done(), self.records.len());
        let mut published = self.publish()?;

        let mut urgent_done = 0;
        let mut running = FuturesUnordered::new();
        let mut tick = tokio::time::interval(TICK);
        loop {
            while let Some(&job) = missing.last() {
                // Until the stream can be played, the place of a job that playback waited for stays empty: the processors are for the other one.
                let reserved = if self.playable || is_urgent(job) {
                    0
                } else {
                    urgent_done.min(at_once - 1)
                };
                if running.len() + reserved >= at_once {
                    break;
                }
                missing.pop();
                let inits = self.inits_in_use(job);
                let (engine, plan, dir) = (self.engine, self.plan, Arc::clone(&self.dir));
                let progress = Arc::clone(&self.progress);
                running.push(async move {
                    let nice = if is_urgent(job) { 0 } else { NOT_URGENT };
                    let finished = run_job(engine, plan, job, nice, &dir, &progress, &inits).await;
                    finished
                        .map(|finished| (job, finished))
                        .with_context(|| format!("{} failed", name(job)))
                });
            }
            let done = tokio::select! {
                done = running.next() => done,
                _ = tick.tick() => {
                    let frames = self.frames_done() + lock(&self.progress).values().sum::<u64>();
                    self.reporter.progress(frames, self.records.len());
                    continue;
                }
            };
            let Some((job, finished)) = done.transpose()? else {
                break;
            };
            urgent_done += usize::from(is_urgent(job));
            self.dir.note(job, &finished.record)?;
            lock(&self.progress).remove(&job);
            self.reporter.event(&Event::JobDone {
                job,
                segments: finished.record.segments(),
                source_bytes: finished.source_bytes,
                elapsed_secs: self.reporter.elapsed(),
            });
            self.records.insert(job, finished.record);
            published = self.publish()?;
        }
        drop(running);
        anyhow::ensure!(
            published.complete && self.playable,
            "the jobs are done but nothing can be played: remove the folder and try again"
        );
        self.poster().await?;

        let elapsed_secs = self.reporter.elapsed();
        let playlist = self.playlist();
        self.reporter.done();
        #[expect(clippy::cast_precision_loss, reason = "a number of frames, for people")]
        let secs = |frames: u64| frames as f64 / self.plan.grid.rate.as_f64();
        let length = secs(published.frames);
        let missing = self.plan.frames.saturating_sub(published.frames);
        if missing > u64::from(self.plan.grid.frames_per_segment) {
            let (from, lost) = (secs(published.frames), secs(missing));
            self.reporter.say(&format!("warning: the source is damaged: nothing could be decoded from {from:.1} s on, {lost:.1} s are lost"));
        }
        let how = if jobs_run == 0 {
            "was all there".to_owned()
        } else {
            format!("took {elapsed_secs:.1} s")
        };
        self.reporter
            .say(&format!("done: {playlist} ({length:.1} s of video, {how})"));
        self.reporter.event(&Event::Finished {
            playlist,
            elapsed_secs,
            jobs_run,
            frames: published.frames,
            frames_missing: missing,
        });
        Ok(())
    }

    /// Writes what the finished jobs allow, and says so once it can be played.
    fn publish(&mut self) -> anyhow::Result<Published> {
        let published = package::publish(self.plan, &self.records)?;
        self.dir.publish(&published)?;
        if !self.playable && !published.texts.is_empty() {
            self.playable = true;
            let playlist = self.playlist();
            if !published.complete {
                self.reporter.say(&format!("plays from now on: {playlist}"));
            }
            self.reporter.event(&Event::Playable {
                playlist,
                elapsed_secs: self.reporter.elapsed(),
            });
        }
        Ok(published)
    }

    /// SHA-256 of the init segment of each track of `job`, as far as a finished chunk goes by one.
    fn inits_in_use(&self, job: Job) -> Vec<Option<String>> {
        let is_alike = |done: &&Job| matches!(done, Job::Video(_)) == matches!(job, Job::Video(_));
        let done = self.records.keys().find(is_alike);
        let tracks = done.map_or(&[][..], |done| &self.records[done].tracks);
        tracks
            .iter()
            .map(|track| track.init_sha256.clone())
            .collect()
    }

    fn frames_done(&self) -> u64 {
        let video = self
            .records
            .iter()
            .filter(|(job, _)| matches!(job, Job::Video(_)));
        video.map(|(_, record)| record.samples()).sum()
    }

    fn playlist(&self) -> String {
        self.dir
            .path(&ObjectPath::MultivariantPlaylist.to_string())
            .display()
            .to_string()
    }

    /// Makes a poster when the first seconds gave none, or a blank one. A stream without a poster is still a stream.
    async fn poster(&self) -> anyhow::Result<()> {
        let path = ObjectPath::Poster.to_string();
        if self.dir.has(&path) {
            return Ok(());
        }
        let found = match self.engine.find_poster(self.plan, 0).await {
            Ok(found) => found.map(Vec::from),
            Err(err) => {
                self.reporter
                    .say(&format!("warning: no poster could be made: {err}"));
                None
            }
        };
        if let Some(bytes) = found.or_else(|| self.dir.blank_poster()) {
            self.dir.write(&path, &bytes)?;
        }
        Ok(())
    }
}

/// Runs one job and writes what it gives out. `inits` are the SHA-256 of the init segments that finished chunks of its tracks go by.
async fn run_job(
    engine: &Engine,
    plan: &Plan,
    job: Job,
    nice: i32,
    dir: &Arc<PackageDir>,
    progress: &Progress,
    inits: &[Option<String>],
) -> anyhow::Result<Finished> {
    let tracks = plan.tracks(job);
    let (out, mut outputs) = mpsc::channel(OUTPUTS_WAITING);
    let encode = async move {
        engine
            .run(plan, job, nice, &out)
            .await
            .map_err(anyhow::Error::new)
    };
    let store = async {
        while let Some(output) = outputs.recv().await {
            let (path, bytes) = match output {
                Output::Frames(frames) => {
                    lock(progress).insert(job, frames);
                    continue;
                }
                Output::Poster { bytes, blank: true } => {
                    dir.keep_blank_poster(&bytes)?;
                    continue;
                }
                Output::Poster {
                    bytes,
                    blank: false,
                } => (ObjectPath::Poster.to_string(), bytes),
                Output::StoryboardSheet(bytes) => {
                    let (Job::Video(index) | Job::Audio(index)) = job;
                    (ObjectPath::StoryboardSheet(index).to_string(), bytes)
                }
                Output::Init { track, bytes } => {
                    let in_use = inits.get(track).and_then(Option::as_deref);
                    dir.write_init(tracks[track], &bytes, in_use)?;
                    continue;
                }
                Output::Segment {
                    track,
                    segment,
                    bytes,
                } => {
                    let path = ObjectPath::MediaSegment(tracks[track], segment, plan.format());
                    (path.to_string(), bytes)
                }
            };
            let dir = Arc::clone(dir);
            tokio::task::spawn_blocking(move || dir.write(&path, &bytes)).await??;
        }
        Ok(())
    };
    let (finished, ()) = try_join(encode, store).await?;
    Ok(finished)
}

/// Whether playback cannot start without it.
fn is_urgent(job: Job) -> bool {
    matches!(job, Job::Video(0) | Job::Audio(0))
}

fn name(job: Job) -> String {
    match job {
        Job::Video(index) => format!("encoding video chunk {index}"),
        Job::Audio(index) => format!("encoding audio chunk {index}"),
    }
}

fn lock(progress: &Progress) -> std::sync::MutexGuard<'_, BTreeMap<Job, u64>> {
    progress.lock().expect("no holder panics")
}
