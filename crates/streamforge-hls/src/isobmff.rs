//! Reading fragmented MP4: boxes, the init segment of a track, and its fragments
//! (ISO/IEC 14496-12, as CMAF, ISO/IEC 23000-19, uses it).
//!
//! The bytes may come from anywhere. Nothing here panics on them, recurses by them, or allocates
//! more than a small multiple of their own length.

use std::fmt;

pub use fragment::{Fragment, FragmentSample, first_sample_is_idr, fragments};
pub use init::{InitMedia, InitSegment};

mod codec;
mod fragment;
mod init;

/// One box.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BoxRef<'a> {
    /// Its type, such as `*b"moof"`.
    pub kind: [u8; 4],
    /// Where its header starts, in bytes from the start of the outermost slice given to [`boxes`].
    pub offset: usize,
    /// Its length in bytes, header included.
    pub size: usize,
    /// What follows the header.
    pub body: &'a [u8],
}

impl<'a> BoxRef<'a> {
    /// The boxes inside, for a box that holds nothing but boxes.
    pub fn children(&self) -> Boxes<'a> {
        self.children_after(0).unwrap_or(Boxes::new(&[], 0))
    }

    /// Where the box ends, counted like [`BoxRef::offset`].
    fn end(&self) -> usize {
        self.offset + self.size
    }

    /// Where the body starts, counted like [`BoxRef::offset`].
    fn body_offset(&self) -> usize {
        self.end() - self.body.len()
    }

    /// The boxes inside, for a box that has `fields_len` bytes of fields before them.
    fn children_after(&self, fields_len: usize) -> Result<Boxes<'a>, BoxError> {
        let data = self.body.get(fields_len..).ok_or(self.short())?;
        Ok(Boxes::new(data, self.body_offset() + fields_len))
    }

    /// The fields of the body, from its first byte on.
    fn fields(&self) -> Fields<'a> {
        Fields {
            rest: self.body,
            short: self.short(),
        }
    }

    /// The version and flags every "full box" starts with, and the fields after them.
    fn full_box_fields(&self) -> Result<(u8, u32, Fields<'a>), BoxError> {
        let mut fields = self.fields();
        let word = fields.u32()?;
        let [version, ..] = word.to_be_bytes();
        Ok((version, word & 0x00ff_ffff, fields))
    }

    fn short(&self) -> BoxError {
        BoxError::Short {
            kind: FourCc(self.kind),
            offset: self.offset,
        }
    }

    fn invalid(&self, problem: &'static str) -> BoxError {
        BoxError::Invalid {
            kind: FourCc(self.kind),
            offset: self.offset,
            problem,
        }
    }
}

/// The boxes that follow each other in `data`, not those inside them.
///
/// A box of size 0 reaches to the end of `data`; sizes of 64 bits are understood. After the first
/// error there is nothing more.
pub fn boxes(data: &[u8]) -> impl Iterator<Item = Result<BoxRef<'_>, BoxError>> {
    Boxes::new(data, 0)
}

/// Iterator over boxes that follow each other; see [`boxes`] and [`BoxRef::children`].
#[derive(Clone, Debug)]
pub struct Boxes<'a> {
    /// What is not yet read.
    rest: &'a [u8],
    /// Where `rest` starts in the outermost slice.
    offset: usize,
}

impl<'a> Boxes<'a> {
    fn new(data: &'a [u8], offset: usize) -> Self {
        Self { rest: data, offset }
    }

    /// The first box of this kind.
    fn find(&mut self, kind: [u8; 4]) -> Result<Option<BoxRef<'a>>, BoxError> {
        for found in self {
            let found = found?;
            if found.kind == kind {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The first box of this kind, which must be there.
    fn require(&mut self, kind: [u8; 4]) -> Result<BoxRef<'a>, BoxError> {
        let missing = BoxError::Missing {
            kind: FourCc(kind),
            offset: self.offset,
        };
        self.find(kind)?.ok_or(missing)
    }

    fn read(&mut self) -> Result<BoxRef<'a>, BoxError> {
        let (rest, offset) = (self.rest, self.offset);
        let mut header = Fields {
            rest,
            short: BoxError::Header { offset },
        };
        let size = header.u32()?;
        let kind = header.array()?;
        let size = match size {
            // The box reaches to the end of what holds it.
            0 => rest.len() as u64,
            // The size did not fit and follows in 64 bits.
            1 => header.u64()?,
            _ => u64::from(size),
        };
        let header_len = rest.len() - header.rest.len();
        let body = usize::try_from(size)
            .ok()
            .and_then(|size| rest.get(header_len..size));
        let Some(body) = body else {
            return Err(BoxError::Size {
                kind: FourCc(kind),
                offset,
                size,
                available: rest.len(),
            });
        };
        let size = header_len + body.len();
        self.rest = &rest[size..];
        self.offset += size;
        Ok(BoxRef {
            kind,
            offset,
            size,
            body,
        })
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<BoxRef<'a>, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let found = self.read();
        if found.is_err() {
            self.rest = &[];
        }
        Some(found)
    }
}

/// Reads big-endian fields one after the other.
#[derive(Clone, Debug)]
struct Fields<'a> {
    /// What is not yet read.
    rest: &'a [u8],
    /// The error when there is not enough left.
    short: BoxError,
}

impl<'a> Fields<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], BoxError> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or_else(|| self.short.clone())?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BoxError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.short.clone())?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn skip(&mut self, len: usize) -> Result<(), BoxError> {
        self.bytes(len).map(|_| ())
    }

    fn u8(&mut self) -> Result<u8, BoxError> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, BoxError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, BoxError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, BoxError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A field that has 32 bits in version 0 of its box and 64 in version 1.
    fn by_version(&mut self, version: u8) -> Result<u64, BoxError> {
        match version {
            0 => self.u32().map(u64::from),
            _ => self.u64(),
        }
    }
}

/// A box type, shown as its four characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// Why bytes are not the boxes they should be. Offsets are in bytes from the start of the slice
/// that was given to the reader.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxError {
    /// The data ends inside a box header.
    #[error("the box header at byte {offset} is cut short")]
    Header {
        /// Where the header starts.
        offset: usize,
    },
    /// A box is longer than what holds it, or shorter than its own header.
    #[error(
        "box `{kind}` at byte {offset} gives its size as {size} where {available} bytes are left"
    )]
    Size {
        /// The type of the box.
        kind: FourCc,
        /// Where it starts.
        offset: usize,
        /// The size in its header.
        size: u64,
        /// How many bytes there are.
        available: usize,
    },
    /// A box ends before its last field.
    #[error("box `{kind}` at byte {offset} is too short for its fields")]
    Short {
        /// The type of the box.
        kind: FourCc,
        /// Where it starts.
        offset: usize,
    },
    /// A box that must be there is not.
    #[error("no `{kind}` box among the boxes from byte {offset} on")]
    Missing {
        /// The type of the box.
        kind: FourCc,
        /// Where it was looked for.
        offset: usize,
    },
    /// An init segment has no track, or more than one.
    #[error("the init segment has {count} tracks, expected 1")]
    TrackCount {
        /// How many tracks it has.
        count: usize,
    },
    /// A field has a value that cannot be.
    #[error("box `{kind}` at byte {offset} {problem}")]
    Invalid {
        /// The type of the box.
        kind: FourCc,
        /// Where it starts.
        offset: usize,
        /// What is wrong, as the end of a sentence that starts with the box.
        problem: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A box with this body.
    pub(super) fn bx(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(8 + body.len()).unwrap();
        [&size.to_be_bytes()[..], &kind, body].concat()
    }

    #[test]
    fn siblings_come_in_order_with_their_offsets() {
        let data = [
            bx(*b"styp", b"cmfs"),
            bx(*b"free", b""),
            bx(*b"mdat", b"12345"),
        ]
        .concat();
        let found: Vec<_> = boxes(&data).map(Result::unwrap).collect();
        let seen: Vec<_> = found.iter().map(|b| (b.kind, b.offset, b.size)).collect();
        assert_eq!(
            seen,
            [(*b"styp", 0, 12), (*b"free", 12, 8), (*b"mdat", 20, 13)]
        );
        assert_eq!(found[2].body, b"12345");
    }

    #[test]
    fn box_of_size_0_reaches_to_the_end() {
        let found = boxes(b"\0\0\0\0mdat12345").next().unwrap().unwrap();
        assert_eq!((found.size, found.body), (13, &b"12345"[..]));
    }

    #[test]
    fn box_may_have_a_size_of_64_bits() {
        let data = b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x12ab\0\0\0\x08free";
        let found: Vec<_> = boxes(data).map(Result::unwrap).collect();
        assert_eq!(found[0].body, b"ab");
        assert_eq!((found[1].kind, found[1].offset), (*b"free", 18));
    }

    #[test]
    fn offsets_of_children_are_those_in_the_whole_file() {
        let data = [
            bx(*b"free", b""),
            bx(*b"moov", &bx(*b"mvex", &bx(*b"trex", b""))),
        ]
        .concat();
        let moov = boxes(&data).nth(1).unwrap().unwrap();
        let mvex = moov.children().next().unwrap().unwrap();
        let trex = mvex.children().next().unwrap().unwrap();
        assert_eq!((mvex.offset, trex.offset), (16, 24));
    }

    #[test]
    fn box_larger_than_the_data_is_an_error_and_the_last_item() {
        let mut found = boxes(b"\0\0\0\x09mdat");
        let error = found.next().unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "box `mdat` at byte 0 gives its size as 9 where 8 bytes are left"
        );
        assert!(found.next().is_none());
    }

    #[test]
    fn box_smaller_than_its_header_is_an_error() {
        assert!(boxes(b"\0\0\0\x07mdat12345").next().unwrap().is_err());
        let size_64_smaller = b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f";
        assert!(boxes(size_64_smaller).next().unwrap().is_err());
        let size_64_huge = b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff";
        assert!(boxes(size_64_huge).next().unwrap().is_err());
    }

    #[test]
    fn cut_header_is_an_error() {
        let error = boxes(b"\0\0\0\x08fre").next().unwrap().unwrap_err();
        assert_eq!(error, BoxError::Header { offset: 0 });
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_boxes_cover_them_in_order(data: Vec<u8>) {
            let mut end = 0;
            for found in boxes(&data) {
                let Ok(found) = found else { break };
                prop_assert_eq!(found.offset, end);
                end += found.size;
            }
            prop_assert!(end <= data.len());
        }
    }
}
