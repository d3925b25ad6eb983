//! Reading objects.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use rustix::buffer::spare_capacity;
use tokio::task::JoinHandle;

use super::blob::BlobId;
use super::content::{self, Extent};
use super::object::Object;
use super::pin::Pinned;
use super::{Store, StoreError, blocking};

/// Bytes read from a file at a time. A reader holds two of these: one that is sent and the next one.
const CHUNK_BYTES: u64 = 256 * 1024;

impl Store {
    /// Opens `range` of an object. What it reads is not removed before it ends, though the object may be
    /// deleted meanwhile.
    ///
    /// Nothing when the object was deleted or replaced since it was found.
    pub(crate) async fn read_object(
        self: &Arc<Self>,
        object: &Object,
        range: Range<u64>,
    ) -> Result<Option<ObjectReader>, StoreError> {
        let store = Arc::clone(self);
        let content_id = object.content_id;
        blocking(move || {
            let Some(mut cursor) = store.cursor(content_id, &range)? else {
                return Ok(None);
            };
            // The first bytes come with the opening: an error is still an answer, and a small range
            // needs no second hop to a thread.
            let first = cursor.read()?;
            Ok(Some(ObjectReader {
                remaining: range.end - range.start,
                state: State::Ready(first, cursor),
            }))
        })
        .await
    }

    /// Opens `range` of a content for a thread that may block. Nothing when it is not there in full.
    pub(super) fn cursor(
        self: &Arc<Self>,
        content_id: i64,
        range: &Range<u64>,
    ) -> Result<Option<Cursor>, StoreError> {
        let find = || {
            self.index
                .read(|connection| content::extents(connection, content_id, range))
        };
        let blobs = |extents: &Vec<Extent>| extents.iter().map(|extent| extent.blob).collect();
        let (extents, pinned) = self.pins.pin(find, blobs)?;
        let found: u64 = extents.iter().map(|extent| extent.length).sum();
        Ok((found == range.end - range.start).then(|| Cursor {
            extents: extents.into(),
            open: None,
            _pinned: pinned,
            store: Arc::clone(self),
        }))
    }
}

/// Reads extents one after the other. It blocks: not for an async task.
pub(super) struct Cursor {
    /// What is left to read.
    extents: VecDeque<Extent>,
    open: Option<(BlobId, File)>,
    // Fields are dropped in this order: what was pinned may be removed now, which must not happen to who opens the store next.
    _pinned: Pinned,
    store: Arc<Store>,
}

impl Cursor {
    /// The next bytes; none at the end.
    pub(super) fn read(&mut self) -> io::Result<Bytes> {
        let Some(extent) = self.extents.front_mut() else {
            return Ok(Bytes::new());
        };
        let file = match self.open.take() {
            Some((blob, file)) if blob == extent.blob => file,
            _ => self.store.blobs.open_blob(extent.blob)?,
        };
        let length = extent.length.min(CHUNK_BYTES);
        let bytes = read_exact(&file, extent.blob_offset, length)?;
        extent.blob_offset += length;
        extent.length -= length;
        if extent.length > 0 {
            self.open = Some((extent.blob, file));
        } else {
            self.extents.pop_front();
        }
        Ok(bytes)
    }
}

fn read_exact(file: &File, offset: u64, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length).expect("a chunk fits into memory");
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let at = offset + bytes.len() as u64;
        // The allocator may give more room than was asked for.
        match rustix::io::pread(file, spare_capacity(&mut bytes), at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => bytes.truncate(length),
        }
    }
    Ok(bytes.into())
}

/// The bytes of an object, or of a range of it. While one chunk is sent the next one is read.
pub(crate) struct ObjectReader {
    remaining: u64,
    state: State,
}

enum State {
    Ready(Bytes, Cursor),
    Reading(JoinHandle<io::Result<(Bytes, Cursor)>>),
    Ended,
}

impl ObjectReader {
    /// Bytes still to come.
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }
}

impl Stream for ObjectReader {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (bytes, mut cursor) = match std::mem::replace(&mut self.state, State::Ended) {
            State::Ready(bytes, cursor) => (bytes, cursor),
            State::Reading(mut reading) => match Pin::new(&mut reading).poll(cx) {
                Poll::Pending => {
                    self.state = State::Reading(reading);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(Ok(read))) => read,
                Poll::Ready(Ok(Err(err))) => return Poll::Ready(Some(Err(err))),
                Poll::Ready(Err(err)) => return Poll::Ready(Some(Err(io::Error::other(err)))),
            },
            State::Ended => return Poll::Ready(None),
        };
        self.remaining -= bytes.len() as u64;
        if self.remaining > 0 {
            let next = move || Ok((cursor.read()?, cursor));
            self.state = State::Reading(tokio::task::spawn_blocking(next));
        }
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}
