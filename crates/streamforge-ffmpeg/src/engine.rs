//! FFmpeg and one source: probes it, and runs the jobs of its plan.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{join, try_join, try_join_all};
use streamforge_core::acceptance::{Expected, Made, Verdict, judge};
use streamforge_core::limits::Limits;
use streamforge_core::plan::{Attempt, Chunk, Job, Plan};
use streamforge_core::record::{ChunkRecord, TrackRecord};
use streamforge_core::refusal::Refusal;
use streamforge_core::source::{Container, SourceProfile};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc::Sender;

use crate::argv::{self, AudioLead, Command, Pipe};
use crate::byte_source::ByteSource;
use crate::error::FfmpegError;
use crate::guard::{Activity, ChildLimits, GuardedCommand};
use crate::input;
use crate::jpeg::{JpegSplitter, choose_poster};
use crate::probe::{self, Packets, Streams};
use crate::sniff::{HEAD_BYTES, Sniffed, sniff};
use crate::source_server::{SourceServer, Ticket};
use crate::track::{Part, TrackReader};

/// Longest list of streams that is looked at.
const MAX_STREAM_LIST_BYTES: usize = 4 << 20;

/// A job of the 1080p ladder takes 0.65 GB with nine threads in each encoder.
const MAX_ENCODER_THREADS: usize = 9;

/// How much is read from a pipe at once.
const PIPE_READ_BYTES: usize = 128 << 10;

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
    /// The poster, from the first chunk: a JPEG.
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
        let mut json = Vec::new();
        self.ffprobe(probe::STREAM_ARGS, None, |bytes| {
            if json.len() < MAX_STREAM_LIST_BYTES {
                json.extend_from_slice(bytes);
            }
        })
        .await?;
        let streams: Streams = serde_json::from_slice(&json).map_err(|err| Refusal::Malformed {
            why: format!("its streams cannot be listed: {err}"),
        })?;
        let mut packets = self.packets(Some(&streams.both_ends())).await?;
        if streams.must_be_read_whole(&packets) {
            packets = self.packets(None).await?;
        }
        let size = self.source.size();
        Ok(probe::interpret(self.container, size, &streams, &packets)?)
    }

    /// The packets in `intervals` (as `-read_intervals` takes them), or all.
    async fn packets(&self, intervals: Option<&str>) -> Result<Packets, FfmpegError> {
        let mut packets = Packets::new(intervals.is_none());
        self.ffprobe(probe::PACKET_ARGS, intervals, |bytes| packets.push(bytes))
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
            // ffprobe fails on what it cannot open: that is an answer about the file.
            Err(FfmpegError::Failed { stderr, .. }) => Err(Refusal::Malformed {
                why: last_line(&stderr),
            }
            .into()),
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
                    tracing::warn!(chunk = chunk.index, error = %err, ?attempt, "chunk {} failed: {err}", chunk.index);
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
                Ok((_, verdict)) => Err(FfmpegError::Output(format!("sound that is {verdict:?}"))),
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
        // When reading fails the pipes are closed, and FFmpeg ends by itself: its own words then say more than ours.
        let (exit, read) = join(child.wait(), read(pipes, activity)).await;
        let exit = match (exit, read) {
            (_, Err(FfmpegError::Cancelled)) => return Err(FfmpegError::Cancelled),
            (Err(guard), _) => return Err(guard.into()),
            (Ok(exit), Err(read)) if exit.status.success() => return Err(read),
            (Ok(exit), _) => exit,
        };
        if let Some(err) = ticket.source_error() {
            return Err(FfmpegError::Source(std::io::Error::new(
                err.kind(),
                err.to_string(),
            )));
        }
        if exit.status.success() {
            return Ok(());
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

/// One pipe and where its content goes.
struct PipeJob<'a> {
    pipe: Receiver,
    activity: Activity,
    out: &'a Sender<Output>,
}

impl PipeJob<'_> {
    async fn give(&self, output: Output) -> Result<(), FfmpegError> {
        self.out
            .send(output)
            .await
            .map_err(|_| FfmpegError::Cancelled)
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, FfmpegError> {
        let n = self.pipe.read(buffer).await.map_err(FfmpegError::Pipe)?;
        self.activity.touch();
        Ok(n)
    }

    async fn track(
        mut self,
        track: usize,
        plan: &Plan,
        expected: &Expected,
    ) -> Result<(Vec<Made>, TrackRecord), FfmpegError> {
        let mut reader = TrackReader::new(expected.grid, plan.format());
        let output = |part| match part {
            Part::Init(bytes) => Output::Init { track, bytes },
            Part::Segment(number, bytes) => Output::Segment {
                track,
                segment: expected.first_segment + number,
                bytes,
            },
        };
        let mut buffer = vec![0; PIPE_READ_BYTES];
        loop {
            let n = self.read(&mut buffer).await?;
            if n == 0 {
                break;
            }
            for part in reader.push(&buffer[..n])? {
                self.give(output(part)).await?;
            }
        }
        let (last, made, record) = reader.finish()?;
        for part in last {
            self.give(output(part)).await?;
        }
        Ok((made, record))
    }

    /// `frame=` counts the frames of the first output. A line whose count has not grown is no sign of life.
    async fn progress(self) -> Result<(), FfmpegError> {
        use tokio::io::AsyncBufReadExt;
        let mut lines = tokio::io::BufReader::new(self.pipe).lines();
        let mut seen = 0;
        while let Some(line) = lines.next_line().await.map_err(FfmpegError::Pipe)? {
            let Some(frames) = line
                .strip_prefix("frame=")
                .and_then(|n| n.trim().parse().ok())
            else {
                continue;
            };
            if frames > seen {
                seen = frames;
                self.activity.touch();
                self.out
                    .send(Output::Frames(frames))
                    .await
                    .map_err(|_| FfmpegError::Cancelled)?;
            }
        }
        Ok(())
    }

    async fn storyboard(self) -> Result<(), FfmpegError> {
        let sheets = read_pictures(self.pipe, &self.activity).await?;
        match sheets.into_iter().next() {
            Some(sheet) => self
                .out
                .send(Output::StoryboardSheet(sheet))
                .await
                .map_err(|_| FfmpegError::Cancelled),
            None => Ok(()),
        }
    }

    async fn poster(self, plan: &Plan) -> Result<(), FfmpegError> {
        let candidates = read_pictures(self.pipe, &self.activity).await?;
        match choose_poster(&candidates, plan.poster_size()) {
            Some((bytes, blank)) => self
                .out
                .send(Output::Poster { bytes, blank })
                .await
                .map_err(|_| FfmpegError::Cancelled),
            None => Ok(()),
        }
    }
}

/// All pictures of a pipe.
async fn read_pictures(mut pipe: Receiver, activity: &Activity) -> Result<Vec<Bytes>, FfmpegError> {
    let mut splitter = JpegSplitter::default();
    let mut pictures = Vec::new();
    let mut buffer = vec![0; PIPE_READ_BYTES];
    loop {
        match pipe.read(&mut buffer).await.map_err(FfmpegError::Pipe)? {
            0 => return Ok(pictures),
            n => pictures.extend(splitter.push(&buffer[..n])),
        }
        activity.touch();
    }
}

/// The last line a program wrote, without the address of the component that wrote it.
fn last_line(stderr: &str) -> String {
    let line = stderr
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("it cannot be opened");
    let line = line.split_once("] ").map_or(line, |(_, said)| said);
    // The address of our own server means nothing to the uploader.
    line.rsplit_once("http://")
        .map_or(line, |(_, after)| {
            after.split_once(": ").map_or(after, |(_, said)| said)
        })
        .to_owned()
}
