//! What the multivariant playlist declares of a stream, against what its segments are
//! (RFC 8216 §4.3.4.2; Apple 2.3, 5.2, 8.9, 9.5, 9.12 and 9.16).

use super::bandwidth;
use super::codec;
use super::container::Container;
use super::format::Format;
use super::media::{FrameRate, Role, Track};
use super::multivariant::{Multivariant, Stream, Variant};
use super::report::{Findings, Location};
use super::rule::Rule;

/// Judges every declaration. `tracks` are the media playlists that could be read.
pub(crate) fn judge(multivariant: &Multivariant, tracks: &[Track], findings: &mut Findings) {
    let track = |uri: &str| tracks.iter().find(|track| track.list.playlist.uri == uri);
    let group = |kind, group: &Option<String>| -> Vec<&Track> {
        let renditions = multivariant.group(kind, group.as_deref());
        renditions
            .filter_map(|r| track(r.uri.as_deref()?))
            .collect()
    };
    for variant in &multivariant.variants {
        let Some(own) = track(&variant.stream.uri) else {
            continue;
        };
        let audio: Vec<&Track> = group("AUDIO", &variant.audio);
        let mut played = vec![own];
        played.extend(audio.iter().filter(|other| !std::ptr::eq(**other, own)));
        played.extend(group("SUBTITLES", &variant.subtitles));
        codec::judge_declared(variant, &played, findings);
        let separate = &audio
            .into_iter()
            .filter(|t| !std::ptr::eq(*t, own))
            .collect::<Vec<_>>();
        bandwidth::judge_variant(&variant.stream, own, separate, findings);
        judge_size(&variant.stream, own, findings);
        judge_frame_rate(&variant.stream, own, findings);
        judge_range(&variant.stream, own, findings);
        judge_audio_place(variant, own, findings);
    }
    for stream in &multivariant.i_frames {
        if let Some(own) = track(&stream.uri) {
            codec::judge_names(stream, &[own], findings);
            bandwidth::judge_i_frames(stream, own, findings);
            judge_size(stream, own, findings);
        }
    }
    judge_independent_segments(multivariant, tracks, findings);
}

fn judge_size(stream: &Stream, track: &Track, findings: &mut Findings) {
    if let (Some(declared), Some(size)) = (stream.resolution, track.media.size) {
        findings.judge(Rule::Rfc4_3_4_2Resolution, declared == size, || {
            let text = |(width, height)| format!("{width}x{height}");
            let message = format!("RESOLUTION is {}, pictures {}", text(declared), text(size));
            (stream.at.clone(), message)
        });
    }
}

fn judge_frame_rate(stream: &Stream, track: &Track, findings: &mut Findings) {
    let Some(FrameRate {
        millihertz,
        is_constant,
    }) = track.media.frame_rate
    else {
        return;
    };
    let shown = |millihertz: u64| format!("{}.{:03}", millihertz / 1000, millihertz % 1000);
    // Rates come from whole segments on a clock that may be coarse.
    let slack = millihertz / 2000 + 1;
    findings.judge(Rule::Apple1_19, millihertz <= 60_000 + slack, || {
        let rate = shown(millihertz);
        (
            stream.at.clone(),
            format!("the segments have {rate} frames a second, want at most 60"),
        )
    });
    if let Some(declared) = stream.frame_rate_millihertz {
        let holds = if is_constant {
            declared.abs_diff(millihertz) <= slack
        } else {
            // What is declared is the highest rate, what is measured the average.
            declared.saturating_add(slack) >= millihertz
        };
        findings.judge(Rule::Rfc4_3_4_2FrameRate, holds, || {
            let (declared, measured) = (shown(declared), shown(millihertz));
            (
                stream.at.clone(),
                format!("FRAME-RATE is {declared}, the segments have {measured}"),
            )
        });
    }
}

fn judge_range(stream: &Stream, track: &Track, findings: &mut Findings) {
    if track.media.is_hdr {
        findings.judge(Rule::Apple9_16, stream.video_range.is_some(), || {
            (
                stream.at.clone(),
                "the pictures are HDR, want a VIDEO-RANGE".to_owned(),
            )
        });
    }
}

/// Judges where the audio of a variant is.
fn judge_audio_place(variant: &Variant, track: &Track, findings: &mut Findings) {
    let media = &track.media;
    let at = || variant.stream.at.clone();
    if media.has_video {
        findings.judge(Rule::Apple9_5, !media.has_audio, || {
            (at(), "its segments hold both video and audio".to_owned())
        });
    }
    let mut codecs = variant.stream.codecs.iter();
    if codecs.any(|codec| Format::of(codec).is_audio()) && media.container.is_some() {
        findings.judge(
            Rule::Apple8_9,
            media.has_audio || variant.audio.is_some(),
            || {
                let message =
                    "CODECS names audio, its segments have none, and it names no AUDIO group";
                (at(), message.to_owned())
            },
        );
    }
}

fn judge_independent_segments(
    multivariant: &Multivariant,
    tracks: &[Track],
    findings: &mut Findings,
) {
    const TAG: &str = "EXT-X-INDEPENDENT-SEGMENTS";
    let is_for_all = multivariant.playlist.has_tag(TAG);
    let is_video = |track: &&Track| track.role == Role::Variant && track.media.has_video;
    for track in tracks.iter().filter(is_video) {
        let playlist = &track.list.playlist;
        findings.judge(Rule::Apple9_12, is_for_all || playlist.has_tag(TAG), || {
            (
                Location::whole(&playlist.uri),
                format!("want {TAG} here or for all variants"),
            )
        });
    }
}

/// Judges what audio and subtitles there are, whatever declares them.
pub(crate) fn judge_formats(tracks: &[Track], findings: &mut Findings) {
    judge_stereo(tracks, findings);
    for track in tracks {
        match track.role {
            Role::Audio | Role::Variant if !track.media.has_video => {
                bandwidth::judge_audio(track, findings);
            }
            Role::Subtitles => judge_subtitles(track, findings),
            _ => codec::judge_video(track, findings),
        }
    }
}

fn judge_stereo(tracks: &[Track], findings: &mut Findings) {
    let audio: Vec<&Track> = tracks
        .iter()
        .filter(|track| track.media.has_audio)
        .collect();
    let Some(first) = audio.first() else {
        findings.not_applicable(Rule::Apple2_3, "the package has no audio");
        return;
    };
    if audio.iter().any(|track| track.media.is_opaque) {
        findings.not_applicable(Rule::Apple2_3, "not all audio of the package could be read");
        return;
    }
    let is_aac = |track: &&&Track| track.media.codecs.iter().any(|c| Format::of(c).is_aac());
    // HE-AAC v2 carries stereo as one channel and how to spread it.
    let is_stereo = |track: &&&Track| {
        track.media.channels.is_none_or(|channels| channels == 2)
            || track
                .media
                .codecs
                .iter()
                .any(|c| Format::of(c) == Format::HeAacV2)
    };
    let at = || Location::whole(&first.list.playlist.uri);
    let mut aac = audio.iter().filter(is_aac).peekable();
    if aac
        .peek()
        .is_some_and(|track| track.media.channels == Some(1))
        && audio.len() == 1
    {
        findings.excuse(Rule::Apple2_3, || {
            (at(), "the AAC audio is mono".to_owned())
        });
    } else {
        findings.judge(Rule::Apple2_3, aac.any(|track| is_stereo(&track)), || {
            (at(), "no audio is AAC with two channels".to_owned())
        });
    }
}

fn judge_subtitles(track: &Track, findings: &mut Findings) {
    let media = &track.media;
    let is_imsc1 = || {
        media
            .codecs
            .iter()
            .any(|codec| Format::of(codec) == Format::Imsc1)
    };
    let holds = match media.container {
        Some(Container::WebVtt) => true,
        Some(Container::Fmp4) => is_imsc1(),
        _ => media.segments.is_empty(),
    };
    findings.judge(Rule::Apple5_2, holds, || {
        let message = "the segments are neither WebVTT nor IMSC1 in fMP4";
        (
            Location::whole(&track.list.playlist.uri),
            message.to_owned(),
        )
    });
}
