//! MPEG-2 transport streams (ISO/IEC 13818-1) as HLS segments: cutting `FFmpeg`'s output into them,
//! and reading what is in one.
//!
//! [`inspect`] reads bytes that may come from anywhere. It never panics on them, and what it
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
            unit_start: pid_high & 0x40 != 0,
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
