//! MPEG-2 transport streams (ISO/IEC 13818-1) as HLS segments: cutting `FFmpeg`'s output into them,
//! and reading what is in one.
//!
//! [`inspect()`] reads bytes that may come from anywhere. It never panics on them, and what it
//! allocates is bounded by their own length.
//!
//! The tables that describe a stream, PAT and PMT, are understood when each fits one packet, which
//! they do unless a program has dozens of streams or descriptors.

pub use inspect::{PidContinuity, TsStream, TsSummary, inspect};
pub use segmenter::{Cut, Segmenter, TsSegment};

mod adts;
mod inspect;
mod segmenter;

/// Bytes of a transport stream packet.
pub const PACKET_LEN: usize = 188;

/// Bytes of a packet's header.
const HEADER_LEN: usize = 4;
/// What every packet starts with.
const SYNC_BYTE: u8 = 0x47;
/// Where the PAT is (ISO/IEC 13818-1 table 2-3).
const PAT_PID: u16 = 0;
/// Packets that only fill space (ISO/IEC 13818-1 table 2-3).
const NULL_PID: u16 = 0x1fff;

/// One packet (ISO/IEC 13818-1 §2.4.3.2).
#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    raw: &'a [u8; PACKET_LEN],
    /// The stream or table it belongs to.
    pid: u16,
    /// Whether a PES packet or a table starts in it.
    unit_start: bool,
    /// Counts the packets with payload of a PID, modulo 16.
    continuity_counter: u8,
    /// The adaptation field without its length; empty when there is none.
    adaptation_field: &'a [u8],
    /// Empty when there is none.
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the packet that is at byte `offset` of the stream.
    fn parse(raw: &'a [u8; PACKET_LEN], offset: u64) -> Result<Self, TsError> {
        let [sync, pid_high, pid_low, control, ..] = *raw;
        if sync != SYNC_BYTE {
            return Err(TsError::Sync { offset });
        }
        let mut payload = &raw[HEADER_LEN..];
        let mut adaptation_field = &[][..];
        if control & 0x20 != 0 {
            let len = usize::from(payload[0]);
            (adaptation_field, payload) = payload[1..]
                .split_at_checked(len)
                .ok_or(TsError::AdaptationField { offset })?;
        }
        if control & 0x10 == 0 {
            payload = &[];
        }
        Ok(Self {
            raw,
            pid: u16::from_be_bytes([pid_high & 0x1f, pid_low]),
            unit_start: pid_high & 0x40 != 0 && !payload.is_empty(),
            continuity_counter: control & 0x0f,
            adaptation_field,
            payload,
        })
    }

    /// The packets of `data`, each with its offset.
    fn all(data: &'a [u8]) -> impl Iterator<Item = Result<(usize, Self), TsError>> {
        let (packets, rest) = data.as_chunks();
        let cut_short = TsError::CutShort {
            offset: data.len() as u64,
        };
        let packets = packets.iter().enumerate().map(|(index, raw)| {
            let offset = index * PACKET_LEN;
            Ok((offset, Self::parse(raw, offset as u64)?))
        });
        packets.chain((!rest.is_empty()).then_some(Err(cut_short)))
    }

    /// A packet that goes on with the payload of this one: nothing starts in it, and what the
    /// adaptation field says is said already.
    fn continuation(&self) -> Self {
        Self {
            unit_start: false,
            adaptation_field: &[],
            ..*self
        }
    }

    fn adaptation_flag(&self, mask: u8) -> bool {
        self.adaptation_field
            .first()
            .is_some_and(|flags| flags & mask != 0)
    }

    /// Whether counters may jump here.
    fn discontinuity(&self) -> bool {
        self.adaptation_flag(0x80)
    }

    /// Whether decoding can start with the access unit that starts in the packet.
    fn random_access(&self) -> bool {
        self.adaptation_flag(0x40)
    }

    /// The data of the table that starts in this packet, between its header and its checksum;
    /// `None` when it has another id or goes on in the next packet.
    fn section(&self, table_id: u8) -> Option<&'a [u8]> {
        /// Bytes from the length up to the data: table id extension, version, section numbers.
        const SECTION_HEADER_LEN: usize = 5;
        const CRC_LEN: usize = 4;

        if !self.unit_start {
            return None;
        }
        let (pointer, rest) = self.payload.split_first()?;
        let section = rest.get(usize::from(*pointer)..)?;
        let (&[id, length_high, length_low], rest) = section.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([length_high & 0x0f, length_low]));
        let data = rest.get(..length)?;
        let data_end = length.checked_sub(CRC_LEN)?;
        (id == table_id)
            .then(|| data.get(SECTION_HEADER_LEN..data_end))
            .flatten()
    }

    /// The PID of the PMT of the first program, of a packet that holds a PAT (§2.4.4.3).
    fn program_map_pid(&self) -> Option<u16> {
        let (programs, _) = self.section(0)?.as_chunks();
        programs
            .iter()
            .find_map(|&[program_high, program_low, pid_high, pid_low]| {
                // Program 0 is not a program but the network information table.
                let is_program = u16::from_be_bytes([program_high, program_low]) != 0;
                is_program.then(|| u16::from_be_bytes([pid_high & 0x1f, pid_low]))
            })
    }

    /// The streams of a packet that holds a PMT (§2.4.4.8); `None` when it does not.
    fn program_streams(&self) -> Option<Vec<ElementaryStream>> {
        let (&[_, _, info_high, info_low], rest) = self.section(2)?.split_first_chunk()?;
        let info_len = u16::from_be_bytes([info_high & 0x0f, info_low]);
        let mut rest = rest.get(usize::from(info_len)..)?;
        let mut streams = Vec::new();
        while let Some((&[stream_type, pid_high, pid_low, info_high, info_low], more)) =
            rest.split_first_chunk()
        {
            streams.push(ElementaryStream {
                stream_type,
                pid: u16::from_be_bytes([pid_high & 0x1f, pid_low]),
            });
            let info_len = u16::from_be_bytes([info_high & 0x0f, info_low]);
            rest = more.get(usize::from(info_len)..)?;
        }
        Some(streams)
    }
}

/// One entry of a PMT.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct ElementaryStream {
    /// What it is (ISO/IEC 13818-1 table 2-34).
    stream_type: u8,
    pid: u16,
}

impl ElementaryStream {
    const H264: u8 = 0x1b;
    const ADTS_AAC: u8 = 0x0f;

    /// MPEG-1, MPEG-2 and MPEG-4 part 2 video, H.264, HEVC.
    fn is_video(self) -> bool {
        matches!(self.stream_type, 0x01 | 0x02 | 0x10 | Self::H264 | 0x24)
    }

    /// MPEG-1 and MPEG-2 audio, AAC as ADTS and LATM, AC-3, E-AC-3.
    fn is_audio(self) -> bool {
        matches!(
            self.stream_type,
            0x03 | 0x04 | Self::ADTS_AAC | 0x11 | 0x81 | 0x87
        )
    }
}

/// The start of a PES packet (ISO/IEC 13818-1 §2.4.3.6).
#[derive(Clone, Copy, Debug)]
struct PesHeader {
    /// Presentation time on the 90 kHz clock, 33 bits.
    pts: Option<u64>,
    /// Decode time on the 90 kHz clock, 33 bits, where it is not the presentation time.
    dts: Option<u64>,
    /// Bytes up to the elementary stream.
    len: usize,
}

impl PesHeader {
    /// `None` when the bytes do not start with a PES header of audio or video.
    fn parse(pes: &[u8]) -> Option<Self> {
        /// Bytes up to and including the length of the optional fields.
        const FIXED_LEN: usize = 9;

        let &[0, 0, 1, _, _, _, marker, flags, fields_len] = pes.first_chunk::<FIXED_LEN>()? else {
            return None;
        };
        let fields = pes[FIXED_LEN..].get(..fields_len.into())?;
        if marker & 0xc0 != 0x80 {
            return None;
        }
        let pts = (flags & 0x80 != 0).then(|| timestamp(fields));
        let dts = (flags & 0xc0 == 0xc0).then(|| timestamp(fields.get(5..)?));
        Some(Self {
            pts: pts.flatten(),
            dts: dts.flatten(),
            len: FIXED_LEN + fields.len(),
        })
    }
}

/// Reads a timestamp of 33 bits that is spread over five bytes with marker bits between.
fn timestamp(fields: &[u8]) -> Option<u64> {
    let &[top, middle_high, middle_low, low_high, low_low] = fields.first_chunk()?;
    let top = u64::from(top >> 1 & 0x07);
    let middle = u64::from(u16::from_be_bytes([middle_high, middle_low]) >> 1);
    let low = u64::from(u16::from_be_bytes([low_high, low_low]) >> 1);
    Some(top << 30 | middle << 15 | low)
}

/// Why bytes are not a transport stream that makes a segment. Offsets are in bytes from the start
/// of what was given to the reader, all pushes together.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TsError {
    /// A packet does not start with the sync byte.
    #[error("no transport stream packet at byte {offset}: it does not start with 0x47")]
    Sync {
        /// Where the packet should start.
        offset: u64,
    },
    /// The data ends inside a packet.
    #[error("the transport stream ends inside a packet, at byte {offset}")]
    CutShort {
        /// Where the data ends.
        offset: u64,
    },
    /// An adaptation field is longer than its packet.
    #[error("the adaptation field of the packet at byte {offset} is longer than the packet")]
    AdaptationField {
        /// Where the packet starts.
        offset: u64,
    },
    /// There is no PAT or no PMT, or they do not fit one packet.
    #[error("the transport stream has no tables that say what it carries")]
    NoTables,
    /// The tables name a stream, but there is none of it.
    #[error("the transport stream carries no access unit")]
    NoAccessUnit,
    /// A PES packet is broken.
    #[error("the PES packet that starts at byte {offset} is broken")]
    Pes {
        /// Where the transport stream packet it starts in does.
        offset: u64,
    },
    /// The first access unit has no presentation time.
    #[error("the first access unit has no presentation time")]
    NoTimestamp,
    /// The stream to cut has not exactly one elementary stream.
    #[error("the transport stream has {count} elementary streams, expected 1")]
    StreamCount {
        /// How many it has.
        count: usize,
    },
    /// A segment would be larger than any sensible encoder makes it.
    #[error("a segment is larger than {limit_bytes} bytes")]
    SegmentTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// A segment has fewer bytes than it must have packets.
    #[error("a segment has only {payload_bytes} bytes of payload")]
    SegmentTooSmall {
        /// How many bytes of payload it has.
        payload_bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A packet with this payload, filled up by its adaptation field, of which `flags` are set.
    pub(super) fn packet(
        pid: u16,
        unit_start: bool,
        counter: u8,
        flags: u8,
        payload: &[u8],
    ) -> Vec<u8> {
        let [pid_high, pid_low] = pid.to_be_bytes();
        let start = if unit_start { 0x40 } else { 0 };
        let adaptation_len = u8::try_from(PACKET_LEN - HEADER_LEN - 1 - payload.len()).unwrap();
        let mut packet = vec![SYNC_BYTE, pid_high | start, pid_low, 0x30 | counter];
        packet.extend([adaptation_len, flags]);
        packet.resize(PACKET_LEN - payload.len(), 0xff);
        packet.extend(payload);
        packet
    }

    /// A table in a packet: its data between length and checksum, without the header before it.
    fn table(pid: u16, table_id: u8, data: &[u8]) -> Vec<u8> {
        let length = u8::try_from(5 + data.len() + 4).unwrap();
        let start = [0, table_id, 0xb0, length, 0, 1, 0xc1, 0, 0];
        packet(pid, true, 0, 0, &[&start, data, &[0; 4]].concat())
    }

    /// A PAT and a PMT at PID 0x1000 that name these streams by type and PID.
    pub(super) fn tables(streams: &[(u8, u16)]) -> Vec<u8> {
        let mut map = vec![0xe1, 0x00, 0xf0, 0x00];
        for (stream_type, pid) in streams {
            let [pid_high, pid_low] = pid.to_be_bytes();
            map.extend([*stream_type, 0xe0 | pid_high, pid_low, 0xf0, 0x00]);
        }
        [
            table(PAT_PID, 0, &[0, 0, 0xe0, 0x10, 0, 1, 0xf0, 0x00]),
            table(0x1000, 2, &map),
        ]
        .concat()
    }

    /// The start of a PES packet with this presentation time.
    pub(super) fn pes(pts: u64) -> Vec<u8> {
        let bits = |shift: u32| u8::try_from(pts >> shift & 0xff).unwrap();
        let timestamp = [
            0x21 | bits(29) & 0x0e,
            bits(22),
            bits(14) | 1,
            bits(7),
            bits(0) << 1 | 1,
        ];
        [&[0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5], &timestamp[..]].concat()
    }

    #[test]
    fn network_table_is_not_taken_for_a_program() {
        let tables = tables(&[(ElementaryStream::H264, 0x100)]);
        let (_, pat) = Packet::all(&tables).next().unwrap().unwrap();
        assert_eq!(pat.program_map_pid(), Some(0x1000));
    }

    #[test]
    fn program_map_names_every_stream() {
        let tables = tables(&[(0x1b, 0x100), (0x0f, 0x1abc)]);
        let (offset, pmt) = Packet::all(&tables).nth(1).unwrap().unwrap();
        let streams = pmt.program_streams().unwrap();
        let pids: Vec<u16> = streams.iter().map(|stream| stream.pid).collect();
        assert_eq!((offset, pids), (PACKET_LEN, vec![0x100, 0x1abc]));
        assert!(streams[0].is_video() && streams[1].is_audio());
    }

    #[test]
    fn bytes_without_sync_are_refused_where_they_are() {
        let mut data = packet(0x100, false, 0, 0, b"");
        data.extend([0; PACKET_LEN]);
        let error = Packet::all(&data).nth(1).unwrap().unwrap_err();
        assert_eq!(error, TsError::Sync { offset: 188 });
    }

    #[test]
    fn adaptation_field_longer_than_its_packet_is_refused() {
        let mut data = packet(0x100, false, 0, 0, b"");
        data[4] = 184;
        let error = Packet::all(&data).next().unwrap().unwrap_err();
        assert_eq!(error, TsError::AdaptationField { offset: 0 });
    }

    proptest! {
        #[test]
        fn timestamps_have_33_bits(pts in 0_u64..1 << 33) {
            let header = PesHeader::parse(&pes(pts)).unwrap();
            prop_assert_eq!((header.pts, header.dts, header.len), (Some(pts), None, 14));
        }

        #[test]
        fn arbitrary_bytes_never_panic(data: Vec<u8>) {
            let _ = inspect(&data);
            let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(1));
            if segmenter.push(&data).is_ok() {
                let _ = segmenter.finish();
            }
        }

        /// Bytes that get further: behind tables, with sync bytes and the PID the tables name.
        #[test]
        fn arbitrary_packets_of_a_stream_never_panic(
            stream_type in prop::sample::select(vec![0x1b_u8, 0x0f, 0x02]),
            packets in prop::collection::vec((any::<[u8; PACKET_LEN]>(), any::<bool>()), 0..20),
        ) {
            let mut data = tables(&[(stream_type, 0x100)]);
            for (mut raw, is_pes) in packets {
                raw[0] = SYNC_BYTE;
                raw[1] = raw[1] & 0xe0 | 0x01;
                raw[2] = 0x00;
                if is_pes {
                    raw[1] |= 0x40;
                    raw[3] = 0x10;
                    raw[HEADER_LEN..][..14].copy_from_slice(&pes(90_000));
                }
                data.extend(raw);
            }
            let _ = inspect(&data);
            let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(1));
            let Ok(mut segments) = segmenter.push(&data) else { return Ok(()) };
            segments.extend(segmenter.finish().ok().flatten());
            for segment in segments {
                for counters in &segment.summary.continuity {
                    prop_assert!(counters.continuous, "{:?}", counters);
                }
            }
        }
    }
}
