//! A media playlist as segments, and the rules its text alone can break
//! (RFC 8216 §4.3.2 and §4.3.3; Apple 7.5 to 7.7, 8.6 and 8.8).

use super::clock::Nanos;
use super::playlist::{AttributeList, Content, Line, Playlist, Tag};
use super::report::{Findings, Location};
use super::rule::Rule;
use super::uri;
use crate::media_playlist::{ByteRange, PlaylistType};

/// A media playlist.
#[derive(Debug)]
pub(crate) struct SegmentList {
    pub(crate) playlist: Playlist,
    /// `EXT-X-TARGETDURATION`.
    pub(crate) target_duration: Option<Nanos>,
    pub(crate) playlist_type: Option<PlaylistType>,
    /// Whether there is an `EXT-X-ENDLIST`.
    pub(crate) has_ended: bool,
    pub(crate) is_i_frames_only: bool,
    /// The init segments in the order they first apply.
    pub(crate) maps: Vec<Map>,
    pub(crate) segments: Vec<Segment>,
}

/// An `EXT-X-MAP`.
#[derive(Debug)]
pub(crate) struct Map {
    /// Of its line in [`Playlist::lines`].
    line_index: usize,
    /// Relative to the multivariant playlist.
    pub(crate) uri: String,
    pub(crate) byte_range: Option<ByteRange>,
}

/// A media segment.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Of the line with its URI in [`Playlist::lines`].
    line_index: usize,
    /// Of the line with its `EXTINF`, where it has one.
    extinf_index: Option<usize>,
    /// Relative to the multivariant playlist.
    pub(crate) uri: String,
    /// `EXTINF`; zero where that is missing.
    pub(crate) duration: Nanos,
    pub(crate) byte_range: Option<ByteRange>,
    /// Index in [`SegmentList::maps`] of its init segment.
    pub(crate) map: Option<usize>,
    /// Whether an `EXT-X-DISCONTINUITY` stands before it.
    pub(crate) is_discontinuity: bool,
    /// Whether an `EXT-X-KEY` with a method applies to it.
    pub(crate) is_encrypted: bool,
    /// Whether an `EXT-X-GAP` says that it is not there.
    pub(crate) is_gap: bool,
}

impl SegmentList {
    /// Reads the segments and judges how they are written.
    pub(crate) fn read(playlist: Playlist, findings: &mut Findings) -> Self {
        let mut reader = Reader::default();
        for (line_index, line) in playlist.lines.iter().enumerate() {
            match line.content() {
                Content::Ignored => {}
                Content::Tag(tag) => reader.read_tag(&playlist, line_index, tag),
                Content::Uri(reference) => {
                    reader.read_uri(&playlist, line_index, reference, findings);
                }
            }
        }
        if let Some(index) = reader.next.extinf_index {
            findings.judge(Rule::Rfc4_3_2_1, false, || {
                let location = playlist.at(&playlist.lines[index]);
                (location, "no segment follows".to_owned())
            });
        }
        let target_duration = playlist.value("EXT-X-TARGETDURATION");
        Self {
            target_duration: target_duration
                .and_then(|(_, value)| value.parse().ok())
                .map(Nanos::from_secs),
            playlist_type: match playlist.value("EXT-X-PLAYLIST-TYPE") {
                Some((_, "VOD")) => Some(PlaylistType::Vod),
                Some((_, "EVENT")) => Some(PlaylistType::Event),
                _ => None,
            },
            has_ended: playlist.has_tag("EXT-X-ENDLIST"),
            is_i_frames_only: playlist.has_tag("EXT-X-I-FRAMES-ONLY"),
            maps: reader.maps,
            segments: reader.segments,
            playlist,
        }
    }

    /// Whether segments may still be added.
    pub(crate) fn may_grow(&self) -> bool {
        !self.has_ended
    }

    /// The sum of all EXTINF.
    pub(crate) fn duration(&self) -> Nanos {
        self.segments.iter().map(|segment| segment.duration).sum()
    }

    /// The place of a segment in the playlist: the line with its URI.
    pub(crate) fn at(&self, segment: &Segment) -> Location {
        self.playlist.at(&self.playlist.lines[segment.line_index])
    }

    /// The place of a segment's EXTINF.
    pub(crate) fn at_extinf(&self, segment: &Segment) -> Location {
        let index = segment.extinf_index.unwrap_or(segment.line_index);
        self.playlist.at(&self.playlist.lines[index])
    }

    /// The place of an init segment in the playlist.
    pub(crate) fn at_map(&self, map: &Map) -> Location {
        self.playlist.at(&self.playlist.lines[map.line_index])
    }
}

/// Reads a media playlist line by line.
#[derive(Debug, Default)]
struct Reader {
    maps: Vec<Map>,
    segments: Vec<Segment>,
    /// What the tags so far say of the segment to come.
    next: NextSegment,
    /// Index of the map that applies to the segment to come.
    map: Option<usize>,
    /// Whether a key applies to the segment to come.
    is_encrypted: bool,
}

/// What tags say of the one segment that follows them.
#[derive(Debug, Default)]
struct NextSegment {
    extinf_index: Option<usize>,
    duration: Nanos,
    byte_range_index: Option<usize>,
    is_discontinuity: bool,
    is_gap: bool,
}

impl Reader {
    fn read_tag(&mut self, playlist: &Playlist, line_index: usize, tag: Tag<'_>) {
        let value = tag.value.unwrap_or_default();
        match tag.name {
            "EXTINF" => {
                let duration = value.split(',').next().unwrap_or_default();
                self.next.duration = Nanos::parse(duration).unwrap_or_default();
                self.next.extinf_index = Some(line_index);
            }
            "EXT-X-BYTERANGE" => self.next.byte_range_index = Some(line_index),
            "EXT-X-MAP" => {
                let attributes = AttributeList::parse(value);
                let Some(reference) = attributes.text("URI") else {
                    return;
                };
                // Without an offset a map's range starts at the first byte.
                let start = ByteRange {
                    length: 0,
                    offset: 0,
                };
                let range = attributes.text("BYTERANGE");
                self.map = Some(self.maps.len());
                self.maps.push(Map {
                    line_index,
                    uri: uri::resolve(&playlist.base, reference),
                    byte_range: range.and_then(|range| parse_byte_range(range, Some(start))),
                });
            }
            "EXT-X-KEY" => {
                self.is_encrypted = AttributeList::parse(value).text("METHOD") != Some("NONE");
            }
            "EXT-X-DISCONTINUITY" => self.next.is_discontinuity = true,
            "EXT-X-GAP" => self.next.is_gap = true,
            _ => {}
        }
    }

    fn read_uri(
        &mut self,
        playlist: &Playlist,
        line_index: usize,
        reference: &str,
        findings: &mut Findings,
    ) {
        let uri = uri::resolve(&playlist.base, reference);
        let next = std::mem::take(&mut self.next);
        findings.judge(Rule::Rfc4_3_2_1, next.extinf_index.is_some(), || {
            let location = playlist.at(&playlist.lines[line_index]);
            (location, "the segment has no EXTINF".to_owned())
        });
        let byte_range = next.byte_range_index.and_then(|index| {
            let line = &playlist.lines[index];
            let value = match line.content() {
                Content::Tag(tag) => tag.value.unwrap_or_default(),
                _ => "",
            };
            let previous = self.segments.last().filter(|segment| segment.uri == uri);
            let range = parse_byte_range(value, previous.and_then(|s| s.byte_range));
            findings.judge(Rule::Rfc4_3_2_2, range.is_some(), || {
                let wanted = "LENGTH@OFFSET, or LENGTH after another range of the same resource";
                (playlist.at(line), format!("got `{value}`, want {wanted}"))
            });
            range
        });
        self.segments.push(Segment {
            line_index,
            extinf_index: next.extinf_index,
            uri,
            duration: next.duration,
            byte_range,
            map: self.map,
            is_discontinuity: next.is_discontinuity,
            is_encrypted: self.is_encrypted,
            is_gap: next.is_gap,
        });
    }
}

/// Reads `LENGTH@OFFSET`, or `LENGTH`, which starts where `previous` ends.
fn parse_byte_range(text: &str, previous: Option<ByteRange>) -> Option<ByteRange> {
    let (length, offset) = if let Some((length, offset)) = text.split_once('@') {
        (length, offset.parse().ok()?)
    } else {
        let ByteRange { length, offset } = previous?;
        (text, offset.checked_add(length)?)
    };
    let length = length.parse().ok()?;
    // What ends past the last 64-bit number is in no resource.
    offset.checked_add(length)?;
    Some(ByteRange { length, offset })
}

/// Judges what a media playlist says, without looking at its segments. `is_media` is false for
/// I-frame and subtitle playlists, whose segments may have other durations.
pub(crate) fn judge(list: &SegmentList, is_media: bool, findings: &mut Findings) {
    let playlist = &list.playlist;
    let target = list.target_duration;
    findings.judge(Rule::Rfc4_3_3_1, target.is_some(), || {
        (
            Location::whole(&playlist.uri),
            "there is no EXT-X-TARGETDURATION".to_owned(),
        )
    });
    if let Some(target) = target {
        judge_durations(list, target, is_media, findings);
    }
    judge_order(playlist, findings);
    judge_type(list, findings);
    if list.has_ended {
        findings.judge(Rule::Rfc2, !list.segments.is_empty(), || {
            (
                playlist.at_tag("EXT-X-ENDLIST"),
                "the playlist ends without any segment".to_owned(),
            )
        });
    }
}

fn judge_durations(list: &SegmentList, target: Nanos, is_media: bool, findings: &mut Findings) {
    let six = Nanos::from_secs(6);
    if is_media {
        findings.judge(Rule::Apple7_5, target == six, || {
            (
                list.playlist.at_tag("EXT-X-TARGETDURATION"),
                format!("got {target}, want {six}"),
            )
        });
    }
    let last_index = list.segments.len().saturating_sub(1);
    for (index, segment) in list.segments.iter().enumerate() {
        let duration = segment.duration;
        let at = || list.at_extinf(segment);
        let rounded = duration.rounded_secs();
        findings.judge(
            Rule::Rfc4_3_3_1Extinf,
            rounded <= target.rounded_secs(),
            || {
                (
                    at(),
                    format!("rounds to {rounded} s, want at most the target duration {target}"),
                )
            },
        );
        let most = target + Nanos::from_millis(500);
        findings.judge(Rule::Apple7_7, duration <= most, || {
            (at(), format!("got {duration}, want at most {most}"))
        });
        if is_media && index != last_index {
            let is_about_six = duration.abs_diff(six) <= Nanos::from_secs(1);
            findings.judge(Rule::Apple7_6, is_about_six, || {
                (at(), format!("got {duration}, want about {six}"))
            });
        }
    }
}

fn judge_order(playlist: &Playlist, findings: &mut Findings) {
    let is_uri = |line: &&Line| matches!(line.content(), Content::Uri(_));
    let first = playlist.lines.iter().find(is_uri).map(|line| line.number);
    let last = playlist
        .lines
        .iter()
        .rev()
        .find(is_uri)
        .map(|line| line.number);
    for (line, _) in playlist.tags_named("EXT-X-MEDIA-SEQUENCE") {
        let is_before = first.is_none_or(|first| line.number < first);
        findings.judge(Rule::Rfc4_3_3_2, is_before, || {
            (
                playlist.at(line),
                "want it before the first segment".to_owned(),
            )
        });
    }
    for (line, _) in playlist.tags_named("EXT-X-ENDLIST") {
        let is_after = last.is_none_or(|last| line.number > last);
        findings.judge(Rule::Rfc4_3_3_4, is_after, || {
            (
                playlist.at(line),
                "want it after the last segment".to_owned(),
            )
        });
    }
}

fn judge_type(list: &SegmentList, findings: &mut Findings) {
    let playlist = &list.playlist;
    match (list.playlist_type, list.has_ended) {
        (Some(PlaylistType::Vod), has_ended) => {
            findings.hold(Rule::Apple8_6);
            findings.judge(Rule::Rfc6_2_1End, has_ended, || {
                let message = "a VOD playlist never changes, want an EXT-X-ENDLIST at its end";
                (playlist.at_tag("EXT-X-PLAYLIST-TYPE"), message.to_owned())
            });
        }
        (Some(PlaylistType::Event), _) => {
            findings.hold(Rule::Apple8_8);
        }
        (None, true) => findings.judge(Rule::Apple8_6, false, || {
            let message = "the playlist has ended, want EXT-X-PLAYLIST-TYPE:VOD";
            (Location::whole(&playlist.uri), message.to_owned())
        }),
        (None, false) => findings.excuse(Rule::Apple8_8, || {
            let message = "the playlist has no type and no end: players take it for a live one";
            (Location::whole(&playlist.uri), message.to_owned())
        }),
    }
}
