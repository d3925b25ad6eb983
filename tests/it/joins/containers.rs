//! Containers with habits of their own, and some that lie.

use super::{EXPECTED, Expected, H264, PICTURES, Pass, assert_seamless};
use crate::media::MediaDir;

fn assert_seamless_made_by(arguments: &str, file: &str) {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {arguments} {file}"));
    assert_seamless(&media, file, &EXPECTED);
}

#[test]
fn matroska_that_starts_at_100_seconds() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {H264} -output_ts_offset 100 late.mkv"));
    let expected = Expected {
        origin_us: Some(100_000_000),
        ..EXPECTED
    };
    assert_seamless(&media, "late.mkv", &expected);
}

#[test]
fn webm_with_vp9_and_frames_that_are_not_shown() {
    assert_seamless_made_by(
        "-c:v libvpx-vp9 -deadline good -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 12 -b:v 300k -g 120",
        "vp9.webm",
    );
}

/// As browsers record it: clusters of a second, no index, no duration.
#[test]
fn webm_without_an_index() {
    assert_seamless_made_by(
        "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 300k -g 100 -live 1 -cluster_time_limit 1000",
        "recorded.webm",
    );
}

#[test]
fn webm_with_vp8() {
    assert_seamless_made_by(
        "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 300k -g 120",
        "vp8.webm",
    );
}

#[test]
fn flash_video() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {H264} flash.flv"));
    let expected = Expected {
        // Two B-frames deep, on a clock of milliseconds.
        origin_us: Some(67_000),
        ..EXPECTED
    };
    assert_seamless(&media, "flash.flv", &expected);
}

#[test]
fn program_stream() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} -c:v mpeg2video -q:v 5 -g 15 -bf 2 disc.mpg"
    ));
    let expected = Expected {
        origin_us: None,
        ..EXPECTED
    };
    assert_seamless(&media, "disc.mpg", &expected);
}

#[test]
fn ogg_with_theora() {
    assert_seamless_made_by("-c:v libtheora -q:v 6 -g 64", "free.ogv");
}

#[test]
fn windows_media() {
    assert_seamless_made_by("-c:v wmv2 -q:v 5 -g 60", "old.wmv");
}

#[test]
fn avi_with_b_frames() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} -c:v mpeg4 -q:v 5 -bf 2 -g 60 old.avi"));
    let expected = Expected {
        // AVI has times of decoding only: the first picture comes out of the decoder one frame after the stream starts, and is
        // shown from there.
        frames: 271,
        pass: Pass::Filtered("tpad=start=1:start_mode=clone"),
        ..EXPECTED
    };
    assert_seamless(&media, "old.avi", &expected);
}

#[test]
fn fragmented_mp4() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} {H264} -g 60 -movflags +frag_keyframe+empty_moov+default_base_moof fragments.mp4"
    ));
    let expected = Expected {
        // Two B-frames deep, and no edit list that takes the delay back.
        origin_us: Some(66_667),
        ..EXPECTED
    };
    assert_seamless(&media, "fragments.mp4", &expected);
}

/// Makes the durations in the headers of an MP4 file `numerator / denominator` of what they are.
fn falsify_durations(mp4: &mut [u8], numerator: u32, denominator: u32) {
    // Version 0: flags, time of creation, time of modification, time scale, duration.
    const DURATION_AT: usize = 4 + 16;
    for header in [b"mvhd", b"mdhd"] {
        let header_at = mp4
            .windows(4)
            .position(|kind| kind == header)
            .expect("the file has this box");
        let duration = &mut mp4[header_at + DURATION_AT..][..4];
        let honest = u32::from_be_bytes(duration.try_into().expect("four bytes"));
        duration.copy_from_slice(&(honest / denominator * numerator).to_be_bytes());
    }
}

#[test]
fn mp4_that_claims_to_be_much_longer() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {H264} liar.mp4"));
    media.edit("liar.mp4", |mp4| falsify_durations(mp4, 10, 1));
    assert_seamless(&media, "liar.mp4", &EXPECTED);
}

#[test]
fn mp4_that_claims_to_be_much_shorter() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {H264} liar.mp4"));
    media.edit("liar.mp4", |mp4| falsify_durations(mp4, 1, 4));
    assert_seamless(&media, "liar.mp4", &EXPECTED);
}

/// It is short enough to be read whole at once, and its streams do not say how long they are: all ends where the packets do.
#[test]
fn short_webm_whose_end_is_missing() {
    let media = MediaDir::new();
    media.ffmpeg(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=15 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=15 \
         -c:v libvpx -deadline realtime -cpu-used 8 -b:v 300k -g 60 -c:a libopus short.webm",
    );
    media.edit("short.webm", |webm| webm.truncate(webm.len() / 10 * 4));
    let frames = media.picture_hashes("short.webm", "null").len();
    assert!((120..240).contains(&frames), "{frames}");
    let expected = Expected {
        frames: frames as u64,
        // After what Opus needs to get going.
        origin_us: Some(7_000),
        ..EXPECTED
    };
    assert_seamless(&media, "short.webm", &expected);
}

#[test]
fn mp4_whose_end_is_missing() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} {H264} -g 30 -movflags +faststart half.mp4"
    ));
    media.edit("half.mp4", |mp4| mp4.truncate(mp4.len() / 10 * 6));
    // How many pictures are whole depends on their sizes.
    let frames = media.picture_hashes("half.mp4", "null").len();
    assert!((120..200).contains(&frames), "{frames}");
    let expected = Expected {
        frames: frames as u64,
        ..EXPECTED
    };
    assert_seamless(&media, "half.mp4", &expected);
}
