//! MPEG transport streams: no index to seek by, clocks that start anywhere.

use super::{EXPECTED, Expected, H264, PICTURES, assert_seamless};
use crate::media::MediaDir;

/// As recorded from a call whose line gets better: the second half has other pictures, of half the size and of other samples.
#[test]
fn pictures_that_change_size_and_format() {
    let media = MediaDir::new();
    for (size, format, at, name) in [
        ("320x180", "yuv420p", 0.0, "large.ts"),
        ("160x90", "yuv444p", 4.5, "small.ts"),
    ] {
        media.ffmpeg(&format!(
            "-f lavfi -i testsrc2=size={size}:rate=30:duration=4.5 \
             -c:v libx264 -preset ultrafast -crf 20 -bf 0 -g 30 -pix_fmt {format} \
             -output_ts_offset {at} -muxdelay 0 -muxpreload 0 {name}"
        ));
    }
    let halves = ["large.ts", "small.ts"].map(|name| std::fs::read(media.path(name)));
    let halves = halves.map(|half| half.expect("it was just made"));
    media.write("call.ts", &halves.concat());
    assert_seamless(&media, "call.ts", &EXPECTED);
}

#[test]
fn mpeg2_with_short_groups() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} -c:v mpeg2video -q:v 5 -g 15 -bf 2 dvb.ts"
    ));
    let expected = Expected {
        origin_us: None,
        ..EXPECTED
    };
    assert_seamless(&media, "dvb.ts", &expected);
}

#[test]
fn open_groups_of_2_5_seconds() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} -c:v libx264 -preset veryfast -crf 28 -pix_fmt yuv420p -x264-params \
         open-gop=1:keyint=75:min-keyint=75:scenecut=0:bframes=3:b-pyramid=normal:ref=5 open.ts"
    ));
    let expected = Expected {
        origin_us: None,
        ..EXPECTED
    };
    assert_seamless(&media, "open.ts", &expected);
}

#[test]
fn open_groups_of_hevc() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} -c:v libx265 -preset ultrafast -crf 30 -pix_fmt yuv420p -x265-params \
         log-level=error:open-gop=1:keyint=75:min-keyint=75:scenecut=0:bframes=4 open.ts"
    ));
    let expected = Expected {
        origin_us: None,
        ..EXPECTED
    };
    assert_seamless(&media, "open.ts", &expected);
}

#[test]
fn clock_at_37_seconds_and_groups_of_8_3_seconds() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=18 {H264} -g 249 -muxdelay 0 -output_ts_offset 37 long.ts"
    ));
    let expected = Expected {
        frames: 540,
        origin_us: None,
        ..EXPECTED
    };
    assert_seamless(&media, "long.ts", &expected);
}

#[test]
fn clock_that_wraps_around() {
    let media = MediaDir::new();
    // The clock has 33 bits at 90 kHz: 95443.7 s.
    media.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x180:rate=30000/1001 -frames:v 270 {H264} -g 60 -output_ts_offset 95438 wrap.ts"
    ));
    let expected = Expected {
        rate: (30_000, 1001),
        origin_us: None,
        ..EXPECTED
    };
    assert_seamless(&media, "wrap.ts", &expected);
}

#[test]
fn no_key_frame_is_marked() {
    const PACKET: usize = 188;
    const RANDOM_ACCESS_INDICATOR: u8 = 0x40;
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {H264} -g 60 plain.ts"));
    media.edit("plain.ts", |stream| {
        for packet in stream.chunks_exact_mut(PACKET) {
            let has_adaptation_field = packet[3] & 0x20 != 0 && packet[4] > 0;
            if has_adaptation_field {
                packet[5] &= !RANDOM_ACCESS_INDICATOR;
            }
        }
    });
    let expected = Expected {
        origin_us: None,
        ..EXPECTED
    };
    assert_seamless(&media, "plain.ts", &expected);
}
