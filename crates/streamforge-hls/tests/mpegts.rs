//! The transport stream segmenter and reader on streams made by `ffmpeg`.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;

use streamforge_hls::mpegts::{Cut, PACKET_LEN, Segmenter, TsError, TsSegment, TsStream, inspect};
use tempfile::TempDir;

/// Runs `ffmpeg` with these arguments, split at spaces; it must have nothing to say at `log_level`.
fn ffmpeg(dir: &Path, log_level: &str, arguments: &str) {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-y", "-loglevel", log_level])
        .args(arguments.split_whitespace())
        .current_dir(dir)
        .output()
        .expect("ffmpeg is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    let fine = output.status.success() && said.is_empty();
    assert!(fine, "ffmpeg {arguments}: {said}");
}

/// The options that leave timestamps as they are, so that streams of different jobs join.
const MPEGTS: &str =
    "-muxdelay 0 -muxpreload 0 -output_ts_offset 10 -avoid_negative_ts disabled -f mpegts";
/// The clock after `-output_ts_offset 10`.
const START: u64 = 900_000;

/// Lossy, with B-frames.
const LOSSY: &str = "-crf 23 -bf 3";
/// Lossless, so that what one job and what two jobs make must decode to the same frames.
const LOSSLESS: &str = "-qp 0";

/// Frames that `ffmpeg` draws.
struct Source {
    rate: &'static str,
    /// What a frame lasts on the 90 kHz clock.
    ticks_a_frame: u64,
    frames: u32,
    /// Frames from one key frame to the next.
    gop: u32,
}

const CFR_30: Source = Source {
    rate: "30",
    ticks_a_frame: 3000,
    frames: 240,
    gop: 60,
};

/// 29.97 frames a second; the last segment is a short one.
const NTSC: Source = Source {
    rate: "30000/1001",
    ticks_a_frame: 3003,
    frames: 210,
    gop: 60,
};

impl Source {
    /// Encodes the frames `[start, end)` as one job does.
    fn encode(&self, dir: &Path, name: &str, quality: &str, start: u32, end: u32) -> Vec<u8> {
        let Self { rate, gop, .. } = self;
        let arguments = format!(
            "-f lavfi -i testsrc=size=320x180:rate={rate} -copyts \
             -vf fps={rate},trim=start_pts={start}:end_pts={end},format=yuv420p \
             -c:v libx264 -preset veryfast {quality} \
             -g {gop} -keyint_min {gop} -sc_threshold 0 {MPEGTS} {name}"
        );
        ffmpeg(dir, "error", &arguments);
        std::fs::read(dir.join(name)).unwrap()
    }

    /// Encodes the source in two jobs and cuts what they make.
    fn segments_of_two_jobs(&self, dir: &Path, quality: &str) -> Vec<TsSegment> {
        let middle = 2 * self.gop;
        let first = self.encode(dir, "first.ts", quality, 0, middle);
        let second = self.encode(dir, "second.ts", quality, middle, self.frames);
        let mut segments = cut(&first, self.gop);
        segments.extend(cut(&second, self.gop));
        segments
    }
}

fn cut(stream: &[u8], access_units: u32) -> Vec<TsSegment> {
    let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(access_units));
    let mut segments = Vec::new();
    // As from a pipe, whose reads do not end where packets do.
    for bytes in stream.chunks(4099) {
        segments.extend(segmenter.push(bytes).unwrap());
    }
    segments.extend(segmenter.finish().unwrap());
    segments
}

fn concat(segments: &[TsSegment]) -> Vec<u8> {
    let files = segments.iter().map(|segment| &segment.bytes[..]);
    files.collect::<Vec<_>>().concat()
}

/// One decoded frame: its presentation time on the 90 kHz clock, and the hash of its data.
type Frame = (u64, String);

fn decode(dir: &Path, name: &str) -> Vec<Frame> {
    let timing = "-fps_mode passthrough -enc_time_base 1:90000";
    ffmpeg(
        dir,
        "warning",
        &format!("-xerror -copyts -i {name} {timing} -f framemd5 {name}.md5"),
    );
    let text = std::fs::read_to_string(dir.join(format!("{name}.md5"))).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let frame = |line: &str| {
        let columns: Vec<&str> = line.split(',').map(str::trim).collect();
        (columns[2].parse().unwrap(), columns[5].to_owned())
    };
    lines.map(frame).collect()
}

fn assert_joins_with_any_other(segment: &TsSegment) {
    let summary = &segment.summary;
    assert!(summary.starts_with_tables);
    assert_eq!(segment.bytes.len() % (16 * PACKET_LEN), 0);
    assert_eq!(summary.continuity.len(), 3, "PAT, PMT and one stream");
    for counters in &summary.continuity {
        let all_around = counters.continuous && (counters.first, counters.last) == (0, 15);
        assert!(all_around, "{counters:?}");
    }
    let first_of_stream = &segment.bytes[2 * PACKET_LEN..3 * PACKET_LEN];
    assert_eq!(first_of_stream[3] & 0x20, 0x20, "has an adaptation field");
    assert_eq!(
        first_of_stream[5] & 0x50,
        0x50,
        "is a random access point with a clock"
    );
}

fn assert_two_jobs_join(source: &Source) {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let segments = source.segments_of_two_jobs(dir, LOSSY);

    let mut frames_before = 0;
    for segment in &segments {
        assert_joins_with_any_other(segment);
        let summary = &segment.summary;
        assert_eq!(summary.stream, TsStream::H264);
        assert!(summary.starts_with_idr && summary.has_video && !summary.has_audio);
        assert_eq!(summary.resolution, Some((320, 180)));
        assert_eq!(summary.codec.as_deref(), Some("avc1.64000d"));
        let start = START + u64::from(frames_before) * source.ticks_a_frame;
        assert_eq!(summary.first_pts, start);
        let last = u64::from(summary.access_units - 1) * source.ticks_a_frame;
        assert_eq!(summary.last_pts, start + last);
        frames_before += summary.access_units;
    }
    assert_eq!(frames_before, source.frames);
    assert!(
        segments[..segments.len() - 1]
            .iter()
            .all(|s| s.summary.access_units == source.gop)
    );

    let joined = concat(&segments);
    assert!(
        inspect(&joined)
            .unwrap()
            .continuity
            .iter()
            .all(|counters| counters.continuous)
    );

    // Against what the encoders made: cutting changes no frame and no time.
    std::fs::write(dir.join("joined.ts"), joined).unwrap();
    let mut expected = decode(dir, "first.ts");
    expected.extend(decode(dir, "second.ts"));
    let decoded = decode(dir, "joined.ts");
    assert_eq!(decoded, expected);
    let times = decoded.iter().map(|(pts, _)| *pts);
    let grid = (0..).map(|frame| START + frame * source.ticks_a_frame);
    assert!(times.eq(grid.take(source.frames as usize)));
}

#[test]
fn segments_of_two_jobs_join_at_30_frames_a_second() {
    assert_two_jobs_join(&CFR_30);
}

#[test]
fn segments_of_two_jobs_join_at_29_97_frames_a_second() {
    assert_two_jobs_join(&NTSC);
}

#[test]
fn segments_of_two_jobs_decode_to_the_frames_of_one_pass() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let joined = concat(&NTSC.segments_of_two_jobs(dir, LOSSLESS));
    std::fs::write(dir.join("joined.ts"), joined).unwrap();
    NTSC.encode(dir, "one-pass.ts", LOSSLESS, 0, NTSC.frames);
    let decoded = decode(dir, "joined.ts");
    assert_eq!(decoded.len(), NTSC.frames as usize);
    assert_eq!(decoded, decode(dir, "one-pass.ts"));
}

#[test]
fn plain_concatenation_of_two_jobs_has_a_jump_that_inspection_finds() {
    let dir = TempDir::new().unwrap();
    let mut stream = CFR_30.encode(dir.path(), "first.ts", LOSSY, 0, 60);
    stream.extend(CFR_30.encode(dir.path(), "second.ts", LOSSY, 60, 120));
    let summary = inspect(&stream).unwrap();
    assert!(
        summary
            .continuity
            .iter()
            .any(|counters| !counters.continuous)
    );
    assert!(
        !summary.starts_with_tables,
        "ffmpeg starts with its service description"
    );
}

#[test]
fn every_segment_can_be_decoded_alone() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    for segment in CFR_30.segments_of_two_jobs(dir, LOSSY) {
        std::fs::write(dir.join("alone.ts"), segment.bytes).unwrap();
        assert_eq!(decode(dir, "alone.ts").len(), 60);
    }
}

#[test]
fn first_access_unit_by_itself_is_one_whole_picture() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let segments = CFR_30.segments_of_two_jobs(dir, LOSSY);
    for segment in segments {
        let len = segment.summary.i_frame_bytes as usize;
        assert!(
            len < segment.bytes.len() / 2,
            "{len} of {}",
            segment.bytes.len()
        );
        std::fs::write(dir.join("i-frame.ts"), &segment.bytes[..len]).unwrap();
        std::fs::write(dir.join("whole.ts"), &segment.bytes).unwrap();
        assert_eq!(decode(dir, "i-frame.ts"), decode(dir, "whole.ts")[..1]);
        assert_eq!(inspect(&segment.bytes[..len]).unwrap().access_units, 1);
    }
}

/// Eight seconds of a tone as AAC, or of silence, whose frames are a handful of bytes.
fn audio(dir: &Path, source: &str) -> Vec<u8> {
    let arguments = format!(
        "-f lavfi -i {source} -t 8 -c:a aac -b:a 128k -pes_payload_size 0 {MPEGTS} audio.ts"
    );
    ffmpeg(dir, "error", &arguments);
    std::fs::read(dir.join("audio.ts")).unwrap()
}

#[test]
fn audio_is_cut_every_so_many_frames_and_joins() {
    for source in ["sine=r=48000", "anullsrc=r=48000:cl=stereo"] {
        let dir = TempDir::new().unwrap();
        let dir = dir.path();
        // 376 frames make seven segments, and what is left an eighth one.
        let segments = cut(&audio(dir, source), 53);
        let counts: Vec<u32> = segments.iter().map(|s| s.summary.access_units).collect();
        assert_eq!(counts, [53, 53, 53, 53, 53, 53, 53, 5], "{source}");
        for segment in &segments {
            assert_joins_with_any_other(segment);
            assert_eq!(segment.summary.stream, TsStream::Aac);
            assert_eq!(segment.summary.codec.as_deref(), Some("mp4a.40.2"));
            assert!(segment.summary.has_audio && !segment.summary.has_video);
        }
        std::fs::write(dir.join("joined.ts"), concat(&segments)).unwrap();
        let joined = decode(dir, "joined.ts");
        assert_eq!(joined.len(), 376);
        assert_eq!(joined, decode(dir, "audio.ts"));
    }
}

#[test]
fn segment_of_a_single_tiny_frame_still_joins() {
    let dir = TempDir::new().unwrap();
    let stream = audio(dir.path(), "anullsrc=r=48000:cl=stereo");
    for segment in cut(&stream, 1) {
        assert_joins_with_any_other(&segment);
        assert_eq!(segment.summary.access_units, 1);
    }
}

#[test]
fn muxed_stream_is_summed_up_by_its_video() {
    let dir = TempDir::new().unwrap();
    let sources = "-f lavfi -i sine=r=48000 -f lavfi -i testsrc=size=320x180:rate=25";
    let arguments = format!("{sources} -t 2 -c:a aac -c:v libx264 -pix_fmt yuv420p {MPEGTS} av.ts");
    ffmpeg(dir.path(), "error", &arguments);
    let stream = std::fs::read(dir.path().join("av.ts")).unwrap();
    let summary = inspect(&stream).unwrap();
    assert!(summary.has_audio && summary.has_video && summary.starts_with_idr);
    assert_eq!((summary.stream, summary.access_units), (TsStream::H264, 50));

    let refused = Segmenter::new(Cut::EveryAccessUnits(50)).push(&stream);
    assert_eq!(refused, Err(TsError::StreamCount { count: 2 }));
}

#[test]
fn other_video_is_reported_by_its_stream_type() {
    let dir = TempDir::new().unwrap();
    let source = "-f lavfi -i testsrc=size=320x180:rate=25 -t 2 -c:v mpeg2video -pix_fmt yuv420p";
    ffmpeg(dir.path(), "error", &format!("{source} {MPEGTS} mpeg2.ts"));
    let summary = inspect(&std::fs::read(dir.path().join("mpeg2.ts")).unwrap()).unwrap();
    assert_eq!(
        (summary.stream, summary.access_units),
        (TsStream::Other(2), 50)
    );
    assert_eq!((summary.codec, summary.has_video), (None, true));
}

#[test]
fn every_truncation_is_an_error_or_a_shorter_segment() {
    let dir = TempDir::new().unwrap();
    let stream = CFR_30.encode(dir.path(), "short.ts", LOSSY, 0, 10);
    let whole = inspect(&stream).unwrap().access_units;
    for len in (0..stream.len()).step_by(47) {
        match inspect(&stream[..len]) {
            Ok(summary) => assert!(summary.access_units <= whole && len % PACKET_LEN == 0),
            Err(TsError::CutShort { offset }) => assert_eq!(offset, len as u64),
            // Nothing but the tables is there yet.
            Err(error) => assert!(len <= 3 * PACKET_LEN, "{len}: {error}"),
        }
        let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(5));
        let _ = segmenter.push(&stream[..len]).unwrap();
        assert_eq!(segmenter.finish().is_err(), len % PACKET_LEN != 0, "{len}");
    }
}
