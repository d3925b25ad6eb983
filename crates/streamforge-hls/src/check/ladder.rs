//! Rules about the variants and I-frame streams as a set
//! (Apple 1.3a, 1.12, 1.24, 1.32 to 1.34, 6.6, 6.14, 6.16, 9.9 and 9.10).

use std::collections::HashSet;

use super::format::{Format, H264};
use super::multivariant::{Multivariant, Stream};
use super::report::{Findings, Location};
use super::rule::Rule;

/// Short side, in pixels, from which a single variant is too few (Apple 9.9).
const LADDER_SHORT_SIDE: u32 = 480;
/// Short sides, in pixels, from which content is HD and UHD.
const HD_SHORT_SIDE: u32 = 720;
const UHD_SHORT_SIDE: u32 = 2160;
/// The average bit rate of the variant that should come first, in bit/s (Apple 1.32).
const FIRST_VARIANT: u64 = 2_000_000;
/// The bit rate of some UHD variant, in bit/s (Apple 1.34).
const UHD_BANDWIDTH: u64 = 15_000_000;

/// Judges the streams of a multivariant playlist together.
pub(crate) fn judge(multivariant: &Multivariant, findings: &mut Findings) {
    let variants: Vec<&Stream> = multivariant.video_variants().map(|v| &v.stream).collect();
    let whole = Location::whole(&multivariant.playlist.uri);
    let Some(first) = variants.first() else {
        return;
    };
    judge_codecs(&variants, &whole, findings);
    judge_count(&variants, findings);
    judge_sizes(&variants, findings);
    let far_from = |stream: &Stream| {
        let rate = stream
            .average_bandwidth
            .or(stream.bandwidth)
            .unwrap_or(u64::MAX);
        rate.abs_diff(FIRST_VARIANT)
    };
    let nearest = variants.iter().map(|stream| far_from(stream)).min();
    findings.judge(Rule::Apple1_32, Some(far_from(first)) == nearest, || {
        let message = "the first variant is not the one nearest to 2000 kbit/s on average";
        (first.at.clone(), message.to_owned())
    });
    judge_trick_play(multivariant, variants.len(), &whole, findings);
}

fn judge_codecs(variants: &[&Stream], whole: &Location, findings: &mut Findings) {
    let h264: Vec<H264> = (variants.iter().flat_map(|stream| &stream.codecs))
        .filter_map(|codec| match Format::of(codec) {
            Format::H264(h264) => Some(h264),
            _ => None,
        })
        .collect();
    if variants.iter().any(|stream| !stream.codecs.is_empty()) {
        findings.judge(Rule::Apple1_12, !h264.is_empty(), || {
            (whole.clone(), "no variant is H.264".to_owned())
        });
    }
    if !h264.is_empty() {
        let is_low = |h264: &H264| h264.is_at_most_high() && h264.level <= 41;
        findings.judge(Rule::Apple1_3a, h264.iter().any(is_low), || {
            (
                whole.clone(),
                "every H.264 variant is above High Profile, Level 4.1".to_owned(),
            )
        });
    }
    let has_sdr = variants.iter().any(|stream| stream.is_sdr());
    findings.judge(Rule::Apple1_24, has_sdr, || {
        (whole.clone(), "every variant is HDR".to_owned())
    });
}

fn judge_count(variants: &[&Stream], findings: &mut Findings) {
    let playlists: HashSet<&str> = variants.iter().map(|stream| stream.uri.as_str()).collect();
    let first = variants[0];
    let is_small = first
        .short_side()
        .is_some_and(|side| side < LADDER_SHORT_SIDE);
    if playlists.len() == 1 && is_small {
        findings.excuse(Rule::Apple9_9, || {
            let message = format!(
                "there is one variant; excused, as a smaller one would serve nobody below \
                 {LADDER_SHORT_SIDE} lines"
            );
            (first.at.clone(), message)
        });
    } else {
        findings.judge(Rule::Apple9_9, playlists.len() > 1, || {
            (
                first.at.clone(),
                "there is one variant of the video, want several".to_owned(),
            )
        });
    }
}

fn judge_sizes(variants: &[&Stream], findings: &mut Findings) {
    let largest = variants.iter().max_by_key(|stream| stream.short_side());
    let Some((largest, size)) = largest.and_then(|stream| Some((stream, stream.resolution?)))
    else {
        return;
    };
    for stream in variants {
        let Some(resolution) = stream.resolution else {
            continue;
        };
        findings.judge(Rule::Apple1_33, is_same_aspect(resolution, size), || {
            let ((width, height), (wanted_width, wanted_height)) = (resolution, size);
            let message = format!(
                "{width}x{height} has another aspect ratio than {wanted_width}x{wanted_height}"
            );
            (stream.at.clone(), message)
        });
    }
    let of_this_size = || {
        variants
            .iter()
            .filter(|stream| stream.resolution == Some(size))
    };
    if size.0.min(size.1) >= HD_SHORT_SIDE {
        findings.judge(Rule::Apple9_10, of_this_size().count() > 1, || {
            let message = "there is one variant of the highest resolution, want two";
            (largest.at.clone(), message.to_owned())
        });
    }
    let mut uhd = (variants.iter())
        .filter(|stream| {
            stream
                .short_side()
                .is_some_and(|side| side >= UHD_SHORT_SIDE)
        })
        .peekable();
    if uhd.peek().is_some() {
        let is_low = |stream: &&Stream| stream.bandwidth.is_some_and(|b| b <= UHD_BANDWIDTH);
        findings.judge(Rule::Apple1_34, uhd.any(is_low), || {
            (
                largest.at.clone(),
                "no UHD variant is at most 15 Mbit/s".to_owned(),
            )
        });
    }
}

/// Whether two sizes have the same aspect ratio, give or take the two pixels that rounding to even
/// sizes makes.
fn is_same_aspect((width, height): (u32, u32), (of_width, of_height): (u32, u32)) -> bool {
    let fits = |a: u32, of_a: u32, b: u32, of_b: u32| {
        let scaled = u64::from(b) * u64::from(of_a) / u64::from(of_b.max(1));
        u64::from(a).abs_diff(scaled) <= 2
    };
    fits(width, of_width, height, of_height) || fits(height, of_height, width, of_width)
}

fn judge_trick_play(
    multivariant: &Multivariant,
    variants: usize,
    whole: &Location,
    findings: &mut Findings,
) {
    let streams = &multivariant.i_frames;
    if streams.is_empty() {
        return;
    }
    let rates: HashSet<_> = streams.iter().map(|stream| stream.bandwidth).collect();
    if variants > 1 {
        findings.judge(Rule::Apple6_6, rates.len() > 1, || {
            (
                streams[0].at.clone(),
                "all I-frame playlists have the same bit rate".to_owned(),
            )
        });
    }
    let mut codecs = streams.iter().flat_map(|stream| &stream.codecs).peekable();
    if codecs.peek().is_some() {
        let is_h264 = |codec: &String| matches!(Format::of(codec), Format::H264(_));
        findings.judge(Rule::Apple6_14, codecs.any(is_h264), || {
            (whole.clone(), "no I-frame playlist is H.264".to_owned())
        });
    }
    findings.judge(Rule::Apple6_16, streams.iter().any(Stream::is_sdr), || {
        (whole.clone(), "every I-frame playlist is HDR".to_owned())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aspect_ratio_allows_for_even_sizes() {
        assert!(is_same_aspect((854, 480), (1920, 1080)));
        assert!(is_same_aspect((852, 480), (1920, 1080)));
        assert!(is_same_aspect((202, 360), (1080, 1920)));
        assert!(!is_same_aspect((848, 480), (1920, 1080)));
        assert!(!is_same_aspect((640, 480), (1920, 1080)));
    }
}
