//! An uploaded file as the engine reads it: by ranges, and mostly forward.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use streamforge_ffmpeg::byte_source::ByteSource;

/// How much one request asks for at most. A reader that stops before costs what is in flight by then, not this.
const REQUEST_BYTES: u64 = 32 << 20;

/// Unfinished answers that are kept for whoever goes on reading there: a demuxer reads sound and pictures from two places.
const KEPT_STREAMS: usize = 8;

/// A file that has arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceObject {
    /// Its size.
    pub size_bytes: u64,
    /// Tags this content.
    pub etag: String,
}

/// An object of S3. Readers that go forward get their bytes from one answer, without a request for each piece.
#[derive(Debug)]
pub struct ObjectSource {
    client: Client,
    bucket: String,
    key: String,
    etag: String,
    size: u64,
    /// Answers that were not read to their end, the one used last at the end.
    streams: Mutex<Vec<Forward>>,
}

/// An answer of S3, read up to `position`.
struct Forward {
    position: u64,
    end: u64,
    body: ByteStream,
    /// What came and nobody has taken yet.
    rest: Bytes,
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward")
            .field("position", &self.position)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl ObjectSource {
    /// The object `key` of `bucket`, as `object` says it is. When it is replaced, reads fail rather than mix both.
    pub fn new(client: Client, bucket: String, key: String, object: &SourceObject) -> Self {
        Self {
            client,
            bucket,
            key,
            etag: object.etag.clone(),
            size: object.size_bytes,
            streams: Mutex::default(),
        }
    }

    /// An answer that goes on at `offset`: one that is kept, or a new one.
    async fn stream_at(&self, offset: u64, len: u64) -> io::Result<Forward> {
        let kept = {
            let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
            let found = streams.iter().position(|stream| stream.position == offset);
            found.map(|found| streams.remove(found))
        };
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let end = (offset + REQUEST_BYTES.max(len)).min(self.size);
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&self.key)
            .if_match(&self.etag)
            .range(format!("bytes={offset}-{}", end - 1))
            .send()
            .await
            .map_err(|err| io::Error::other(err.into_service_error()))?;
        Ok(Forward {
            position: offset,
            end,
            body: answer.body,
            rest: Bytes::new(),
        })
    }

    fn keep(&self, stream: Forward) {
        if stream.position == stream.end {
            return;
        }
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() == KEPT_STREAMS {
            streams.remove(0);
        }
        streams.push(stream);
    }

    async fn read_exactly(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let mut read = BytesMut::with_capacity(len);
        let mut retried = false;
        while read.len() < len {
            let position = offset + read.len() as u64;
            let mut stream = self.stream_at(position, (len - read.len()) as u64).await?;
            match stream.take(len - read.len()).await {
                Ok(piece) => {
                    retried = false;
                    read.extend_from_slice(&piece);
                    self.keep(stream);
                }
                // The answer broke off: the next one goes on where it ended.
                Err(err) if retried => return Err(err),
                Err(_) => retried = true,
            }
        }
        Ok(read.freeze())
    }
}

impl Forward {
    /// Some of the next `most` bytes, at least one.
    async fn take(&mut self, most: usize) -> io::Result<Bytes> {
        while self.rest.is_empty() {
            self.rest = match self.body.next().await {
                Some(piece) => piece.map_err(io::Error::other)?,
                None => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the uploaded file ended early",
                    ));
                }
            };
        }
        let piece = self.rest.split_to(self.rest.len().min(most));
        self.position += piece.len() as u64;
        Ok(piece)
    }
}

impl ByteSource for ObjectSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        Box::pin(self.read_exactly(offset, len))
    }
}

/// The engine shares one source among its connections.
impl From<ObjectSource> for Arc<dyn ByteSource> {
    fn from(source: ObjectSource) -> Self {
        Arc::new(source)
    }
}
