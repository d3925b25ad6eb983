//! ADTS, the way AAC travels in a transport stream (ISO/IEC 14496-3 §1.A.2).

/// What the first ADTS frame says, and how many there are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct AdtsStream {
    /// The codec as an RFC 6381 name: `mp4a.40.2`.
    pub(super) codec: String,
    /// How many frames start in the stream.
    pub(super) frames: u32,
}

impl AdtsStream {
    /// Reads the frames of an elementary stream, up to where they are broken; `None` when it does
    /// not start with one.
    pub(super) fn parse(mut stream: &[u8]) -> Option<Self> {
        let mut codec = None;
        let mut frames = 0;
        while let Some(header) = Header::parse(stream) {
            codec.get_or_insert(format!("mp4a.40.{}", header.audio_object_type));
            frames += 1;
            stream = stream.get(header.frame_len..).unwrap_or_default();
        }
        Some(Self {
            codec: codec?,
            frames,
        })
    }
}

struct Header {
    audio_object_type: u8,
    /// Bytes of the frame, header included.
    frame_len: usize,
}

impl Header {
    const LEN: usize = 7;

    fn parse(stream: &[u8]) -> Option<Self> {
        let &[sync, flags, profile, len_high, len, len_low, _] =
            stream.first_chunk::<{ Self::LEN }>()?;
        // Twelve bits of sync word; the layer, two bits before the last one, is always zero.
        if sync != 0xff || flags & 0xf6 != 0xf0 {
            return None;
        }
        let frame_len =
            usize::from(len_high & 0x03) << 11 | usize::from(len) << 3 | usize::from(len_low >> 5);
        (frame_len >= Self::LEN).then_some(Self {
            audio_object_type: (profile >> 6) + 1,
            frame_len,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of AAC-LC, 48 kHz, stereo, with `payload_len` bytes after its header.
    fn frame(payload_len: u8) -> Vec<u8> {
        let [high, low] = (u16::from(payload_len) + 7).to_be_bytes();
        let mut frame = vec![
            0xff,
            0xf1,
            0x4c,
            0x80,
            high << 5 | low >> 3,
            low << 5 | 0x1f,
            0xfc,
        ];
        frame.resize(7 + usize::from(payload_len), 0);
        frame
    }

    #[test]
    fn frames_are_counted_to_the_end() {
        let stream = [frame(0), frame(200), frame(13)].concat();
        let parsed = AdtsStream::parse(&stream).unwrap();
        assert_eq!(
            parsed,
            AdtsStream {
                codec: "mp4a.40.2".to_owned(),
                frames: 3
            }
        );
    }

    #[test]
    fn frame_that_claims_to_be_shorter_than_its_header_ends_the_count() {
        let mut broken = frame(0);
        broken[5] = 0x1f;
        broken[4] = 0;
        assert_eq!(AdtsStream::parse(&broken), None);
        let stream = [frame(9), broken].concat();
        assert_eq!(AdtsStream::parse(&stream).unwrap().frames, 1);
    }
}
