//! Pictures that are not as they are shown.

use super::{EXPECTED, Expected, H264, PICTURES, Pass, assert_seamless};
use crate::media::MediaDir;

/// Half a frame of 1/25 s in every other line.
const FIELDS: &str = "-f lavfi -i testsrc2=size=320x180:rate=50:duration=9 -vf interlace=scan=tff";

const DEINTERLACED: Expected = Expected {
    rate: (25, 1),
    frames: 225,
    pass: Pass::Filtered("bwdif=mode=send_frame:deint=interlaced"),
    ..EXPECTED
};

#[test]
fn interlaced_in_mp4() {
    let media = MediaDir::new();
    // Chunks begin at key frames, but a field is made whole with the help of those before it.
    media.ffmpeg(&format!(
        "{FIELDS} {H264} -g 25 -flags +ildct+ilme -x264-params tff=1 fields.mp4"
    ));
    assert_seamless(&media, "fields.mp4", &DEINTERLACED);
}

#[test]
fn interlaced_in_a_transport_stream() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{FIELDS} -c:v mpeg2video -q:v 5 -flags +ildct+ilme -top 1 -g 12 -bf 2 fields.ts"
    ));
    let expected = Expected {
        origin_us: None,
        ..DEINTERLACED
    };
    assert_seamless(&media, "fields.ts", &expected);
}

#[test]
fn turned_by_90_degrees() {
    let media = MediaDir::new();
    media.ffmpeg(&format!("{PICTURES} {H264} upright.mp4"));
    media.ffmpeg("-i upright.mp4 -c copy -metadata:s:v:0 rotate=90 turned.mp4");
    let expected = Expected {
        size: (180, 320),
        ..EXPECTED
    };
    assert_seamless(&media, "turned.mp4", &expected);
}

#[test]
fn odd_size_without_chroma_subsampling() {
    let media = MediaDir::new();
    media.ffmpeg(
        "-f lavfi -i testsrc2=size=321x181:rate=30:duration=9 \
         -c:v libx264 -preset ultrafast -crf 28 -bf 3 -g 300 -pix_fmt yuv444p odd.mp4",
    );
    assert_seamless(&media, "odd.mp4", &EXPECTED);
}

#[test]
fn hdr10_becomes_standard_dynamic_range() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} -c:v libx265 -preset ultrafast -crf 30 -pix_fmt yuv420p10le -tag:v hvc1 -x265-params \
         log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc hdr.mp4"
    ));
    let expected = Expected {
        color: "format=yuv420p10le,\
                zscale=tin=smpte2084:min=bt2020nc:pin=bt2020:rin=tv:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,\
                tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv",
        ..EXPECTED
    };
    assert_seamless(&media, "hdr.mp4", &expected);
}

#[test]
fn full_range_becomes_video_range() {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "{PICTURES} {H264} -pix_fmt yuvj420p -color_range pc full.mp4"
    ));
    assert_seamless(&media, "full.mp4", &EXPECTED);
}
