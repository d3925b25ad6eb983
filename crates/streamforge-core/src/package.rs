//! Every text of a video's package, from its plan and the records of the chunks finished so far.
//!
//! The playlists name the chunks up to the first one that is not finished. They only ever grow, whatever the order in which
//! chunks finish, and writing them twice writes the same. As long as jobs run they are `EVENT` playlists that play from 0;
//! when the last is done they end and become `VOD`.

use std::collections::BTreeMap;
use std::time::Duration;

use streamforge_hls::dash::{DashManifest, DashMedia, DashTrack};
use streamforge_hls::media_playlist::{
    ByteRange, MediaPlaylist, MediaSegment, PlaylistType, Ticks,
};
use streamforge_hls::multivariant::{IFrameStream, MultivariantPlaylist, Rendition, VariantStream};
use streamforge_hls::webvtt::{StoryboardCue, StoryboardTrack};

use crate::grid::{AUDIO_SAMPLE_RATE, TrackGrid};
use crate::ladder::PlannedRung;
use crate::layout::{self, AUDIO_TRACK, ObjectPath};
use crate::plan::{Chunk, Job, Plan};
use crate::record::{ChunkRecord, SegmentRecord, TrackRecord};
use crate::settings::SegmentFormat;

/// `GROUP-ID` of the audio rendition.
const AUDIO_GROUP: &str = "audio";

/// Channels of the audio we make.
const AUDIO_CHANNELS: u32 = 2;

/// The bit rate of the variant to start with: what Apple 1.32 asks for on average is about this at most.
const FIRST_VARIANT_MAXRATE: u32 = 2_500_000;

/// A text of the package and where it goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TextObject {
    /// Path under the video's folder.
    pub path: String,
    /// MIME type.
    pub content_type: &'static str,
    /// How long it may be cached: `Cache-Control`.
    pub cache_control: &'static str,
    /// How much of the stream it tells of. Of two texts of one path, the one that reaches further is the newer one.
    pub reach: u64,
    /// The whole text.
    pub text: String,
}

impl TextObject {
    /// `segments` are those the text tells of; `complete` is whether it is the last one of its path.
    fn new(
        path: &ObjectPath<'_>,
        segments: usize,
        complete: bool,
        text: &dyn std::fmt::Display,
    ) -> Self {
        Self {
            path: path.to_string(),
            content_type: path.content_type(),
            cache_control: path.cache_control(complete),
            reach: 2 * segments as u64 + u64::from(complete),
            text: text.to_string(),
        }
    }
}

/// What can be published now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Published {
    /// The texts, to be written in this order: the multivariant playlist comes last, when all it names is there. None as long as
    /// there is nothing to play.
    pub texts: Vec<TextObject>,
    /// Whether every job is done: the playlists have ended.
    pub complete: bool,
    /// Frames of video the playlists name.
    pub frames: u64,
}

/// Why finished chunks cannot be one stream.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Something is missing inside: a chunk ended early although later ones did not.
    #[error("nothing could be decoded from {from:?} on, though there is more from {to:?} on")]
    Hole {
        /// Where it ends.
        from: Duration,
        /// Where it begins again.
        to: Duration,
    },
    /// Two chunks of one track have different init segments: they were made by different builds of FFmpeg.
    #[error("the chunks of {track} do not fit together, as FFmpeg was changed in between")]
    InitDiffers {
        /// The track.
        track: String,
    },
}

/// Writes all texts of a package.
///
/// # Errors
/// [`PublishError`]: the finished chunks cannot be one stream.
pub fn publish(
    plan: &Plan,
    records: &BTreeMap<Job, ChunkRecord>,
) -> Result<Published, PublishError> {
    let video_grid = plan.grid.track();
    let video = joined(video_grid, &plan.chunks, |index| {
        records.get(&Job::Video(index))
    })?;
    let audio = match &plan.audio {
        Some(audio) => Some((
            audio.grid,
            joined(audio.grid, &audio.chunks, |index| {
                records.get(&Job::Audio(index))
            })?,
        )),
        None => None,
    };
    let frames = video.samples();
    let complete = video.complete && audio.as_ref().is_none_or(|(_, audio)| audio.complete);
    let playable = frames > 0 && audio.as_ref().is_none_or(|(_, audio)| audio.samples() > 0);
    if !playable {
        return Ok(Published {
            texts: Vec::new(),
            complete,
            frames: 0,
        });
    }

    let mut tracks: Vec<Track<'_>> = Vec::new();
    for (place, rung) in plan.rungs.iter().enumerate() {
        tracks.push(Track::new(
            &rung.name,
            Some(rung),
            video_grid,
            &video,
            place,
        )?);
    }
    if let Some((grid, chunks)) = &audio {
        let mut track = Track::new(AUDIO_TRACK, None, *grid, chunks, 0)?;
        // Also while it grows: what was named once must stay, and only the pictures show where the stream ends.
        track.cut_at(
            video_grid.timescale,
            frames * u64::from(video_grid.ticks_per_sample),
        );
        tracks.push(track);
    }

    let mut texts = Vec::new();
    for track in &tracks {
        let reaches = track.segments.len();
        texts.push(TextObject::new(
            &ObjectPath::MediaPlaylist(track.name),
            reaches,
            complete,
            &track.media_playlist(plan, complete),
        ));
        if track.rung.is_some() {
            texts.push(TextObject::new(
                &ObjectPath::IFramePlaylist(track.name),
                reaches,
                complete,
                &track.i_frame_playlist(plan, complete),
            ));
        }
    }
    let all = tracks.iter().map(|track| track.segments.len()).sum();
    texts.push(TextObject::new(
        &ObjectPath::StoryboardTrack,
        all,
        complete,
        &storyboard(plan, &video),
    ));
    if complete && plan.format() == SegmentFormat::Cmaf {
        texts.push(TextObject::new(
            &ObjectPath::DashManifest,
            all,
            complete,
            &dash(plan, &tracks, frames),
        ));
    }
    texts.push(TextObject::new(
        &ObjectPath::MultivariantPlaylist,
        all,
        complete,
        &multivariant(plan, &tracks, complete),
    ));
    Ok(Published {
        texts,
        complete,
        frames,
    })
}

/// The finished chunks from the first to the first that is missing.
struct Joined<'a> {
    chunks: Vec<(Chunk, &'a ChunkRecord)>,
    complete: bool,
}

impl Joined<'_> {
    fn samples(&self) -> u64 {
        self.chunks.iter().map(|(_, record)| record.samples()).sum()
    }
}

fn joined<'a>(
    grid: TrackGrid,
    chunks: &[Chunk],
    record: impl Fn(u32) -> Option<&'a ChunkRecord>,
) -> Result<Joined<'a>, PublishError> {
    let mut joined = Joined {
        chunks: Vec::new(),
        complete: true,
    };
    let mut ended_at: Option<u64> = None;
    for chunk in chunks {
        let Some(record) = record(chunk.index) else {
            joined.complete = false;
            break;
        };
        let start = u64::from(chunk.first_segment) * u64::from(grid.samples_per_segment);
        if let Some(end) = ended_at.filter(|_| record.samples() > 0) {
            let time = |sample: u64| {
                let ticks = sample * u64::from(grid.ticks_per_sample);
                Duration::from_millis(
                    Ticks {
                        ticks,
                        timescale: grid.timescale,
                    }
                    .rescaled(1000),
                )
            };
            return Err(PublishError::Hole {
                from: time(end),
                to: time(start),
            });
        }
        let whole = u64::from(chunk.segments) * u64::from(grid.samples_per_segment);
        if record.samples() < whole {
            ended_at = ended_at.or(Some(start + record.samples()));
        }
        if record.samples() > 0 {
            joined.chunks.push((*chunk, record));
        }
    }
    Ok(joined)
}

/// One track of the stream as the playlists see it.
struct Track<'a> {
    name: &'a str,
    /// `None` for audio.
    rung: Option<&'a PlannedRung>,
    grid: TrackGrid,
    codec: &'a str,
    /// Every segment from the first on.
    segments: Vec<SegmentRecord>,
}

impl<'a> Track<'a> {
    fn new(
        name: &'a str,
        rung: Option<&'a PlannedRung>,
        grid: TrackGrid,
        joined: &Joined<'a>,
        place: usize,
    ) -> Result<Self, PublishError> {
        let records: Vec<&TrackRecord> = joined
            .chunks
            .iter()
            .filter_map(|(_, record)| record.tracks.get(place))
            .collect();
        if records.windows(2).any(|pair| !pair[0].fits(pair[1])) {
            return Err(PublishError::InitDiffers {
                track: name.to_owned(),
            });
        }
        Ok(Self {
            name,
            rung,
            grid,
            codec: records.first().map_or("", |track| &track.codec),
            segments: records
                .iter()
                .flat_map(|track| track.segments.iter().copied())
                .collect(),
        })
    }

    /// Leaves out what begins at or after `end`, in ticks of `timescale`: the video may turn out shorter than its container said.
    fn cut_at(&mut self, timescale: u32, end: u64) {
        let end = Ticks {
            ticks: end,
            timescale,
        }
        .rescaled(self.grid.timescale);
        let keep = end.div_ceil(self.grid.segment_ticks());
        self.segments
            .truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    }

    fn duration(&self, segment: SegmentRecord) -> Ticks {
        Ticks {
            ticks: self.grid.ticks(segment.samples),
            timescale: self.grid.timescale,
        }
    }

    fn playlist(&self, plan: &Plan, complete: bool, i_frames_only: bool) -> MediaPlaylist {
        let segments = (0..)
            .zip(&self.segments)
            .map(|(index, segment)| MediaSegment {
                uri: layout::segment_name(index, plan.format()),
                duration: self.duration(*segment),
                byte_range: i_frames_only.then_some(ByteRange {
                    length: segment.i_frame_bytes,
                    offset: 0,
                }),
            });
        MediaPlaylist {
            playlist_type: if complete {
                PlaylistType::Vod
            } else {
                PlaylistType::Event
            },
            target_duration_secs: plan.target_duration_secs(),
            map_uri: (plan.format() == SegmentFormat::Cmaf).then(|| "init.mp4".to_owned()),
            i_frames_only,
            ended: complete,
            segments: segments.collect(),
        }
    }

    fn media_playlist(&self, plan: &Plan, complete: bool) -> MediaPlaylist {
        self.playlist(plan, complete, false)
    }

    fn i_frame_playlist(&self, plan: &Plan, complete: bool) -> MediaPlaylist {
        self.playlist(plan, complete, true)
    }

    /// Peak and average bit rate of what `bytes` counts of each segment.
    fn bit_rates(&self, target_secs: u32, bytes: impl Fn(&SegmentRecord) -> u64) -> BitRates {
        let segments: Vec<(u64, u64)> = self
            .segments
            .iter()
            .map(|segment| (bytes(segment), self.grid.ticks(segment.samples)))
            .collect();
        BitRates::measure(&segments, self.grid.timescale, target_secs)
    }
}

/// Bit rates in bit/s, rounded up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct BitRates {
    /// The largest of any contiguous run of segments that lasts from half to one and a half target durations
    /// ([RFC 8216 §4.1](https://www.rfc-editor.org/rfc/rfc8216#section-4.1)).
    peak: u64,
    /// Of all segments together.
    average: u64,
}

impl BitRates {
    /// `segments` are bytes and ticks of each.
    fn measure(segments: &[(u64, u64)], timescale: u32, target_secs: u32) -> Self {
        let rate =
            |bytes: u64, ticks: u64| (bytes * 8 * u64::from(timescale)).div_ceil(ticks.max(1));
        let total = segments
            .iter()
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let average = rate(total.0, total.1);
        let target = u64::from(target_secs) * u64::from(timescale);
        let mut peak = 0;
        for first in 0..segments.len() {
            let mut run = (0, 0);
            for one in &segments[first..] {
                run = (run.0 + one.0, run.1 + one.1);
                if run.1 * 2 > target * 3 {
                    break;
                }
                if run.1 * 2 >= target {
                    peak = peak.max(rate(run.0, run.1));
                }
            }
        }
        // A stream shorter than half a segment has no such run.
        Self {
            peak: if peak == 0 { average } else { peak },
            average,
        }
    }

    /// What may be promised while more is to come: a tenth above what the encoder is held to, which leaves room for the container.
    fn provisional(self, maxrate: u32) -> Self {
        let promise = u64::from(maxrate) / 10 * 11;
        Self {
            peak: self.peak.max(promise),
            average: self.average.max(promise),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            peak: self.peak + other.peak,
            average: self.average + other.average,
        }
    }
}

fn multivariant(plan: &Plan, tracks: &[Track<'_>], complete: bool) -> MultivariantPlaylist {
    let target = plan.target_duration_secs();
    let rates = |track: &Track<'_>, maxrate: u32| {
        let measured = track.bit_rates(target, |segment| segment.bytes);
        if complete {
            measured
        } else {
            measured.provisional(maxrate)
        }
    };
    let audio = tracks.iter().find(|track| track.rung.is_none());
    let audio_rates = audio.map(|track| rates(track, plan.settings.ladder.audio_bitrate));
    let mut variants = Vec::new();
    let mut i_frames = Vec::new();
    for track in tracks {
        let Some(rung) = track.rung else { continue };
        let video = rates(track, rung.maxrate);
        let sum = audio_rates.map_or(video, |audio| video.plus(audio));
        let codecs = audio.map_or_else(
            || track.codec.to_owned(),
            |audio| format!("{},{}", track.codec, audio.codec),
        );
        variants.push(VariantStream {
            bandwidth: sum.peak,
            average_bandwidth: sum.average,
            codecs,
            resolution: (rung.width, rung.height),
            frame_rate: plan.grid.rate.into(),
            audio_group: audio.map(|_| AUDIO_GROUP.to_owned()),
            uri: ObjectPath::MediaPlaylist(track.name).to_string(),
        });
        let measured = track.bit_rates(target, |segment| segment.i_frame_bytes);
        let still = if complete {
            measured
        } else {
            measured.provisional(rung.maxrate / 4)
        };
        i_frames.push(IFrameStream {
            bandwidth: still.peak,
            average_bandwidth: still.average,
            codecs: track.codec.to_owned(),
            resolution: (rung.width, rung.height),
            uri: ObjectPath::IFramePlaylist(track.name).to_string(),
        });
    }
    // A player starts with the first variant; the rest stays in the order of the ladder.
    let first = plan
        .rungs
        .iter()
        .enumerate()
        .min_by_key(|(_, rung)| rung.maxrate.abs_diff(FIRST_VARIANT_MAXRATE));
    if let Some((place, _)) = first.filter(|(place, _)| *place < variants.len()) {
        variants[..=place].rotate_right(1);
    }
    let audio = audio.map(|track| Rendition {
        group_id: AUDIO_GROUP.to_owned(),
        name: "Audio".to_owned(),
        language: language(plan),
        channels: AUDIO_CHANNELS,
        uri: ObjectPath::MediaPlaylist(track.name).to_string(),
    });
    let version = if plan.format() == SegmentFormat::Cmaf {
        7
    } else {
        4
    };
    MultivariantPlaylist {
        audio,
        variants,
        i_frames,
        version,
    }
}

/// The language of the sound as BCP 47 writes it; `und` when the source does not say.
fn language(plan: &Plan) -> String {
    let tag = plan
        .source
        .audio
        .as_ref()
        .and_then(|audio| audio.language.as_deref())
        .unwrap_or("und");
    let known = isolang::Language::from_639_3(tag).or_else(|| isolang::Language::from_639_1(tag));
    known
        .map_or("und", |language| {
            language.to_639_1().unwrap_or_else(|| language.to_639_3())
        })
        .to_owned()
}

fn dash(plan: &Plan, tracks: &[Track<'_>], frames: u64) -> DashManifest {
    let grid = plan.grid.track();
    let tracks = tracks.iter().map(|track| DashTrack {
        id: track.name.to_owned(),
        mime: if track.rung.is_some() {
            "video/mp4"
        } else {
            "audio/mp4"
        }
        .to_owned(),
        codecs: track.codec.to_owned(),
        bandwidth: track
            .bit_rates(plan.target_duration_secs(), |segment| segment.bytes)
            .peak,
        media: match track.rung {
            Some(rung) => DashMedia::Video {
                width: rung.width,
                height: rung.height,
                frame_rate: plan.grid.rate.into(),
            },
            None => DashMedia::Audio {
                sample_rate: AUDIO_SAMPLE_RATE,
                channels: AUDIO_CHANNELS,
                language: language(plan),
            },
        },
        timescale: track.grid.timescale,
        segment_durations: track
            .segments
            .iter()
            .map(|segment| track.grid.ticks(segment.samples))
            .collect(),
    });
    DashManifest {
        duration: Ticks {
            ticks: frames * u64::from(grid.ticks_per_sample),
            timescale: grid.timescale,
        },
        min_buffer_secs: plan.target_duration_secs(),
        tracks: tracks.collect(),
    }
}

fn storyboard(plan: &Plan, video: &Joined<'_>) -> StoryboardTrack {
    let grid = plan.grid.track();
    let (w, h) = plan.tile_size();
    let at = |ticks| Ticks {
        ticks,
        timescale: grid.timescale,
    };
    let cues = video.chunks.iter().flat_map(|(chunk, record)| {
        let segments = record
            .tracks
            .first()
            .map_or(&[][..], |track| &track.segments);
        (0..).zip(segments).map(move |(tile, segment)| {
            let start = grid.segment_start(chunk.first_segment + tile);
            StoryboardCue {
                start: at(start),
                end: at(start + grid.ticks(segment.samples)),
                uri: layout::sheet_name(chunk.index),
                x: tile * w,
                y: 0,
                w,
                h,
            }
        })
    });
    StoryboardTrack {
        cues: cues.collect(),
    }
}

#[cfg(test)]
mod tests;
