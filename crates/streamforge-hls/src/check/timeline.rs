//! Rules about time: within one playlist, and between playlists that play together
//! (RFC 8216 §6.2.4; Apple 2.15, 5.5, 8.1 to 8.3, 8.7, 8.15 and 8.22).

use super::clock::Nanos;
use super::media::{Role, Timing, Track};
use super::report::{Findings, Location};
use super::rule::Rule;
use crate::media_playlist::PlaylistType;

/// How far apart what should be simultaneous may be where no frame's duration is known.
const ASSUMED_FRAME: Nanos = Nanos::from_millis(42);

/// Judges all tracks of a package together.
pub(crate) fn judge(tracks: &[Track], findings: &mut Findings) {
    let has_video = |track: &&Track| track.media.has_video;
    let video_frame = tracks
        .iter()
        .filter(has_video)
        .find_map(|track| track.media.frame);
    for track in tracks.iter().filter(|track| is_media(track)) {
        judge_extinf(track, video_frame, findings);
    }
    judge_types(tracks, findings);
    // All are compared with one of them, the first variant with video.
    let playing: Vec<&Track> = tracks.iter().filter(|track| is_media(track)).collect();
    let Some(reference) = playing.iter().find(|t| has_video(t)).or(playing.first()) else {
        return;
    };
    for track in tracks
        .iter()
        .filter(|track| !std::ptr::eq(*track, *reference))
    {
        judge_pair(track, reference, findings);
    }
    let renditions = || tracks.iter().filter(|track| track.role == Role::Audio);
    if renditions().count() > 1 && reference.list.has_ended {
        for track in renditions() {
            let (got, wanted) = (duration(track), duration(reference));
            findings.judge(
                Rule::Apple2_15,
                got + tolerance(track, reference) >= wanted,
                || (whole(track), format!("lasts {got}, the content {wanted}")),
            );
        }
    }
}

/// Whether a track is of audio or video that plays.
fn is_media(track: &Track) -> bool {
    matches!(track.role, Role::Variant | Role::Audio)
}

fn whole(track: &Track) -> Location {
    Location::whole(&track.list.playlist.uri)
}

/// How long a track lasts, by its media where that could be read, else by EXTINF.
fn duration(track: &Track) -> Nanos {
    let timing = track.media.timing().filter(|_| track.role != Role::IFrames);
    timing.map_or_else(|| track.list.duration(), |timing| timing.duration)
}

/// The longer frame of two tracks.
fn tolerance(track: &Track, other: &Track) -> Nanos {
    let frame = |track: &Track| track.media.frame.unwrap_or(ASSUMED_FRAME);
    frame(track).max(frame(other))
}

/// Judges that no run of segments drifts from its real duration by more than a frame of video.
///
/// The drift of a run is the drift from the start up to its end, less that up to its start; so no
/// run drifts too far when the largest and the smallest drift from the start are close enough.
fn judge_extinf(track: &Track, video_frame: Option<Nanos>, findings: &mut Findings) {
    let own_frame = track.media.frame.filter(|_| track.media.has_video);
    let frame = own_frame
        .or(video_frame)
        .or(track.media.frame)
        .unwrap_or(ASSUMED_FRAME);
    let (mut declared, mut real) = (Nanos::default(), Nanos::default());
    let (mut least, mut most) = (Nanos::default(), Nanos::default());
    for (segment, facts) in track.list.segments.iter().zip(&track.media.segments) {
        let Some(timing) = facts.timing else {
            continue;
        };
        declared += segment.duration;
        real += timing.duration;
        let drift = declared - real;
        (least, most) = (least.min(drift), most.max(drift));
        findings.judge(Rule::Apple8_1, most - least <= frame, || {
            let (got, lasts) = (segment.duration, timing.duration);
            let message = format!(
                "EXTINF is {got}, the segment lasts {lasts}; here the sum is {} off",
                most - least
            );
            (track.list.at_extinf(segment), message)
        });
        if most - least > frame {
            // Told once; what follows is judged from here.
            (least, most) = (drift, drift);
        }
    }
}

fn judge_types(tracks: &[Track], findings: &mut Findings) {
    let Some(typed) = tracks
        .iter()
        .find(|track| track.list.playlist_type.is_some())
    else {
        return;
    };
    for track in tracks {
        let is_same = track.list.playlist_type == typed.list.playlist_type;
        findings.judge(Rule::Rfc6_2_4Type, is_same, || {
            let other = &typed.list.playlist.uri;
            (
                track.list.playlist.at_tag("EXT-X-PLAYLIST-TYPE"),
                format!("the playlist has another type than {other}"),
            )
        });
    }
}

/// Judges a track against the one that all are compared with.
fn judge_pair(track: &Track, reference: &Track, findings: &mut Findings) {
    let tolerance = tolerance(track, reference);
    let (own, other) = (&track.list, &reference.list);
    let have_ended = own.has_ended && other.has_ended;
    if track.role == Role::Subtitles {
        if have_ended {
            let (got, wanted) = (own.duration(), duration(reference));
            findings.judge(Rule::Apple5_5, got + tolerance >= wanted, || {
                (whole(track), format!("lasts {got}, the content {wanted}"))
            });
        }
        return;
    }
    if is_media(track) {
        judge_target_durations(track, reference, findings);
        judge_starts(track, reference, tolerance, findings);
        judge_discontinuities(track, reference, tolerance, findings);
        judge_boundaries(track, reference, tolerance, findings);
        if have_ended {
            let (got, wanted) = (duration(track), duration(reference));
            findings.judge(Rule::Apple8_3, got.abs_diff(wanted) <= tolerance, || {
                let uri = &other.playlist.uri;
                (whole(track), format!("lasts {got}, {uri} lasts {wanted}"))
            });
        }
    }
    let is_vod = |track: &Track| track.list.playlist_type == Some(PlaylistType::Vod);
    if is_vod(track) && is_vod(reference) {
        judge_range(track, reference, tolerance, findings);
    }
}

fn judge_target_durations(track: &Track, reference: &Track, findings: &mut Findings) {
    let (own, other) = (&track.list, &reference.list);
    if let (Some(got), Some(wanted)) = (own.target_duration, other.target_duration) {
        findings.judge(Rule::Apple8_2, got == wanted, || {
            let uri = &other.playlist.uri;
            (
                own.playlist.at_tag("EXT-X-TARGETDURATION"),
                format!("got {got}, want {wanted} as in {uri}"),
            )
        });
    }
}

/// When the first segment of a track starts.
fn start(track: &Track) -> Option<Nanos> {
    Some(track.media.segments.first()?.timing?.start)
}

fn judge_starts(track: &Track, reference: &Track, tolerance: Nanos, findings: &mut Findings) {
    // Live playlists lose their first segments at different times.
    let is_live = |track: &Track| track.list.playlist_type.is_none() && track.list.may_grow();
    if is_live(track) || is_live(reference) {
        return;
    }
    if let (Some(got), Some(wanted)) = (start(track), start(reference)) {
        findings.judge(
            Rule::Rfc6_2_4Time,
            got.abs_diff(wanted) <= tolerance,
            || {
                let uri = &reference.list.playlist.uri;
                (whole(track), format!("starts at {got}, {uri} at {wanted}"))
            },
        );
    }
}

fn judge_range(track: &Track, reference: &Track, tolerance: Nanos, findings: &mut Findings) {
    let range = |track: &Track| {
        Some(Timing {
            start: start(track)?,
            duration: duration(track),
        })
    };
    if let (Some(got), Some(wanted)) = (range(track), range(reference)) {
        let (got_end, wanted_end) = (got.start + got.duration, wanted.start + wanted.duration);
        let holds = got.start.abs_diff(wanted.start) <= tolerance
            && got_end.abs_diff(wanted_end) <= tolerance;
        findings.judge(Rule::Apple8_7, holds, || {
            let message = format!(
                "covers {} to {got_end}, {} covers {} to {wanted_end}",
                got.start, reference.list.playlist.uri, wanted.start
            );
            (whole(track), message)
        });
    }
}

/// The ends of all segments of a track, counted from its start, and whether a discontinuity follows.
fn ends(track: &Track) -> impl Iterator<Item = (Nanos, bool)> {
    let segments = &track.list.segments;
    let next = segments
        .iter()
        .skip(1)
        .map(|next| next.is_discontinuity)
        .chain([false]);
    let mut end = Nanos::default();
    segments
        .iter()
        .zip(next)
        .map(move |(segment, is_discontinuity)| {
            end += segment.duration;
            (end, is_discontinuity)
        })
}

fn judge_discontinuities(
    track: &Track,
    reference: &Track,
    tolerance: Nanos,
    findings: &mut Findings,
) {
    // A growing playlist may be behind: only what both cover is compared.
    let covered = track.list.duration().min(reference.list.duration()) - tolerance;
    let times = |track: &Track| -> Vec<Nanos> {
        let discontinuities = ends(track).filter(|(end, is)| *is && *end < covered);
        discontinuities.map(|(end, _)| end).collect()
    };
    let (got, wanted) = (times(track), times(reference));
    let is_same = got.len() == wanted.len()
        && got
            .iter()
            .zip(&wanted)
            .all(|(a, b)| a.abs_diff(*b) <= tolerance);
    findings.judge(Rule::Apple8_15, is_same, || {
        let list = |times: &[Nanos]| match times {
            [] => "none".to_owned(),
            times => times
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        };
        let uri = &reference.list.playlist.uri;
        (
            track.list.playlist.at_tag("EXT-X-DISCONTINUITY"),
            format!(
                "discontinuities at {}; in {uri} at {}",
                list(&got),
                list(&wanted)
            ),
        )
    });
}

fn judge_boundaries(track: &Track, reference: &Track, tolerance: Nanos, findings: &mut Findings) {
    let covered = track.list.duration().min(reference.list.duration()) - tolerance;
    let mut wanted = ends(reference)
        .map(|(end, _)| end)
        .filter(|end| *end < covered);
    let got = ends(track).map(|(end, _)| end).zip(&track.list.segments);
    let mut got = got.filter(|(end, _)| *end < covered);
    let off = loop {
        match (got.next(), wanted.next()) {
            (Some((got, segment)), Some(wanted)) if got.abs_diff(wanted) > tolerance => {
                break Some((segment, got, wanted));
            }
            (Some((got, segment)), None) => break Some((segment, got, covered)),
            (Some(_), Some(_)) => {}
            (None, _) => break None,
        }
    };
    findings.judge(Rule::Apple8_22, off.is_none(), || {
        let (segment, got, wanted) = off.expect("only asked when there is one");
        let uri = &reference.list.playlist.uri;
        (
            track.list.at(segment),
            format!("the segment ends at {got}, that of {uri} at {wanted}"),
        )
    });
}
