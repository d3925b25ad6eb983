//! Cutting a transport stream into segments that join with those of other encoders.

use super::{
    ElementaryStream, HEADER_LEN, PACKET_LEN, PAT_PID, Packet, PesHeader, TsError, TsSummary,
    inspect,
};

/// Cuts one `ffmpeg -f mpegts` output, which carries one elementary stream, H.264 video or AAC
/// audio as ADTS, into HLS segments.
///
/// Continuity counters must run on across segments (rule 7.2 of Apple's
/// [HLS authoring specification](https://developer.apple.com/documentation/http-live-streaming/hls-authoring-specification-for-apple-devices)),
/// but encoders that work on different segments at the same time do not know each other's counts.
/// So every segment made here has, of every PID, a multiple of 16 packets that count from 0 to 15:
/// segments join in any order. To get there, packets are split in two and filled up, and PAT and
/// PMT are written 16 times over the segment.
///
/// Each segment starts with PAT, PMT and the first packet of an access unit. `FFmpeg`'s service
/// description is left out. One PES packet must carry one access unit: `FFmpeg` does so with video,
/// and with audio when told `-pes_payload_size 0`.
///
/// Memory is that of one segment, four times over while it is finished, and a segment is at most
/// 128 MiB.
#[derive(Debug)]
pub struct Segmenter {
    cut: Cut,
    /// What was pushed since the last whole packet.
    partial: Vec<u8>,
    /// Bytes taken so far, without `partial`.
    offset: u64,
    program_map_pid: Option<u16>,
    stream: Option<ElementaryStream>,
    /// The first PAT.
    pat: [u8; PACKET_LEN],
    /// The first PMT after it.
    pmt: [u8; PACKET_LEN],
    /// The packets of the elementary stream in the segment that is being filled.
    packets: Vec<[u8; PACKET_LEN]>,
    /// How many access units are in `packets`.
    access_units: u32,
}

/// Where segments end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// After so many access units: pictures of video, frames of audio. Video is then cut only where
    /// the next picture is one that decoding can start with.
    EveryAccessUnits(u32),
}

/// A whole segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TsSegment {
    /// The file.
    pub bytes: Vec<u8>,
    /// What is in it, read back from `bytes`.
    pub summary: TsSummary,
}

/// No encoder makes a segment this large: 10 s at 100 Mbit/s.
const MAX_SEGMENT_BYTES: usize = 128 << 20;

/// Continuity counters have four bits.
const COUNTER_CYCLE: usize = 16;

/// What fills an adaptation field (ISO/IEC 13818-1 §2.4.3.5).
const STUFFING_BYTE: u8 = 0xff;

impl Segmenter {
    /// A segmenter that has read nothing yet.
    pub fn new(cut: Cut) -> Self {
        Self {
            cut,
            partial: Vec::new(),
            offset: 0,
            program_map_pid: None,
            stream: None,
            pat: [0; PACKET_LEN],
            pmt: [0; PACKET_LEN],
            packets: Vec::new(),
            access_units: 0,
        }
    }

    /// Takes the next bytes of the stream, however many, and returns the segments they complete.
    ///
    /// A segment is complete when the next one starts.
    ///
    /// # Errors
    ///
    /// When the bytes are not a transport stream of one elementary stream, or a segment gets too
    /// large. The segmenter is of no use then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<TsSegment>, TsError> {
        let mut pushed = std::mem::take(&mut self.partial);
        pushed.extend_from_slice(bytes);
        let (packets, partial) = pushed.as_chunks();
        let mut segments = Vec::new();
        for raw in packets {
            segments.extend(self.push_packet(Packet::parse(raw, self.offset)?)?);
            self.offset += PACKET_LEN as u64;
        }
        self.partial = partial.to_vec();
        Ok(segments)
    }

    /// Ends the stream and returns the last segment; `None` when there was no access unit.
    ///
    /// # Errors
    ///
    /// When the stream ends inside a packet, or the last segment is broken.
    pub fn finish(mut self) -> Result<Option<TsSegment>, TsError> {
        if !self.partial.is_empty() {
            return Err(TsError::CutShort {
                offset: self.offset + self.partial.len() as u64,
            });
        }
        self.close_segment()
    }

    fn push_packet(&mut self, packet: Packet<'_>) -> Result<Option<TsSegment>, TsError> {
        if let Some(stream) = self.stream {
            if packet.pid == stream.pid {
                return self.push_stream_packet(stream, packet);
            }
            // The tables again, which stay as they are, or the service description.
            return Ok(None);
        }
        if packet.pid == PAT_PID {
            self.program_map_pid = Some(packet.program_map_pid().ok_or(TsError::NoTables)?);
            self.pat = *packet.raw;
        } else if self.program_map_pid == Some(packet.pid) {
            let streams = packet.program_streams().ok_or(TsError::NoTables)?;
            let [stream] = streams[..] else {
                return Err(TsError::StreamCount {
                    count: streams.len(),
                });
            };
            if [PAT_PID, packet.pid].contains(&stream.pid) {
                return Err(TsError::NoTables);
            }
            self.stream = Some(stream);
            self.pmt = *packet.raw;
        }
        Ok(None)
    }

    fn push_stream_packet(
        &mut self,
        stream: ElementaryStream,
        packet: Packet<'_>,
    ) -> Result<Option<TsSegment>, TsError> {
        let Cut::EveryAccessUnits(enough) = self.cut;
        let mut segment = None;
        if packet.unit_start {
            // Every frame of audio can be decoded by itself.
            let can_start = packet.random_access() || !stream.is_video();
            if self.access_units >= enough && can_start {
                segment = self.close_segment()?;
            }
            self.access_units += 1;
        }
        if self.access_units == 0 {
            // The end of an access unit that started before the stream did.
            return Ok(None);
        }
        if self.packets.len() >= MAX_SEGMENT_BYTES / PACKET_LEN {
            return Err(TsError::SegmentTooLarge {
                limit_bytes: MAX_SEGMENT_BYTES,
            });
        }
        self.packets.push(*packet.raw);
        Ok(segment)
    }

    fn close_segment(&mut self) -> Result<Option<TsSegment>, TsError> {
        if self.packets.is_empty() {
            return Ok(None);
        }
        let bytes = self.write_segment()?;
        self.packets.clear();
        self.access_units = 0;
        let summary = inspect(&bytes)?;
        Ok(Some(TsSegment { bytes, summary }))
    }

    fn write_segment(&self) -> Result<Vec<u8>, TsError> {
        let tables = [
            Packet::parse(&self.pat, self.offset)?,
            Packet::parse(&self.pmt, self.offset)?,
        ];
        let packets = self
            .packets
            .iter()
            .map(|raw| Packet::parse(raw, self.offset))
            .collect::<Result<Vec<_>, _>>()?;
        let pieces = pieces_to_fill_cycle(&packets)?;
        let pieces_total: usize = pieces.iter().sum();
        let pieces_between_tables = pieces_total / COUNTER_CYCLE;
        let mut bytes = Vec::with_capacity((pieces_total + 2 * COUNTER_CYCLE) * PACKET_LEN);
        let mut written = 0;
        for (packet, pieces) in packets.iter().zip(pieces) {
            if packet.payload.is_empty() {
                // Packets without payload are not counted: they repeat the counter before them.
                write_packet(&mut bytes, packet, &[], written + COUNTER_CYCLE - 1);
            }
            for (index, payload) in split_payload(packet, pieces).enumerate() {
                if written % pieces_between_tables == 0 {
                    for table in &tables {
                        let count = written / pieces_between_tables;
                        write_packet(&mut bytes, table, table.payload, count);
                    }
                }
                match index {
                    0 => write_packet(&mut bytes, packet, payload, written),
                    _ => write_packet(&mut bytes, &packet.continuation(), payload, written),
                }
                written += 1;
            }
        }
        Ok(bytes)
    }
}

/// In how many pieces to write each packet so that they are a multiple of 16 altogether.
fn pieces_to_fill_cycle(packets: &[Packet<'_>]) -> Result<Vec<usize>, TsError> {
    let mut pieces: Vec<usize> = packets
        .iter()
        .map(|packet| usize::from(!packet.payload.is_empty()))
        .collect();
    let total: usize = pieces.iter().sum();
    let mut missing = total.next_multiple_of(COUNTER_CYCLE) - total;
    // Packets that start an access unit come last: players like its header in one piece.
    for unit_start in [false, true] {
        // Round after round, from the end of the segment, so that pieces stay large and the first
        // picture, which I-frame playlists name, stays small.
        loop {
            let before = missing;
            for (packet, pieces) in packets.iter().zip(&mut pieces).rev() {
                if missing > 0 && packet.unit_start == unit_start && *pieces < packet.payload.len()
                {
                    *pieces += 1;
                    missing -= 1;
                }
            }
            if missing == before {
                break;
            }
        }
    }
    if total == 0 || missing > 0 {
        return Err(TsError::SegmentTooSmall {
            payload_bytes: packets.iter().map(|packet| packet.payload.len()).sum(),
        });
    }
    Ok(pieces)
}

/// The payload in so many pieces of about one size, the PES header whole where that is possible.
fn split_payload<'a>(packet: &Packet<'a>, pieces: usize) -> impl Iterator<Item = &'a [u8]> {
    let payload = packet.payload;
    let header = PesHeader::parse(payload).filter(|_| packet.unit_start);
    let first_len = payload
        .len()
        .div_ceil(pieces.max(1))
        .max(header.map_or(0, |header| header.len))
        .min((payload.len() + 1).saturating_sub(pieces));
    let (first, rest) = payload.split_at(first_len);
    let others = pieces.saturating_sub(1);
    let piece = move |index| &rest[index * rest.len() / others..(index + 1) * rest.len() / others];
    let first = (pieces > 0).then_some(first);
    first.into_iter().chain((0..others).map(piece))
}

/// Writes a packet like `packet` with this payload, and the counter that belongs to the packet
/// after so many others.
fn write_packet(bytes: &mut Vec<u8>, packet: &Packet<'_>, payload: &[u8], packets_before: usize) {
    let [sync, _, pid_low, control, ..] = *packet.raw;
    let pid_high = if packet.unit_start {
        packet.raw[1]
    } else {
        packet.raw[1] & !0x40
    };
    let counter = u8::try_from(packets_before % COUNTER_CYCLE).expect("less than 16");
    let mut control = control & 0xc0 | counter;
    if !payload.is_empty() {
        control |= 0x10;
    }
    let end = bytes.len() + PACKET_LEN;
    let adaptation_len = PACKET_LEN - HEADER_LEN - payload.len();
    if adaptation_len > 0 {
        control |= 0x20;
    }
    bytes.extend([sync, pid_high, pid_low, control]);
    if adaptation_len > 0 {
        bytes.push(u8::try_from(adaptation_len - 1).expect("less than 184"));
    }
    if adaptation_len > 1 {
        match packet.adaptation_field {
            [] => bytes.push(0),
            fields => bytes.extend_from_slice(fields),
        }
        bytes.resize(end - payload.len(), STUFFING_BYTE);
    }
    bytes.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{packet, pes, tables};
    use super::*;

    const RANDOM_ACCESS: u8 = 0x40;

    /// A stream of pictures, some of which decoding can start with.
    fn pictures(random_access: &[bool]) -> Vec<u8> {
        let mut stream = tables(&[(ElementaryStream::H264, 0x100)]);
        for (index, random_access) in (0_u8..).zip(random_access) {
            let flags = if *random_access { RANDOM_ACCESS } else { 0 };
            let slice = b"\0\0\x01\x41\x9a and what else a slice has";
            let payload = [&pes(3000 * u64::from(index))[..], slice].concat();
            stream.extend(packet(0x100, true, index % 16, flags, &payload));
        }
        stream
    }

    fn pictures_by_segment(random_access: &[bool]) -> Vec<u32> {
        let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(2));
        let mut segments = segmenter.push(&pictures(random_access)).unwrap();
        segments.extend(segmenter.finish().unwrap());
        segments
            .iter()
            .map(|segment| segment.summary.access_units)
            .collect()
    }

    #[test]
    fn video_is_cut_only_where_decoding_can_start() {
        assert_eq!(
            pictures_by_segment(&[true, false, true, false, true]),
            [2, 2, 1]
        );
        assert_eq!(
            pictures_by_segment(&[true, true, false, true, false]),
            [3, 2]
        );
    }

    #[test]
    fn segment_comes_with_the_packet_that_starts_the_next_one() {
        let stream = pictures(&[true, false, true]);
        let (before, last) = stream.split_at(stream.len() - 1);
        let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(2));
        assert_eq!(segmenter.push(before), Ok(Vec::new()));
        assert_eq!(segmenter.push(last).unwrap().len(), 1);
    }

    #[test]
    fn stream_without_access_units_has_no_segment() {
        let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(2));
        assert_eq!(segmenter.push(&pictures(&[])), Ok(Vec::new()));
        assert_eq!(segmenter.finish(), Ok(None));
    }

    #[test]
    fn stream_that_does_not_end_with_a_packet_is_refused() {
        let stream = pictures(&[true]);
        let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(2));
        assert_eq!(segmenter.push(&stream[..stream.len() - 1]), Ok(Vec::new()));
        let offset = stream.len() as u64 - 1;
        assert_eq!(segmenter.finish(), Err(TsError::CutShort { offset }));
    }

    #[test]
    fn pes_header_stays_whole_when_its_packet_is_split() {
        let stream = pictures(&[true]);
        let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(1));
        assert_eq!(segmenter.push(&stream), Ok(Vec::new()));
        let segment = segmenter.finish().unwrap().unwrap();
        let packets: Vec<_> = Packet::all(&segment.bytes).map(Result::unwrap).collect();
        let of_stream = packets.iter().filter(|(_, packet)| packet.pid == 0x100);
        let payloads: Vec<&[u8]> = of_stream.map(|(_, packet)| packet.payload).collect();
        assert_eq!(payloads.len(), 16);
        assert_eq!(payloads[0], pes(0));
        let (_, source) = Packet::all(&stream).last().unwrap().unwrap();
        assert_eq!(payloads.concat(), source.payload);
    }
}
