//! A playlist as lines that know their number, and what a line is made of
//! ([RFC 8216 §4.1 and §4.2](https://www.rfc-editor.org/rfc/rfc8216#section-4.1)).
//!
//! Reading never fails: whatever the bytes are, they become lines, tags and attributes, and what is
//! wrong with them is told beside.

use std::fmt;

use super::report::Location;

/// The text of one playlist.
#[derive(Debug)]
pub(crate) struct Playlist {
    /// Its URI, as it was asked for.
    pub(crate) uri: String,
    /// What URIs in it are relative to: its own, or the one a redirect led to.
    pub(crate) base: String,
    /// Its lines in order, the first with number 1.
    pub(crate) lines: Vec<Line>,
    /// Whether it started with a byte order mark, which is not part of `lines`.
    pub(crate) has_byte_order_mark: bool,
    /// Number of the first line that was not UTF-8; what could not be read is U+FFFD there.
    pub(crate) not_utf8_line: Option<usize>,
}

/// One line of a [`Playlist`], without its end.
#[derive(Debug)]
pub(crate) struct Line {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content<'a> {
    /// Nothing, or `#` and anything but `EXT`.
    Ignored,
    Tag(Tag<'a>),
    Uri(&'a str),
}

/// A line that starts with `#EXT`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tag<'a> {
    /// Without the `#`: `EXT-X-VERSION`.
    pub(crate) name: &'a str,
    /// What follows the colon; `None` without a colon.
    pub(crate) value: Option<&'a str>,
}

impl Playlist {
    pub(crate) fn read(uri: &str, bytes: &[u8]) -> Self {
        let (has_byte_order_mark, bytes) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => (true, rest),
            None => (false, bytes),
        };
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let mut not_utf8_line = None;
        let lines = (1..)
            .zip(bytes.split(|byte| *byte == b'\n'))
            .map(|(number, line)| {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let text = String::from_utf8_lossy(line);
                if matches!(text, std::borrow::Cow::Owned(_)) {
                    not_utf8_line.get_or_insert(number);
                }
                Line {
                    number,
                    text: text.into_owned(),
                }
            })
            .collect();
        Self {
            uri: uri.to_owned(),
            base: uri.to_owned(),
            lines,
            has_byte_order_mark,
            not_utf8_line,
        }
    }

    /// Every tag, with its line.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&Line, Tag<'_>)> {
        self.lines.iter().filter_map(|line| match line.content() {
            Content::Tag(tag) => Some((line, tag)),
            _ => None,
        })
    }

    /// Every tag of this name, with its line.
    pub(crate) fn tags_named<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a Line, Tag<'a>)> {
        self.tags().filter(move |(_, tag)| tag.name == name)
    }

    pub(crate) fn has_tag(&self, name: &str) -> bool {
        self.tags_named(name).next().is_some()
    }

    /// The value of the first tag of this name.
    pub(crate) fn value<'a>(&'a self, name: &'a str) -> Option<(&'a Line, &'a str)> {
        let (line, tag) = self.tags_named(name).next()?;
        Some((line, tag.value?))
    }

    /// The place of a line.
    pub(crate) fn at(&self, line: &Line) -> Location {
        Location::line(&self.uri, line.number, &line.text)
    }

    /// The place of the first tag of this name; the whole playlist when there is none.
    pub(crate) fn at_tag(&self, name: &str) -> Location {
        match self.tags_named(name).next() {
            Some((line, _)) => self.at(line),
            None => Location::whole(&self.uri),
        }
    }
}

impl Line {
    /// What the line is. Stray whitespace around it, which is judged elsewhere, does not count.
    pub(crate) fn content(&self) -> Content<'_> {
        let text = self.text.trim();
        match text.strip_prefix('#') {
            None if text.is_empty() => Content::Ignored,
            None => Content::Uri(text),
            Some(name) if !name.starts_with("EXT") => Content::Ignored,
            Some(tag) => Content::Tag(match tag.split_once(':') {
                Some((name, value)) => Tag {
                    name,
                    value: Some(value),
                },
                None => Tag {
                    name: tag,
                    value: None,
                },
            }),
        }
    }
}

/// The attributes of a tag.
#[derive(Debug)]
pub(crate) struct AttributeList<'a> {
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// What is wrong with the list.
    pub(crate) faults: Vec<AttributeFault<'a>>,
}

/// One `NAME=value`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: AttributeValue<'a>,
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttributeValue<'a> {
    /// A quoted-string, without its quotes.
    Quoted(&'a str),
    /// Any other type.
    Bare(&'a str),
}

/// What can be wrong with an attribute list, apart from what its values mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttributeFault<'a> {
    /// Something that should be a pair has no `=`.
    NoValue(&'a str),
    /// A name has other characters than `A`–`Z`, `0`–`9` and `-`, or none.
    Name(&'a str),
    /// A quoted-string has no closing quote.
    Unclosed(&'a str),
    /// A value outside of quotes is empty, or has a quote or whitespace.
    Value(&'a str),
    /// Something other than a comma follows a quoted-string.
    AfterQuote(&'a str),
    /// There is nothing before or after a comma.
    Empty,
}

impl fmt::Display for AttributeFault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoValue(text) => write!(f, "`{text}` has no `=`, want NAME=value"),
            Self::Name(name) => {
                write!(
                    f,
                    "attribute name `{name}` has other characters than A-Z, 0-9 and -"
                )
            }
            Self::Unclosed(name) => write!(f, "the quoted string of {name} has no closing quote"),
            Self::Value(name) => write!(
                f,
                "the value of {name} is empty, or has a quote or whitespace outside of quotes"
            ),
            Self::AfterQuote(name) => write!(f, "want a comma after the quoted string of {name}"),
            Self::Empty => write!(f, "there is a comma with nothing before or after it"),
        }
    }
}

impl<'a> AttributeList<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut list = Self {
            attributes: Vec::new(),
            faults: Vec::new(),
        };
        let mut rest = Some(text);
        while let Some(text) = rest {
            rest = list.parse_one(text);
        }
        list
    }

    /// Reads the pair at the start of `text` and returns what follows the comma after it.
    fn parse_one(&mut self, text: &'a str) -> Option<&'a str> {
        let name_end = text.find(['=', ',']);
        let Some(name_end) = name_end.filter(|end| text[*end..].starts_with('=')) else {
            let (pair, rest) = split_comma(text);
            self.faults.push(match pair.trim() {
                "" => AttributeFault::Empty,
                pair => AttributeFault::NoValue(pair),
            });
            return rest;
        };
        // A space after a comma is common; it is a fault of the name, not a name of its own.
        let name = text[..name_end].trim();
        let is_name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || !text[..name_end].bytes().all(is_name) {
            self.faults.push(AttributeFault::Name(&text[..name_end]));
        }
        let text = &text[name_end + 1..];
        let (value, rest) = match text.strip_prefix('"') {
            None => {
                let (value, rest) = split_comma(text);
                if value.is_empty() || value.contains(|c: char| c == '"' || c.is_whitespace()) {
                    self.faults.push(AttributeFault::Value(name));
                }
                (AttributeValue::Bare(value), rest)
            }
            Some(quoted) => match quoted.split_once('"') {
                None => {
                    self.faults.push(AttributeFault::Unclosed(name));
                    (AttributeValue::Quoted(quoted), None)
                }
                Some((quoted, after)) => {
                    let (junk, rest) = split_comma(after);
                    if !junk.is_empty() {
                        self.faults.push(AttributeFault::AfterQuote(name));
                    }
                    (AttributeValue::Quoted(quoted), rest)
                }
            },
        };
        self.attributes.push(Attribute { name, value });
        rest
    }

    /// The value of the first attribute of this name.
    pub(crate) fn get(&self, name: &str) -> Option<AttributeValue<'a>> {
        let attribute = self.attributes.iter().find(|a| a.name == name)?;
        Some(attribute.value)
    }

    /// What the first attribute of this name says, in quotes or not.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).map(AttributeValue::text)
    }

    /// The decimal-integer the first attribute of this name is.
    pub(crate) fn integer(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

impl<'a> AttributeValue<'a> {
    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Quoted(text) | Self::Bare(text) => text,
        }
    }
}

/// What is before the first comma, and what is after it; `None` without a comma.
fn split_comma(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_keep_their_numbers_whatever_ends_them() {
        let playlist = Playlist::read("a.m3u8", b"#EXTM3U\r\n\n# note\n#EXT-X-VERSION:7\nseg.ts");
        let contents: Vec<_> = (playlist.lines.iter())
            .map(|line| (line.number, line.content()))
            .collect();
        let tag = |name, value| Content::Tag(Tag { name, value });
        assert_eq!(
            contents,
            [
                (1, tag("EXTM3U", None)),
                (2, Content::Ignored),
                (3, Content::Ignored),
                (4, tag("EXT-X-VERSION", Some("7"))),
                (5, Content::Uri("seg.ts")),
            ]
        );
    }

    #[test]
    fn bytes_that_are_not_text_are_told_and_read_on() {
        let playlist = Playlist::read("a.m3u8", b"\xef\xbb\xbf#EXTM3U\nse\xff.ts\n");
        assert!(playlist.has_byte_order_mark);
        assert_eq!(playlist.not_utf8_line, Some(2));
        assert_eq!(playlist.lines.len(), 2);
        assert!(playlist.has_tag("EXTM3U"));
    }

    #[test]
    fn commas_and_equal_signs_in_quotes_belong_to_the_value() {
        let list =
            AttributeList::parse(r#"CODECS="avc1.64001f,mp4a.40.2",BANDWIDTH=1,URI="a?b=c""#);
        assert_eq!(
            list.get("CODECS"),
            Some(AttributeValue::Quoted("avc1.64001f,mp4a.40.2"))
        );
        assert_eq!(list.get("BANDWIDTH"), Some(AttributeValue::Bare("1")));
        assert_eq!(list.text("URI"), Some("a?b=c"));
        assert_eq!(list.faults, []);
    }

    #[test]
    fn faults_of_a_list_are_told_and_the_rest_is_read() {
        use AttributeFault::{AfterQuote, Empty, Name, NoValue, Unclosed, Value};
        for (text, fault) in [
            ("A=1,B", NoValue("B")),
            ("A=1,", Empty),
            ("", Empty),
            ("A=1,,B=2", Empty),
            ("A=1, B=2", Name(" B")),
            ("a=1", Name("a")),
            ("=1", Name("")),
            ("A=1 ", Value("A")),
            ("A=", Value("A")),
            ("A=b\"c\"", Value("A")),
            ("A=\"b", Unclosed("A")),
            ("A=\"b\"c,B=2", AfterQuote("A")),
        ] {
            assert_eq!(AttributeList::parse(text).faults, [fault], "{text}");
        }
        assert_eq!(AttributeList::parse("A=1, B=2").text("B"), Some("2"));
        assert_eq!(AttributeList::parse("A=\"b\"c,B=2").text("B"), Some("2"));
    }

    proptest! {
        #[test]
        fn any_bytes_become_lines_and_attributes(bytes: Vec<u8>) {
            let playlist = Playlist::read("a.m3u8", &bytes);
            for line in &playlist.lines {
                AttributeList::parse(&line.text);
                line.content();
            }
        }

        #[test]
        fn what_is_written_as_a_list_is_read_back(
            pairs in prop::collection::vec(("[A-Z][A-Z0-9-]{0,9}", "[^\"\r\n]{0,9}"), 1..9),
        ) {
            let text: Vec<_> = pairs.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
            let text = text.join(",");
            let list = AttributeList::parse(&text);
            prop_assert_eq!(&list.faults, &[]);
            let read: Vec<_> = list.attributes.iter()
                .map(|a| (a.name.to_owned(), a.value.text().to_owned()))
                .collect();
            prop_assert_eq!(read, pairs);
        }
    }
}
