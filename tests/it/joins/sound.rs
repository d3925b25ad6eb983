//! Sound beside the pictures, of another length or start.

use streamforge_hls::isobmff::InitMedia;

use super::{EXPECTED, Expected, H264, PICTURES, Pass, assert_seamless};
use crate::media::MediaDir;

fn tone(secs: u32) -> String {
    format!("-f lavfi -i sine=frequency=440:sample_rate=48000:duration={secs}")
}

#[test]
fn as_long_as_the_pictures() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {} {H264} -c:a aac same.mp4", tone(9)));
    assert_seamless(&media, "same.mp4", &EXPECTED);
}

#[test]
fn six_seconds_longer_holds_the_last_picture() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} {} {H264} -c:a aac longer.mp4",
        tone(15)
    ));
    let expected = Expected {
        frames: 450,
        pass: Pass::Filtered("tpad=stop=180:stop_mode=clone"),
        ..EXPECTED
    };
    assert_seamless(&media, "longer.mp4", &expected);
}

#[test]
fn five_seconds_shorter_ends_in_silence() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} {} {H264} -c:a aac shorter.mp4",
        tone(4)
    ));
    assert_seamless(&media, "shorter.mp4", &EXPECTED);
}

#[test]
fn half_a_second_before_the_pictures_shows_the_first_one_earlier() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "-itsoffset 0.5 {PICTURES} {} {H264} -fps_mode passthrough -c:a aac early.mp4",
        tone(9)
    ));
    let expected = Expected {
        frames: 285,
        pass: Pass::Filtered("tpad=start=15:start_mode=clone"),
        ..EXPECTED
    };
    assert_seamless(&media, "early.mp4", &expected);
}

#[test]
fn a_third_of_a_second_after_the_pictures_starts_in_silence() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} -itsoffset 0.3 {} {H264} -c:a aac late.mp4",
        tone(9)
    ));
    assert_seamless(&media, "late.mp4", &EXPECTED);
}

#[test]
fn of_5_1_channels_becomes_stereo() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} {} {H264} -ac 6 -c:a ac3 cinema.mkv",
        tone(9)
    ));
    let expected = Expected {
        // The encoder's delay of 256 samples, on Matroska's clock of milliseconds.
        origin_us: Some(5_000),
        ..EXPECTED
    };
    let package = assert_seamless(&media, "cinema.mkv", &expected);
    assert_eq!(
        package.audio().init.media,
        InitMedia::Audio {
            channels: 2,
            sample_rate: 48_000
        }
    );
}
