//! Sources whose key frames are far from where chunks begin, or no clean points to begin at.

use super::{EXPECTED, Expected, H264, PICTURES, assert_seamless};
use crate::media::MediaDir;

/// Open groups of 2.5 s: pictures before a key frame refer to pictures after it and to the group before.
const OPEN: &str = "-c:v libx264 -preset veryfast -crf 28 -pix_fmt yuv420p -x264-params \
                    open-gop=1:keyint=75:min-keyint=75:scenecut=0:bframes=3:b-pyramid=normal:ref=5";

#[test]
fn open_groups_with_a_b_pyramid_in_mp4() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {OPEN} open.mp4"));
    assert_seamless(&media, "open.mp4", &EXPECTED);
}

#[test]
fn open_groups_with_a_b_pyramid_in_matroska() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {OPEN} open.mkv"));
    assert_seamless(&media, "open.mkv", &EXPECTED);
}

#[test]
fn open_groups_of_hevc() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} -c:v libx265 -preset ultrafast -crf 30 -pix_fmt yuv420p -tag:v hvc1 -x265-params \
         log-level=error:open-gop=1:keyint=75:min-keyint=75:scenecut=0:bframes=4 open.mp4"
    ));
    assert_seamless(&media, "open.mp4", &EXPECTED);
}

#[test]
fn groups_of_eight_seconds() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=17 {H264} -g 240 long.mp4"
    ));
    let expected = Expected {
        frames: 510,
        ..EXPECTED
    };
    assert_seamless(&media, "long.mp4", &expected);
}

#[test]
fn edit_list_that_starts_inside_a_group() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {H264} -g 90 whole.mp4"));
    media.ffmpeg("-ss 1.5 -i whole.mp4 -c copy cut.mp4");
    let expected = Expected {
        frames: 225,
        ..EXPECTED
    };
    assert_seamless(&media, "cut.mp4", &expected);
}
