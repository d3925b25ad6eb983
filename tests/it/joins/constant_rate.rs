//! Sources whose frames come at one rate.

use super::{EXPECTED, Expected, H264, Pass, assert_seamless};
use crate::media::MediaDir;

/// Nine seconds, or a frame more, at this rate.
fn assert_seamless_at(rate: (u32, u32), frames: u64, file: &str) {
    let media = MediaDir::new();
    let (num, den) = rate;
    media.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x180:rate={num}/{den} -frames:v {frames} {H264} {file}"
    ));
    let expected = Expected {
        rate,
        frames,
        ..EXPECTED
    };
    assert_seamless(&media, file, &expected);
}

#[test]
fn film_at_23_976() {
    assert_seamless_at((24_000, 1001), 216, "film.mov");
}

#[test]
fn pal_at_25() {
    assert_seamless_at((25, 1), 225, "pal.mp4");
}

#[test]
fn ntsc_at_29_97() {
    assert_seamless_at((30_000, 1001), 270, "ntsc.mp4");
}

#[test]
fn ntsc_at_29_97_on_the_millisecond_clock_of_matroska() {
    assert_seamless_at((30_000, 1001), 270, "ntsc.mkv");
}

#[test]
fn thirty() {
    assert_seamless_at((30, 1), 270, "thirty.mp4");
}

#[test]
fn sixty() {
    assert_seamless_at((60, 1), 540, "sixty.mp4");
}

#[test]
fn slow_motion_at_120_becomes_60() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x180:rate=120:duration=9 {H264} fast.mp4"
    ));
    let expected = Expected {
        rate: (60, 1),
        frames: 540,
        pass: Pass::OnTheGrid,
        ..EXPECTED
    };
    assert_seamless(&media, "fast.mp4", &expected);
}
