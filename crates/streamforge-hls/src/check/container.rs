//! What a segment file is.

/// The format of a segment file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Container {
    Fmp4,
    MpegTs,
    WebVtt,
    /// An elementary stream of audio ([RFC 8216 §3.4](https://www.rfc-editor.org/rfc/rfc8216#section-3.4)).
    PackedAudio,
}

impl Container {
    /// The format of a file, by how it starts.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match bytes {
            [0x47, ..] => Some(Self::MpegTs),
            _ if text.starts_with(b"WEBVTT") => Some(Self::WebVtt),
            // An ID3 tag, an ADTS or MPEG audio frame, an AC-3 frame.
            [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] | [0x0b, 0x77, ..] => {
                Some(Self::PackedAudio)
            }
            [_, _, _, _, kind @ ..] => {
                let kinds = [
                    b"styp", b"ftyp", b"moof", b"moov", b"sidx", b"emsg", b"prft", b"free",
                ];
                kinds
                    .iter()
                    .any(|known| kind.starts_with(*known))
                    .then_some(Self::Fmp4)
            }
            _ => None,
        }
    }
}
