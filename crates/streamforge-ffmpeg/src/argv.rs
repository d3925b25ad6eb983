//! FFmpeg's command lines: pure functions of the plan.
//!
//! Every filter and flag here is one that chunks need in order to join frame by frame. What each is for, and what goes wrong
//! without it, is in `docs/ENCODING.md`.

use streamforge_core::grid::{AAC_FRAME_SAMPLES, AUDIO_SAMPLE_RATE};
use streamforge_core::ladder::PlannedRung;
use streamforge_core::plan::{Attempt, Chunk, Plan};
use streamforge_core::settings::SegmentFormat;
use streamforge_core::source::{AudioTrack, Color};

/// Packets of sound decoded before a chunk of audio and dropped after encoding: the encoder must have heard what comes before,
/// or the join clicks.
const AUDIO_LEAD_PACKETS: u64 = 8;

/// How much earlier than a chunk of audio to seek: more than [`AUDIO_LEAD_PACKETS`] and any codec's own delay.
const AUDIO_SEEK_LEAD_US: i64 = 3_000_000;

/// How much of the sound's end is decoded for a chunk that lies behind it; a container may be wrong by a part of that.
const AUDIO_TAIL_US: i64 = 2_000_000;

/// How far, in seconds, rounding may put a packet of sound from its time: the container rounds its clock by half a millisecond, and
/// so it does with the first packet, from which we count, and FFmpeg with the codec's delay.
const SOUND_ROUNDED_BY: f64 = 0.002;

/// Where the clock of MPEG-TS output starts, in seconds: B-frames need room for decode times before the first picture's.
pub const MPEG_TS_OFFSET_SECS: u32 = 10;

/// Quality of the poster, on the scale of FFmpeg's mjpeg encoder: 2 is the best, 31 the worst.
const POSTER_QUALITY: u32 = 3;

/// Quality of a storyboard tile, on the same scale.
const TILE_QUALITY: u32 = 5;

/// What one output pipe of a job carries. Its place in [`Command::pipes`] plus 3 is its file descriptor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pipe {
    /// FFmpeg's `-progress` lines.
    Progress,
    /// The track at this place of the chunk's record: a rung, or the audio.
    Track(usize),
    /// JPEG pictures: one storyboard sheet.
    Storyboard,
    /// JPEG pictures: the poster's candidates, one a second.
    Poster,
}

/// A command line for `ffmpeg`, without the program's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    /// The arguments.
    pub args: Vec<String>,
    /// What comes out of file descriptors 3, 4, …
    pub pipes: Vec<Pipe>,
}

/// Collects a command line and gives out its pipes.
struct Builder {
    args: Vec<String>,
    pipes: Vec<Pipe>,
}

impl Builder {
    fn new() -> Self {
        let mut builder = Self {
            args: words("-hide_banner -nostdin -v warning -max_error_rate 1"),
            pipes: Vec::new(),
        };
        let progress = builder.pipe(Pipe::Progress);
        builder.words(&format!("-progress {progress} -stats_period 0.5"));
        builder
    }

    fn words(&mut self, text: &str) {
        self.args.extend(words(text));
    }

    fn arg(&mut self, option: &str, value: impl Into<String>) {
        self.args.extend([option.to_owned(), value.into()]);
    }

    fn pipe(&mut self, pipe: Pipe) -> String {
        self.pipes.push(pipe);
        format!("pipe:{}", self.pipes.len() + 2)
    }

    fn input(&mut self, seek_us: i64, input_args: &[String]) {
        // -copyts keeps the source's clock, so that every chunk maps it to the grid alike; -noaccurate_seek hands over the pictures
        // before the chunk too, which fill its first frames where the source has gaps.
        self.words("-copyts -noaccurate_seek");
        if seek_us > 0 {
            self.arg("-ss", seconds(seek_us));
        }
        self.args.extend_from_slice(input_args);
    }

    fn finish(self) -> Command {
        Command {
            args: self.args,
            pipes: self.pipes,
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Microseconds as FFmpeg reads seconds: `-1.000250`.
fn seconds(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:06}",
        us.unsigned_abs() / 1_000_000,
        us.unsigned_abs() % 1_000_000
    )
}

/// When pictures change their size or format, FFmpeg builds its filters anew, and `fps` counts from 0 again: frames come twice, or never.
/// So it does not, and `scale`, which follows such changes by itself, comes first of those that look at pictures. Those that turn
/// pictures or make them of fields come before it and do not follow: where they are wanted, this is not.
const ONE_GRAPH: &str = "-noautorotate -reinit_filter 0";

/// Encodes one chunk of video: one decode, every rung, the storyboard strip and, in the chunk with 2 s, the poster's candidates.
///
/// `threads` is how many each encoder may use; `input_args` open the source, up to `-i URL`.
///
/// # Panics
/// When the plan has no rungs.
pub fn video_chunk(
    plan: &Plan,
    chunk: Chunk,
    attempt: Attempt,
    threads: usize,
    input_args: &[String],
) -> Command {
    let mut command = Builder::new();
    let (start, end) = plan.frame_range(chunk);
    let video = &plan.source.video;
    if !video.interlaced && video.rotation_degrees.is_none() {
        command.words(ONE_GRAPH);
    }
    command.input(plan.seek_us(start, attempt.preroll_us), input_args);
    let poster = chunk.index == plan.poster_place().0;
    command.arg(
        "-filter_complex",
        filter_graph(plan, chunk, attempt, poster),
    );
    debug_assert!(end.is_none_or(|end| end > start), "a chunk has frames");

    for (place, rung) in plan.rungs.iter().enumerate() {
        command.arg("-map", format!("[v{place}]"));
        command.words(&x264(plan, rung, threads));
        command.words(match plan.format() {
            SegmentFormat::Cmaf => CMAF,
            SegmentFormat::MpegTs => MPEG_TS,
        });
        if plan.format() == SegmentFormat::Cmaf {
            // Every key frame starts a fragment, and key frames are a segment apart.
            command.words(&format!("-movflags {CMAF_FLAGS}+frag_keyframe"));
            command.arg(
                "-video_track_timescale",
                plan.grid.track().timescale.to_string(),
            );
        }
        let pipe = command.pipe(Pipe::Track(place));
        command.args.push(pipe);
    }
    let mut pictures = |label: &str, quality: u32, pipe: Pipe| {
        command.arg("-map", label);
        command.words(&format!(
            "-c:v mjpeg -q:v {quality} -fps_mode passthrough -f image2pipe"
        ));
        let pipe = command.pipe(pipe);
        command.args.push(pipe);
    };
    pictures("[tiles]", TILE_QUALITY, Pipe::Storyboard);
    if poster {
        pictures("[poster]", POSTER_QUALITY, Pipe::Poster);
    }
    command.finish()
}

/// Decode to grid to sizes. The parts, in order:
///
/// - `setpts` puts the stream's origin at 0;
/// - `bwdif` makes whole frames of fields, where there are fields;
/// - `fps` gives every picture its frame index by one rounding that is the same in all chunks;
/// - `tpad` repeats the last picture, where the sound goes on;
/// - `trim` cuts on frame indexes, half-open, so that no frame is lost or doubled;
/// - the largest rung is scaled from the source, the others from it.
fn filter_graph(plan: &Plan, chunk: Chunk, attempt: Attempt, poster: bool) -> String {
    let (start, end) = plan.frame_range(chunk);
    let video = &plan.source.video;
    let rate = plan.grid.rate;
    let (first, others) = plan.rungs.split_first().expect("a ladder has a rung");

    let mut pad_from = None;
    if attempt.fill {
        pad_from = Some(seconds(rate.time_of_us(start)));
    } else if plan.starts_before_first_picture(chunk) {
        pad_from = Some("0".to_owned());
    }
    let mut grid = vec![format!("setpts=PTS-({})/TB", seconds(plan.origin_us))];
    if video.interlaced {
        grid.push("bwdif=mode=send_frame:deint=interlaced".to_owned());
    }
    grid.push(match pad_from {
        Some(from) => format!("fps={rate}:start_time={from}"),
        None => format!("fps={rate}"),
    });
    if attempt.fill || plan.holds_last_picture(chunk) {
        grid.push("tpad=stop=-1:stop_mode=clone".to_owned());
    }
    grid.push(match end {
        Some(end) => format!("trim=start_pts={start}:end_pts={end}"),
        None => format!("trim=start_pts={start}"),
    });
    grid.push(picture(plan, first));

    let scaled: Vec<String> = (1..=others.len())
        .map(|place| format!("[s{place}]"))
        .collect();
    let still = if poster { "[still]" } else { "" };
    let copies = 2 + others.len() + usize::from(poster);
    let mut chains = vec![format!(
        "[0:{}]{},split={copies}[v0][strip]{}{still}",
        video.stream_index,
        grid.join(","),
        scaled.concat(),
    )];
    for (place, rung) in (1..).zip(others) {
        let (width, height) = (rung.width, rung.height);
        chains.push(format!(
            "[s{place}]scale={width}:{height}:flags=bicubic,setsar=1[v{place}]"
        ));
    }
    let (width, height) = plan.tile_size();
    chains.push(format!(
        "[strip]select=not(mod(n\\,{})),scale={width}:{height}:flags=area,format=yuvj420p,tile={}x1[tiles]",
        plan.grid.frames_per_segment,
        // The last chunk may turn out one segment longer than planned.
        chunk.segments + u32::from(plan.is_last(chunk)),
    ));
    if poster {
        let (width, height) = plan.poster_size();
        chains.push(format!(
            "[still]select=not(mod(n\\,{})),scale={width}:{height}:flags=bicubic,format=yuvj420p[poster]",
            rate.frames_a_second(),
        ));
    }
    chains.join(";")
}

/// From the source's picture to the largest rung's: size, square samples, 8 bits in 4:2:0, video range, standard dynamic range.
fn picture(plan: &Plan, rung: &PlannedRung) -> String {
    let color = &plan.source.video.color;
    let scale = format!("scale={}:{}:flags=bicubic", rung.width, rung.height);
    if color.is_hdr() {
        let or = |value: &Option<String>, otherwise: &str| {
            value.clone().unwrap_or_else(|| otherwise.to_owned())
        };
        // zscale must be told what the stream leaves unsaid, or it finds no path.
        return format!(
            "{scale},format=yuv420p10le,setsar=1,\
             zscale=tin={}:min={}:pin={}:rin={}:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,\
             tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p",
            or(&color.transfer, "smpte2084"),
            or(&color.space, "bt2020nc"),
            or(&color.primaries, "bt2020"),
            if color.full_range { "pc" } else { "tv" },
        );
    }
    let range = if color.full_range {
        ":in_range=pc:out_range=tv"
    } else {
        ""
    };
    let matrix = if is_rgb(plan) {
        ":out_color_matrix=bt709:out_range=tv"
    } else {
        ""
    };
    format!("{scale}{range}{matrix},format=yuv420p,setsar=1")
}

fn is_rgb(plan: &Plan) -> bool {
    let format = &plan.source.video.pix_fmt;
    ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"]
        .iter()
        .any(|rgb| format.starts_with(rgb))
}

/// Encoder of one rung. One key frame a segment, closed GOPs.
fn x264(plan: &Plan, rung: &PlannedRung, threads: usize) -> String {
    let gop = plan.grid.frames_per_segment;
    let rate = if rung.crf == 0 {
        "-qp 0".to_owned()
    } else {
        // Capped CRF: unlike an average bit rate, its quality does not depend on where a chunk begins.
        format!(
            "-profile:v high -crf {} -maxrate {} -bufsize {}",
            rung.crf,
            rung.maxrate,
            rung.bufsize()
        )
    };
    let Colors {
        range,
        space,
        primaries,
        transfer,
    } = Colors::of(plan);
    format!(
        "-c:v libx264 -threads {threads} -preset {} {rate} -pix_fmt yuv420p -bf 3 -g {gop} -keyint_min {gop} -sc_threshold 0 \
         -color_range {range} -colorspace {space} -color_primaries {primaries} -color_trc {transfer} \
         -map_metadata -1 -map_chapters -1",
        plan.settings.ladder.preset
    )
}

/// What the encoded samples mean. Said in every chunk alike, so that every chunk has the same init segment.
struct Colors {
    range: &'static str,
    space: &'static str,
    primaries: &'static str,
    transfer: &'static str,
}

impl Colors {
    fn of(plan: &Plan) -> Self {
        let color: &Color = &plan.source.video.color;
        let known = |value: &Option<String>, names: &[&'static str]| {
            names
                .iter()
                .copied()
                .find(|name| value.as_deref() == Some(name))
        };
        let bt709 = Self {
            range: "tv",
            space: "bt709",
            primaries: "bt709",
            transfer: "bt709",
        };
        if color.is_hdr() || is_rgb(plan) {
            return bt709;
        }
        // A stream that says nothing is taken for what players take it: SD for BT.601, HD for BT.709.
        let sd = plan.source.video.height < 720;
        let space = known(&color.space, &["bt709", "smpte170m", "bt470bg", "bt2020nc"]);
        let space = space.unwrap_or(if sd { "smpte170m" } else { "bt709" });
        let primaries = known(
            &color.primaries,
            &["bt709", "smpte170m", "bt470bg", "bt2020"],
        );
        let primaries = primaries.unwrap_or(match space {
            "bt2020nc" => "bt2020",
            other => other,
        });
        let transfer = known(
            &color.transfer,
            &["bt709", "smpte170m", "iec61966-2-1", "bt2020-10"],
        );
        Self {
            space,
            primaries,
            transfer: transfer.unwrap_or(if space == "smpte170m" { space } else { "bt709" }),
            ..bt709
        }
    }
}

const CMAF: &str = "-f mp4 -use_editlist 0";

/// `cmaf` and `frag_discont` make the decode time of a chunk's first fragment its true time, and the init segment the same in every
/// chunk; other sets of flags restart at 0 or put the difference into an edit list.
const CMAF_FLAGS: &str = "+cmaf+empty_moov+default_base_moof+frag_discont+skip_trailer";

/// Without these, the first chunk's clock is shifted by its B-frames' delay and the others' is not.
const MPEG_TS: &str =
    "-muxdelay 0 -muxpreload 0 -output_ts_offset 10 -avoid_negative_ts disabled -f mpegts";

/// From where the sound is decoded for a chunk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AudioLead {
    /// From a little before the chunk.
    Near,
    /// From the source's first sound on: when the sound ends long before its container says, there is none near the chunk.
    Start,
}

/// Encodes one chunk of audio.
///
/// The encoder starts eight packets before the chunk, and those packets, its own priming packet and what it flushes at the
/// end are dropped: then the chunks' packets stand side by side as from one encoder, at exact times, without a click.
///
/// # Panics
/// When the plan has no audio.
pub fn audio_chunk(plan: &Plan, chunk: Chunk, lead: AudioLead, input_args: &[String]) -> Command {
    let audio = plan
        .audio
        .as_ref()
        .expect("only a plan with audio has audio chunks");
    let track = plan
        .source
        .audio
        .as_ref()
        .expect("audio is planned from the source's audio");
    let (first, count) = audio.packet_range(chunk);
    let samples = u64::from(AAC_FRAME_SAMPLES);
    let (start, end) = (first * samples, (first + count) * samples);
    let lead_packets = AUDIO_LEAD_PACKETS.min(first);
    let heard_from = start - lead_packets * samples;
    // Past the end of the sound there is nothing to decode: the silence there follows its last seconds.
    let sound_end = micros_to_samples(track.end_us - plan.origin_us - AUDIO_TAIL_US);
    // In whole seconds, at which every sample rate has a sample: resampled from anywhere else, the sound would lie between the
    // samples of the chunk before.
    let decoded_from_secs = match lead {
        AudioLead::Near => heard_from.min(sound_end) / u64::from(AUDIO_SAMPLE_RATE),
        AudioLead::Start => 0,
    };

    let mut command = Builder::new();
    let decoded_from_us = i64::try_from(decoded_from_secs * 1_000_000).unwrap_or(i64::MAX);
    let at = plan.origin_us.saturating_add(decoded_from_us) - AUDIO_SEEK_LEAD_US;
    let at = at - plan.attempts()[0].preroll_us - plan.source.start_us;
    command.input(if decoded_from_secs == 0 { 0 } else { at }, input_args);
    command.arg("-map", format!("0:{}", track.stream_index));
    command.arg(
        "-af",
        format!(
            // first_pts counts in samples of its input, which may come at another rate than the stream says.
            "asetpts={},aresample={rate},aresample=async=1:first_pts={},aresample={AUDIO_SAMPLE_RATE},\
             aformat=sample_fmts=fltp:channel_layouts=stereo,apad,atrim=start_pts={heard_from}:end_pts={}",
            sound_time(plan, track),
            decoded_from_secs * u64::from(track.sample_rate),
            end + 2 * samples,
            rate = track.sample_rate,
        ),
    );
    command.words(&format!(
        "-c:a aac -b:a {}",
        plan.settings.ladder.audio_bitrate
    ));
    // One more packet than the lead is the encoder's priming.
    command.arg(
        "-bsf:a",
        format!(
            "noise=drop=lt(n\\,{})+gte(n\\,{})",
            lead_packets + 1,
            lead_packets + 1 + count
        ),
    );
    command.words("-map_metadata -1 -map_chapters -1");
    match plan.format() {
        SegmentFormat::Cmaf => {
            command.words(CMAF);
            command.arg("-movflags", CMAF_FLAGS);
            // A fragment is cut when it has lasted this long; a little less than a segment, against rounding.
            let packet_us = 1_000_000 * samples / u64::from(AUDIO_SAMPLE_RATE);
            let segment_us =
                audio.grid.segment_ticks() * 1_000_000 / u64::from(audio.grid.timescale);
            command.arg("-frag_duration", (segment_us - packet_us / 2).to_string());
        }
        SegmentFormat::MpegTs => {
            command.words("-pes_payload_size 0");
            command.words(MPEG_TS);
        }
    }
    let pipe = command.pipe(Pipe::Track(0));
    command.args.push(pipe);
    command.finish()
}

/// The time of a piece of decoded sound, in its samples from the stream's origin, as an expression for FFmpeg.
///
/// Matroska rounds times to milliseconds. A chunk would inherit that of the packet it begins with, another one for each, and where
/// they join the sound would click. So a time that lies as near as that to where the packets before it end is taken for just there:
/// the end of a piece is looked at, because a codec's delay is cut from the start of the first.
fn sound_time(plan: &Plan, track: &AudioTrack) -> String {
    let origin = seconds(plan.origin_us);
    let Some(packet_rate) = track.packet_rate else {
        return format!("PTS-({origin})/TB");
    };
    let start = seconds(track.start_us);
    let (num, den) = (packet_rate.num(), packet_rate.den());
    format!(
        "'st(0,SR*{den}/{num});st(1,round(SR*({start})));st(2,PTS+NB_SAMPLES-ld(1));st(3,round(ld(2)/ld(0))*ld(0));\
         PTS+if(lt(abs(ld(3)-ld(2)),SR*{SOUND_ROUNDED_BY}),ld(3)-ld(2))-round(SR*({origin}))'"
    )
}

/// Nothing for a negative time.
fn micros_to_samples(us: i64) -> u64 {
    u64::try_from(us).unwrap_or(0) * u64::from(AUDIO_SAMPLE_RATE) / 1_000_000
}

/// Pictures of the first minute for the poster, at key frames: for a video whose first seconds show nothing.
///
/// # Panics
/// When the plan has no rungs.
pub fn poster_search(plan: &Plan, input_args: &[String]) -> Command {
    let mut command = Builder::new();
    command.words("-skip_frame nokey -t 60");
    command.args.extend_from_slice(input_args);
    let (width, height) = plan.poster_size();
    let rung = plan.rungs.first().expect("a ladder has a rung");
    let still = format!(
        "{},scale={width}:{height}:flags=bicubic,format=yuvj420p",
        picture(plan, rung)
    );
    command.arg("-map", format!("0:{}", plan.source.video.stream_index));
    command.arg("-vf", still);
    command.words(&format!(
        "-frames:v 40 -c:v mjpeg -q:v {POSTER_QUALITY} -fps_mode passthrough -f image2pipe"
    ));
    let pipe = command.pipe(Pipe::Poster);
    command.args.push(pipe);
    command.finish()
}

#[cfg(test)]
mod tests;
