//! What is in a segment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::adts::AdtsStream;
use super::{ElementaryStream, NULL_PID, PACKET_LEN, PAT_PID, Packet, PesHeader, TsError};
use crate::h264::{self, NalUnitType, SequenceParameterSet};

/// What is in a segment: of its video where it has any, else of its first stream.
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

    fn main_stream(&self) -> Option<ElementaryStream> {
        let video = self.streams.iter().find(|stream| stream.is_video());
        video.or(self.streams.first()).copied()
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
