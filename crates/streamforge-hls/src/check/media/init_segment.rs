//! Init segments (RFC 8216 §3.3; Apple 2.11, 2.17 and 8.13).

use super::Media;
use crate::check::format::Format;
use crate::check::report::{Findings, Location};
use crate::check::resource::{Kind, Resources};
use crate::check::rule::Rule;
use crate::check::segment_list::{Map, SegmentList};
use crate::isobmff::{self, BoxError, BoxRef, InitMedia, InitSegment};

/// An init segment.
#[derive(Clone, Debug)]
pub(super) struct Init {
    /// The track whose samples are looked at: the first of video, or the first.
    pub(super) main: InitSegment,
    /// The others, where several share a file.
    others: Vec<InitSegment>,
    /// How much later than the main track its presentation starts, in timescale units, by the edit
    /// list.
    pub(super) edit_start: i128,
    is_hdr: bool,
}

/// Reads the init segment of a map, and judges it.
pub(super) fn read(
    list: &SegmentList,
    map: &Map,
    resources: &mut Resources<'_>,
    findings: &mut Findings,
) -> Option<Init> {
    let at = || list.at_map(map);
    let fetched = resources.get(Kind::Init, &map.uri, map.byte_range, at, findings)?;
    let init = Init::parse(&fetched.bytes);
    findings.judge(Rule::Rfc3_3, init.is_ok(), || {
        let error = init.as_ref().err().map(ToString::to_string);
        (Location::whole(&map.uri), error.unwrap_or_default())
    });
    let init = init.ok()?;
    let audio = init.tracks().filter(|track| is_audio(track)).count();
    findings.judge(Rule::Apple2_17, audio <= 1, || {
        let message = format!("there are {audio} audio tracks, want at most 1");
        (Location::whole(&map.uri), message)
    });
    Some(init)
}

impl Init {
    fn parse(bytes: &[u8]) -> Result<Self, BoxError> {
        let mut tracks = match InitSegment::parse(bytes) {
            Ok(track) => vec![(track, tracks_of(bytes).next())],
            Err(BoxError::TrackCount { count }) if count > 1 => tracks_of(bytes)
                .map(|trak| Ok((InitSegment::parse(&alone(bytes, &trak))?, Some(trak))))
                .collect::<Result<_, BoxError>>()?,
            Err(error) => return Err(error),
        };
        let main = tracks.iter().position(|(track, _)| is_video(track));
        let (main, trak) = tracks.remove(main.unwrap_or(0));
        Ok(Self {
            edit_start: trak.as_ref().and_then(edit_start).unwrap_or(0),
            is_hdr: trak.as_ref().is_some_and(is_hdr),
            main,
            others: tracks.into_iter().map(|(track, _)| track).collect(),
        })
    }

    /// Whether several tracks share the file.
    pub(super) fn is_muxed(&self) -> bool {
        !self.others.is_empty()
    }

    fn tracks(&self) -> impl Iterator<Item = &InitSegment> {
        std::iter::once(&self.main).chain(&self.others)
    }

    /// Adds what the init segment tells to what is known of the media.
    pub(super) fn describe(&self, at: &Location, media: &mut Media) {
        for track in self.tracks() {
            match track.media {
                InitMedia::Video { width, height } => {
                    media.has_video = true;
                    media.size = media.size.or(Some((width, height)));
                }
                InitMedia::Audio { channels, .. } => {
                    media.has_audio = true;
                    media.channels = media.channels.or(Some(channels));
                }
                InitMedia::Other => {}
            }
            media.add_codec(&track.codec, || at.clone());
        }
        media.is_hdr |= self.is_hdr || Format::of(&self.main.codec) == Format::DolbyVision;
    }
}

fn is_video(track: &InitSegment) -> bool {
    matches!(track.media, InitMedia::Video { .. })
}

fn is_audio(track: &InitSegment) -> bool {
    matches!(track.media, InitMedia::Audio { .. })
}

/// The boxes inside the `moov` of a file, as far as they can be read.
fn inside_moov(bytes: &[u8]) -> impl Iterator<Item = BoxRef<'_>> {
    let mut siblings = isobmff::boxes(bytes).map_while(Result::ok);
    let moov = siblings.find(|found| found.kind == *b"moov");
    moov.into_iter()
        .flat_map(|moov| moov.children().map_while(Result::ok))
}

fn tracks_of(bytes: &[u8]) -> impl Iterator<Item = BoxRef<'_>> {
    inside_moov(bytes).filter(|found| found.kind == *b"trak")
}

/// An init segment with one of the tracks of a file and its defaults.
fn alone(bytes: &[u8], trak: &BoxRef<'_>) -> Vec<u8> {
    let raw = |found: &BoxRef<'_>| bytes[found.offset..found.offset + found.size].to_vec();
    // The id comes after the flags and two times, which are longer in version 1.
    let id = find(trak, &[b"tkhd"]).and_then(|tkhd| {
        let start = if tkhd.body.first() == Some(&0) {
            12
        } else {
            20
        };
        tkhd.body.get(start..start + 4)
    });
    let mvex = inside_moov(bytes).find(|found| found.kind == *b"mvex");
    let defaults = mvex.and_then(|mvex| {
        let mut inside = mvex.children().map_while(Result::ok);
        inside.find(|trex| trex.kind == *b"trex" && trex.body.get(4..8) == id)
    });
    let mvex = in_box(*b"mvex", &defaults.as_ref().map(raw).unwrap_or_default());
    in_box(*b"moov", &[raw(trak), mvex].concat())
}

fn in_box(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    // A size of 0 is that of a box that reaches to the end, which `moov` does.
    let size = u32::try_from(8 + body.len()).unwrap_or(0);
    [&size.to_be_bytes()[..], &kind, body].concat()
}

/// The box at a path of kinds inside another one.
fn find<'a>(inside: &BoxRef<'a>, path: &[&[u8; 4]]) -> Option<BoxRef<'a>> {
    path.iter().try_fold(*inside, |outer, kind| {
        outer
            .children()
            .map_while(Result::ok)
            .find(|b| b.kind == **kind)
    })
}

/// Where the edit list of a track starts the presentation: the media time of its first edit that
/// shows media, less the empty edits before it (ISO/IEC 14496-12 §8.6.6). Empty edits are counted on
/// the clock of the movie; they are rare, and left out here.
fn edit_start(trak: &BoxRef<'_>) -> Option<i128> {
    let elst = find(trak, &[b"edts", b"elst"])?;
    let version = *elst.body.first()?;
    let entries = elst.body.get(8..)?;
    let media_times: Vec<i64> = if version == 0 {
        let times = entries
            .chunks_exact(12)
            .filter_map(|e| e[4..].first_chunk());
        times.map(|time| i32::from_be_bytes(*time).into()).collect()
    } else {
        let times = entries
            .chunks_exact(20)
            .filter_map(|e| e[8..].first_chunk());
        times.map(|time| i64::from_be_bytes(*time)).collect()
    };
    let shown = media_times.into_iter().find(|time| *time >= 0)?;
    Some(shown.into())
}

/// Whether the colour box of a video track names an HDR transfer: PQ or HLG
/// (ISO/IEC 23091-2 table 3).
fn is_hdr(trak: &BoxRef<'_>) -> bool {
    /// Bytes of a visual sample entry before its boxes (ISO/IEC 14496-12 §12.1.3).
    const VISUAL_ENTRY_FIELDS_LEN: usize = 78;

    let transfer = || {
        let stsd = find(trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
        let entry = isobmff::boxes(stsd.body.get(8..)?).next()?.ok()?;
        let mut inside = isobmff::boxes(entry.body.get(VISUAL_ENTRY_FIELDS_LEN..)?);
        let colr = inside.find_map(|b| b.ok().filter(|b| b.kind == *b"colr"))?;
        let nclx = colr.body.strip_prefix(b"nclx")?;
        Some(u16::from_be_bytes(*nclx.get(2..)?.first_chunk()?))
    };
    matches!(transfer(), Some(16 | 18))
}

/// Judges an init segment that takes over from another one without a discontinuity.
pub(super) fn judge_change(before: &Init, after: &Init, at: &Location, findings: &mut Findings) {
    let (before, after) = (&before.main, &after.main);
    let layout = |init: &InitSegment| match init.media {
        InitMedia::Audio { channels, .. } => Some(channels),
        _ => None,
    };
    let encoding = |init: &InitSegment| {
        let size = match init.media {
            InitMedia::Video { width, height } => (width, height),
            _ => (0, 0),
        };
        (init.codec.clone(), init.timescale, size)
    };
    findings.judge(Rule::Apple2_11, layout(before) == layout(after), || {
        (
            at.clone(),
            "the audio channels change, want an EXT-X-DISCONTINUITY".to_owned(),
        )
    });
    findings.judge(Rule::Apple8_13, encoding(before) == encoding(after), || {
        let (before, after) = (&before.codec, &after.codec);
        let message = format!(
            "codec, size or timescale change ({before} to {after}), want an EXT-X-DISCONTINUITY"
        );
        (at.clone(), message)
    });
}
