//! Cuts a pipe of JPEG pictures, and tells a blank one.

use bytes::{Bytes, BytesMut};

/// End of image (ITU-T T.81, table B.1). Inside coded data, 0xFF is always followed by something else.
const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];

/// A flat picture needs about 0.016 byte a pixel, at any quality: nothing but the headers of its blocks. One that shows something
/// needs three times that and more.
const BLANK_BYTES_PER_1000_PIXELS: u64 = 25;

/// Collects bytes until a picture is whole.
#[derive(Debug, Default)]
pub(crate) struct JpegSplitter {
    buffer: BytesMut,
    /// Bytes already searched.
    searched: usize,
}

impl JpegSplitter {
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Bytes> {
        self.buffer.extend_from_slice(bytes);
        let mut pictures = Vec::new();
        while let Some(at) = self.buffer[self.searched..]
            .windows(2)
            .position(|pair| pair == END_OF_IMAGE)
        {
            let end = self.searched + at + END_OF_IMAGE.len();
            pictures.push(self.buffer.split_to(end).freeze());
            self.searched = 0;
        }
        self.searched = self.buffer.len().saturating_sub(1);
        pictures
    }
}

/// Whether a picture of `width` × `height` shows nothing: black, white, or any other single colour.
fn is_blank(picture: &Bytes, (width, height): (u32, u32)) -> bool {
    let pixels = u64::from(width) * u64::from(height);
    (picture.len() as u64) * 1000 < pixels * BLANK_BYTES_PER_1000_PIXELS
}

/// Chooses the poster among the pictures at each second of a chunk: that at `place`, or the one that shows most when that one is blank.
///
/// The second value tells whether even that one is blank.
pub(crate) fn choose_poster(
    candidates: &[Bytes],
    place: usize,
    size: (u32, u32),
) -> Option<(Bytes, bool)> {
    let preferred = candidates.get(place).or(candidates.last())?;
    if !is_blank(preferred, size) {
        return Some((preferred.clone(), false));
    }
    let best = candidates.iter().max_by_key(|picture| picture.len())?;
    Some((best.clone(), is_blank(best, size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_cut_wherever_the_pipe_cuts() {
        let one = [0xFF, 0xD8, 1, 0xFF, 0, 0xD9, 0xFF, 0xD9];
        let two = [0xFF, 0xD8, 7, 0xFF, 0xD9];
        let stream = [&one[..], &two[..]].concat();
        for step in 1..stream.len() {
            let mut splitter = JpegSplitter::default();
            let pictures: Vec<Bytes> = stream
                .chunks(step)
                .flat_map(|bytes| splitter.push(bytes))
                .collect();
            assert_eq!(
                pictures,
                [Bytes::copy_from_slice(&one), Bytes::copy_from_slice(&two)],
                "steps of {step}"
            );
        }
    }

    #[test]
    fn the_poster_is_the_preferred_picture_unless_that_is_blank() {
        let size = (100, 100);
        let picture = |bytes: usize| Bytes::from(vec![0; bytes]);
        let shows = [picture(900), picture(2000), picture(800), picture(3000)];
        assert_eq!(choose_poster(&shows, 2, size), Some((picture(800), false)));
        let fades_in = [picture(200), picture(200), picture(200), picture(700)];
        assert_eq!(
            choose_poster(&fades_in, 2, size),
            Some((picture(700), false))
        );
        assert_eq!(
            choose_poster(&[picture(200)], 2, size),
            Some((picture(200), true))
        );
        assert_eq!(choose_poster(&[], 2, size), None);
    }
}
