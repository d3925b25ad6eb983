//! The tags of RFC 8216 and of its second edition
//! ([draft-pantos-hls-rfc8216bis](https://datatracker.ietf.org/doc/draft-pantos-hls-rfc8216bis/)):
//! where each may stand, and what its value is.

use Requirement::{Optional, Required};
use Scope::{Either, Media, Multivariant, Segment};
use TagValue::{Attributes, Decimal, Integer, Nothing, OneOf, Other};
use Type::{Enumerated, Float, Hex, Number, QuotedOrNone, Resolution, SignedFloat, Text};

/// A tag the checker knows.
pub(crate) struct TagGrammar {
    /// Without the `#`.
    pub(crate) name: &'static str,
    pub(crate) scope: Scope,
    pub(crate) value: TagValue,
}

/// Which playlists a tag may stand in, and how often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// Both kinds; it is about the whole playlist, so once.
    Either,
    /// Media playlists; it is about the whole playlist, so once.
    Media,
    /// Media playlists; it is about the segments after it, so any number of times.
    Segment,
    /// Multivariant playlists, any number of times.
    Multivariant,
}

/// What follows the colon of a tag.
pub(crate) enum TagValue {
    /// There is no colon.
    Nothing,
    /// A decimal-integer.
    Integer,
    /// A decimal-integer or decimal-floating-point, a comma, and a title.
    Decimal,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An attribute list.
    Attributes(&'static [AttributeGrammar]),
    /// Something that is judged elsewhere, or not at all.
    Other,
}

/// An attribute of a tag.
pub(crate) type AttributeGrammar = (&'static str, Type, Requirement);

/// Whether a tag must have an attribute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Requirement {
    Required,
    Optional,
}

/// The type of an attribute value ([RFC 8216 §4.2](https://www.rfc-editor.org/rfc/rfc8216#section-4.2)).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Type {
    /// decimal-integer.
    Number,
    /// hexadecimal-sequence.
    Hex,
    /// decimal-floating-point.
    Float,
    /// signed-decimal-floating-point.
    SignedFloat,
    /// quoted-string.
    Text,
    /// enumerated-string, one of these.
    Enumerated(&'static [&'static str]),
    /// decimal-resolution.
    Resolution,
    /// quoted-string, or the enumerated-string `NONE`.
    QuotedOrNone,
}

const YES_NO: Type = Enumerated(&["YES", "NO"]);
const VIDEO_RANGE: Type = Enumerated(&["SDR", "HLG", "PQ"]);
const HDCP_LEVEL: Type = Enumerated(&["TYPE-0", "TYPE-1", "NONE"]);
const KEY_METHOD: Type = Enumerated(&["NONE", "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR"]);

const MEDIA: &[AttributeGrammar] = &[
    (
        "TYPE",
        Enumerated(&["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"]),
        Required,
    ),
    ("GROUP-ID", Text, Required),
    ("NAME", Text, Required),
    ("URI", Text, Optional),
    ("LANGUAGE", Text, Optional),
    ("ASSOC-LANGUAGE", Text, Optional),
    ("STABLE-RENDITION-ID", Text, Optional),
    ("DEFAULT", YES_NO, Optional),
    ("AUTOSELECT", YES_NO, Optional),
    ("FORCED", YES_NO, Optional),
    ("INSTREAM-ID", Text, Optional),
    ("BIT-DEPTH", Number, Optional),
    ("SAMPLE-RATE", Number, Optional),
    ("CHARACTERISTICS", Text, Optional),
    ("CHANNELS", Text, Optional),
];

const STREAM_INF: &[AttributeGrammar] = &[
    ("BANDWIDTH", Number, Required),
    ("AVERAGE-BANDWIDTH", Number, Optional),
    ("PROGRAM-ID", Number, Optional),
    ("SCORE", Float, Optional),
    ("CODECS", Text, Optional),
    ("SUPPLEMENTAL-CODECS", Text, Optional),
    ("RESOLUTION", Resolution, Optional),
    ("FRAME-RATE", Float, Optional),
    ("HDCP-LEVEL", HDCP_LEVEL, Optional),
    ("ALLOWED-CPC", Text, Optional),
    ("VIDEO-RANGE", VIDEO_RANGE, Optional),
    ("REQ-VIDEO-LAYOUT", Text, Optional),
    ("STABLE-VARIANT-ID", Text, Optional),
    ("AUDIO", Text, Optional),
    ("VIDEO", Text, Optional),
    ("SUBTITLES", Text, Optional),
    ("CLOSED-CAPTIONS", QuotedOrNone, Optional),
    ("PATHWAY-ID", Text, Optional),
    ("NAME", Text, Optional),
];

const I_FRAME_STREAM_INF: &[AttributeGrammar] = &[
    ("BANDWIDTH", Number, Required),
    ("URI", Text, Required),
    ("AVERAGE-BANDWIDTH", Number, Optional),
    ("PROGRAM-ID", Number, Optional),
    ("SCORE", Float, Optional),
    ("CODECS", Text, Optional),
    ("SUPPLEMENTAL-CODECS", Text, Optional),
    ("RESOLUTION", Resolution, Optional),
    ("HDCP-LEVEL", HDCP_LEVEL, Optional),
    ("ALLOWED-CPC", Text, Optional),
    ("VIDEO-RANGE", VIDEO_RANGE, Optional),
    ("REQ-VIDEO-LAYOUT", Text, Optional),
    ("STABLE-VARIANT-ID", Text, Optional),
    ("VIDEO", Text, Optional),
    ("PATHWAY-ID", Text, Optional),
];

const KEY: &[AttributeGrammar] = &[
    ("METHOD", KEY_METHOD, Required),
    ("URI", Text, Optional),
    ("IV", Hex, Optional),
    ("KEYFORMAT", Text, Optional),
    ("KEYFORMATVERSIONS", Text, Optional),
];

const DATERANGE: &[AttributeGrammar] = &[
    ("ID", Text, Required),
    ("CLASS", Text, Optional),
    ("START-DATE", Text, Optional),
    ("CUE", Text, Optional),
    ("END-DATE", Text, Optional),
    ("DURATION", Float, Optional),
    ("PLANNED-DURATION", Float, Optional),
    ("SCTE35-CMD", Hex, Optional),
    ("SCTE35-OUT", Hex, Optional),
    ("SCTE35-IN", Hex, Optional),
    ("END-ON-NEXT", Enumerated(&["YES"]), Optional),
];

const SESSION_DATA: &[AttributeGrammar] = &[
    ("DATA-ID", Text, Required),
    ("VALUE", Text, Optional),
    ("URI", Text, Optional),
    ("FORMAT", Enumerated(&["JSON", "RAW"]), Optional),
    ("LANGUAGE", Text, Optional),
];

const START: &[AttributeGrammar] = &[
    ("TIME-OFFSET", SignedFloat, Required),
    ("PRECISE", YES_NO, Optional),
];

const PART: &[AttributeGrammar] = &[
    ("URI", Text, Required),
    ("DURATION", Float, Required),
    ("INDEPENDENT", Enumerated(&["YES"]), Optional),
    ("BYTERANGE", Text, Optional),
    ("GAP", Enumerated(&["YES"]), Optional),
];

const SERVER_CONTROL: &[AttributeGrammar] = &[
    ("CAN-SKIP-UNTIL", Float, Optional),
    ("CAN-SKIP-DATERANGES", YES_NO, Optional),
    ("HOLD-BACK", Float, Optional),
    ("PART-HOLD-BACK", Float, Optional),
    ("CAN-BLOCK-RELOAD", YES_NO, Optional),
];

/// Every tag the checker knows. Others are legal: players ignore what they do not know.
pub(crate) const TAGS: &[TagGrammar] = &[
    tag("EXTM3U", Either, Nothing),
    tag("EXT-X-VERSION", Either, Integer),
    tag("EXT-X-INDEPENDENT-SEGMENTS", Either, Nothing),
    tag("EXT-X-START", Either, Attributes(START)),
    tag("EXT-X-TARGETDURATION", Media, Integer),
    tag("EXT-X-MEDIA-SEQUENCE", Media, Integer),
    tag("EXT-X-DISCONTINUITY-SEQUENCE", Media, Integer),
    tag("EXT-X-ENDLIST", Media, Nothing),
    tag("EXT-X-PLAYLIST-TYPE", Media, OneOf(&["EVENT", "VOD"])),
    tag("EXT-X-I-FRAMES-ONLY", Media, Nothing),
    tag(
        "EXT-X-PART-INF",
        Media,
        Attributes(&[("PART-TARGET", Float, Required)]),
    ),
    tag("EXT-X-SERVER-CONTROL", Media, Attributes(SERVER_CONTROL)),
    tag("EXTINF", Segment, Decimal),
    tag("EXT-X-BYTERANGE", Segment, Other),
    tag("EXT-X-DISCONTINUITY", Segment, Nothing),
    tag("EXT-X-KEY", Segment, Attributes(KEY)),
    tag(
        "EXT-X-MAP",
        Segment,
        Attributes(&[("URI", Text, Required), ("BYTERANGE", Text, Optional)]),
    ),
    tag("EXT-X-PROGRAM-DATE-TIME", Segment, Other),
    tag("EXT-X-GAP", Segment, Nothing),
    tag("EXT-X-BITRATE", Segment, Integer),
    tag("EXT-X-PART", Segment, Attributes(PART)),
    tag("EXT-X-DATERANGE", Segment, Attributes(DATERANGE)),
    tag(
        "EXT-X-SKIP",
        Segment,
        Attributes(&[
            ("SKIPPED-SEGMENTS", Number, Required),
            ("RECENTLY-REMOVED-DATERANGES", Text, Optional),
        ]),
    ),
    tag(
        "EXT-X-PRELOAD-HINT",
        Segment,
        Attributes(&[
            ("TYPE", Enumerated(&["PART", "MAP"]), Required),
            ("URI", Text, Required),
            ("BYTERANGE-START", Number, Optional),
            ("BYTERANGE-LENGTH", Number, Optional),
        ]),
    ),
    tag(
        "EXT-X-RENDITION-REPORT",
        Segment,
        Attributes(&[
            ("URI", Text, Required),
            ("LAST-MSN", Number, Optional),
            ("LAST-PART", Number, Optional),
        ]),
    ),
    tag("EXT-X-MEDIA", Multivariant, Attributes(MEDIA)),
    tag("EXT-X-STREAM-INF", Multivariant, Attributes(STREAM_INF)),
    tag(
        "EXT-X-I-FRAME-STREAM-INF",
        Multivariant,
        Attributes(I_FRAME_STREAM_INF),
    ),
    tag("EXT-X-SESSION-DATA", Multivariant, Attributes(SESSION_DATA)),
    tag("EXT-X-SESSION-KEY", Multivariant, Attributes(KEY)),
    tag(
        "EXT-X-CONTENT-STEERING",
        Multivariant,
        Attributes(&[
            ("SERVER-URI", Text, Required),
            ("PATHWAY-ID", Text, Optional),
        ]),
    ),
];

const fn tag(name: &'static str, scope: Scope, value: TagValue) -> TagGrammar {
    TagGrammar { name, scope, value }
}

/// The grammar of a tag; `None` when it is not known.
pub(crate) fn of_tag(name: &str) -> Option<&'static TagGrammar> {
    TAGS.iter().find(|tag| tag.name == name)
}

impl Type {
    /// Whether `text` is a value of this type; `quoted` tells whether it stood in quotes.
    pub(crate) fn accepts(self, text: &str, quoted: bool) -> bool {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match self {
            Text => quoted,
            QuotedOrNone => quoted || text == "NONE",
            _ if quoted => false,
            Number => digits(text) && text.parse::<u64>().is_ok(),
            Hex => (text.strip_prefix("0x").or(text.strip_prefix("0X")))
                .is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit())),
            Float => is_float(text),
            SignedFloat => is_float(text.strip_prefix('-').unwrap_or(text)),
            Enumerated(words) => words.contains(&text),
            Resolution => text
                .split_once('x')
                .is_some_and(|(width, height)| digits(width) && digits(height)),
        }
    }

    /// What a value should look like.
    pub(crate) fn wants(self) -> String {
        match self {
            Number => "a decimal integer".to_owned(),
            Hex => "0x and hexadecimal digits".to_owned(),
            Float => "a decimal number".to_owned(),
            SignedFloat => "a decimal number, negative or not".to_owned(),
            Text => "a quoted string".to_owned(),
            Enumerated(words) => format!("{} without quotes", words.join(" or ")),
            Resolution => "WIDTHxHEIGHT".to_owned(),
            QuotedOrNone => "a quoted string or NONE".to_owned(),
        }
    }
}

/// Whether `text` is digits, with a point and more digits or without.
pub(crate) fn is_float(text: &str) -> bool {
    super::clock::Nanos::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_tell_values_from_others() {
        for (of, good, bad) in [
            (Number, "90", "9.0"),
            (Hex, "0xA0", "A0"),
            (Float, "29.970", "-1.0"),
            (SignedFloat, "-12.5", "--1"),
            (YES_NO, "YES", "yes"),
            (Resolution, "1280x720", "1280X720"),
            (QuotedOrNone, "NONE", "cc"),
        ] {
            assert!(of.accepts(good, false), "{of:?} {good}");
            assert!(!of.accepts(bad, false), "{of:?} {bad}");
        }
        assert!(Text.accepts("a", true) && !Text.accepts("a", false));
        assert!(!Number.accepts("90", true));
    }

    #[test]
    fn tags_are_known_by_their_name() {
        assert_eq!(of_tag("EXTINF").unwrap().scope, Segment);
        assert!(of_tag("EXT-X-CUE-OUT").is_none());
    }
}
