//! The plan of one video: made once, stored, and all that a job needs to know.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::grid::{FrameGrid, TrackGrid};
use crate::ladder::PlannedRung;
use crate::layout::AUDIO_TRACK;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::settings::{SegmentFormat, Settings};
use crate::source::SourceProfile;

/// Version of the [`Plan`] format; a plan of another version is made anew.
pub const PLAN_VERSION: u32 = 1;

/// Segments of audio in one job after the first ones: five minutes at 4 s. AAC is encoded at about 22 times real time, so that is
/// a quarter of a minute.
const AUDIO_CHUNK_SEGMENTS: u32 = 75;

/// Sound that starts this much before the pictures moves the origin of the stream; less is not worth a repeated frame.
const EARLY_AUDIO_US: i64 = 100_000;

/// Sound that goes on this much longer than the pictures keeps the last picture on screen; less is padding of the encoder and is cut.
const LATE_AUDIO_US: i64 = 500_000;

/// Where FFmpeg has no index it may land after the time it seeks to; this much earlier it never lost a frame on our sources.
const BLIND_SEEK_PREROLL_US: i64 = 10_000_000;

/// How far back the last attempt looks for a picture to repeat: the longest damage inside a source that is bridged.
const FILL_PREROLL_US: i64 = 600_000_000;

/// Longest side of a storyboard tile, in samples.
const TILE_SIDE: u32 = 160;

/// The poster's time, in microseconds: by then most videos have begun.
const POSTER_US: i64 = 2_000_000;

/// Longest side of the poster, in samples.
const POSTER_SIDE: u32 = 1280;

/// How one source becomes one stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// What was wanted.
    pub settings: Settings,
    /// What the source is.
    pub source: SourceProfile,
    /// The output timeline of the video.
    pub grid: FrameGrid,
    /// The source's time that is time 0 of the stream, in microseconds on the source's clock.
    ///
    /// It belongs to the video stream: the container's own start would put the first picture between two frames of the grid.
    pub origin_us: i64,
    /// Frames the stream is expected to have. The last chunk is open-ended all the same: only a decoder knows the truth.
    pub frames: u64,
    /// Frames of these that repeat the last picture under longer sound.
    pub held_frames: u64,
    /// What is encoded, largest first.
    pub rungs: Vec<PlannedRung>,
    /// The video's jobs, in order.
    pub chunks: Vec<Chunk>,
    /// The audio's jobs, if there is sound.
    pub audio: Option<AudioPlan>,
}

/// How the sound is encoded: once, for all rungs.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct AudioPlan {
    /// The output timeline.
    pub grid: TrackGrid,
    /// AAC frames in all.
    pub packets: u64,
    /// The audio's jobs, in order.
    pub chunks: Vec<Chunk>,
}

impl AudioPlan {
    /// The AAC packets of `chunk`: the first, and how many. The last chunk may end inside a segment.
    pub fn packet_range(&self, chunk: Chunk) -> (u64, u64) {
        let packets =
            |segments: u32| u64::from(segments) * u64::from(self.grid.samples_per_segment);
        let first = packets(chunk.first_segment);
        (
            first,
            packets(chunk.segments).min(self.packets.saturating_sub(first)),
        )
    }
}

/// A run of whole segments that one job encodes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Chunk {
    /// Its place among the chunks.
    pub index: u32,
    /// Index of its first segment in the stream.
    pub first_segment: u32,
    /// How many segments it is expected to have.
    pub segments: u32,
}

/// One job: what a worker is asked to encode.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// The video chunk of this index, in every rung.
    Video(u32),
    /// The audio chunk of this index.
    Audio(u32),
}

impl fmt::Display for Job {
    /// `video-00003`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Video(index) => write!(f, "video-{index:05}"),
            Self::Audio(index) => write!(f, "audio-{index:05}"),
        }
    }
}

/// How a job is tried. What an attempt lacks, the next one mends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// Decode from this much before the chunk, in microseconds.
    pub preroll_us: i64,
    /// Repeat pictures where the source has none, at either end of the chunk: the last resort inside a damaged source.
    pub fill: bool,
}

impl Plan {
    /// Plans `source`.
    ///
    /// # Errors
    /// What [`Limits::admit`] says.
    pub fn new(
        source: SourceProfile,
        settings: Settings,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        limits.admit(&source)?;
        let video = &source.video;
        let rate = video.rate;
        let origin_us = origin_us(&source);
        let shown = rate.frames_in_us(video.end_us - origin_us).max(1);
        let heard = source
            .audio
            .as_ref()
            .map_or(0, |audio| rate.frames_in_us(audio.end_us - origin_us));
        let held_frames = heard.saturating_sub(shown);
        let held_frames = if held_frames > rate.frames_in_us(LATE_AUDIO_US) {
            held_frames
        } else {
            0
        };
        let frames = shown + held_frames;

        let grid = FrameGrid::new(rate, settings.segment);
        let rungs = settings.ladder.fit(video.display_size());
        let most = settings.chunk_segments.max(4);
        let chunks = chunks(segments(frames, grid.track()), [1, 2, 4.min(most)], most);
        let audio = source.audio.as_ref().map(|_| {
            let grid = TrackGrid::audio(settings.segment);
            let packets = nearest_packet(rate.time_of_us(frames), grid).max(1);
            AudioPlan {
                grid,
                packets,
                chunks: self::chunks(segments(packets, grid), [1, 4, 16], AUDIO_CHUNK_SEGMENTS),
            }
        });
        Ok(Self {
            version: PLAN_VERSION,
            settings,
            source,
            grid,
            origin_us,
            frames,
            held_frames,
            rungs,
            chunks,
            audio,
        })
    }

    /// How long the stream is expected to be.
    pub fn duration(&self) -> Duration {
        let micros = self.grid.rate.time_of_us(self.frames);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Every job, in the order in which a viewer needs them.
    pub fn jobs(&self) -> Vec<Job> {
        let audio = self.audio.as_ref();
        let mut jobs: Vec<(u32, Job)> = self
            .chunks
            .iter()
            .map(|c| (c.first_segment, Job::Video(c.index)))
            .collect();
        let audio_chunks = audio.into_iter().flat_map(|audio| &audio.chunks);
        jobs.extend(audio_chunks.map(|c| (c.first_segment, Job::Audio(c.index))));
        // At equal times the pictures come first: they take longer.
        jobs.sort_by_key(|(segment, job)| (*segment, matches!(job, Job::Audio(_))));
        jobs.into_iter().map(|(_, job)| job).collect()
    }

    /// The chunk that `job` encodes; `None` when there is no such job.
    pub fn chunk(&self, job: Job) -> Option<Chunk> {
        let (chunks, index) = match job {
            Job::Video(index) => (&self.chunks, index),
            Job::Audio(index) => (&self.audio.as_ref()?.chunks, index),
        };
        chunks.get(index as usize).copied()
    }

    /// The folders of the tracks that `job` makes, in the order of its record.
    pub fn tracks(&self, job: Job) -> Vec<&str> {
        match job {
            Job::Video(_) => self.rungs.iter().map(|rung| rung.name.as_str()).collect(),
            Job::Audio(_) => vec![AUDIO_TRACK],
        }
    }

    /// Frames `[start, end)` of the grid that `chunk` encodes; no end in the last chunk, unless it repeats the last picture
    /// up to a known end.
    pub fn frame_range(&self, chunk: Chunk) -> (u64, Option<u64>) {
        let frame = |segment: u32| u64::from(segment) * u64::from(self.grid.frames_per_segment);
        let end = if self.is_last(chunk) {
            (self.held_frames > 0).then_some(self.frames)
        } else {
            Some(frame(chunk.first_segment + chunk.segments))
        };
        (frame(chunk.first_segment), end)
    }

    /// Whether no video chunk comes after `chunk`.
    pub fn is_last(&self, chunk: Chunk) -> bool {
        chunk.index as usize + 1 == self.chunks.len()
    }

    /// Whether `chunk` reaches beyond the last picture, which it must then repeat.
    pub fn holds_last_picture(&self, chunk: Chunk) -> bool {
        let end = u64::from(chunk.first_segment + chunk.segments)
            * u64::from(self.grid.frames_per_segment);
        self.held_frames > 0 && end > self.frames - self.held_frames
    }

    /// Whether `chunk` begins before the first picture or with it, so that the picture must be shown from the chunk's start on.
    pub fn starts_before_first_picture(&self, chunk: Chunk) -> bool {
        let first = self
            .grid
            .rate
            .frames_in_us(self.source.video.start_us - self.origin_us);
        u64::from(chunk.first_segment) * u64::from(self.grid.frames_per_segment) <= first
    }

    /// Where to seek for frame `frame` of the grid, in microseconds as FFmpeg's `-ss` counts them: from the container's start.
    pub fn seek_us(&self, frame: u64, preroll_us: i64) -> i64 {
        let last_picture = (self.frames - self.held_frames).saturating_sub(1);
        let at = self.origin_us + self.grid.rate.time_of_us(frame.min(last_picture)) - preroll_us;
        (at - self.source.start_us).max(0)
    }

    /// How often, and how, a video job is tried.
    pub fn attempts(&self) -> [Attempt; 4] {
        let video = &self.source.video;
        let blind = video
            .longest_gop_us
            .unwrap_or(0)
            .saturating_add(1_000_000)
            .max(BLIND_SEEK_PREROLL_US);
        let first = if self.source.container.has_index() {
            0
        } else {
            blind
        };
        // A deinterlacer needs the fields before the first picture.
        let first = if video.interlaced {
            first.max(self.grid.rate.time_of_us(4))
        } else {
            first
        };
        let long = if first < blind { blind } else { 3 * blind };
        let attempt = |preroll_us, fill| Attempt { preroll_us, fill };
        [
            attempt(first, false),
            attempt(long, false),
            attempt(3 * long, false),
            attempt(FILL_PREROLL_US, true),
        ]
    }

    /// Width and height of a storyboard tile: the shown picture within 160 × 160, even.
    pub fn tile_size(&self) -> (u32, u32) {
        within(self.source.video.display_size(), TILE_SIDE)
    }

    /// Where the poster is: the chunk with the picture at 2 s, or with the last one of a shorter video, and the place of that picture
    /// among those at each second of the chunk, [`FrameRate::frames_a_second`](crate::rate::FrameRate::frames_a_second) apart.
    pub fn poster_place(&self) -> (u32, usize) {
        let rate = self.grid.rate;
        let frame = rate.frames_in_us(POSTER_US).min(self.frames - 1);
        let start = |chunk: &Chunk| {
            u64::from(chunk.first_segment) * u64::from(self.grid.frames_per_segment)
        };
        let chunk = self.chunks.iter().rfind(|chunk| start(chunk) <= frame);
        let (index, start) = chunk.map_or((0, 0), |chunk| (chunk.index, start(chunk)));
        let second = u64::from(rate.frames_a_second());
        let place = (frame - start + second / 2) / second;
        (index, usize::try_from(place).unwrap_or(usize::MAX))
    }

    /// Width and height of the poster: the largest rung within 1280 × 1280.
    pub fn poster_size(&self) -> (u32, u32) {
        let size = self
            .rungs
            .first()
            .map_or((2, 2), |rung| (rung.width, rung.height));
        if size.0.max(size.1) <= POSTER_SIDE {
            size
        } else {
            within(size, POSTER_SIDE)
        }
    }

    /// Container of the segments.
    pub fn format(&self) -> SegmentFormat {
        self.settings.segment_format
    }

    /// What `EXT-X-TARGETDURATION` says of every playlist.
    pub fn target_duration_secs(&self) -> u32 {
        let audio = self
            .audio
            .as_ref()
            .map_or(1, |audio| audio.grid.target_duration_secs());
        self.grid.track().target_duration_secs().max(audio)
    }
}

/// Time 0 of the stream: the first picture, or a whole number of frames before it if the sound starts earlier.
fn origin_us(source: &SourceProfile) -> i64 {
    let start = source.video.start_us;
    let early = source
        .audio
        .as_ref()
        .map_or(0, |audio| start - audio.start_us);
    if early <= EARLY_AUDIO_US {
        return start;
    }
    let rate = source.video.rate;
    let frames = (0..2)
        .map(|more| rate.frames_in_us(early) + more)
        .find(|n| rate.time_of_us(*n) >= early);
    start - rate.time_of_us(frames.unwrap_or(0))
}

/// The AAC frame whose start is nearest to `us`.
fn nearest_packet(us: i64, grid: TrackGrid) -> u64 {
    let samples = i128::from(us) * i128::from(grid.timescale) / 1_000_000;
    let packet = i128::from(grid.ticks_per_sample);
    u64::try_from((samples + packet / 2) / packet).unwrap_or(0)
}

fn segments(samples: u64, grid: TrackGrid) -> u32 {
    u32::try_from(samples.div_ceil(u64::from(grid.samples_per_segment))).unwrap_or(u32::MAX)
}

/// Cuts `segments` into chunks of the sizes in `ramp`, then of `most`.
fn chunks(segments: u32, ramp: [u32; 3], most: u32) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut first_segment = 0;
    for (index, size) in (0..).zip(ramp.into_iter().chain(std::iter::repeat(most))) {
        if first_segment >= segments {
            break;
        }
        let size = size.min(segments - first_segment);
        chunks.push(Chunk {
            index,
            first_segment,
            segments: size,
        });
        first_segment += size;
    }
    chunks
}

/// `size` made to fit into a square of `side`, even.
fn within((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let long = u64::from(width.max(height)).max(1);
    let fit = |length: u32| {
        let scaled = u64::from(length) * u64::from(side) / long;
        u32::try_from(scaled & !1).unwrap_or(side).max(2)
    };
    (fit(width), fit(height))
}

#[cfg(test)]
mod tests;
