//! FFmpeg and one source: probes it, and runs the jobs of its plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{OptionFuture, join, try_join, try_join_all};
use streamforge_core::acceptance::{Expected, Made, Verdict, judge};
use streamforge_core::limits::Limits;
use streamforge_core::plan::{Attempt, Chunk, Job, Plan};
use streamforge_core::record::{ChunkRecord, TrackRecord};
use streamforge_core::refusal::Refusal;
use streamforge_core::source::{Container, SourceProfile};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc::Sender;

use self::pipes::{PIPE_READ_BYTES, PipeJob, read_pictures};
use crate::argv::{self, AudioLead, Command, Pipe};
use crate::byte_source::ByteSource;
use crate::error::{FfmpegError, last_line};
use crate::guard::{Activity, ChildLimits, GuardedCommand};
use crate::input;
use crate::movie_header::claimed_duration_us;
use crate::probe::{self, Intervals, Packets, Streams};
use crate::sniff::{HEAD_BYTES, Sniffed, sniff};
use crate::source_server::{SourceServer, Ticket};

mod pipes;

/// Longest list of streams that is looked at.
const MAX_STREAM_LIST_BYTES: usize = 4 << 20;

/// A job of the 1080p ladder keeps 0.65 GB resident with nine threads in each encoder, and allocates 1.4 GiB.
const MAX_ENCODER_THREADS: usize = 9;

/// The programs that are run.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `ffmpeg`, by name or path.
    pub ffmpeg: PathBuf,
    /// `ffprobe`, by name or path.
    pub ffprobe: PathBuf,
}

impl Default for Programs {
    fn default() -> Self {
        Self {
            ffmpeg: "ffmpeg".into(),
            ffprobe: "ffprobe".into(),
        }
    }
}

impl Programs {
    /// Makes sure that both can be run. Returns the version of FFmpeg as it names it itself: `5.1.9-0+deb12u1`.
    ///
    /// # Errors
    /// [`FfmpegError`]: one of them is not there, or does not run to its end.
    pub async fn version(&self) -> Result<String, FfmpegError> {
        let ffprobe = version(&self.ffprobe, "ffprobe");
        let (_, ffmpeg) = try_join(ffprobe, version(&self.ffmpeg, "ffmpeg")).await?;
        Ok(ffmpeg)
    }
}

async fn version(program: &Path, name: &'static str) -> Result<String, FfmpegError> {
    let command = GuardedCommand {
        program: program.to_owned(),
        args: vec!["-version".into()],
        pipes: 0,
        limits: ChildLimits::default(),
        nice: 0,
        source_port: None,
    };
    let mut child = command.spawn().await?;
    let mut stdout = child.stdout.take().expect("it was just started");
    let mut said = Vec::new();
    let (exit, read) = join(child.wait(), stdout.read_to_end(&mut said)).await;
    let exit = exit?;
    read.map_err(FfmpegError::Pipe)?;
    if !exit.status.success() {
        return Err(FfmpegError::Failed {
            program: name,
            status: exit.status,
            stderr: exit.stderr,
        });
    }
    // `ffmpeg version 5.1.9-0+deb12u1 Copyright …`
    let said = String::from_utf8_lossy(&said);
    let version = said.split_whitespace().nth(2);
    Ok(version.unwrap_or("of no version").to_owned())
}

/// What a job gives out while it runs. It is final only when the job has succeeded: a retried job gives the same pieces again, and
/// the later ones count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// The init segment of a track.
    Init {
        /// The track's place in the chunk's record.
        track: usize,
        /// The whole object.
        bytes: Bytes,
    },
    /// A media segment.
    Segment {
        /// The track's place in the chunk's record.
        track: usize,
        /// Its index in the stream.
        segment: u32,
        /// The whole object.
        bytes: Bytes,
    },
    /// The storyboard sheet of the chunk: a JPEG.
    StoryboardSheet(Bytes),
    /// The poster, from the chunk with 2 s: a JPEG.
    Poster {
        /// The whole object.
        bytes: Bytes,
        /// Whether it shows nothing, so that [`Engine::find_poster`] is worth a try.
        blank: bool,
    },
    /// Frames of the chunk encoded so far.
    Frames(u64),
}

/// A job that succeeded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finished {
    /// What it made.
    pub record: ChunkRecord,
    /// Bytes it read from the source.
    pub source_bytes: u64,
}

/// One source, opened: the loopback server that alone shows it to FFmpeg, and the format its bytes are in.
pub struct Engine {
    source: Arc<dyn ByteSource>,
    server: SourceServer,
    container: Container,
    programs: Programs,
    limits: ChildLimits,
    /// Largest picture that FFmpeg may decode: a stream may change its size half-way.
    max_pixels: u64,
}

impl Engine {
    /// Looks at the first bytes of `source` and starts to serve it.
    ///
    /// # Errors
    /// - [`FfmpegError::Refused`]: empty, too large, or no video file.
    /// - [`FfmpegError::Source`]: it cannot be read or served.
    pub async fn open(
        source: Arc<dyn ByteSource>,
        programs: Programs,
        limits: &Limits,
        child_limits: ChildLimits,
    ) -> Result<Self, FfmpegError> {
        let size = source.size();
        limits.admit_size(size)?;
        let head = usize::try_from(size).unwrap_or(usize::MAX).min(HEAD_BYTES);
        let head = source.read(0, head).await.map_err(FfmpegError::Source)?;
        let container = match sniff(&head) {
            Sniffed::Video(container) => Ok(container),
            Sniffed::Audio => Err(Refusal::NoVideoTrack {
                has: "only audio".to_owned(),
            }),
            Sniffed::NotVideo { what } => Err(Refusal::NotVideo {
                what: what.to_owned(),
            }),
        }?;
        let server = SourceServer::start(Arc::clone(&source))
            .await
            .map_err(FfmpegError::Source)?;
        Ok(Self {
            source,
            server,
            container,
            programs,
            limits: child_limits,
            max_pixels: limits.max_pixels,
        })
    }

    /// What the source is.
    ///
    /// # Errors
    /// - [`FfmpegError::Refused`]: it cannot become a stream.
    /// - others: it could not be found out.
    pub async fn probe(&self) -> Result<SourceProfile, FfmpegError> {
        // Where the source tells its length itself, both questions are asked at once.
        let guess = match self.container {
            Container::Mov => claimed_duration_us(&*self.source).await,
            _ => None,
        };
        let guess = guess.map(Intervals::guess);
        let guessed = OptionFuture::from(guess.map(|guess| self.packets(Some(guess))));
        let (streams, guessed) = join(self.streams(), guessed).await;
        let streams = streams?;
        let wanted = streams.both_ends();
        let mut packets = match (guess, guessed) {
            (Some(guess), Some(Ok(packets))) if guess.serve(wanted) => packets,
            _ => self.packets(Some(wanted)).await?,
        };
        if streams.must_be_read_whole(&packets) {
            packets = self.packets(None).await?;
        }
        let size = self.source.size();
        Ok(probe::interpret(self.container, size, &streams, &packets)?)
    }

    /// The list of streams.
    async fn streams(&self) -> Result<Streams, FfmpegError> {
        let mut json = Vec::new();
        self.ffprobe(probe::STREAM_ARGS, None, |bytes| {
            if json.len() < MAX_STREAM_LIST_BYTES {
                json.extend_from_slice(bytes);
            }
        })
        .await?;
        serde_json::from_slice(&json).map_err(|_| {
            let why = "its tracks cannot be listed".to_owned();
            Refusal::Malformed { why }.into()
        })
    }

    /// The packets in `intervals`, or all.
    async fn packets(&self, intervals: Option<Intervals>) -> Result<Packets, FfmpegError> {
        let mut packets = Packets::new(matches!(intervals, None | Some(Intervals::Whole)));
        let intervals = intervals.map(Intervals::argument);
        self.ffprobe(probe::PACKET_ARGS, intervals.as_deref(), |bytes| {
            packets.push(bytes);
        })
        .await?;
        Ok(packets)
    }

    /// Asks ffprobe; what it says goes to `take`.
    async fn ffprobe(
        &self,
        args: &str,
        intervals: Option<&str>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), FfmpegError> {
        let ticket = self.server.open().map_err(FfmpegError::Source)?;
        let mut all: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        if let Some(intervals) = intervals {
            all.extend(["-read_intervals".to_owned(), intervals.to_owned()]);
        }
        all.extend(["-o".to_owned(), "pipe:3".to_owned()]);
        all.extend(input::args(self.container, &ticket.url()));
        let read = async |mut pipes: Vec<Receiver>, activity: Activity| {
            let mut buffer = vec![0; PIPE_READ_BYTES];
            loop {
                match pipes[0]
                    .read(&mut buffer)
                    .await
                    .map_err(FfmpegError::Pipe)?
                {
                    0 => return Ok(()),
                    n => take(&buffer[..n]),
                }
                activity.touch();
            }
        };
        match self
            .spawn(&self.programs.ffprobe, all, 1, 0, &ticket, read)
            .await
        {
            // It exits with 1 on what it cannot open: that is an answer about the file. Whatever else ends it is not.
            Err(FfmpegError::Failed { status, stderr, .. }) if status.code() == Some(1) => {
                Err(Refusal::Malformed {
                    why: last_line(&stderr),
                }
                .into())
            }
            other => other,
        }
    }

    /// How FFmpeg opens the source for a job.
    fn input(&self, ticket: &Ticket) -> Vec<String> {
        let mut args = vec!["-max_pixels".to_owned(), self.max_pixels.to_string()];
        args.extend(input::args(self.container, &ticket.url()));
        args
    }

    /// Runs one job: its segments go to `out` as they come, `nice` is its scheduling priority (0 the usual, 19 the last).
    ///
    /// A video job whose pictures fall short is tried again, decoding from further back. The record says what there is then: a
    /// chunk at the real end of the source may be short or empty.
    ///
    /// # Errors
    /// - [`FfmpegError::Refused`]: the first chunk has no picture at all.
    /// - [`FfmpegError::Cancelled`]: nobody takes the output.
    /// - others: every attempt failed; this is how the last one did.
    ///
    /// # Panics
    /// When the plan has no such job.
    pub async fn run(
        &self,
        plan: &Plan,
        job: Job,
        nice: i32,
        out: &Sender<Output>,
    ) -> Result<Finished, FfmpegError> {
        match job {
            Job::Video(index) => {
                self.video(plan, plan.chunks[index as usize], nice, out)
                    .await
            }
            Job::Audio(index) => {
                let audio = plan
                    .audio
                    .as_ref()
                    .expect("only a plan with audio has audio jobs");
                self.audio(plan, audio.chunks[index as usize], nice, out)
                    .await
            }
        }
    }

    async fn video(
        &self,
        plan: &Plan,
        chunk: Chunk,
        nice: i32,
        out: &Sender<Output>,
    ) -> Result<Finished, FfmpegError> {
        let (start, end) = plan.frame_range(chunk);
        let expected = Expected {
            grid: plan.grid.track(),
            first_segment: chunk.first_segment,
            samples: end.unwrap_or(plan.frames).saturating_sub(start).max(1),
            open: end.is_none(),
        };
        let mut outcome = Err(FfmpegError::Cancelled);
        let mut previous: Option<u64> = None;
        for attempt in plan.attempts() {
            // What two attempts agree on is not the seek's fault; what is missing at the end of the source is not missing.
            let agreed =
                matches!(&outcome, Ok(short) if previous == Some(Finished::samples(short)));
            if (agreed && !attempt.fill) || (attempt.fill && plan.is_last(chunk)) {
                continue;
            }
            previous = outcome.as_ref().ok().map(Finished::samples);
            match self
                .attempt(plan, chunk, attempt, &expected, nice, out)
                .await
            {
                Ok((finished, Verdict::Complete)) => return Ok(finished),
                Ok((finished, Verdict::Short { missing })) => {
                    tracing::info!(
                        chunk = chunk.index,
                        missing,
                        ?attempt,
                        "chunk {} is short",
                        chunk.index
                    );
                    outcome = Ok(finished);
                }
                Ok((_, Verdict::OffGrid { segment })) => {
                    outcome = Err(FfmpegError::Output(format!(
                        "segment {segment} is not on the frame grid"
                    )));
                }
                Err(err) if !err.is_retryable() => return Err(err),
                Err(err) => {
                    tracing::warn!(chunk = chunk.index, error = %err, ffmpeg.exit_code = err.exit_code(), ?attempt, "chunk {} failed: {err}", chunk.index);
                    outcome = Err(err);
                }
            }
        }
        let finished = outcome?;
        if chunk.index == 0 && finished.samples() == 0 {
            return Err(Refusal::Malformed {
                why: "none of its pictures can be decoded".to_owned(),
            }
            .into());
        }
        Ok(finished)
    }

    async fn attempt(
        &self,
        plan: &Plan,
        chunk: Chunk,
        attempt: Attempt,
        expected: &Expected,
        nice: i32,
        out: &Sender<Output>,
    ) -> Result<(Finished, Verdict), FfmpegError> {
        let ticket = self.server.open().map_err(FfmpegError::Source)?;
        let input = self.input(&ticket);
        let command = argv::video_chunk(plan, chunk, attempt, encoder_threads(), &input);
        let tracks = self
            .encode(plan, command, expected, nice, &ticket, out)
            .await?;
        Ok(judged(tracks, expected, &ticket))
    }

    async fn audio(
        &self,
        plan: &Plan,
        chunk: Chunk,
        nice: i32,
        out: &Sender<Output>,
    ) -> Result<Finished, FfmpegError> {
        let audio = plan
            .audio
            .as_ref()
            .expect("only a plan with audio has audio jobs");
        let expected = Expected {
            grid: audio.grid,
            first_segment: chunk.first_segment,
            samples: audio.packet_range(chunk).1,
            open: false,
        };
        let mut outcome = Err(FfmpegError::Cancelled);
        for lead in [AudioLead::Near, AudioLead::Start] {
            let ticket = self.server.open().map_err(FfmpegError::Source)?;
            let input = self.input(&ticket);
            let command = argv::audio_chunk(plan, chunk, lead, &input);
            let tracks = self
                .encode(plan, command, &expected, nice, &ticket, out)
                .await;
            outcome = match tracks.map(|tracks| judged(tracks, &expected, &ticket)) {
                Ok((finished, Verdict::Complete)) => return Ok(finished),
                Ok((finished, _)) if chunk.index == 0 && finished.samples() == 0 => {
                    let why = "none of its sound can be decoded".to_owned();
                    Err(Refusal::Malformed { why }.into())
                }
                Ok((finished, _)) => Err(FfmpegError::Output(format!(
                    "{} packets of sound instead of {}",
                    finished.samples(),
                    expected.samples
                ))),
                Err(err) if !err.is_retryable() => return Err(err),
                Err(err) => Err(err),
            };
        }
        outcome
    }

    /// Runs one command and reads all its pipes at once: a pipe that nobody reads blocks FFmpeg.
    async fn encode(
        &self,
        plan: &Plan,
        command: Command,
        expected: &Expected,
        nice: i32,
        ticket: &Ticket,
        out: &Sender<Output>,
    ) -> Result<Vec<(Vec<Made>, TrackRecord)>, FfmpegError> {
        let kinds = command.pipes.clone();
        let mut tracks = Vec::new();
        let read = async |pipes: Vec<Receiver>, activity: Activity| {
            let readers = kinds.iter().zip(pipes).map(|(kind, pipe)| {
                let job = PipeJob {
                    pipe,
                    activity: activity.clone(),
                    out,
                };
                async move {
                    match kind {
                        Pipe::Progress => job.progress().await.map(|()| None),
                        Pipe::Track(place) => job.track(*place, plan, expected).await.map(Some),
                        Pipe::Storyboard => job.storyboard().await.map(|()| None),
                        Pipe::Poster => job.poster(plan).await.map(|()| None),
                    }
                }
            });
            tracks = try_join_all(readers).await?;
            Ok(())
        };
        self.spawn(
            &self.programs.ffmpeg,
            command.args,
            kinds.len(),
            nice,
            ticket,
            read,
        )
        .await?;
        Ok(tracks.into_iter().flatten().collect())
    }

    /// Looks for a better poster in the first minute; `None` when there is none.
    ///
    /// # Errors
    /// FFmpeg could not be run, or failed.
    pub async fn find_poster(&self, plan: &Plan, nice: i32) -> Result<Option<Bytes>, FfmpegError> {
        let ticket = self.server.open().map_err(FfmpegError::Source)?;
        let command = argv::poster_search(plan, &self.input(&ticket));
        let mut pictures = Vec::new();
        let pipes = command.pipes.len();
        let read = async |pipes: Vec<Receiver>, activity: Activity| {
            let Ok([mut progress, stills]) = <[Receiver; 2]>::try_from(pipes) else {
                return Err(FfmpegError::Output("no pictures".to_owned()));
            };
            let drain = async {
                let mut buffer = [0; 1024];
                while progress
                    .read(&mut buffer)
                    .await
                    .map_err(FfmpegError::Pipe)?
                    > 0
                {}
                Ok(())
            };
            (pictures, ()) = try_join(read_pictures(stills, &activity), drain).await?;
            Ok(())
        };
        self.spawn(
            &self.programs.ffmpeg,
            command.args,
            pipes,
            nice,
            &ticket,
            read,
        )
        .await?;
        Ok(pictures.into_iter().max_by_key(Bytes::len))
    }

    /// Runs a program under guard while `read` takes what comes out of its pipes. Both must end well.
    async fn spawn<F>(
        &self,
        program: &PathBuf,
        args: Vec<String>,
        pipes: usize,
        nice: i32,
        ticket: &Ticket,
        read: F,
    ) -> Result<(), FfmpegError>
    where
        F: AsyncFnOnce(Vec<Receiver>, Activity) -> Result<(), FfmpegError>,
    {
        let command = GuardedCommand {
            program: program.clone(),
            args: args.into_iter().map(Into::into).collect(),
            pipes,
            limits: self.limits.clone(),
            nice,
            source_port: Some(ticket.port()),
        };
        let mut child = command.spawn().await?;
        let activity = child.activity();
        ticket.keep_alive(activity.clone());
        let pipes = std::mem::take(&mut child.pipes);
        let (exit, read) = join(child.wait(), read(pipes, activity)).await;
        let (exit, read) = match (exit, read) {
            (_, Err(FfmpegError::Cancelled)) => return Err(FfmpegError::Cancelled),
            (Err(guard), _) => return Err(guard.into()),
            (Ok(exit), read) => (exit, read),
        };
        if let Some(err) = ticket.source_error() {
            return Err(FfmpegError::Source(std::io::Error::new(
                err.kind(),
                err.to_string(),
            )));
        }
        match read {
            read if exit.status.success() => return read,
            // We closed the pipes on what we could not use, which ends FFmpeg too: our reason is the cause. But when a segment is cut
            // short, FFmpeg's end was, and its words tell why.
            Err(read) if !matches!(read, FfmpegError::CutShort { .. }) => return Err(read),
            _ => {}
        }
        let program = if *program == self.programs.ffprobe {
            "ffprobe"
        } else {
            "ffmpeg"
        };
        Err(FfmpegError::Failed {
            program,
            status: exit.status,
            stderr: exit.stderr,
        })
    }
}

impl Finished {
    fn samples(&self) -> u64 {
        self.record.samples()
    }
}

/// Threads for each encoder: as many as x264 would take, but on a large machine no more than keep the memory of a job within its
/// limit. There, more jobs at once use the rest.
fn encoder_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| {
        (processors.get() * 3 / 2).min(MAX_ENCODER_THREADS)
    })
}

/// One verdict on all tracks of a job: the worst.
fn judged(
    tracks: Vec<(Vec<Made>, TrackRecord)>,
    expected: &Expected,
    ticket: &Ticket,
) -> (Finished, Verdict) {
    let worst = tracks
        .iter()
        .map(|(made, _)| judge(expected, made))
        .max_by_key(|verdict| match verdict {
            Verdict::Complete => 0,
            Verdict::Short { missing } => 1 + missing,
            Verdict::OffGrid { .. } => u64::MAX,
        });
    let record = ChunkRecord {
        tracks: tracks.into_iter().map(|(_, record)| record).collect(),
    };
    let verdict = match worst {
        // Every rung is made of the same frames; if one has fewer, something else went wrong.
        Some(Verdict::Short { .. })
            if record
                .tracks
                .iter()
                .any(|track| track.samples() != record.samples()) =>
        {
            Verdict::OffGrid {
                segment: expected.first_segment,
            }
        }
        Some(verdict) => verdict,
        None => Verdict::Short {
            missing: expected.samples,
        },
    };
    (
        Finished {
            record,
            source_bytes: ticket.bytes_read(),
        },
        verdict,
    )
}
