//! The files.

use std::path::Path;

use streamforge_core::source::Container;

/// What the files lead to.
pub(crate) struct Bait<'a> {
    /// A port of 127.0.0.1 where every question is noted.
    pub(crate) port: u16,
    /// A film on this machine.
    pub(crate) file: &'a Path,
    /// Its bytes.
    pub(crate) media: &'a [u8],
}

pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// What it passes for; `None`: it is a text, or nothing we know.
    pub(crate) container: Option<Container>,
    /// With these options of ffprobe's and every protocol allowed, it works in FFmpeg 5.1. `None`: it does
    /// not, but it did once or may one day.
    pub(crate) works_with: Option<&'static [&'static str]>,
}

/// A text that is no container.
fn text(name: &'static str, works_with: Option<&'static [&'static str]>, text: String) -> Attack {
    Attack {
        name,
        bytes: text.into_bytes(),
        container: None,
        works_with,
    }
}

pub(crate) fn attacks(bait: &Bait<'_>) -> Vec<Attack> {
    let http = format!("http://127.0.0.1:{}/bait", bait.port);
    let tcp = format!("tcp://127.0.0.1:{}", bait.port);
    let file = bait.file.display();
    let port = bait.port;
    let works: Option<&'static [&'static str]> = Some(&[]);
    let hls = |segment: &str| {
        format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\n{segment}\n#EXT-X-ENDLIST\n"
        )
    };
    vec![
        text("HLS, a segment elsewhere", works, hls(&format!("{http}.ts"))),
        text("HLS, a segment beside it", works, hls("neighbour.ts")),
        text("HLS, a local segment", works, hls(&format!("file://{file}"))),
        text("HLS, a local segment by its path alone", None, hls(&file.to_string())),
        text("HLS, a local file behind an address, as one", None, hls(&format!("concat:{http}|file://{file}"))),
        text("HLS, a part of a local file", None, hls(&format!("subfile,,start,0,end,900,,:{file}"))),
        text("HLS, a bare connection", None, hls(&tcp)),
        text("HLS, another protocol", None, hls(&format!("rtmp://127.0.0.1:{port}/live/bait"))),
        text("HLS, many segments", works, {
            let segments = format!("#EXTINF:1,\n{http}.ts\n").repeat(200);
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{segments}#EXT-X-ENDLIST\n")
        }),
        text(
            "HLS, a variant elsewhere",
            works,
            format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{http}.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2000\nfile://{file}\n"),
        ),
        text(
            "HLS, a key and an init section elsewhere",
            works,
            format!(
                "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-KEY:METHOD=AES-128,URI=\"{http}.key\"\n\
                 #EXT-X-MAP:URI=\"file://{file}\"\n#EXTINF:10,\n{http}.ts\n#EXT-X-ENDLIST\n"
            ),
        ),
        text("HLS behind a byte order mark", None, format!("\u{feff}{}", hls(&format!("{http}.ts")))),
        text("M3U without a header", None, format!("file://{file}\n{http}.mp4\n")),
        text("DASH, media elsewhere", works, dash(&http)),
        text("DASH, local media", None, dash(&format!("file://{file}"))),
        text("concat, an address", Some(&["-f", "concat", "-safe", "0"]), format!("ffconcat version 1.0\nfile '{http}.mp4'\n")),
        text("concat, a local file", Some(&["-f", "concat", "-safe", "0"]), format!("ffconcat version 1.0\nfile '{file}'\n")),
        text("concat without a header", Some(&["-f", "concat", "-safe", "0"]), format!("file '{file}'\nfile '{http}.mp4'\n")),
        text("concat, a sequence of pictures", None, format!("ffconcat version 1.0\nfile '{file}%03d.jpg'\n")),
        text(
            "SDP",
            None,
            format!("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video {port} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"),
        ),
        text("RTSP, QuickTime's redirection", None, format!("RTSPtextRTSP://127.0.0.1:{port}/bait\r\n")),
        text("ASX", None, format!("<asx version=\"3.0\"><entry><ref href=\"{http}.wmv\"/></entry></asx>")),
        text("ASF redirector", None, format!("[Reference]\r\nRef1={http}.asf?MSWMExt=.asf\r\n")),
        text("PLS", None, format!("[playlist]\nFile1={http}.mp4\nNumberOfEntries=1\nVersion=2\n")),
        text("XSPF", None, format!("<?xml version=\"1.0\"?><playlist version=\"1\"><trackList><track><location>file://{file}</location></track></trackList></playlist>")),
        text("SMIL", None, format!("<smil><body><video src=\"{http}.mp4\"/></body></smil>")),
        text("Smooth Streaming", None, format!("<SmoothStreamingMedia MajorVersion=\"2\"><StreamIndex Url=\"{http}\"/></SmoothStreamingMedia>")),
        text("IMF, asset map beside it", Some(&["-f", "imf"]), imf(&http)),
        text("VobSub, pictures beside it", None, "# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\ntimestamp: 00:00:01:000, filepos: 000000000\n".to_owned()),
        text(
            "SVG, pictures elsewhere",
            None,
            format!(
                "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY leak SYSTEM \"file://{file}\">]>\
                 <svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"64\" height=\"64\">\
                 <image xlink:href=\"{http}.png\" width=\"64\" height=\"64\"/><image xlink:href=\"file://{file}\"/><text>&leak;</text></svg>"
            ),
        ),
        Attack {
            name: "AVI with a playlist for subtitles",
            bytes: avi_with_subtitles(&hls(&format!("{http}.ts"))),
            container: Some(Container::Avi),
            works_with: None,
        },
        Attack {
            name: "MOV whose media is a local file",
            bytes: mov_with_external_media(bait.media, &alias(bait.file)),
            container: Some(Container::Mov),
            works_with: Some(&["-enable_drefs", "1", "-use_absolute_path", "1"]),
        },
        Attack {
            name: "MOV whose media is at an address",
            bytes: mov_with_external_media(bait.media, &full_box(*b"url ", format!("{http}.mp4\0").as_bytes())),
            container: Some(Container::Mov),
            works_with: None,
        },
        Attack {
            name: "Matroska that goes on elsewhere",
            bytes: matroska_with_next_segment(&format!("{http}.mkv")),
            container: Some(Container::Matroska),
            works_with: None,
        },
        Attack {
            name: "a playlist in the middle of an MP4",
            bytes: [&b"\0\0\0\x10ftypisom\0\0\0\0"[..], b"\0\0\x10\0free", hls(&format!("{http}.ts")).as_bytes()].concat(),
            container: Some(Container::Mov),
            works_with: None,
        },
    ]
}

fn dash(base: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\" \
         type=\"static\" mediaPresentationDuration=\"PT10S\" minBufferTime=\"PT1S\"><Period><AdaptationSet mimeType=\"video/mp4\">\
         <Representation id=\"1\" bandwidth=\"1000\" codecs=\"mp4v.20.9\" width=\"64\" height=\"64\"><BaseURL>{base}.mp4</BaseURL>\
         <SegmentBase indexRange=\"0-100\"><Initialization range=\"0-100\"/></SegmentBase></Representation></AdaptationSet></Period></MPD>"
    )
}

/// A composition playlist (SMPTE ST 2067-3); its reader looks for `ASSETMAP.xml` in the same folder.
fn imf(http: &str) -> String {
    let id = "urn:uuid:0eb3d1b9-b77b-4d3f-bbe5-7c69b15dca84";
    format!(
        "<?xml version=\"1.0\"?>\n<CompositionPlaylist xmlns=\"http://www.smpte-ra.org/schemas/2067-3/2016\"><Id>{id}</Id>\
         <ContentTitle>{http}</ContentTitle><EditRate>24 1</EditRate><SegmentList><Segment><Id>{id}</Id><SequenceList/></Segment>\
         </SegmentList></CompositionPlaylist>"
    )
}

/// An AVI file (with no video) whose text stream holds a `GAB2` packet, whose subtitles are `playlist`.
fn avi_with_subtitles(playlist: &str) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let chunk = |id: &[u8; 4], body: &[u8]| [id, &length(body)[..], body].concat();
    let list = |kind: &[u8; 4], body: &[u8]| chunk(b"LIST", &[kind, body].concat());
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<u8>>()
    };

    let main_header = chunk(
        b"avih",
        &words(&[40_000, 0, 0, 0, 1, 0, 1, 0, 64, 64, 0, 0, 0, 0]),
    );
    let header = chunk(
        b"strh",
        &[
            &b"txts\0\0\0\0"[..],
            &words(&[0, 0, 0, 1, 25, 0, 1, 0, 0, 0, 0, 0]),
        ]
        .concat(),
    );
    let stream = list(b"strl", &[header, chunk(b"strf", b"")].concat());
    let subtitles = [
        &b"GAB2\0"[..],
        &[2, 0],
        &words(&[0]),
        &[4, 0],
        &length(playlist.as_bytes()),
        playlist.as_bytes(),
    ]
    .concat();
    let packet = chunk(b"00tx", &subtitles);
    let body = [
        list(b"hdrl", &[main_header, stream].concat()),
        list(b"movi", &packet),
    ]
    .concat();
    chunk(b"RIFF", &[&b"AVI "[..], &body].concat())
}

/// `mp4` with `reference` for where its media is (ISO/IEC 14496-12 §8.7.2).
fn mov_with_external_media(mp4: &[u8], reference: &[u8]) -> Vec<u8> {
    fn replaced(boxes: &[u8], path: &[[u8; 4]], dref: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = boxes;
        while rest.len() >= 8 {
            let size = u32::from_be_bytes(rest[..4].try_into().unwrap());
            let (current, after) = rest.split_at(usize::try_from(size).unwrap());
            match path {
                [last] if current[4..8] == *last => out.extend(dref),
                [first, below @ ..] if current[4..8] == *first => {
                    out.extend(plain_box(*first, &replaced(&current[8..], below, dref)));
                }
                // No media of its own: a picture could only be the bait's.
                _ if current[4..8] == *b"mdat" => {
                    out.extend(plain_box(*b"mdat", &vec![0; current.len() - 8]));
                }
                _ => out.extend(current),
            }
            rest = after;
        }
        out
    }

    let dref = full_box(*b"dref", &[&1_u32.to_be_bytes(), reference].concat());
    let path = [*b"moov", *b"trak", *b"mdia", *b"minf", *b"dinf", *b"dref"];
    let out = replaced(mp4, &path, &dref);
    assert!(
        out.windows(reference.len()).any(|at| at == reference),
        "the media has a data reference"
    );
    out
}

fn plain_box(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).unwrap();
    [&size.to_be_bytes()[..], &kind, body].concat()
}

/// A box with version 0 and no flags: of a data reference, that the media is not in the same file.
fn full_box(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    plain_box(kind, &[&[0; 4], body].concat())
}

/// A Macintosh alias record as FFmpeg reads it: a volume, a name, and the absolute path with colons.
fn alias(file: &Path) -> Vec<u8> {
    let path = file.to_str().unwrap().replace('/', ":");
    let mut record = vec![0; 10];
    record.extend(
        [
            &[0][..],
            &[0; 27],
            &[0; 12],
            &[0],
            &[0; 63],
            &[0; 16],
            &[0, 1, 0, 1],
            &[0; 16],
        ]
        .concat(),
    );
    // 2: the absolute path; even lengths.
    let path = if path.len().is_multiple_of(2) {
        path
    } else {
        format!("{path}\0")
    };
    record.extend(
        [
            &2_u16.to_be_bytes()[..],
            &u16::try_from(path.len()).unwrap().to_be_bytes(),
            path.as_bytes(),
        ]
        .concat(),
    );
    record.extend([0xff, 0xff, 0, 0]);
    full_box(*b"alis", &record)
}

/// An EBML header, then a segment that says in which file the next one is (RFC 9559 §17.1).
fn matroska_with_next_segment(next: &str) -> Vec<u8> {
    let element = |id: &[u8], body: &[u8]| {
        let size = u32::try_from(body.len()).unwrap() | 0x1000_0000;
        [id, &size.to_be_bytes(), body].concat()
    };
    let header = element(b"\x1a\x45\xdf\xa3", &element(b"\x42\x82", b"matroska"));
    let info = [
        element(b"\x2a\xd7\xb1", &1_000_000_u32.to_be_bytes()),
        element(b"\x3e\xb9\x23", &[7; 16]),
        element(b"\x3e\x83\xbb", next.as_bytes()),
    ]
    .concat();
    let attachment = [
        element(b"\x46\x6e", b"../../escape.ttf"),
        element(b"\x46\x60", b"font/ttf"),
        element(b"\x46\x5c", b"x"),
    ];
    let attachments = element(
        b"\x19\x41\xa4\x69",
        &element(b"\x61\xa7", &attachment.concat()),
    );
    let segment = [element(b"\x15\x49\xa9\x66", &info), attachments].concat();
    [header, element(b"\x18\x53\x80\x67", &segment)].concat()
}
