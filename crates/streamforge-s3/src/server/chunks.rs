//! Keeps chunks of `aws-chunked` bodies small.
//!
//! s3s gathers a chunk in memory before it passes it on, and a chunk may be as large as the body. Chunks
//! without signatures are cut here into those that arrive; one with a signature cannot be cut, since the
//! signature is over all of it, so a large one is refused.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use s3s::StdError;

/// Largest chunk with a signature. SDKs make chunks of 64 KiB to 1 MiB.
const MAX_SIGNED_BYTES: u64 = 8 * 1024 * 1024;

/// Largest line that begins a chunk: its size and its signature.
const MAX_LINE_BYTES: usize = 1024;

const LINE_END: Bytes = Bytes::from_static(b"\r\n");

/// A body of which the chunks are small.
#[derive(Debug)]
pub(super) struct SmallChunks<B> {
    body: B,
    cutter: Cutter,
}

impl<B> SmallChunks<B> {
    /// Reads from the headers whether the body has chunks.
    pub(super) fn new(headers: &HeaderMap, body: B) -> Self {
        let framing = headers.get("x-amz-content-sha256");
        let framing = framing.map_or(&b""[..], |framing| framing.as_bytes());
        let state = if framing.starts_with(b"STREAMING-") {
            State::Line(Vec::new())
        } else {
            State::Verbatim
        };
        Self {
            body,
            cutter: Cutter {
                is_signed: framing != b"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                state,
                ready: VecDeque::new(),
            },
        }
    }
}

impl<B> Body for SmallChunks<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<StdError>,
{
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        loop {
            if let Some(bytes) = self.cutter.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(frame) => frame.map_err(Into::into)?,
            };
            // Trailers of HTTP mean nothing here: those of AWS are in the body.
            if let Ok(bytes) = frame.into_data() {
                self.cutter.cut(bytes)?;
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cutter.ready.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.cutter.state {
            State::Verbatim if self.cutter.ready.is_empty() => self.body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

/// A body cannot be cut into small chunks.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ChunkError {
    /// It is too large to be verified.
    #[error("a signed chunk has {0} bytes: at most {MAX_SIGNED_BYTES} are taken")]
    TooLarge(u64),
    /// It does not begin with its size. Passed on, s3s might read another size in it and gather as many bytes.
    #[error("FormatError: a chunk has no size")]
    NoSize,
}

#[derive(Debug)]
struct Cutter {
    is_signed: bool,
    state: State,
    /// What to pass on.
    ready: VecDeque<Bytes>,
}

#[derive(Debug)]
enum State {
    /// In the line that begins a chunk.
    Line(Vec<u8>),
    /// In its bytes, of which so many are left.
    Data(u64),
    /// In the end of the line behind them, of which so many bytes are left.
    End(usize),
    /// There are no chunks, or no more.
    Verbatim,
}

impl Cutter {
    fn cut(&mut self, mut bytes: Bytes) -> Result<(), ChunkError> {
        while !bytes.is_empty() {
            self.state = match std::mem::replace(&mut self.state, State::Verbatim) {
                State::Line(line) => self.cut_line(line, &mut bytes)?,
                State::Data(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let data = bytes.split_to(here);
                    if self.is_signed {
                        self.ready.push_back(data);
                    } else {
                        let line = format!("{here:x}\r\n");
                        self.ready.extend([line.into(), data, LINE_END]);
                    }
                    match left - here as u64 {
                        0 => State::End(LINE_END.len()),
                        left => State::Data(left),
                    }
                }
                State::End(left) => {
                    let here = left.min(bytes.len());
                    let end = bytes.split_to(here);
                    if self.is_signed {
                        self.ready.push_back(end);
                    }
                    match left - here {
                        0 => State::Line(Vec::new()),
                        left => State::End(left),
                    }
                }
                State::Verbatim => {
                    self.ready.push_back(std::mem::take(&mut bytes));
                    State::Verbatim
                }
            };
        }
        Ok(())
    }

    fn cut_line(&mut self, mut line: Vec<u8>, bytes: &mut Bytes) -> Result<State, ChunkError> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let here = end.map_or(bytes.len(), |end| end + 1);
        line.extend_from_slice(&bytes.split_to(here));
        if end.is_none() && line.len() <= MAX_LINE_BYTES {
            return Ok(State::Line(line));
        }
        let next = match chunk_size(&line).ok_or(ChunkError::NoSize)? {
            // The last chunk has no bytes, and what comes behind it are trailers.
            0 => State::Verbatim,
            size if self.is_signed && size > MAX_SIGNED_BYTES => {
                return Err(ChunkError::TooLarge(size));
            }
            size => State::Data(size),
        };
        if self.is_signed || matches!(next, State::Verbatim) {
            self.ready.push_back(line.into());
        }
        Ok(next)
    }
}

/// The size in `{size}[;chunk-signature=…]\r\n`, in hexadecimal digits.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("\r\n")?;
    let (size, _) = line.split_once(';').unwrap_or((line, ""));
    // Rust's numbers may have a sign.
    let digits = size.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(size, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cuts a body that arrives in pieces of these sizes.
    fn cut(is_signed: bool, body: &[u8], sizes: &[usize]) -> Result<Vec<u8>, ChunkError> {
        let mut cutter = Cutter {
            is_signed,
            state: State::Line(Vec::new()),
            ready: VecDeque::new(),
        };
        let mut body = Bytes::copy_from_slice(body);
        for size in sizes.iter().cycle() {
            if body.is_empty() {
                break;
            }
            let here = (*size).min(body.len());
            cutter.cut(body.split_to(here))?;
        }
        Ok(Vec::from(cutter.ready).concat())
    }

    /// The largest chunk and all data of a body without signatures, and what comes behind the last chunk.
    fn decode(mut body: &[u8]) -> (usize, Vec<u8>, &[u8]) {
        let (mut largest, mut data) = (0, Vec::new());
        loop {
            let end = body.windows(2).position(|end| end == b"\r\n").unwrap();
            let size =
                usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
            body = &body[end + 2..];
            if size == 0 {
                return (largest, data, body);
            }
            largest = largest.max(size);
            data.extend_from_slice(&body[..size]);
            assert_eq!(&body[size..size + 2], b"\r\n");
            body = &body[size + 2..];
        }
    }

    proptest! {
        #[test]
        fn data_and_trailers_stay_and_no_chunk_is_larger_than_what_arrives(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..5),
            sizes in prop::collection::vec(1..90_usize, 1..5),
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend(format!("{:X}\r\n", chunk.len()).bytes());
                body.extend(chunk);
                body.extend(b"\r\n");
            }
            let trailer = b"x-amz-checksum-crc32:AAAAAA==\r\n\r\n";
            body.extend(b"0\r\n");
            body.extend(trailer);
            let whole = cut(false, &body, &sizes).unwrap();
            let (largest, data, rest) = decode(&whole);
            prop_assert!(largest <= *sizes.iter().max().unwrap());
            prop_assert_eq!(data, chunks.concat());
            prop_assert_eq!(rest, trailer);
        }

        #[test]
        fn signed_chunks_stay_as_they_are(
            data in prop::collection::vec(any::<u8>(), 1..200),
            sizes in prop::collection::vec(1..90_usize, 1..5),
        ) {
            let mut body = format!("{:x};chunk-signature={}\r\n", data.len(), "0".repeat(64)).into_bytes();
            body.extend(&data);
            body.extend(format!("\r\n0;chunk-signature={}\r\n\r\n", "1".repeat(64)).bytes());
            prop_assert_eq!(cut(true, &body, &sizes).unwrap(), body);
        }

        #[test]
        fn a_line_that_is_no_size_is_refused(
            is_signed: bool,
            line in "[0-9a-f]{0,8}[^0-9a-fA-F;\r\n][^\r\n]{0,2000}",
            sizes in prop::collection::vec(1..900_usize, 1..5),
        ) {
            let body = format!("{line}\r\n{}", "a".repeat(1000));
            prop_assert_eq!(cut(is_signed, body.as_bytes(), &sizes), Err(ChunkError::NoSize));
        }
    }

    #[test]
    fn a_large_signed_chunk_is_refused_before_its_bytes_come() {
        let line = format!(
            "{:x};chunk-signature={}\r\n",
            MAX_SIGNED_BYTES + 1,
            "0".repeat(64)
        );
        let refused = cut(true, line.as_bytes(), &[4096]).unwrap_err();
        assert_eq!(refused, ChunkError::TooLarge(MAX_SIGNED_BYTES + 1));
    }
}
