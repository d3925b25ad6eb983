//! Pictures and sound stay together: a white picture and a beep, at the same time every three seconds of the source.

use super::{H264, LOSSLESS, transcode};
use crate::media::MediaDir;

/// Black, but white for a tenth of a second at 1, 4 and 7 s, where chunks begin or are amid.
const FLASHES: &str = "-f lavfi -i color=c=black:size=320x180:rate=30:duration=9,\
                       drawbox=c=white:t=fill:enable='between(mod(t+0.01,3),1,1.1)'";

/// Silence, but 1 kHz for a tenth of a second at 1, 4 and 7 s.
const BEEPS: &str = "-f lavfi -i aevalsrc='0.5*sin(2000*PI*t)*between(mod(t,3),1,1.1)':sample_rate=48000:duration=9";

/// How far sound may be from where it was, in seconds.
const TOLERANCE: f64 = 0.005;

/// Transcodes a source made of `inputs` by `options` whose beeps are `late` seconds after its flashes.
fn assert_in_sync(inputs: &str, options: &str, file: &str, late: f64) {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{inputs} {H264} -c:a aac {options} {file}"));
    let package = transcode(&media, file, LOSSLESS, &["--segment-secs", "1"]);
    let (video, audio) = (package.video("180p"), package.audio());

    media.write("video.mp4", &video.bytes);
    let shown = video.presentation_times();
    let timescale = f64::from(video.init.timescale);
    let flashes: Vec<f64> = beginnings(&media.brightness("video.mp4"), |light| *light > 128, 1)
        .map(|frame| seconds(shown[frame], timescale))
        .collect();

    media.write("audio.mp4", &audio.bytes);
    let first = seconds(audio.presentation_times()[0], 48_000.0);
    let sound = media.sound("audio.mp4");
    assert_eq!(sound.len(), audio.samples() * 1024, "every packet is heard");
    let beeps: Vec<f64> = beginnings(&sound, |sample| sample.abs() > 0.1, 48_000)
        .map(|sample| first + seconds(i64::try_from(sample).expect("few samples"), 48_000.0))
        .collect();

    assert_eq!((flashes.len(), beeps.len()), (3, 3), "flashes and beeps");
    for (flash, beep) in flashes.iter().zip(&beeps) {
        let off = beep - flash - late;
        assert!(
            off.abs() <= TOLERANCE,
            "flash at {flash} s, beep at {beep} s: {off} s off"
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 ticks")]
fn seconds(ticks: i64, timescale: f64) -> f64 {
    ticks as f64 / timescale
}

/// Where something `is_there` that was not for as long as `pause` before.
fn beginnings<T>(
    all: &[T],
    is_there: impl Fn(&T) -> bool,
    pause: usize,
) -> impl Iterator<Item = usize> {
    let mut last = None;
    all.iter().enumerate().filter_map(move |(at, one)| {
        let begins = is_there(one) && last.is_none_or(|last| at - last > pause);
        last = if is_there(one) { Some(at) } else { last };
        begins.then_some(at)
    })
}

#[test]
fn in_mp4() {
    assert_in_sync(&format!("{FLASHES} {BEEPS}"), "", "together.mp4", 0.0);
}

#[test]
fn in_matroska() {
    assert_in_sync(&format!("{FLASHES} {BEEPS}"), "", "together.mkv", 0.0);
}

#[test]
fn in_a_transport_stream_that_starts_at_13_9_seconds() {
    assert_in_sync(
        &format!("{FLASHES} {BEEPS}"),
        "-muxdelay 0 -output_ts_offset 13.9",
        "together.ts",
        0.0,
    );
}

#[test]
fn sound_that_is_late_stays_late() {
    assert_in_sync(
        &format!("{FLASHES} -itsoffset 0.3 {BEEPS}"),
        "",
        "late.mp4",
        0.3,
    );
}

#[test]
fn pictures_that_are_late_stay_late() {
    assert_in_sync(
        &format!("{FLASHES} {BEEPS}"),
        "-vf settb=1/90000,setpts=PTS+0.51/TB -fps_mode passthrough -enc_time_base 1/90000",
        "early.mp4",
        -0.51,
    );
}

#[test]
fn in_webm() {
    // FFmpeg's own file has its pictures later by the delay of Opus.
    assert_in_sync(
        &format!("{FLASHES} {BEEPS}"),
        "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus",
        "together.webm",
        -0.007,
    );
}

#[test]
fn in_avi() {
    assert_in_sync(
        &format!("{FLASHES} {BEEPS}"),
        "-c:v mpeg4 -bf 0 -c:a pcm_s16le",
        "together.avi",
        0.0,
    );
}

#[test]
fn in_flash_video() {
    assert_in_sync(&format!("{FLASHES} {BEEPS}"), "", "together.flv", 0.0);
}

#[test]
fn in_a_program_stream() {
    assert_in_sync(
        &format!("{FLASHES} {BEEPS}"),
        "-c:v mpeg2video -bf 2 -c:a mp2",
        "together.mpg",
        0.0,
    );
}

#[test]
fn in_fragmented_mp4() {
    assert_in_sync(
        &format!("{FLASHES} {BEEPS}"),
        "-g 30 -movflags +frag_keyframe+empty_moov+default_base_moof",
        "together.mp4",
        0.0,
    );
}
