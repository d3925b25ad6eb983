//! What is in a segment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::adts::AdtsStream;
use super::{ElementaryStream, NULL_PID, PACKET_LEN, PAT_PID, Packet, PesHeader, TsError};
use crate::h264::{self, NalUnitType, SequenceParameterSet};

/// What is in a segment: in its video where it has any, else in its audio, else in its first stream.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not depend on each other"
)]
pub struct TsSummary {
    /// The stream that this is about.
    pub stream: TsStream,
    /// Its codec as an RFC 6381 name, where the stream is H.264 or AAC and says it.
    pub codec: Option<String>,
    /// Presentation time of the first access unit, on the 90 kHz clock of 33 bits.
    pub first_pts: u64,
    /// Decode time of the first access unit, on the 90 kHz clock of 33 bits.
    pub first_dts: u64,
    /// The latest presentation time of any access unit, on the 90 kHz clock of 33 bits; it is the
    /// smaller number where the clock wraps around inside the segment.
    pub last_pts: u64,
    /// How many access units there are: pictures of H.264, frames of AAC, PES packets of others.
    pub access_units: u32,
    /// Whether the first picture is an IDR picture of H.264.
    pub starts_with_idr: bool,
    /// Bytes from the start of the segment to the end of the last packet of the first access unit:
    /// what an I-frame playlist names.
    pub i_frame_bytes: u32,
    /// Width and height in pixels, by the first sequence parameter set of H.264.
    pub resolution: Option<(u32, u32)>,
    /// Whether the first packet is the PAT and the second one the PMT, so that a player can start
    /// with this segment.
    pub starts_with_tables: bool,
    /// Whether the program has a video stream.
    pub has_video: bool,
    /// Whether the program has an audio stream.
    pub has_audio: bool,
    /// The continuity counters of every PID, by PID.
    pub continuity: Vec<PidContinuity>,
}

/// What an elementary stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum TsStream {
    /// H.264 video.
    H264,
    /// AAC audio as ADTS.
    Aac,
    /// Another one, by its stream type (ISO/IEC 13818-1 table 2-34).
    Other(u8),
}

/// The continuity counters of one PID.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PidContinuity {
    /// The PID.
    pub pid: u16,
    /// The counter of its first packet.
    pub first: u8,
    /// The counter of its last packet.
    pub last: u8,
    /// Whether every counter follows from the one before it.
    pub continuous: bool,
}

/// Reads a whole segment.
///
/// # Errors
///
/// When it is not made of whole transport stream packets, has no tables that say what it carries,
/// or no access unit with a presentation time.
pub fn inspect(segment: &[u8]) -> Result<TsSummary, TsError> {
    let mut continuity = BTreeMap::new();
    let mut tables = Tables::default();
    let mut stream = StreamReader::default();
    for packet in Packet::all(segment) {
        let (offset, packet) = packet?;
        if packet.pid == NULL_PID || track_continuity(&mut continuity, packet) {
            continue;
        }
        tables.read(offset, packet);
        if tables.main_stream().is_some_and(|s| s.pid == packet.pid) {
            stream.read(offset, packet)?;
        }
    }
    let main_stream = tables.main_stream().ok_or(TsError::NoTables)?;
    let stream = stream.finish()?;
    let content = Content::parse(main_stream, &stream);
    let i_frame_bytes = u32::try_from(stream.first_pes_end).unwrap_or(u32::MAX);
    Ok(TsSummary {
        stream: match main_stream.stream_type {
            ElementaryStream::H264 => TsStream::H264,
            ElementaryStream::ADTS_AAC => TsStream::Aac,
            other => TsStream::Other(other),
        },
        codec: content.codec,
        first_pts: stream.first_pts,
        first_dts: stream.first_dts,
        last_pts: stream.last_pts,
        access_units: content.access_units,
        starts_with_idr: content.starts_with_idr,
        i_frame_bytes,
        resolution: content.resolution,
        starts_with_tables: tables.first_two,
        has_video: tables.streams.iter().any(|s| s.is_video()),
        has_audio: tables.streams.iter().any(|s| s.is_audio()),
        continuity: continuity
            .into_values()
            .map(|(_, counters)| counters)
            .collect(),
    })
}

/// Follows the counters of every PID. Returns whether the packet only repeats the one before it,
/// which a stream may do once, and says nothing new.
fn track_continuity<'a>(
    pids: &mut BTreeMap<u16, (Packet<'a>, PidContinuity)>,
    packet: Packet<'a>,
) -> bool {
    let counter = packet.continuity_counter;
    let (previous, counters) = pids.entry(packet.pid).or_insert_with(|| {
        let counters = PidContinuity {
            pid: packet.pid,
            first: counter,
            last: counter,
            continuous: true,
        };
        (packet, counters)
    });
    if std::ptr::eq(previous.raw, packet.raw) {
        return false;
    }
    let repeats = !packet.payload.is_empty() && previous.raw == packet.raw;
    let expected = match packet.payload {
        [] => counters.last,
        _ => (counters.last + 1) % 16,
    };
    counters.continuous &= repeats || packet.discontinuity() || counter == expected;
    counters.last = counter;
    *previous = packet;
    repeats
}

/// What the PAT and the PMT say.
#[derive(Debug, Default)]
struct Tables {
    program_map_pid: Option<u16>,
    streams: Vec<ElementaryStream>,
    /// Whether the first packet is the PAT and the second one the PMT.
    first_two: bool,
}

impl Tables {
    fn read(&mut self, offset: usize, packet: Packet<'_>) {
        // The first table of each kind counts: a segment describes one program.
        if packet.pid == PAT_PID && self.program_map_pid.is_none() {
            self.program_map_pid = packet.program_map_pid();
            self.first_two = offset == 0 && self.program_map_pid.is_some();
        } else if self.program_map_pid == Some(packet.pid) && self.streams.is_empty() {
            self.streams = packet.program_streams().unwrap_or_default();
            self.first_two &= offset == PACKET_LEN;
        }
    }

    /// The video, or else the audio, or else what there is: timed metadata may be listed first.
    fn main_stream(&self) -> Option<ElementaryStream> {
        let streams = || self.streams.iter().copied();
        let video = streams().find(|stream| stream.is_video());
        let audio = || streams().find(|stream| stream.is_audio());
        video.or_else(audio).or_else(|| streams().next())
    }
}

/// Puts the PES packets of one PID together.
#[derive(Debug, Default)]
struct StreamReader {
    /// The PES packet that is being read and where it starts; empty before the first one.
    pes: Vec<u8>,
    pes_offset: usize,
    /// What the PES packets before it carried.
    stream: Option<Stream>,
    /// Where the last packet of this PID ends.
    end: usize,
}

/// The elementary stream of a segment.
#[derive(Debug)]
struct Stream {
    data: Vec<u8>,
    pes_packets: u32,
    first_pts: u64,
    first_dts: u64,
    last_pts: u64,
    /// How much of `data` the first PES packet carried.
    first_pes_len: usize,
    /// Where the last packet of the first PES packet ends in the segment.
    first_pes_end: usize,
}

impl StreamReader {
    fn read(&mut self, offset: usize, packet: Packet<'_>) -> Result<(), TsError> {
        if packet.unit_start {
            self.close_pes()?;
            self.pes_offset = offset;
        }
        // What comes before the first start belongs to a PES packet of the segment before.
        if packet.unit_start || !self.pes.is_empty() {
            self.pes.extend_from_slice(packet.payload);
            self.end = offset + PACKET_LEN;
        }
        Ok(())
    }

    fn close_pes(&mut self) -> Result<(), TsError> {
        if self.pes.is_empty() {
            return Ok(());
        }
        let offset = self.pes_offset as u64;
        let header = PesHeader::parse(&self.pes).ok_or(TsError::Pes { offset })?;
        let data = &self.pes[header.len..];
        if let Some(stream) = &mut self.stream {
            stream.data.extend_from_slice(data);
            stream.pes_packets += 1;
            if let Some(pts) = header.pts
                && is_later(pts, stream.last_pts)
            {
                stream.last_pts = pts;
            }
        } else {
            let first_pts = header.pts.ok_or(TsError::NoTimestamp)?;
            self.stream = Some(Stream {
                data: data.to_vec(),
                pes_packets: 1,
                first_pts,
                first_dts: header.dts.unwrap_or(first_pts),
                last_pts: first_pts,
                first_pes_len: data.len(),
                first_pes_end: self.end,
            });
        }
        self.pes.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Stream, TsError> {
        self.close_pes()?;
        self.stream.ok_or(TsError::NoAccessUnit)
    }
}

/// Whether one timestamp is later than another on a clock of 33 bits that may have wrapped around
/// between them.
fn is_later(timestamp: u64, other: u64) -> bool {
    let ahead = timestamp.wrapping_sub(other) & ((1 << 33) - 1);
    ahead != 0 && ahead < 1 << 32
}

/// What the elementary stream itself says.
#[derive(Debug, Default)]
struct Content {
    codec: Option<String>,
    access_units: u32,
    starts_with_idr: bool,
    resolution: Option<(u32, u32)>,
}

impl Content {
    fn parse(kind: ElementaryStream, stream: &Stream) -> Self {
        match kind.stream_type {
            ElementaryStream::H264 => Self::h264(stream),
            ElementaryStream::ADTS_AAC => {
                let adts = AdtsStream::parse(&stream.data);
                Self {
                    access_units: adts.as_ref().map_or(0, |adts| adts.frames),
                    codec: adts.map(|adts| adts.codec),
                    ..Self::default()
                }
            }
            _ => Self {
                access_units: stream.pes_packets,
                ..Self::default()
            },
        }
    }

    fn h264(stream: &Stream) -> Self {
        let mut content = Self::default();
        for unit in h264::byte_stream_units(&stream.data) {
            match h264::unit_type(unit) {
                Some(NalUnitType::SequenceParameterSet) if content.codec.is_none() => {
                    if let Some(parameters) = SequenceParameterSet::parse(unit) {
                        content.codec = Some(parameters.codec);
                        content.resolution = Some(parameters.resolution);
                    }
                }
                Some(NalUnitType::Slice | NalUnitType::IdrSlice) if h264::starts_picture(unit) => {
                    content.access_units += 1;
                }
                _ => {}
            }
        }
        let first_pes = &stream.data[..stream.first_pes_len];
        content.starts_with_idr = h264::byte_stream_units(first_pes)
            .filter_map(h264::unit_type)
            .find(|kind| matches!(kind, NalUnitType::Slice | NalUnitType::IdrSlice))
            == Some(NalUnitType::IdrSlice);
        content
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{packet, pes, tables};
    use super::*;

    const VIDEO: (u8, u16) = (ElementaryStream::H264, 0x100);
    const AUDIO: (u8, u16) = (ElementaryStream::ADTS_AAC, 0x101);
    const DISCONTINUITY: u8 = 0x80;

    fn counters_of(segment: &[u8], pid: u16) -> PidContinuity {
        let summary = inspect(segment).unwrap();
        *summary
            .continuity
            .iter()
            .find(|counters| counters.pid == pid)
            .unwrap()
    }

    /// A segment of audio PES packets with these counters and flags.
    fn with_counters(packets: &[(u8, u8)]) -> Vec<u8> {
        let mut segment = tables(&[AUDIO]);
        for (index, (counter, flags)) in (1..).zip(packets) {
            segment.extend(packet(AUDIO.1, true, *counter, *flags, &pes(index * 1920)));
        }
        segment
    }

    #[test]
    fn counter_that_skips_one_is_not_continuous() {
        assert!(counters_of(&with_counters(&[(14, 0), (15, 0), (0, 0)]), 0x101).continuous);
        let counters = counters_of(&with_counters(&[(14, 0), (0, 0)]), 0x101);
        let expected = PidContinuity {
            pid: 0x101,
            first: 14,
            last: 0,
            continuous: false,
        };
        assert_eq!(counters, expected);
    }

    #[test]
    fn counter_may_jump_at_a_signalled_discontinuity() {
        let segment = with_counters(&[(3, 0), (9, DISCONTINUITY)]);
        assert!(counters_of(&segment, 0x101).continuous);
    }

    #[test]
    fn packet_sent_twice_counts_once() {
        let mut segment = with_counters(&[(0, 0)]);
        segment.extend_from_within(2 * PACKET_LEN..);
        let summary = inspect(&segment).unwrap();
        assert!(
            summary
                .continuity
                .iter()
                .all(|counters| counters.continuous)
        );
        assert_eq!(summary.last_pts, 1920);
        let mut other = with_counters(&[(0, 0), (0, 0)]);
        assert!(
            !counters_of(&other, 0x101).continuous,
            "another packet, the same counter"
        );
        other.truncate(3 * PACKET_LEN);
        assert!(counters_of(&other, 0x101).continuous);
    }

    #[test]
    fn packet_without_payload_keeps_the_counter() {
        let mut segment = with_counters(&[(7, 0)]);
        let mut empty = packet(AUDIO.1, false, 7, 0, b"");
        empty[3] = 0x20 | 7;
        segment.extend(empty);
        assert!(counters_of(&segment, 0x101).continuous);
    }

    #[test]
    fn latest_time_is_found_across_the_wrap_of_the_clock() {
        let wrap = 1 << 33;
        let mut segment = tables(&[VIDEO]);
        for (counter, pts) in (0..).zip([wrap - 6000, 3000, wrap - 3000, 0]) {
            segment.extend(packet(VIDEO.1, true, counter, 0, &pes(pts)));
        }
        let summary = inspect(&segment).unwrap();
        assert_eq!((summary.first_pts, summary.last_pts), (wrap - 6000, 3000));
        assert_eq!(summary.first_dts, summary.first_pts);
    }

    #[test]
    fn access_units_are_pictures_however_many_slices_they_have() {
        let slices = b"\0\0\x01\x67\0\0\x01\x65\x88\0\0\x01\x65\x08\0\0\x01\x41\x9a";
        let mut segment = tables(&[VIDEO]);
        segment.extend(packet(VIDEO.1, true, 0, 0, &[&pes(0)[..], slices].concat()));
        let summary = inspect(&segment).unwrap();
        assert_eq!((summary.access_units, summary.starts_with_idr), (2, true));
        assert_eq!(summary.i_frame_bytes, 564);
    }

    #[test]
    fn picture_that_is_not_idr_is_not_taken_for_one() {
        let slices = b"\0\0\x01\x41\x9a\0\0\x01\x65\x88";
        let mut segment = tables(&[VIDEO]);
        segment.extend(packet(VIDEO.1, true, 0, 0, &[&pes(0)[..], slices].concat()));
        assert!(!inspect(&segment).unwrap().starts_with_idr);
    }

    #[test]
    fn audio_counts_before_metadata_and_video_before_audio() {
        const METADATA: (u8, u16) = (0x15, 0x102);
        let pids = [METADATA.1, AUDIO.1, VIDEO.1];
        let packets: Vec<u8> = (0..)
            .zip(pids)
            .flat_map(|(index, pid)| packet(pid, true, 0, 0, &pes(index)))
            .collect();
        let main_stream = |streams: &[(u8, u16)]| {
            let segment = [tables(streams), packets.clone()].concat();
            let summary = inspect(&segment).unwrap();
            (summary.stream, summary.first_pts)
        };
        assert_eq!(main_stream(&[METADATA]), (TsStream::Other(0x15), 0));
        assert_eq!(main_stream(&[METADATA, AUDIO]), (TsStream::Aac, 1));
        assert_eq!(main_stream(&[METADATA, AUDIO, VIDEO]), (TsStream::H264, 2));
    }

    #[test]
    fn end_of_an_earlier_access_unit_is_passed_over() {
        let mut segment = tables(&[VIDEO]);
        segment.extend(packet(VIDEO.1, false, 0, 0, b"\0\0\x01\x65\x88"));
        assert_eq!(inspect(&segment), Err(TsError::NoAccessUnit));
        segment.extend(packet(VIDEO.1, true, 1, 0, &pes(9000)));
        let summary = inspect(&segment).unwrap();
        assert_eq!((summary.first_pts, summary.access_units), (9000, 0));
    }

    #[test]
    fn stream_without_tables_is_refused() {
        let segment = packet(VIDEO.1, true, 0, 0, &pes(0));
        assert_eq!(inspect(&segment), Err(TsError::NoTables));
        assert_eq!(inspect(b""), Err(TsError::NoTables));
        assert_eq!(inspect(&tables(&[])), Err(TsError::NoTables));
    }

    #[test]
    fn broken_pes_header_is_named_by_its_offset() {
        let mut segment = tables(&[VIDEO]);
        segment.extend(packet(VIDEO.1, true, 0, 0, b"\0\0\x02\xe0\0\0\x80\x80\0"));
        assert_eq!(inspect(&segment), Err(TsError::Pes { offset: 376 }));
    }

    #[test]
    fn first_access_unit_needs_a_time() {
        let mut segment = tables(&[VIDEO]);
        segment.extend(packet(VIDEO.1, true, 0, 0, b"\0\0\x01\xe0\0\0\x80\0\0"));
        assert_eq!(inspect(&segment), Err(TsError::NoTimestamp));
    }
}
