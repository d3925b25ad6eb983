//! Looks at a source: ffprobe's answers become a [`SourceProfile`], or a [`Refusal`] in the uploader's words.
//!
//! Two questions are asked: what streams there are, and when the packets at both ends of the file are shown. A container whose claim
//! about its length does not agree with its last packets is read to the end. [`interpret`] decides, and is pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Deserialize;
use streamforge_core::rate::FrameRate;
use streamforge_core::refusal::Refusal;
use streamforge_core::source::{AudioTrack, Color, Container, SourceProfile, VideoTrack};
use streamforge_core::timing;

/// How much of the file's start is read packet by packet, in seconds: enough to tell 29.97 from 30 on a clock of milliseconds.
const HEAD_SECS: i64 = 10;

/// How much of its end.
const TAIL_SECS: i64 = 6;

/// How far a container's claim about its end may be from its last packet, in microseconds.
const HONEST_WITHIN_US: i64 = 2_000_000;

/// ffprobe's arguments for the streams; `input_args` follow.
pub const STREAM_ARGS: &str = "-v error -show_streams -show_format -of json";

/// ffprobe's arguments for the packets, one a line; `-read_intervals` and `input_args` follow.
pub const PACKET_ARGS: &str = "-v error -of csv=p=0 -show_entries \
     packet=stream_index,pts_time,dts_time,duration_time,flags:packet_side_data=side_data_type";

/// How much earlier than wanted a tail may begin: a guess of the source's end is off by less, or it is no good.
const GUESSED_WITHIN_SECS: i64 = 2;

/// Which packets are read, when not all are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Intervals {
    /// There is no more than both ends.
    Whole,
    /// The first ten seconds; where the end is, nobody says.
    Head,
    /// The first ten seconds, and everything from `tail_secs` on.
    BothEnds {
        /// On the source's own clock.
        tail_secs: i64,
    },
}

impl Intervals {
    fn of(start_us: i64, end_us: Option<i64>) -> Self {
        match end_us {
            Some(end) if end - start_us > (HEAD_SECS + TAIL_SECS) * 1_000_000 => Self::BothEnds {
                tail_secs: end / 1_000_000 - TAIL_SECS,
            },
            Some(_) => Self::Whole,
            None => Self::Head,
        }
    }

    /// What will probably be wanted of a source that seems to last `duration_us`, before ffprobe has looked at it.
    pub fn guess(duration_us: i64) -> Self {
        match Self::of(0, Some(duration_us)) {
            Self::BothEnds { tail_secs } => Self::BothEnds {
                tail_secs: tail_secs - 1,
            },
            short => short,
        }
    }

    /// Whether the packets of these are as good as those of `wanted`.
    pub fn serve(self, wanted: Self) -> bool {
        match (self, wanted) {
            (Self::BothEnds { tail_secs: has }, Self::BothEnds { tail_secs: wants }) => {
                (0..=GUESSED_WITHIN_SECS).contains(&(wants - has))
            }
            _ => self == wanted,
        }
    }

    /// As `-read_intervals` takes them.
    pub fn argument(self) -> String {
        match self {
            Self::Whole => "%".to_owned(),
            Self::Head => format!("%+{HEAD_SECS}"),
            Self::BothEnds { tail_secs } => format!("%+{HEAD_SECS},{tail_secs}%"),
        }
    }
}

/// What `ffprobe -show_streams -show_format` says, as far as we ask.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Streams {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Stream {
    index: u32,
    codec_type: String,
    codec_name: Option<String>,
    codec_tag_string: String,
    width: u32,
    height: u32,
    pix_fmt: Option<String>,
    sample_aspect_ratio: Option<String>,
    field_order: Option<String>,
    color_range: Option<String>,
    color_space: Option<String>,
    color_primaries: Option<String>,
    color_transfer: Option<String>,
    has_b_frames: u32,
    r_frame_rate: String,
    avg_frame_rate: String,
    start_time: Option<String>,
    duration: Option<String>,
    sample_rate: Option<String>,
    disposition: Disposition,
    tags: Tags,
    side_data_list: Vec<SideData>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Disposition {
    default: u8,
    attached_pic: u8,
    timed_thumbnails: u8,
    still_image: u8,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Tags {
    language: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Format {
    start_time: Option<String>,
    duration: Option<String>,
}

/// What the packets of one stream showed.
#[derive(Clone, Debug, Default)]
struct PacketTimes {
    /// Presentation times of the first packets, in µs.
    first: Vec<i64>,
    /// Times of the key frames among them.
    key_frames: Vec<i64>,
    /// End of the last one seen, in µs.
    end_us: Option<i64>,
    /// Whether the packets say how long they last.
    has_durations: bool,
    /// Whether some have only a decode time: the pictures come later than that by the decoder's delay.
    has_only_decode_times: bool,
    /// Packets seen.
    count: u64,
}

/// The packets of a source, read line by line from ffprobe; memory does not grow with the source.
#[derive(Clone, Debug, Default)]
pub struct Packets {
    streams: BTreeMap<u32, PacketTimes>,
    encrypted: bool,
    /// Whether these are all packets of the source.
    whole: bool,
    /// The line that has begun but not ended.
    line: Vec<u8>,
}

/// Times kept of each stream: [`HEAD_SECS`] and [`TAIL_SECS`] at far more than 60 frames a second.
const MAX_TIMES: usize = 4096;

/// Streams looked at; the rest of a file with more is passed over.
const MAX_STREAMS: usize = 64;

/// Longest line of ffprobe that is looked at, in bytes.
const MAX_LINE_BYTES: usize = 4096;

impl Packets {
    /// None yet. `whole` says that all packets of the source will come, and not only those at both ends.
    pub fn new(whole: bool) -> Self {
        Self {
            whole,
            ..Self::default()
        }
    }

    /// Takes the next bytes of what ffprobe says to [`PACKET_ARGS`]. Lines that are no packets are passed over: a damaged file makes
    /// some.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() < MAX_LINE_BYTES {
                self.line.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take(&String::from_utf8_lossy(&line));
            }
        }
    }

    fn take(&mut self, line: &str) {
        let mut fields = line.trim_end().split(',');
        let mut field = || fields.next().unwrap_or_default();
        let (Ok(stream), pts, dts, duration, flags) =
            (field().parse(), field(), field(), field(), field())
        else {
            return;
        };
        self.encrypted |= line.contains("Encryption");
        // A packet that an edit list or an encoder's delay hides has the flag D.
        let (Some(at), false) = (micros(pts).or_else(|| micros(dts)), flags.contains('D')) else {
            return;
        };
        if self.streams.len() == MAX_STREAMS && !self.streams.contains_key(&stream) {
            return;
        }
        let times = self.streams.entry(stream).or_default();
        times.count += 1;
        if times.first.len() < MAX_TIMES {
            times.first.push(at);
            if flags.starts_with('K') {
                times.key_frames.push(at);
            }
        }
        times.has_only_decode_times |= micros(pts).is_none();
        times.has_durations |= micros(duration).is_some();
        let end = at.saturating_add(micros(duration).unwrap_or(0));
        times.end_us = times.end_us.max(Some(end));
    }

    fn of(&self, stream: u32) -> Option<&PacketTimes> {
        self.streams.get(&stream)
    }
}

/// Seconds in ffprobe's decimals, as microseconds.
fn micros(text: &str) -> Option<i64> {
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let us = whole.checked_mul(1_000_000)?.checked_add(fraction)?;
    // Sums and differences of these stay far from overflow; nothing lasts a thousand years.
    (us < 1 << 55).then_some(if negative { -us } else { us })
}

fn rate(text: &str) -> Option<FrameRate> {
    let (num, den) = text.split_once('/')?;
    FrameRate::new(num.parse().ok()?, den.parse().ok()?)
}

impl Streams {
    /// Where the container says it starts, in microseconds.
    fn start_us(&self) -> i64 {
        self.format
            .start_time
            .as_deref()
            .and_then(micros)
            .unwrap_or(0)
    }

    /// Where the container says it ends, in microseconds.
    fn claimed_end_us(&self) -> Option<i64> {
        let duration = self.format.duration.as_deref().and_then(micros)?;
        Some(self.start_us().saturating_add(duration))
    }

    /// The packets at both ends.
    pub fn both_ends(&self) -> Intervals {
        Intervals::of(self.start_us(), self.claimed_end_us())
    }

    /// Whether `packets`, read from both ends, leave open where a stream ends, so that all packets must be read.
    pub fn must_be_read_whole(&self, packets: &Packets) -> bool {
        let Some(claimed) = self.claimed_end_us() else {
            return true;
        };
        if claimed - self.start_us() <= (HEAD_SECS + TAIL_SECS) * 1_000_000 {
            return false;
        }
        let mut chosen = self
            .streams
            .iter()
            .filter(|stream| stream.is_moving() || stream.codec_type == "audio");
        let last = chosen
            .clone()
            .filter_map(|stream| packets.of(stream.index)?.end_us)
            .max();
        let honest = last.is_some_and(|last| (last - claimed).abs() < HONEST_WITHIN_US);
        !honest || chosen.any(|stream| self.end_us(stream, packets).is_none())
    }

    /// Where `stream` ends: at its last packet, if the packets show it, else where its own header says.
    fn end_us(&self, stream: &Stream, packets: &Packets) -> Option<i64> {
        let seen = packets.of(stream.index).and_then(|times| times.end_us);
        let claimed = self.claimed_end_us().unwrap_or(i64::MAX);
        if packets.whole || seen.is_some_and(|seen| seen > claimed - TAIL_SECS * 1_000_000) {
            return seen;
        }
        let start = stream.start_time.as_deref().and_then(micros)?;
        Some(start + stream.duration.as_deref().and_then(micros)?).max(seen)
    }
}

impl Stream {
    /// Whether it is video, and not a cover picture or a strip of thumbnails.
    fn is_moving(&self) -> bool {
        let still = self.disposition;
        self.codec_type == "video"
            && still.attached_pic + still.timed_thumbnails + still.still_image == 0
    }

    fn codec(&self) -> Option<&str> {
        self.codec_name
            .as_deref()
            .filter(|name| !matches!(*name, "unknown" | "none"))
    }

    /// The codec's name for a person: its four-character code when FFmpeg does not know it.
    fn codec_for_people(&self) -> String {
        self.codec().unwrap_or(&self.codec_tag_string).to_owned()
    }

    fn is_decodable(&self) -> bool {
        let format = self
            .pix_fmt
            .as_deref()
            .is_some_and(|format| !matches!(format, "unknown" | "none"));
        self.codec().is_some() && format && self.width > 0 && self.height > 0
    }

    /// In hertz, if it says.
    fn sample_rate(&self) -> Option<u32> {
        let rate = self.sample_rate.as_deref()?.parse().ok()?;
        (rate > 0).then_some(rate)
    }

    /// By how many degrees the pictures are to be turned; 0 also where they are to be flipped.
    fn rotation(&self) -> Option<i64> {
        self.side_data_list.iter().find_map(|data| data.rotation)
    }

    /// Whether FFmpeg will turn the picture by a quarter or three quarters.
    fn is_turned(&self) -> bool {
        let rotation = self.rotation().unwrap_or(0);
        (rotation.rem_euclid(180) - 90).abs() <= 1
    }

    fn sample_aspect_ratio(&self) -> (u32, u32) {
        let ratio = self
            .sample_aspect_ratio
            .as_deref()
            .and_then(|ratio| ratio.split_once(':'));
        let ratio = ratio.and_then(|(num, den)| Some((num.parse().ok()?, den.parse().ok()?)));
        ratio
            .filter(|(num, den)| *num > 0 && *den > 0)
            .unwrap_or((1, 1))
    }
}

/// Makes the profile, or says why there is none.
///
/// # Errors
/// [`Refusal`]: `NoVideoTrack`, `UnsupportedCodec`, `Encrypted` or `Malformed`. Limits are not looked at here.
pub fn interpret(
    container: Container,
    size_bytes: u64,
    streams: &Streams,
    packets: &Packets,
) -> Result<SourceProfile, Refusal> {
    let (video, times) = choose_video(streams, packets)?;
    Ok(SourceProfile {
        container,
        size_bytes,
        start_us: streams.start_us(),
        video: video_track(video, times, streams.end_us(video, packets)),
        audio: audio(streams, packets)?,
    })
}

/// The video stream to encode, and what its packets showed.
fn choose_video<'a>(
    streams: &'a Streams,
    packets: &'a Packets,
) -> Result<(&'a Stream, &'a PacketTimes), Refusal> {
    let malformed = |why: &str| Refusal::Malformed {
        why: why.to_owned(),
    };
    let seen = |stream: &Stream| packets.of(stream.index).map_or(0, |times| times.count);
    let moving = streams.streams.iter().filter(|stream| stream.is_moving());
    // Between several, the one that can be decoded, that has pictures, that the file calls its default, the largest.
    let best = moving.max_by_key(|stream| {
        let area = u64::from(stream.width) * u64::from(stream.height);
        let first = Reverse(stream.index);
        (
            stream.is_decodable(),
            seen(stream) > 0,
            stream.disposition.default,
            area,
            first,
        )
    });
    let Some(video) = best else {
        return Err(if streams.streams.is_empty() {
            malformed("it has no streams")
        } else {
            no_video(streams)
        });
    };
    if packets.encrypted || matches!(video.codec_tag_string.as_str(), "encv" | "drmi") {
        return Err(Refusal::Encrypted);
    }
    if video.codec().is_none() {
        return Err(Refusal::UnsupportedCodec {
            track: "video",
            codec: video.codec_for_people(),
        });
    }
    let times = packets
        .of(video.index)
        .ok_or_else(|| malformed("its video track has no pictures in it"))?;
    if !video.is_decodable() {
        return Err(malformed("none of its pictures can be decoded"));
    }
    Ok((video, times))
}

/// `packets_end_us` is where its last packet ends, as far as that says.
fn video_track(video: &Stream, times: &PacketTimes, packets_end_us: Option<i64>) -> VideoTrack {
    let declared: Vec<FrameRate> = [&video.r_frame_rate, &video.avg_frame_rate]
        .into_iter()
        .filter_map(|text| rate(text))
        .collect();
    let interlaced = matches!(
        video.field_order.as_deref(),
        Some("tt" | "bb" | "tb" | "bt")
    );
    let mut timing = timing::measure(&times.first, &declared);
    if interlaced {
        // Some containers hold each field as a packet of its own.
        let halved = declared.iter().find(|rate| {
            rate.den() <= 1001 && (timing.rate.as_f64() / rate.as_f64() - 2.0).abs() < 0.01
        });
        timing.rate = halved.copied().unwrap_or(timing.rate);
    }
    let first_us = times.first.iter().copied().min();
    let start_us = video
        .start_time
        .as_deref()
        .and_then(micros)
        .or(first_us)
        .unwrap_or(0);
    let unsaid = u64::from(!times.has_durations);
    let delayed = if times.has_only_decode_times {
        u64::from(video.has_b_frames)
    } else {
        0
    };
    let end_us =
        packets_end_us.unwrap_or(start_us).max(start_us) + timing.rate.time_of_us(unsaid + delayed);
    let told = |value: &Option<String>| {
        value
            .clone()
            .filter(|value| !matches!(value.as_str(), "unknown" | "reserved"))
    };
    let pix_fmt = video.pix_fmt.clone().unwrap_or_default();
    VideoTrack {
        stream_index: video.index,
        codec: video.codec_for_people(),
        width: video.width,
        height: video.height,
        sample_aspect_ratio: video.sample_aspect_ratio(),
        turned: video.is_turned(),
        rotation_degrees: video.rotation(),
        color: Color {
            full_range: video.color_range.as_deref() == Some("pc") || pix_fmt.starts_with("yuvj"),
            space: told(&video.color_space),
            primaries: told(&video.color_primaries),
            transfer: told(&video.color_transfer),
        },
        pix_fmt,
        interlaced,
        rate: timing.rate,
        constant_rate: timing.constant,
        start_us,
        end_us,
        longest_gop_us: longest_gop(&times.key_frames),
    }
}

fn longest_gop(key_frames: &[i64]) -> Option<i64> {
    // Only the first window is without gaps, so that steps over it are none.
    let steps = key_frames.windows(2).map(|pair| pair[1] - pair[0]);
    steps
        .filter(|step| (1..HEAD_SECS * 1_000_000).contains(step))
        .max()
}

/// The audio track to encode: the default one that can be decoded. A track without packets is none.
fn audio(streams: &Streams, packets: &Packets) -> Result<Option<AudioTrack>, Refusal> {
    let heard: Vec<&Stream> = streams
        .streams
        .iter()
        .filter(|stream| {
            stream.codec_type == "audio"
                && packets
                    .of(stream.index)
                    .is_some_and(|times| times.count > 0)
        })
        .collect();
    let known = heard
        .iter()
        .filter(|stream| stream.codec().is_some())
        .filter_map(|stream| Some((stream, stream.sample_rate()?)));
    let best = known.max_by_key(|(stream, _)| (stream.disposition.default, Reverse(stream.index)));
    match (best, heard.first()) {
        (None, None) => Ok(None),
        // Half of what was uploaded would be missing, and nobody would say so.
        (None, Some(unknown)) => Err(Refusal::UnsupportedCodec {
            track: "audio",
            codec: unknown.codec_for_people(),
        }),
        (Some((stream, sample_rate)), _) => {
            let times = packets
                .of(stream.index)
                .expect("only streams with packets are here");
            let start_us = times.first.iter().copied().min().unwrap_or(0);
            Ok(Some(AudioTrack {
                stream_index: stream.index,
                codec: stream.codec_for_people(),
                sample_rate,
                language: stream.tags.language.clone(),
                start_us,
                end_us: streams.end_us(stream, packets).unwrap_or(start_us),
                packet_rate: timing::packet_rate(&times.first, sample_rate),
            }))
        }
    }
}

fn no_video(streams: &Streams) -> Refusal {
    let has = |kind: &str| {
        streams
            .streams
            .iter()
            .any(|stream| stream.codec_type == kind)
    };
    let has = match () {
        () if has("audio") && has("video") => "only audio with a cover picture",
        () if has("audio") => "only audio",
        () if has("subtitle") => "only subtitles",
        () if has("video") => "only a picture",
        () => "only data",
    };
    Refusal::NoVideoTrack {
        has: has.to_owned(),
    }
}

#[cfg(test)]
mod tests;
