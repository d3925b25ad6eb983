//! The rules about single codecs (Apple 1.1 to 1.12 and 1.37).

use super::container::Container;
use super::format::{Format, H264};
use super::media::Track;
use super::multivariant::{Stream, Variant};
use super::report::{Findings, Location};
use super::rule::Rule;

/// Judges the codecs that the segments of a video track really have.
pub(crate) fn judge_video(track: &Track, findings: &mut Findings) {
    let Some(at) = &track.media.codec_at else {
        return;
    };
    let container = track.media.container;
    for codec in &track.media.codecs {
        let format = Format::of(codec);
        if format.is_audio() {
            continue;
        }
        judge_video_codec(codec, format, container, at, findings);
    }
}

fn judge_video_codec(
    codec: &str,
    format: Format,
    container: Option<Container>,
    at: &Location,
    findings: &mut Findings,
) {
    let mut judge = |rule, holds, wanted: &str| {
        findings.judge(rule, holds, || {
            (at.clone(), format!("got {codec}, want {wanted}"))
        });
    };
    let is_supported = matches!(
        format,
        Format::H264(_) | Format::Hevc { .. } | Format::DolbyVision | Format::Av1 { .. }
    );
    judge(
        Rule::Apple1_1,
        is_supported,
        "H.264, HEVC, Dolby Vision or AV1",
    );
    match format {
        Format::H264(h264) => {
            let allowed = h264.is_at_most_high() && h264.level <= 52;
            judge(Rule::Apple1_3b, allowed, "at most High Profile, Level 5.2");
            judge(
                Rule::Apple1_4,
                h264.profile == H264::HIGH,
                "High Profile (avc1.64…)",
            );
        }
        Format::Hevc { profile, level } => {
            let is_fmp4 = container == Some(Container::Fmp4);
            judge(Rule::Apple1_5, is_fmp4, "it in fMP4");
            // 1 is Main, 2 is Main 10, 3 Main Still Picture; 153 is Level 5.1.
            judge(
                Rule::Apple1_6b,
                profile <= 3 && level <= 153,
                "at most Main 10 Profile, Level 5.1",
            );
        }
        Format::Av1 { level } => judge(Rule::Apple1_37, level <= 18, "at most Level 6.2"),
        _ => {}
    }
    let in_band = ["avc3", "hev1", "dvhe"]
        .iter()
        .any(|kind| codec.starts_with(kind));
    judge(
        Rule::Apple1_10,
        !in_band,
        "parameter sets in the sample description",
    );
}

/// Judges what a variant declares against what its segments need and have.
pub(crate) fn judge_declared(variant: &Variant, tracks: &[&Track], findings: &mut Findings) {
    let stream = &variant.stream;
    judge_names(stream, tracks, findings);
    let needed = || {
        needed_level(
            stream.resolution?,
            stream.frame_rate_millihertz?,
            stream.bandwidth?,
        )
    };
    if let Some(needed) = needed() {
        for codec in &stream.codecs {
            if let Format::H264(h264) = Format::of(codec) {
                findings.judge(Rule::Apple1_11, h264.level <= needed, || {
                    let level = |level: u8| format!("{}.{}", level / 10, level % 10);
                    let (got, wanted) = (level(h264.level), level(needed));
                    (
                        stream.at.clone(),
                        format!("got Level {got}, Level {wanted} is enough"),
                    )
                });
            }
        }
    }
}

/// Judges that a stream declares the codecs of the tracks it plays, and no others.
pub(crate) fn judge_names(stream: &Stream, tracks: &[&Track], findings: &mut Findings) {
    let is_known = !tracks.is_empty() && tracks.iter().all(|track| track.media.knows_codecs());
    if stream.codecs.is_empty() {
        return;
    }
    let found = || tracks.iter().flat_map(|track| &track.media.codecs);
    let declared = stream.codecs.join(",");
    for codec in found() {
        let is_declared = stream
            .codecs
            .iter()
            .any(|declared| is_same(declared, codec));
        findings.judge(Rule::Rfc4_3_4_2Codecs, is_declared, || {
            (
                stream.at.clone(),
                format!("the segments are {codec}, CODECS is \"{declared}\""),
            )
        });
    }
    for codec in stream.codecs.iter().filter(|_| is_known) {
        // WebVTT may be named, and text segments have no codec of their own to compare.
        let is_found = Format::of(codec) == Format::WebVtt || found().any(|f| is_same(codec, f));
        findings.judge(Rule::Rfc4_3_4_2Codecs, is_found, || {
            let found: Vec<_> = found().map(String::as_str).collect();
            let found = found.join(" and ");
            (
                stream.at.clone(),
                format!("CODECS names {codec}, the segments are {found}"),
            )
        });
    }
}

/// Whether a declared codec is the one found.
fn is_same(declared: &str, found: &str) -> bool {
    // HE-AAC may be signalled implicitly: its sample description then says AAC-LC.
    let is_implicit = matches!(Format::of(declared), Format::HeAac | Format::HeAacV2)
        && Format::of(found).is_aac();
    // A sample description that says no more than its four characters cannot disagree on the rest.
    let is_prefix = !found.contains('.') && declared.split('.').next() == Some(found);
    declared.eq_ignore_ascii_case(found) || is_implicit || is_prefix
}

/// The lowest H.264 level, times 10, that allows the size, frame rate and bit rate of a stream
/// (ITU-T H.264 table A-1, bit rates for High Profile); `None` when no level does.
fn needed_level((width, height): (u32, u32), millihertz: u64, bandwidth: u64) -> Option<u8> {
    /// Level times 10, macroblocks a second, macroblocks a frame, kbit/s.
    const LEVELS: [(u8, u64, u64, u64); 16] = [
        (10, 1_485, 99, 80),
        (11, 3_000, 396, 240),
        (12, 6_000, 396, 480),
        (13, 11_880, 396, 960),
        (20, 11_880, 396, 2_500),
        (21, 19_800, 792, 5_000),
        (22, 20_250, 1_620, 5_000),
        (30, 40_500, 1_620, 12_500),
        (31, 108_000, 3_600, 17_500),
        (32, 216_000, 5_120, 25_000),
        (40, 245_760, 8_192, 25_000),
        (41, 245_760, 8_192, 62_500),
        (42, 522_240, 8_704, 62_500),
        (50, 589_824, 22_080, 168_750),
        (51, 983_040, 36_864, 300_000),
        (52, 2_073_600, 36_864, 300_000),
    ];
    let blocks = |pixels: u32| u64::from(pixels).div_ceil(16);
    let frame_size = blocks(width) * blocks(height);
    let rate = frame_size.saturating_mul(millihertz).div_ceil(1000);
    let kbits = bandwidth / 1000;
    let level = LEVELS.iter().find(|(_, max_rate, max_size, max_kbits)| {
        rate <= *max_rate && frame_size <= *max_size && kbits <= *max_kbits
    });
    level.map(|(level, ..)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_names_match_those_found_but_for_case_and_implicit_he_aac() {
        assert!(is_same("avc1.64001F", "avc1.64001f"));
        assert!(is_same("mp4a.40.5", "mp4a.40.2"));
        assert!(is_same("stpp.ttml.im1t", "stpp"));
        assert!(!is_same("mp4a.40.2", "mp4a.40.5"));
        assert!(!is_same("avc1.640028", "avc1.64001f"));
    }

    #[test]
    fn level_follows_from_size_frame_rate_and_bit_rate() {
        let level = |size, fps: u64, bandwidth| needed_level(size, fps * 1000, bandwidth);
        assert_eq!(level((640, 360), 30, 1_000_000), Some(30));
        assert_eq!(level((1280, 720), 30, 3_000_000), Some(31));
        assert_eq!(level((1920, 1080), 30, 6_000_000), Some(40));
        assert_eq!(level((1920, 1080), 60, 6_000_000), Some(42));
        assert_eq!(level((1920, 1080), 30, 30_000_000), Some(41));
        assert_eq!(level((30_000, 30_000), 30, 1), None);
    }
}
