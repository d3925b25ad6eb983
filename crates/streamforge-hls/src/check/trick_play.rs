//! I-frame playlists (RFC 8216 §4.3.3.6; Apple 6.2, 6.8 and 6.10).

use super::clock::Nanos;
use super::container::Container;
use super::media::{self, IFrame, IFrameIndex, IndexedResource, Media, Role};
use super::media::{SegmentFacts, Timing, Track};
use super::report::{Findings, Location};
use super::resource::{Kind, Resources};
use super::rule::Rule;
use super::segment_list::{Segment, SegmentList};
use crate::media_playlist::ByteRange;

/// Reads an I-frame playlist. `content` is a variant's track, already read like all others, whose
/// I-frames are in `index`.
pub(crate) fn read(
    list: SegmentList,
    content: Option<&Track>,
    resources: &mut Resources<'_>,
    index: &mut IFrameIndex,
    findings: &mut Findings,
) -> Track {
    findings.judge(Rule::Apple6_8, list.is_i_frames_only, || {
        let message = "named by EXT-X-I-FRAME-STREAM-INF, want an EXT-X-I-FRAMES-ONLY tag";
        (Location::whole(&list.playlist.uri), message.to_owned())
    });
    let is_indexed = list
        .segments
        .iter()
        .any(|segment| index.contains_key(&segment.uri));
    let (list, mut media) = if is_indexed {
        for map in &list.maps {
            let at = || list.at_map(map);
            resources.get(Kind::Init, &map.uri, map.byte_range, at, findings);
        }
        (list, Media::default())
    } else {
        // The I-frames are encoded by themselves, and nothing else names their segments.
        let Track { list, media, .. } =
            media::read(Role::IFrames, list, resources, index, findings);
        (list, media)
    };
    let found: Vec<Found> = (list.segments.iter())
        .map(|segment| find(&list, segment, resources, index, findings))
        .collect();
    judge_spans(&list, &found, content, findings);
    media.segments = found.iter().map(Found::facts).collect();
    let described = list
        .segments
        .iter()
        .find_map(|segment| index.get(&segment.uri));
    if let (true, Some(resource)) = (is_indexed, described) {
        media.container = Some(resource.container);
        media.codecs = resource.codec.iter().cloned().collect();
        media.size = resource.size;
        media.has_video = true;
    }
    Track {
        role: Role::IFrames,
        list,
        media,
    }
}

/// What an entry of an I-frame playlist turned out to be.
#[derive(Debug, Default)]
struct Found {
    bytes: Option<u64>,
    i_frame: Option<IFrame>,
}

impl Found {
    fn facts(&self) -> SegmentFacts {
        SegmentFacts {
            bytes: self.bytes,
            timing: self.i_frame.map(|i_frame| Timing {
                start: i_frame.time,
                duration: Nanos::default(),
            }),
        }
    }
}

/// Looks up the I-frame that an entry names, and judges the range.
fn find(
    list: &SegmentList,
    segment: &Segment,
    resources: &mut Resources<'_>,
    index: &IFrameIndex,
    findings: &mut Findings,
) -> Found {
    let at = || list.at(segment);
    let Some(resource) = index.get(&segment.uri) else {
        let range = segment.byte_range;
        let fetched = resources.get(Kind::Segment, &segment.uri, range, at, findings);
        return Found {
            bytes: fetched.and_then(|fetched| u64::try_from(fetched.bytes.len()).ok()),
            i_frame: None,
        };
    };
    let whole = resource.bytes.map(|length| ByteRange { length, offset: 0 });
    let Some(range) = segment.byte_range.or(whole) else {
        return Found::default();
    };
    let end = range.offset.saturating_add(range.length);
    if let Some(bytes) = resource.bytes {
        findings.judge(Rule::Rfc4_3_2_2, end <= bytes, || {
            (
                at(),
                format!("the range ends at byte {end} of a resource of {bytes} bytes"),
            )
        });
    }
    judge_map(list, segment, resource, findings);
    let starts_here = |i_frame: &&IFrame| {
        range.offset == i_frame.offset
            || range.offset == i_frame.segment_start
                && (range.offset..end).contains(&i_frame.offset)
    };
    let i_frame = resource.i_frames.iter().find(starts_here).copied();
    let (rule, wanted) = match resource.container {
        Container::Fmp4 => (Rule::Apple6_10, "the moof of an I-frame"),
        _ => (Rule::Rfc4_3_3_6, "the tables and the packets of an I-frame"),
    };
    findings.judge(rule, i_frame.is_some(), || {
        (
            at(),
            format!("want {wanted} at byte {} of {}", range.offset, segment.uri),
        )
    });
    if let Some(i_frame) = i_frame {
        findings.judge(Rule::Rfc4_3_3_6, i_frame.end == end, || {
            (
                at(),
                format!(
                    "the range ends at byte {end}, the I-frame at {}",
                    i_frame.end
                ),
            )
        });
        findings.judge(Rule::Rfc4_3_3_6, i_frame.is_idr, || {
            (at(), "the picture is not an IDR, want one".to_owned())
        });
    }
    Found {
        bytes: Some(range.length),
        i_frame,
    }
}

fn judge_map(
    list: &SegmentList,
    segment: &Segment,
    resource: &IndexedResource,
    findings: &mut Findings,
) {
    if resource.container == Container::Fmp4 {
        findings.judge(Rule::Apple8_20, segment.map.is_some(), || {
            (
                list.at(segment),
                "the I-frame is fMP4, want an EXT-X-MAP before it".to_owned(),
            )
        });
    }
}

/// Judges that each entry lasts until the next I-frame, and the last to the end of the content,
/// within one frame.
fn judge_spans(
    list: &SegmentList,
    found: &[Found],
    content: Option<&Track>,
    findings: &mut Findings,
) {
    let frame = content
        .and_then(|content| content.media.frame)
        .unwrap_or(Nanos::from_millis(50));
    let time = |found: &Found| found.i_frame.map(|i_frame| i_frame.time);
    let next_times = list
        .segments
        .iter()
        .zip(found)
        .skip(1)
        .map(|(next, found)| {
            // The clock starts anew at a discontinuity.
            time(found).filter(|_| !next.is_discontinuity)
        });
    // Playlists that grow need not have come equally far.
    let ended = content.filter(|content| !list.may_grow() && !content.list.may_grow());
    let end = ended.and_then(|content| content.media.end());
    let next_times = next_times.chain([end]);
    for ((segment, found), next_time) in list.segments.iter().zip(found).zip(next_times) {
        let (Some(time), Some(next_time)) = (time(found), next_time) else {
            continue;
        };
        let (got, wanted) = (segment.duration, next_time - time);
        findings.judge(Rule::Rfc4_3_3_6, got.abs_diff(wanted) <= frame, || {
            (
                list.at_extinf(segment),
                format!("EXTINF is {got}, the next I-frame comes in {wanted}"),
            )
        });
    }
}

/// Judges how dense the densest of all I-frame playlists is.
pub(crate) fn judge_density(tracks: &[Track], findings: &mut Findings) {
    let spacing = |track: &Track| {
        let entries = i128::try_from(track.list.segments.len()).unwrap_or(i128::MAX);
        Nanos(track.list.duration().0 / entries.max(1))
    };
    let playlists = tracks.iter().filter(|track| track.role == Role::IFrames);
    if let Some(track) = playlists.min_by_key(|track| spacing(track)) {
        let spacing = spacing(track);
        // A tenth more, for frame rates that do not fit seconds.
        findings.judge(Rule::Apple6_2, spacing <= Nanos::from_millis(1100), || {
            let message = format!("the densest I-frame playlist has one every {spacing}");
            (Location::whole(&track.list.playlist.uri), message)
        });
    }
}
