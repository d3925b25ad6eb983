//! What is written in letters: playlists above all.

/// How far to look whether it is text, and for the name of an XML document's first element.
const LOOK_BYTES: usize = 4096;

const PLAYLIST: &str = "a playlist";
const SUBTITLES: &str = "subtitles";

/// First words in lower case and what they start, after a byte order mark and white space.
const FIRST_WORDS: &[(&str, &str)] = &[
    ("#extm3u", PLAYLIST),
    ("#ext-x-", PLAYLIST),
    ("#extinf", PLAYLIST),
    ("[playlist]", PLAYLIST),
    ("[reference]", PLAYLIST),
    ("ffconcat", PLAYLIST),
    ("file '", PLAYLIST),
    ("rtsptext", PLAYLIST),
    ("v=0\n", "a description of a live stream"),
    ("v=0\r\n", "a description of a live stream"),
    ("webvtt", SUBTITLES),
    ("[script info]", SUBTITLES),
    ("{\\rtf", "an office document"),
    ("#!/", "a program"),
    ("d8:announce", "a torrent"),
];

/// The first element of an XML document in lower case, without its prefix, and what it makes the document.
const FIRST_ELEMENTS: &[(&str, &str)] = &[
    ("mpd", PLAYLIST),
    ("smil", PLAYLIST),
    ("asx", PLAYLIST),
    ("playlist", PLAYLIST),
    ("compositionplaylist", PLAYLIST),
    ("smoothstreamingmedia", PLAYLIST),
    ("assetmap", PLAYLIST),
    ("svg", "an SVG"),
    ("html", "a web page"),
    ("head", "a web page"),
    ("body", "a web page"),
    ("tt", SUBTITLES),
];

/// What `head` is when its first words tell, whatever follows them; `None` when they do not.
pub(super) fn kind(head: &[u8]) -> Option<&'static str> {
    let start = head[..head.len().min(LOOK_BYTES)].to_ascii_lowercase();
    let start = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&start)
        .trim_ascii_start();
    if let Some((_, kind)) = FIRST_WORDS
        .iter()
        .find(|(words, _)| start.starts_with(words.as_bytes()))
    {
        return Some(kind);
    }
    if start.first() == Some(&b'<') && is_text(start) {
        let element = first_element(start);
        let known = FIRST_ELEMENTS
            .iter()
            .find(|(name, _)| name.as_bytes() == element);
        return Some(known.map_or("an XML file", |(_, kind)| kind));
    }
    // A number, a line later a time, an arrow and a time.
    let is_srt = start.first().is_some_and(u8::is_ascii_digit)
        && start
            .split(|byte| *byte == b'\n')
            .nth(1)
            .is_some_and(|line| line.windows(5).any(|at| at == b" --> "));
    is_srt.then_some(SUBTITLES)
}

/// Whether `head` is text: UTF-8, without control characters but those that move the cursor.
pub(super) fn is_text(head: &[u8]) -> bool {
    let head = &head[..head.len().min(LOOK_BYTES)];
    let printable = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    // A character that the look cuts off is no error.
    let utf8 = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    utf8 && head.iter().all(printable)
}

/// The name of the first element, without its prefix; empty when there is none.
fn first_element(xml: &[u8]) -> &[u8] {
    let name = xml
        .windows(2)
        // Neither a declaration nor a comment nor a document type.
        .position(|at| at[0] == b'<' && at[1].is_ascii_alphabetic())
        .map_or(&[][..], |at| &xml[at + 1..]);
    let end = name
        .iter()
        .position(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b':'));
    let name = &name[..end.unwrap_or(name.len())];
    name.rsplit(|byte| *byte == b':').next().unwrap_or_default()
}
