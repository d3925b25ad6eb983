//! Cuts FFmpeg's fragmented MP4, as it comes out of a pipe, into the init segment and the media segments.

use bytes::{Bytes, BytesMut};

use crate::error::FfmpegError;

/// No box of ours comes near this size; a larger one means that the pipe carries something else.
const MAX_BOX_BYTES: u64 = 256 << 20;

/// A whole piece of the stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// `ftyp` and `moov`.
    Init(Bytes),
    /// What stands between two `mdat` boxes, with the second: `moof` and `mdat`, and a `styp` before them.
    Segment(Bytes),
}

/// Collects bytes until a piece is whole. Holds one segment at most.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: BytesMut,
    /// Bytes at the buffer's start that are whole boxes of the current piece.
    whole: usize,
}

impl Splitter {
    /// Takes the next bytes of the pipe and gives the pieces they complete.
    ///
    /// # Errors
    /// [`FfmpegError::Output`]: this is no fragmented MP4.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, FfmpegError> {
        self.buffer.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while let Some((kind, size)) = self.next_box()? {
            self.whole += size;
            let piece = match &kind {
                b"moov" => Piece::Init,
                b"mdat" => Piece::Segment,
                _ => continue,
            };
            pieces.push(piece(self.buffer.split_to(self.whole).freeze()));
            self.whole = 0;
        }
        Ok(pieces)
    }

    /// Says that the pipe has ended.
    ///
    /// # Errors
    /// [`FfmpegError::CutShort`]: in the middle of a piece.
    pub fn finish(self) -> Result<(), FfmpegError> {
        match self.buffer.len() {
            0 => Ok(()),
            bytes => Err(FfmpegError::CutShort { bytes }),
        }
    }

    /// Type and size of the next box, if all of it is here.
    fn next_box(&self) -> Result<Option<([u8; 4], usize)>, FfmpegError> {
        let rest = &self.buffer[self.whole..];
        let Some((header, after)) = rest.split_first_chunk::<8>() else {
            return Ok(None);
        };
        let [s0, s1, s2, s3, kind @ ..] = *header;
        let size = match u32::from_be_bytes([s0, s1, s2, s3]) {
            1 => match after.first_chunk::<8>() {
                Some(large) => u64::from_be_bytes(*large),
                None => return Ok(None),
            },
            small => u64::from(small),
        };
        if !(8..=MAX_BOX_BYTES).contains(&size) {
            let kind = String::from_utf8_lossy(&kind).into_owned();
            return Err(FfmpegError::Output(format!(
                "a box {kind:?} of {size} bytes"
            )));
        }
        let size = usize::try_from(size).expect("checked against MAX_BOX_BYTES");
        Ok((size <= rest.len()).then_some((kind, size)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mp4_box(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes()[..], &kind, body].concat()
    }

    fn stream() -> (Vec<u8>, Vec<Piece>) {
        let init = [mp4_box(*b"ftyp", b"cmfc"), mp4_box(*b"moov", &[1; 40])].concat();
        let one = [mp4_box(*b"moof", &[2; 30]), mp4_box(*b"mdat", &[3; 100])].concat();
        let two = [
            mp4_box(*b"styp", b"msdh"),
            mp4_box(*b"moof", &[4; 30]),
            mp4_box(*b"mdat", &[]),
        ]
        .concat();
        let bytes = [init.clone(), one.clone(), two.clone()].concat();
        (
            bytes,
            vec![
                Piece::Init(init.into()),
                Piece::Segment(one.into()),
                Piece::Segment(two.into()),
            ],
        )
    }

    proptest! {
        #[test]
        fn pieces_are_the_same_however_the_pipe_cuts_the_stream(cuts in prop::collection::vec(1_usize..50, 1..40)) {
            let (bytes, expected) = stream();
            let mut splitter = Splitter::default();
            let mut pieces = Vec::new();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                pieces.extend(splitter.push(now).unwrap());
                rest = later;
                if rest.is_empty() { break; }
            }
            splitter.finish().unwrap();
            prop_assert_eq!(pieces, expected);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Splitter::default().push(&bytes);
        }
    }

    #[test]
    fn a_stream_that_ends_inside_a_segment_is_an_error() {
        let (bytes, _) = stream();
        let mut splitter = Splitter::default();
        splitter.push(&bytes[..bytes.len() - 1]).unwrap();
        assert!(splitter.finish().is_err());
    }
}
