//! Sources whose frames come when they come.

use super::{EXPECTED, Expected, Pass, assert_seamless};
use crate::media::MediaDir;

/// A phone's camera: most frames a thirtieth of a second apart, give or take four milliseconds; every seventh is missing, and
/// all of the three seconds around the join at 7 s.
const PHONE: &str = "settb=1/90000,select='not(eq(mod(n,7),3)+between(t,5.4,8.4))',\
                     setpts='PTS+gt(N,0)*(random(0)-0.5)*0.008/TB'";

fn assert_phone_clip_is_seamless(encoder: &str, frames: u64) {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=12 -vf {PHONE} -fps_mode passthrough \
         -enc_time_base 1/90000 \
         -c:v libx264 -preset ultrafast -crf 28 -pix_fmt yuv420p {encoder} -video_track_timescale 90000 phone.mp4"
    ));
    let expected = Expected {
        frames,
        pass: Pass::OnTheGrid,
        ..EXPECTED
    };
    assert_seamless(&media, "phone.mp4", &expected);
}

#[test]
fn phone_clip_with_jitter_drops_and_a_gap() {
    assert_phone_clip_is_seamless("-g 30 -bf 0", 360);
}

#[test]
fn phone_clip_with_b_frames_and_one_key_frame() {
    // The file does not say how long the last picture is shown, and FFmpeg does not show it then.
    assert_phone_clip_is_seamless("-g 360 -bf 3", 359);
}

/// Every picture lies somewhere between two frames, many just half-way.
#[test]
fn pictures_at_any_time() {
    let media = MediaDir::new();
    media.ffmpeg(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=9 \
         -vf settb=1/90000,setpts='PTS+gt(N,0)*(random(0)-0.5)*0.030/TB' -fps_mode passthrough -enc_time_base 1/90000 \
         -c:v libx264 -preset ultrafast -crf 28 -bf 0 -g 60 -pix_fmt yuv420p -video_track_timescale 90000 any.mp4",
    );
    let expected = Expected {
        pass: Pass::OnTheGrid,
        ..EXPECTED
    };
    assert_seamless(&media, "any.mp4", &expected);
}

#[test]
fn screen_recording_with_a_frame_in_2_5_seconds_and_bursts() {
    let media = MediaDir::new();
    media.ffmpeg(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=18 \
         -vf select='not(mod(n,75))+between(n,200,260)+between(n,430,480)' -fps_mode passthrough \
         -c:v libx264 -preset ultrafast -crf 28 -bf 2 -pix_fmt yuv420p screen.mkv",
    );
    let expected = Expected {
        frames: 526,
        pass: Pass::OnTheGrid,
        ..EXPECTED
    };
    assert_seamless(&media, "screen.mkv", &expected);
}
