//! How long an MP4 file says it lasts, before anybody has parsed it: its movie header (mvhd, ISO/IEC 14496-12 §8.2.2).
//!
//! The box is found in two or three reads, however long the index is that follows it. What it says is only a guess to save time by: what
//! ffprobe says counts.

use crate::byte_source::ByteSource;

/// Boxes looked at on the way to `moov`: in files from cameras and editors it is among the first five.
const MAX_BOXES: usize = 16;

/// Enough for the header of `moov`, that of `mvhd`, and the fields of the latter up to the duration.
const LOOK_BYTES: u64 = 64;

/// What the movie header of `source` claims, in microseconds. `None` when it has none, or does not say, or cannot be read.
pub(crate) async fn claimed_duration_us(source: &dyn ByteSource) -> Option<i64> {
    let mut offset = 0;
    for _ in 0..MAX_BOXES {
        let len = source.size().checked_sub(offset)?.min(LOOK_BYTES);
        let bytes = source.read(offset, usize::try_from(len).ok()?).await.ok()?;
        let mut fields = Fields(&bytes);
        let (size, kind) = fields.box_header()?;
        if kind == *b"moov" {
            return duration_us(fields);
        }
        // Size 0 reaches to the end of the file: nothing follows. What is smaller than its own header leads nowhere either.
        offset = offset.checked_add(size).filter(|_| size >= 8)?;
    }
    None
}

/// The duration in the movie header, which comes first in `moov`.
fn duration_us(mut moov: Fields<'_>) -> Option<i64> {
    let (_, kind) = moov.box_header()?;
    if kind != *b"mvhd" {
        return None;
    }
    let [version, ..] = moov.array::<4>()?;
    // Times of creation and modification, units a second, duration; 64 bits for times in version 1.
    let (timescale, duration) = if version == 1 {
        moov.array::<16>()?;
        (moov.u32()?, moov.u64()?)
    } else {
        moov.array::<8>()?;
        (moov.u32()?, u64::from(moov.u32()?))
    };
    let us = u128::from(duration) * 1_000_000 / u128::from((timescale > 0).then_some(timescale)?);
    // None of a fragmented file, whose header was written first; of a live one it is all ones.
    let us = i64::try_from(us).ok()?;
    (duration > 0).then_some(us)
}

/// Big-endian fields, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Size and type of a box.
    fn box_header(&mut self) -> Option<(u64, [u8; 4])> {
        let size = self.u32()?;
        let kind = self.array()?;
        let size = if size == 1 {
            self.u64()?
        } else {
            u64::from(size)
        };
        Some((size, kind))
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use bytes::Bytes;
    use futures::future::BoxFuture;

    use super::*;

    struct File(Vec<u8>);

    impl ByteSource for File {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Bytes>> {
            let offset = usize::try_from(offset).unwrap();
            Box::pin(async move { Ok(Bytes::copy_from_slice(&self.0[offset..offset + len])) })
        }
    }

    fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes()[..], &kind, body].concat()
    }

    /// Of 64 bits, as `mdat` has it in a large file.
    fn boxed_64(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = body.len() as u64 + 16;
        [&1_u32.to_be_bytes()[..], &kind, &size.to_be_bytes(), body].concat()
    }

    fn movie(timescale: u32, duration: u32) -> Vec<u8> {
        let fields = [0, 11, 12, timescale, duration].map(u32::to_be_bytes);
        boxed(*b"moov", &boxed(*b"mvhd", &fields.concat()))
    }

    async fn of(boxes: &[Vec<u8>]) -> Option<i64> {
        claimed_duration_us(&File(boxes.concat())).await
    }

    #[tokio::test]
    async fn the_movie_header_is_found_before_and_after_the_media() {
        let (ftyp, media) = (boxed(*b"ftyp", &[0; 24]), boxed_64(*b"mdat", &[7; 999]));
        let movie = movie(600, 75_000);
        let front = of(&[ftyp.clone(), movie.clone(), media.clone()]).await;
        let back = of(&[ftyp, media, movie]).await;
        assert_eq!((front, back), (Some(125_000_000), Some(125_000_000)));
    }

    #[tokio::test]
    async fn long_times_take_64_bits() {
        let mut fields = vec![1, 0, 0, 0];
        fields.extend([0; 16]);
        fields.extend(1000_u32.to_be_bytes());
        fields.extend(7_200_000_u64.to_be_bytes());
        let movie = boxed(*b"moov", &boxed(*b"mvhd", &fields));
        assert_eq!(of(&[movie]).await, Some(7_200_000_000));
    }

    #[tokio::test]
    async fn what_says_nothing_of_its_length_is_no_guess() {
        for file in [
            movie(600, 0),
            movie(0, 600),
            boxed(*b"moov", &boxed(*b"free", &[0; 40])),
            boxed(*b"mdat", &[0; 40]),
            [&0_u32.to_be_bytes()[..], b"mdat", &[0; 40]].concat(),
            [&4_u32.to_be_bytes()[..], b"mdat", &[0; 40]].concat(),
            boxed(*b"free", &[]).repeat(1000),
            b"\0\0".to_vec(),
        ] {
            assert_eq!(of(&[file]).await, None);
        }
    }

    #[tokio::test]
    async fn no_bytes_lead_astray() {
        let whole = [boxed(*b"ftyp", &[0; 24]), movie(600, 75_000)].concat();
        for len in 0..whole.len() {
            for byte in 0..len {
                let mut bytes = whole[..len].to_vec();
                bytes[byte] = 0xff;
                of(&[bytes]).await;
            }
        }
    }
}
