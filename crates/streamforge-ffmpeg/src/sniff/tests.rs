//! The samples of other projects, where present, and forgeries of our own.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// A file of each container as short as its signature.
const CONTAINERS: [(Container, &[u8]); 8] = [
    (Container::Mov, b"\0\0\0\x14ftypisom\0\0\x02\0isom"),
    (Container::Matroska, b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01"),
    (Container::MpegTs, &TRANSPORT_STREAM),
    (Container::MpegPs, b"\0\0\x01\xba\x44\0\x04\0\x04\x01"),
    (Container::Avi, b"RIFF\0\0\x01\0AVI LIST"),
    (Container::Flv, b"FLV\x01\x05\0\0\0\x09\0\0\0\0"),
    (Container::Ogg, b"OggS\0\x02\0\0\0\0\0\0\0\0"),
    (
        Container::Asf,
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c\0\0",
    ),
];

const TRANSPORT_STREAM: [u8; 3 * 188] = {
    let mut stream = [0; 3 * 188];
    let mut packet = 0;
    while packet < 3 {
        stream[packet * 188] = 0x47;
        stream[packet * 188 + 3] = 0x10;
        packet += 1;
    }
    stream
};

#[test]
fn every_container_is_known_by_its_first_bytes() {
    for (container, head) in CONTAINERS {
        assert_eq!(sniff(head), Sniffed::Video(container));
    }
    assert!(
        Container::ALL
            .iter()
            .all(|all| CONTAINERS.iter().any(|(container, _)| container == all))
    );
}

#[test]
fn quicktime_files_may_start_with_any_of_their_atoms() {
    for atom in ["moov", "mdat", "free", "skip", "wide", "pnot", "uuid"] {
        for size in [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 8], [0, 1, 0, 0]] {
            let head = [&size, atom.as_bytes(), &[0; 8]].concat();
            assert_eq!(sniff(&head), Sniffed::Video(Container::Mov), "{atom}");
        }
    }
}

#[test]
fn transport_streams_of_all_packet_lengths_may_start_anywhere() {
    for length in PACKET_LENGTHS {
        let mut stream: Vec<u8> = (0..40 * length)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        for packet in stream.chunks_mut(length) {
            packet[0] = 0x47;
            packet[3] = 0x30;
        }
        for start in 0..length {
            assert_eq!(
                sniff(&stream[start..]),
                Sniffed::Video(Container::MpegTs),
                "{length} from {start}"
            );
        }
        stream[7 * length] = 0x48;
        assert!(
            matches!(sniff(&stream), Sniffed::NotVideo { .. }),
            "a packet without sync byte"
        );
    }
}

#[test]
fn what_is_no_video_is_called_by_its_name() {
    for (head, what) in [
        (&b""[..], "an empty file"),
        (b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\nhttp://x/\n", "a playlist"),
        (b"\xef\xbb\xbf  \r\n#extm3u\n", "a playlist"),
        (b"#EXTM3U\0\0\0\x47\x47\x47", "a playlist"),
        (b"ffconcat version 1.0\nfile 'x'\n", "a playlist"),
        (b"[playlist]\nFile1=http://x/\n", "a playlist"),
        (b"<?xml version=\"1.0\"?>\n<!-- c --><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">", "a playlist"),
        (b"<cpl:CompositionPlaylist xmlns:cpl=\"x\">", "a playlist"),
        (b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><svg>", "an SVG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://x/'/></svg>", "an SVG"),
        (b"<!DOCTYPE html><html><title>x</title>", "a web page"),
        (b"<note/>", "an XML file"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "a description of a live stream"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nhello\n", "subtitles"),
        (b"WEBVTT\n\n", "subtitles"),
        (b"Dear uploader,\nthis is free text.\n", "text"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "an image"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", "an image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "an image"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\x03\x04\x14\0", "a zip archive"),
        (b"\0\0\0\0\0\0\0\0\0\0\0\0", "a file of nothing but zeros"),
        (b"\xde\xad\xbe\xef", "an unknown kind of file"),
        (b"YUV4MPEG2 W320 H240\n", "bare video without a container"),
        (b"\0\0\0\x01\x67\x64\0\x1f", "bare video without a container"),
        (b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix", "a piece of a stream, without the part that says how to read it"),
    ] {
        assert_eq!(sniff(head), Sniffed::NotVideo { what }, "{}", String::from_utf8_lossy(head));
    }
}

#[test]
fn sound_alone_is_told_from_other_files() {
    for head in [
        &b"RIFF\0\0\0\0WAVEfmt "[..],
        b"ID3\x04\0\0",
        b"\xff\xfb\x90\x64\0",
        b"\xff\xf1\x50\x80",
    ] {
        assert_eq!(
            sniff(head),
            Sniffed::Audio,
            "{}",
            String::from_utf8_lossy(head)
        );
    }
}

/// `../shared/samples` beside the repository.
fn samples() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples");
    let there = dir.join("manifest.tsv").exists();
    if !there {
        eprintln!("skipped: there is no ../shared/samples beside the repository");
    }
    there.then_some(dir)
}

#[test]
fn every_sample_to_accept_is_opened_by_the_demuxer_that_fits_it() {
    let Some(dir) = samples() else { return };
    let manifest = fs::read_to_string(dir.join("manifest.tsv")).unwrap();
    let mut containers = 0;
    for row in manifest.lines().skip(1) {
        let [name, kind, suggested, _size, _sha256, format] = row
            .split('\t')
            .take(6)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let head = fs::read(dir.join(name)).unwrap();
        let sniffed = sniff(&head);
        match sniffed {
            Sniffed::Video(container) => {
                // FFmpeg's own guess, where it had one.
                let agrees = format.split(',').any(|name| name == container.demuxer());
                assert!(
                    agrees || format == "(not recognised)",
                    "{name} is {format}, not {container:?}"
                );
                assert!(
                    !matches!(kind, "svg" | "wrong-ext") || suggested == "accept",
                    "{name}"
                );
                containers += 1;
            }
            Sniffed::Audio => assert_eq!(kind, "audio-only", "{name}"),
            Sniffed::NotVideo { what } => {
                assert!(
                    suggested.starts_with("refuse"),
                    "{name}, which is {what}, is to be accepted"
                );
            }
        }
        // AVI files with a playlist inside are AVI files; every other attack is a text.
        if kind == "ssrf" && format != "avi" {
            assert_eq!(sniffed, Sniffed::NotVideo { what: "a playlist" }, "{name}");
        }
    }
    assert!(containers > 60, "{containers} samples are containers");
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(head in proptest::collection::vec(any::<u8>(), 0..2000)) {
        sniff(&head);
    }

    /// Whatever comes after it, the start of a playlist is a playlist.
    #[test]
    fn a_playlist_stays_one_whatever_follows(rest in proptest::collection::vec(any::<u8>(), 0..1000)) {
        for start in ["#EXTM3U\n", "ffconcat version 1.0\n", "[playlist]\n", "file 'http://127.0.0.1/'\n"] {
            let head = [start.as_bytes(), &rest].concat();
            prop_assert_eq!(sniff(&head), Sniffed::NotVideo { what: "a playlist" });
        }
    }

    /// What follows a signature changes nothing.
    #[test]
    fn a_container_stays_one_whatever_follows(rest in proptest::collection::vec(any::<u8>(), 0..1000)) {
        for (container, head) in CONTAINERS.into_iter().filter(|(container, _)| *container != Container::MpegTs) {
            let head = [head, &rest].concat();
            prop_assert_eq!(sniff(&head), Sniffed::Video(container));
        }
    }
}
