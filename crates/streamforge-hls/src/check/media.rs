//! Reading the segments of a media playlist, one at a time, and the rules about each.
//!
//! What later rules need of them is kept as [`Media`]; their bytes are not.

use std::collections::HashMap;

use super::clock::Nanos;
use super::container::Container;
use super::format::Format;
use super::report::{Findings, Location};
use super::resource::{Fetched, Kind, Resources};
use super::rule::Rule;
use super::segment_list::{Segment, SegmentList};
use crate::isobmff;

mod fmp4;
mod init_segment;
mod transport_stream;
mod web_vtt;

/// A media playlist and what its segments hold.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) role: Role,
    pub(crate) list: SegmentList,
    pub(crate) media: Media,
}

/// What a media playlist is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// `EXT-X-STREAM-INF`.
    Variant,
    /// `EXT-X-MEDIA` of type `AUDIO`.
    Audio,
    /// `EXT-X-MEDIA` of type `SUBTITLES`.
    Subtitles,
    /// `EXT-X-I-FRAME-STREAM-INF`.
    IFrames,
}

/// What the segments of a track hold.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that have nothing to do with each other"
)]
pub(crate) struct Media {
    /// Of the first segment that could be read.
    pub(crate) container: Option<Container>,
    /// One for each segment of the playlist.
    pub(crate) segments: Vec<SegmentFacts>,
    /// Every codec found, each once.
    pub(crate) codecs: Vec<String>,
    /// Where the first of `codecs` was found.
    pub(crate) codec_at: Option<Location>,
    pub(crate) has_video: bool,
    pub(crate) has_audio: bool,
    /// Width and height of the pictures, in pixels.
    pub(crate) size: Option<(u32, u32)>,
    /// Audio channels.
    pub(crate) channels: Option<u32>,
    /// The average duration of a picture, or of a frame of audio.
    pub(crate) frame: Option<Nanos>,
    pub(crate) frame_rate: Option<FrameRate>,
    pub(crate) is_hdr: bool,
    /// Whether it holds more than `codecs` tells: several tracks in one file, or something that
    /// could not be read.
    pub(crate) is_opaque: bool,
}

/// What is known of one segment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SegmentFacts {
    /// Its size; `None` when it could not be had.
    pub(crate) bytes: Option<u64>,
    /// When it is presented; `None` when that could not be read.
    pub(crate) timing: Option<Timing>,
}

/// When a segment is presented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Timing {
    pub(crate) start: Nanos,
    pub(crate) duration: Nanos,
}

/// Frames a second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FrameRate {
    /// In a thousand seconds, on average.
    pub(crate) millihertz: u64,
    /// Whether all frames last equally long, but for the rounding of a coarse clock.
    pub(crate) is_constant: bool,
}

impl Media {
    /// Whether `codecs` is all there is.
    pub(crate) fn knows_codecs(&self) -> bool {
        !self.is_opaque && !self.codecs.is_empty()
    }

    /// The codec of video that was found last.
    fn video_codec(&self) -> Option<&str> {
        let mut codecs = self.codecs.iter().rev();
        codecs
            .find(|codec| Format::of(codec).is_video())
            .map(String::as_str)
    }

    /// When the content starts and how long it lasts; `None` unless all segments could be read.
    pub(crate) fn timing(&self) -> Option<Timing> {
        let start = self.segments.first()?.timing?.start;
        let durations: Option<Vec<Nanos>> = (self.segments.iter())
            .map(|facts| facts.timing.map(|timing| timing.duration))
            .collect();
        let duration = durations?.into_iter().sum();
        Some(Timing { start, duration })
    }

    /// When the content ends, on the clock of its last segment.
    pub(crate) fn end(&self) -> Option<Nanos> {
        let last = self.segments.last()?.timing?;
        Some(last.start + last.duration)
    }

    fn add_codec(&mut self, codec: &str, at: impl FnOnce() -> Location) {
        if !self.codecs.iter().any(|known| known == codec) {
            self.codecs.push(codec.to_owned());
        }
        self.codec_at.get_or_insert_with(at);
    }
}

/// Where I-frames are, by the URI of their resource: what I-frame playlists are compared with.
pub(crate) type IFrameIndex = HashMap<String, IndexedResource>;

/// A resource that was read without a fault, and its I-frames.
#[derive(Debug)]
pub(crate) struct IndexedResource {
    /// Its size; `None` when only ranges of it were read.
    pub(crate) bytes: Option<u64>,
    pub(crate) container: Container,
    pub(crate) codec: Option<String>,
    /// Width and height of the pictures, in pixels.
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) i_frames: Vec<IFrame>,
}

/// One I-frame of a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct IFrame {
    /// Where the segment it is in starts.
    pub(crate) segment_start: u64,
    /// Where what is needed to decode it starts: its `moof`, or the tables of a transport stream.
    pub(crate) offset: u64,
    /// Where it ends.
    pub(crate) end: u64,
    pub(crate) is_idr: bool,
    /// When it is presented.
    pub(crate) time: Nanos,
}

/// Reads all segments of a playlist.
pub(crate) fn read(
    role: Role,
    list: SegmentList,
    resources: &mut Resources<'_>,
    index: &mut IFrameIndex,
    findings: &mut Findings,
) -> Track {
    let mut reader = Reader {
        list: &list,
        media: Media::default(),
        fmp4: fmp4::Reader::default(),
        transport_stream: transport_stream::Reader::default(),
    };
    for segment in &list.segments {
        let facts = reader.read_segment(segment, resources, index, findings);
        if facts.timing.is_none() {
            // What comes after a segment that is not known cannot be held against it.
            reader.fmp4.forget_previous();
            reader.transport_stream.forget_previous();
        }
        reader.media.segments.push(facts);
    }
    let Reader {
        mut media,
        fmp4,
        transport_stream,
        ..
    } = reader;
    fmp4.finish(&list, &mut media, findings);
    transport_stream.finish(&mut media);
    Track { role, list, media }
}

/// Reads the segments of a playlist one after the other.
struct Reader<'a> {
    list: &'a SegmentList,
    media: Media,
    fmp4: fmp4::Reader,
    transport_stream: transport_stream::Reader,
}

/// A segment with its bytes.
struct SegmentFile<'a> {
    list: &'a SegmentList,
    segment: &'a Segment,
    bytes: &'a [u8],
}

impl SegmentFile<'_> {
    /// Where the segment starts in its resource.
    fn base(&self) -> u64 {
        self.segment.byte_range.map_or(0, |range| range.offset)
    }

    /// The offset in the resource of an offset in the segment.
    fn offset(&self, in_segment: usize) -> u64 {
        self.base()
            .saturating_add(u64::try_from(in_segment).unwrap_or(u64::MAX))
    }

    fn at_byte(&self, in_segment: usize) -> Location {
        Location::byte(&self.segment.uri, self.offset(in_segment))
    }

    fn whole(&self) -> Location {
        Location::whole(&self.segment.uri)
    }

    /// The first box at `path` in the sibling boxes from `from` on; the place of the last box on
    /// the way that is there.
    fn at_box(&self, from: usize, path: &'static str) -> Location {
        let mut siblings: Vec<_> = isobmff::boxes(self.bytes)
            .map_while(Result::ok)
            .filter(|found| found.offset >= from)
            .collect();
        let mut offset = from;
        for kind in path.split('/') {
            let Some(found) = siblings.iter().find(|b| b.kind == kind.as_bytes()) else {
                break;
            };
            offset = found.offset;
            siblings = found.children().map_while(Result::ok).collect();
        }
        Location::in_box(&self.segment.uri, self.offset(offset), path)
    }
}

impl Reader<'_> {
    fn read_segment(
        &mut self,
        segment: &Segment,
        resources: &mut Resources<'_>,
        index: &mut IFrameIndex,
        findings: &mut Findings,
    ) -> SegmentFacts {
        let list = self.list;
        if segment.is_gap {
            return SegmentFacts::default();
        }
        let at = || list.at(segment);
        let range = segment.byte_range;
        let fetched = resources.get(Kind::Segment, &segment.uri, range, at, findings);
        let Some(Fetched { bytes, .. }) = fetched else {
            self.media.is_opaque = true;
            return SegmentFacts::default();
        };
        let mut facts = SegmentFacts {
            bytes: u64::try_from(bytes.len()).ok(),
            timing: None,
        };
        if segment.is_encrypted {
            self.media.is_opaque = true;
            return facts;
        }
        let file = SegmentFile {
            list,
            segment,
            bytes: &bytes,
        };
        let container = Container::of(&bytes);
        let mut i_frames = Vec::new();
        facts.timing = self.look_into(&file, container, resources, &mut i_frames, findings);
        if let (Some(container), true) = (container, facts.timing.is_some()) {
            let resource = index.entry(segment.uri.clone()).or_insert(IndexedResource {
                bytes: facts.bytes.filter(|_| range.is_none()),
                container,
                codec: self.media.video_codec().map(str::to_owned),
                size: self.media.size,
                i_frames: Vec::new(),
            });
            resource.i_frames.append(&mut i_frames);
        }
        facts
    }
    /// Reads what is in a segment. Returns when that is presented, where it could be read.
    fn look_into(
        &mut self,
        file: &SegmentFile<'_>,
        container: Option<Container>,
        resources: &mut Resources<'_>,
        i_frames: &mut Vec<IFrame>,
        findings: &mut Findings,
    ) -> Option<Timing> {
        let SegmentFile { list, segment, .. } = *file;
        self.media.container = self.media.container.or(container);
        findings.judge(Rule::Apple1_2, container.is_some(), || {
            let message = "the segment is neither fMP4 nor MPEG-TS nor text";
            (file.at_byte(0), message.to_owned())
        });
        match container {
            Some(Container::Fmp4) => {
                let map = segment.map.map(|map| (map, &list.maps[map]));
                findings.judge(Rule::Apple8_20, map.is_some(), || {
                    let message = "the segment is fMP4, want an EXT-X-MAP before it";
                    (list.at(segment), message.to_owned())
                });
                let media = &mut self.media;
                self.fmp4
                    .use_map(list, map?, segment, resources, media, findings);
                self.fmp4.read(file, media, i_frames, findings)
            }
            Some(Container::MpegTs) => {
                self.transport_stream
                    .read(file, &mut self.media, i_frames, findings)
            }
            Some(Container::WebVtt) => {
                web_vtt::judge(file, findings);
                None
            }
            Some(Container::PackedAudio) => {
                self.media.has_audio = true;
                self.media.is_opaque = true;
                None
            }
            None => {
                self.media.is_opaque = true;
                None
            }
        }
    }
}
