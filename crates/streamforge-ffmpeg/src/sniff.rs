//! What a source is, by our own look at its first bytes.
//!
//! FFmpeg would find out by itself, and among what it finds are playlists: files that make it open other
//! files and addresses. So it is never asked. We choose the one demuxer it may use, from the content and
//! never from a name; and what we do not know, FFmpeg does not see.

use streamforge_core::source::Container;

mod text;

/// How many bytes from its start decide what a source is.
pub const HEAD_BYTES: usize = 64 * 1024;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sniffed {
    /// A container that may hold video; whether it does, and whole, is for the probe to say.
    Video(Container),
    /// A file of sound alone.
    Audio,
    /// Something else.
    NotVideo {
        /// What it is to a person, to follow "this is": "a playlist", "an image".
        what: &'static str,
    },
}

/// Says what a source is whose first [`HEAD_BYTES`] (or fewer, when it is shorter) are `head`.
///
/// Never wrong in a way that matters: FFmpeg reads the source by the demuxer we name or not at all, and no
/// demuxer in [`Container`] opens anything else.
pub fn sniff(head: &[u8]) -> Sniffed {
    let head = &head[..head.len().min(HEAD_BYTES)];
    if head.is_empty() {
        return Sniffed::NotVideo {
            what: "an empty file",
        };
    }
    // Text first: what is readable as a playlist is one, however it goes on.
    if let Some(what) = text::kind(head) {
        return Sniffed::NotVideo { what };
    }
    // Transport streams have no signature but a period, and may start in the middle of a packet, where two
    // or three bytes can look like anything.
    if is_transport_stream(head) {
        return Sniffed::Video(Container::MpegTs);
    }
    first_box(head)
        .or_else(|| by_signature(head))
        .or_else(|| riff(head))
        .or_else(|| is_mpeg_audio(head).then_some(Sniffed::Audio))
        .unwrap_or_else(|| Sniffed::NotVideo {
            what: if text::is_text(head) {
                "text"
            } else if head.iter().all(|byte| *byte == 0) {
                "a file of nothing but zeros"
            } else {
                "an unknown kind of file"
            },
        })
}

const IMAGE: Sniffed = Sniffed::NotVideo { what: "an image" };
const ARCHIVE: Sniffed = Sniffed::NotVideo { what: "an archive" };
const PROGRAM: Sniffed = Sniffed::NotVideo { what: "a program" };
const RAW_VIDEO: Sniffed = Sniffed::NotVideo {
    what: "bare video without a container",
};
const DISC_INDEX: Sniffed = Sniffed::NotVideo {
    what: "the index of a disc",
};

/// Fixed bytes at a fixed offset. Longer ones first where one is the start of another.
const SIGNATURES: &[(usize, &[u8], Sniffed)] = &[
    // EBML: RFC 8794 §8.
    (0, b"\x1a\x45\xdf\xa3", Sniffed::Video(Container::Matroska)),
    // Pack header: ISO/IEC 13818-1 §2.5.3.3.
    (0, b"\x00\x00\x01\xba", Sniffed::Video(Container::MpegPs)),
    // Version 1 is the only one there is.
    (0, b"FLV\x01", Sniffed::Video(Container::Flv)),
    // Version 0: RFC 3533 §6.
    (0, b"OggS\x00", Sniffed::Video(Container::Ogg)),
    // The header object's GUID: ASF specification §3.1.
    (
        0,
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c",
        Sniffed::Video(Container::Asf),
    ),
    (0, b"\xff\xd8\xff", IMAGE),
    (0, b"\x89PNG\r\n\x1a\n", IMAGE),
    (0, b"\x8aMNG\r\n\x1a\n", IMAGE),
    (0, b"GIF87a", IMAGE),
    (0, b"GIF89a", IMAGE),
    (0, b"II*\x00", IMAGE),
    (0, b"MM\x00*", IMAGE),
    (0, b"8BPS", IMAGE),
    (0, b"\x76\x2f\x31\x01", IMAGE),
    (0, b"SDPX", IMAGE),
    (0, b"XPDS", IMAGE),
    (0, b"qoif", IMAGE),
    (0, b"\xff\x0a", IMAGE),
    (4, b"jP  \r\n\x87\n", IMAGE),
    (4, b"JXL \r\n\x87\n", IMAGE),
    (0, b"BM", IMAGE),
    (0, b"ID3", Sniffed::Audio),
    (0, b"fLaC", Sniffed::Audio),
    (0, b"RF64", Sniffed::Audio),
    (8, b"AIFF", Sniffed::Audio),
    (8, b"AIFC", Sniffed::Audio),
    (0, b"#!AMR", Sniffed::Audio),
    (0, b"MThd", Sniffed::Audio),
    (0, b"MAC ", Sniffed::Audio),
    (0, b"wvPk", Sniffed::Audio),
    (0, b"TTA1", Sniffed::Audio),
    (0, b"caff", Sniffed::Audio),
    (0, b".snd", Sniffed::Audio),
    (0, b"\x0b\x77", Sniffed::Audio),
    (0, b"\x7f\xfe\x80\x01", Sniffed::Audio),
    (0, b"%PDF-", Sniffed::NotVideo { what: "a PDF" }),
    (
        0,
        b"PK\x03\x04",
        Sniffed::NotVideo {
            what: "a zip archive",
        },
    ),
    (
        0,
        b"PK\x05\x06",
        Sniffed::NotVideo {
            what: "a zip archive",
        },
    ),
    (0, b"Rar!\x1a\x07", ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (0, b"\x1f\x8b", ARCHIVE),
    (0, b"BZh", ARCHIVE),
    (0, b"\xfd7zXZ\x00", ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", ARCHIVE),
    (257, b"ustar", ARCHIVE),
    (
        0x8001,
        b"CD001",
        Sniffed::NotVideo {
            what: "a disc image",
        },
    ),
    (0, b"\x7fELF", PROGRAM),
    (0, b"MZ", PROGRAM),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Sniffed::NotVideo {
            what: "an office document",
        },
    ),
    (
        0,
        b"SQLite format 3\x00",
        Sniffed::NotVideo { what: "a database" },
    ),
    (
        0,
        b"FWS",
        Sniffed::NotVideo {
            what: "a Flash program",
        },
    ),
    (
        0,
        b"CWS",
        Sniffed::NotVideo {
            what: "a Flash program",
        },
    ),
    (0, b"DVDVIDEO-", DISC_INDEX),
    (0, b"MPLS0", DISC_INDEX),
    (0, b"INDX0", DISC_INDEX),
    (0, b"HDMV0", DISC_INDEX),
    (
        0,
        b".RMF",
        Sniffed::NotVideo {
            what: "a RealMedia file, a format that is not supported",
        },
    ),
    (
        0,
        b"\x06\x0e\x2b\x34",
        Sniffed::NotVideo {
            what: "an MXF file, a format that is not supported",
        },
    ),
    (
        0,
        b"\xb7\xd8\x00\x20\x37\x49\xda\x11",
        Sniffed::NotVideo {
            what: "a WTV file, a format that is not supported",
        },
    ),
    (
        0,
        b"nut/multimedia container\x00",
        Sniffed::NotVideo {
            what: "a NUT file, a format that is not supported",
        },
    ),
    (0, b"YUV4MPEG2 ", RAW_VIDEO),
    (0, b"DKIF", RAW_VIDEO),
    // Start codes of MPEG-2, MPEG-4, H.264 and HEVC.
    (0, b"\x00\x00\x01\xb3", RAW_VIDEO),
    (0, b"\x00\x00\x01\xb0", RAW_VIDEO),
    (0, b"\x00\x00\x00\x01", RAW_VIDEO),
    (0, b"\x00\x00\x01\x67", RAW_VIDEO),
];

fn by_signature(head: &[u8]) -> Option<Sniffed> {
    let found = SIGNATURES
        .iter()
        .find(|(offset, bytes, _)| head.get(*offset..).is_some_and(|at| at.starts_with(bytes)));
    found.map(|(_, _, sniffed)| *sniffed)
}

/// RIFF: a size, then what it is a file of.
fn riff(head: &[u8]) -> Option<Sniffed> {
    if !head.starts_with(b"RIFF") {
        return None;
    }
    Some(match head.get(8..12)? {
        // The third is what some old cameras write.
        b"AVI " | b"AVIX" | b"AVI\x19" => Sniffed::Video(Container::Avi),
        // A video CD's track: a program stream in a wrapper that its demuxer knows.
        b"CDXA" => Sniffed::Video(Container::MpegPs),
        b"WAVE" => Sniffed::Audio,
        b"WEBP" => IMAGE,
        _ => return None,
    })
}

/// The first box of ISO/IEC 14496-12 §4.2, or atom of its ancestor `QuickTime`: a size, then a type.
fn first_box(head: &[u8]) -> Option<Sniffed> {
    let size = u32::from_be_bytes(head.get(..4)?.try_into().ok()?);
    // 0: to the end of the file; 1: the size follows the type; else it counts these eight bytes too.
    if (2..8).contains(&size) {
        return None;
    }
    match head.get(4..8)? {
        b"ftyp" => match head.get(8..12) {
            // Brands of still images, moving or not: ISO/IEC 23008-12 §10, AVIF §6, Canon's raw format.
            Some(
                b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"msf1" | b"avif" | b"avis"
                | b"crx ",
            ) => Some(IMAGE),
            _ => Some(Sniffed::Video(Container::Mov)),
        },
        b"moov" | b"mdat" | b"free" | b"skip" | b"wide" | b"pnot" | b"uuid" | b"udta" => {
            Some(Sniffed::Video(Container::Mov))
        }
        b"styp" | b"sidx" | b"moof" | b"emsg" | b"prft" => Some(Sniffed::NotVideo {
            what: "a piece of a stream, without the part that says how to read it",
        }),
        _ => None,
    }
}

/// Lengths of a transport packet in bytes: plain, with a time code in front (Blu-ray, AVCHD), with parity
/// behind (broadcast recordings).
const PACKET_LENGTHS: [usize; 3] = [188, 192, 204];

/// How many packets in a row make a transport stream, when there are so many bytes.
const PACKETS: usize = 12;

/// The least of a stream that is shorter.
const FEWEST_PACKETS: usize = 3;

/// Packets with their sync byte at one distance: ISO/IEC 13818-1 §2.4.3.2. The first may be cut.
fn is_transport_stream(head: &[u8]) -> bool {
    PACKET_LENGTHS.into_iter().any(|length| {
        (0..length).any(|start| {
            // All bits of the adaptation field control at zero are reserved; text has them so at times.
            let is_packet = |at: &[u8]| at[0] == 0x47 && at[3] & 0x30 != 0;
            let packets = head
                .get(start..)
                .unwrap_or_default()
                .chunks(length)
                .filter(|at| at.len() > 3);
            let whole = packets.clone().take(PACKETS).count();
            let enough = if start == 0 { FEWEST_PACKETS } else { PACKETS };
            whole >= enough && packets.take(PACKETS).all(is_packet)
        })
    })
}

/// A frame header of MPEG audio (ISO/IEC 11172-3 §2.4.1.3) or of AAC (ISO/IEC 13818-7 §6.2) to start with.
fn is_mpeg_audio(head: &[u8]) -> bool {
    let &[0xff, second, third, ..] = head else {
        return false;
    };
    let layer = (second >> 1) & 3;
    let aac = second & 0xf6 == 0xf0;
    let mpeg = second & 0xe0 == 0xe0 && (second >> 3) & 3 != 1 && layer != 0;
    aac || (mpeg && third >> 4 != 0xf && (third >> 2) & 3 != 3)
}

#[cfg(test)]
mod tests;
