//! The reader of fragmented MP4 on files made by `ffmpeg`.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;

use streamforge_hls::isobmff::{
    BoxError, Fragment, InitMedia, InitSegment, boxes, first_sample_is_idr, fragments,
};
use tempfile::TempDir;

/// What makes one CMAF fragment of each group of pictures.
const CMAF: &str = "-f mp4 -use_editlist 0 -movflags \
    +cmaf+frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer";

/// Runs `ffmpeg` with these arguments, split at spaces, and returns the file it makes.
fn ffmpeg(dir: &Path, arguments: &str) -> Vec<u8> {
    let file = dir.join("out.mp4");
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-y", "-loglevel", "error"])
        .args(arguments.split_whitespace())
        .arg(&file)
        .output()
        .expect("ffmpeg is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg {arguments}: {said}");
    std::fs::read(file).unwrap()
}

/// Encodes the frames `[start, end)` of a test source at 29.97 frames a second, as one job does.
fn video_job(dir: &Path, start: u32, end: u32) -> Vec<u8> {
    let arguments = format!(
        "-f lavfi -i testsrc=size=320x180:rate=30000/1001 -copyts \
         -vf fps=30000/1001,trim=start_pts={start}:end_pts={end},format=yuv420p \
         -c:v libx264 -preset veryfast -crf 23 -bf 3 -g 60 -keyint_min 60 -sc_threshold 0 \
         -video_track_timescale 30000 {CMAF}"
    );
    ffmpeg(dir, &arguments)
}

/// Encodes a second of the source with this codec.
fn one_second(dir: &Path, source: &str, codec: &str) -> Vec<u8> {
    ffmpeg(dir, &format!("-f lavfi -i {source} -t 1 {codec} {CMAF}"))
}

/// Splits a file into its init segment and its media segments.
fn split(file: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let mut init_end = 0;
    let mut segments = Vec::new();
    let mut start = 0;
    for found in boxes(file) {
        let found = found.unwrap();
        let end = found.offset + found.size;
        match &found.kind {
            b"moov" => init_end = end,
            b"moof" => start = found.offset,
            b"mdat" => segments.push(&file[start..end]),
            _ => {}
        }
    }
    (&file[..init_end], segments)
}

fn only_fragment(segment: &[u8], init: &InitSegment) -> Fragment {
    let mut fragments = fragments(segment, init).unwrap();
    assert_eq!(fragments.len(), 1);
    fragments.remove(0)
}

#[test]
fn fragments_of_two_jobs_share_an_init_segment_and_a_timeline() {
    let dir = TempDir::new().unwrap();
    let first = video_job(dir.path(), 0, 120);
    let second = video_job(dir.path(), 120, 210);
    let (init, mut segments) = split(&first);
    let (second_init, second_segments) = split(&second);
    assert_eq!(init, second_init);
    segments.extend(second_segments);

    let init = InitSegment::parse(init).unwrap();
    assert_eq!(init.track_id, 1);
    assert_eq!(init.timescale, 30_000);
    assert_eq!(init.codec, "avc1.64000d");
    assert_eq!(
        init.media,
        InitMedia::Video {
            width: 320,
            height: 180
        }
    );
    assert!(!init.has_edit_list);

    let mut decode_time = 0;
    for (segment, samples) in segments.iter().zip([60, 60, 60, 30]) {
        let fragment = only_fragment(segment, &init);
        assert_eq!(fragment.samples.len(), samples);
        assert_eq!(fragment.decode_time, decode_time);
        assert_eq!(
            fragment.first_presentation_time(),
            decode_time.cast_signed()
        );
        assert_eq!(fragment.duration(), samples as u64 * 1001);
        decode_time += fragment.duration();

        assert_eq!((fragment.moof_offset, fragment.end), (0, segment.len()));
        let bytes: usize = fragment.samples.iter().map(|s| s.size as usize).sum();
        assert_eq!(fragment.data_offset + bytes, fragment.end);
        assert!(first_sample_is_idr(segment, &fragment));
        let sync: Vec<bool> = fragment.samples.iter().map(|sample| sample.sync).collect();
        assert!(sync[0] && !sync[1..].contains(&true));
        assert!(
            fragment
                .samples
                .iter()
                .any(|sample| sample.composition_offset < 0)
        );
    }
}

#[test]
fn a_file_of_several_segments_has_their_fragments_in_order() {
    let dir = TempDir::new().unwrap();
    let file = video_job(dir.path(), 0, 150);
    let init = InitSegment::parse(&file).unwrap();
    let fragments = fragments(&file, &init).unwrap();
    let times: Vec<u64> = fragments
        .iter()
        .map(|fragment| fragment.decode_time)
        .collect();
    assert_eq!(times, [0, 60_060, 120_120]);
    let ends = fragments.iter().map(|fragment| fragment.end);
    let starts = fragments
        .iter()
        .skip(1)
        .map(|fragment| fragment.moof_offset);
    assert!(ends.zip(starts).all(|(end, start)| end == start));
    assert!(
        fragments
            .iter()
            .all(|fragment| first_sample_is_idr(&file, fragment))
    );
}

#[test]
fn audio_has_its_rate_its_channels_and_frames_of_1024_samples() {
    let dir = TempDir::new().unwrap();
    let codec = "-af aformat=channel_layouts=stereo -c:a aac -bsf:a noise=drop=lt(n\\,1)";
    let file = one_second(dir.path(), "sine=r=44100", codec);
    let (init, segments) = split(&file);
    let init = InitSegment::parse(init).unwrap();
    assert_eq!(init.codec, "mp4a.40.2");
    assert_eq!(
        init.media,
        InitMedia::Audio {
            channels: 2,
            sample_rate: 44_100
        }
    );
    let fragment = only_fragment(segments[0], &init);
    assert_eq!(fragment.decode_time, 0);
    assert!(fragment.samples.iter().all(|sample| sample.sync));
    assert!(
        fragment.samples[..40]
            .iter()
            .all(|sample| sample.duration == 1024)
    );
    assert!(!first_sample_is_idr(segments[0], &fragment));
}

#[test]
fn codecs_have_their_rfc_6381_names() {
    let dir = TempDir::new().unwrap();
    let video = "testsrc=size=320x180:rate=30";
    let audio = "sine=r=48000";
    let cases = [
        (
            video,
            "-c:v libx264 -profile:v baseline -pix_fmt yuv420p",
            "avc1.42c00d",
        ),
        (
            video,
            "-c:v libx265 -pix_fmt yuv420p10le -tag:v hvc1",
            "hvc1.2.4.L60.90",
        ),
        (
            video,
            "-c:v libsvtav1 -preset 12 -pix_fmt yuv420p10le",
            "av01.0.00M.10",
        ),
        (
            video,
            "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime -pix_fmt yuv420p",
            "vp09.00.11.08",
        ),
        // Its configuration is empty in a file that starts before the first picture is encoded.
        (
            video,
            "-c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p",
            "av01",
        ),
        (video, "-c:v mpeg4", "mp4v"),
        (audio, "-c:a libmp3lame", "mp4a.6b"),
        (audio, "-c:a libopus", "opus"),
        (audio, "-c:a flac -strict -2", "fLaC"),
    ];
    for (source, codec, name) in cases {
        let file = one_second(dir.path(), source, codec);
        assert_eq!(InitSegment::parse(&file).unwrap().codec, name);
    }
}

#[test]
fn edit_list_is_noticed() {
    let dir = TempDir::new().unwrap();
    let source = "-f lavfi -i testsrc=size=320x180:rate=30 -t 1 -c:v libx264 -pix_fmt yuv420p";
    let file = ffmpeg(
        dir.path(),
        &format!("{source} -f mp4 -movflags +frag_keyframe+delay_moov"),
    );
    assert!(InitSegment::parse(&file).unwrap().has_edit_list);
}

#[test]
fn init_segment_of_two_tracks_is_refused() {
    let dir = TempDir::new().unwrap();
    let sources = "-f lavfi -i sine -f lavfi -i testsrc=size=320x180:rate=30 -t 1";
    let file = ffmpeg(
        dir.path(),
        &format!("{sources} -c:v libx264 -c:a aac {CMAF}"),
    );
    let error = InitSegment::parse(&file).unwrap_err();
    assert_eq!(error, BoxError::TrackCount { count: 2 });
}

#[test]
fn every_truncation_is_an_error() {
    let dir = TempDir::new().unwrap();
    let file = video_job(dir.path(), 0, 12);
    let (init_bytes, segments) = split(&file);
    for len in 0..init_bytes.len() {
        assert!(InitSegment::parse(&init_bytes[..len]).is_err(), "{len}");
    }
    let init = InitSegment::parse(init_bytes).unwrap();
    assert_eq!(fragments(b"", &init), Ok(Vec::new()));
    for len in 1..segments[0].len() {
        assert!(fragments(&segments[0][..len], &init).is_err(), "{len}");
    }
}

#[test]
fn any_changed_byte_is_read_or_refused_but_never_a_panic() {
    let dir = TempDir::new().unwrap();
    let file = video_job(dir.path(), 0, 12);
    let (init_bytes, segments) = split(&file);
    let init = InitSegment::parse(init_bytes).unwrap();
    let moof_len = only_fragment(segments[0], &init).data_offset;
    for changed in [0x00, 0x01, 0x7f, 0x80, 0xff] {
        for index in 0..init_bytes.len() {
            let mut bytes = init_bytes.to_vec();
            bytes[index] = changed;
            let _ = InitSegment::parse(&bytes);
        }
        for index in 0..moof_len {
            let mut bytes = segments[0].to_vec();
            bytes[index] = changed;
            for fragment in fragments(&bytes, &init).unwrap_or_default() {
                assert!(fragment.end <= bytes.len());
                assert!(fragment.samples.len() <= bytes.len());
                let _ = fragment.first_presentation_time();
                let _ = first_sample_is_idr(&bytes, &fragment);
            }
        }
    }
}
