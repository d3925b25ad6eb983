//! Buckets, objects and uploads on disk. Knows nothing of HTTP.
//!
//! ```text
//! {folder}/lock            held by the process that has the store open
//! {folder}/index.sqlite    what exists: see schema.sql
//! {folder}/blobs/…         the bytes
//! ```
//!
//! An object is a list of extents, pieces of blobs. So completing an upload and copying an object move
//! no bytes, and a blob goes when the last extent that names it goes.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use self::blob::{BlobFolder, NewBlob};
use self::index::Index;
use self::pin::Pins;
use crate::event::{ObjectEvent, Subscribers};

pub(crate) mod blob;
pub(crate) mod bucket;
pub(crate) mod content;
mod copy;
mod expiry;
mod index;
mod json;
pub(crate) mod listing;
pub(crate) mod object;
pub(crate) mod part;
mod pin;
pub(crate) mod reader;
pub(crate) mod upload;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StoreError {
    #[error("the bucket does not exist")]
    NoSuchBucket,
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    #[error("the key does not exist")]
    NoSuchKey,
    #[error("the upload does not exist")]
    NoSuchUpload,
    /// A condition on the object that is there was not met.
    #[error("the condition {condition} was not met")]
    PreconditionFailed { condition: &'static str },
    /// The object changed since the upload that is to replace it was created.
    #[error("the object changed while the upload was under way")]
    Conflict,
    #[error("part {number} was not uploaded or is another one")]
    InvalidPart { number: u16 },
    #[error("part {number} has {size} bytes, which only the last part may")]
    EntityTooSmall { number: u16, size: u64 },
    /// The request's list of parts lacks a checksum.
    #[error("part {number} has no checksum")]
    MissingChecksum { number: u16 },
    /// The object is not what its uploader said it would be.
    #[error("the object's checksum is another one")]
    BadDigest,
    #[error("the object has {size} bytes, not {expected}")]
    WrongSize { size: u64, expected: u64 },
    /// The disk is full, or nearly.
    #[error("the disk is full")]
    Full,
    #[error("the folder is in use by another process")]
    InUse,
    #[error("the index has version {found}, which this program does not know")]
    Schema { found: i64 },
    #[error("the index did not take the change: {0}")]
    Commit(String),
    #[error("the index rolled the change back with another one")]
    RolledBack,
    #[error("the index's thread has ended")]
    Stopped,
    #[error(
        "there are blobs and no index.sqlite that tells what they are: put it back, or remove the folder with all that is in it"
    )]
    NoIndex,
    #[error("the index failed: {0}")]
    Index(#[source] rusqlite::Error),
    #[error("the disk failed: {0}")]
    Io(#[source] io::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(err: rusqlite::Error) -> Self {
        match err.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Index(err),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(err: io::Error) -> Self {
        match err.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(err),
        }
    }
}

/// An open store.
pub(crate) struct Store {
    // Fields are dropped in this order: the index's thread uses the blobs, the lock outlives both.
    index: Index,
    pins: Arc<Pins>,
    blobs: Arc<BlobFolder>,
    subscribers: Arc<Subscribers>,
    lock: Lock,
}

/// Keeps other processes out of the folder.
struct Lock {
    file: File,
    /// Dropped when the lock can be taken again.
    released: watch::Sender<()>,
}

impl Store {
    /// Opens the store in `folder`, creating it when it is not there, and removes what uploads that were
    /// cut short left behind.
    pub(crate) fn open(folder: &Path, reserve_bytes: u64) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        let lock = Lock::take(&folder.join("lock"))?;
        let path = folder.join("index.sqlite");
        let blobs = folder.join("blobs");
        // A new index would make orphans of all blobs that are there, to be removed.
        let connection = index::open(&path, blob::is_empty(&blobs)?)?;
        let last_used = content::last_blob(&connection)?;
        let blobs = BlobFolder::open(&blobs, reserve_bytes, last_used, |numbers| {
            content::blobs_between(&connection, numbers)
        })?;
        // The names of the files above.
        File::open(folder)?.sync_all()?;
        let blobs = Arc::new(blobs);
        let pins = Arc::new(Pins::new(Arc::clone(&blobs))?);
        let subscribers = Arc::new(Subscribers::default());
        let index = Index::start(
            &path,
            connection,
            Arc::clone(&blobs),
            Arc::clone(&pins),
            Arc::clone(&subscribers),
        )?;
        Ok(Self {
            index,
            pins,
            blobs,
            subscribers,
            lock,
        })
    }

    /// Waits until nobody uses the store any more and it can be opened again.
    pub(crate) async fn closed(self: Arc<Self>) {
        let mut released = self.lock.released.subscribe();
        drop(self);
        // Nothing is ever sent.
        let _ = released.changed().await;
    }

    pub(crate) fn subscribe(&self, bucket: &str, prefix: &str) -> UnboundedReceiver<ObjectEvent> {
        self.subscribers.subscribe(bucket, prefix)
    }

    /// A new, empty blob. It blocks: not for an async task.
    pub(crate) fn create_blob(&self) -> io::Result<NewBlob> {
        self.blobs.create()
    }

    /// Runs `work`, which reads the index, where it may block.
    async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let store = Arc::clone(self);
        blocking(move || store.index.read(|connection| work(&store, connection))).await
    }
}

impl Lock {
    fn take(path: &Path) -> Result<Self, StoreError> {
        let file = File::create(path)?;
        file.try_lock().map_err(|err| match err {
            std::fs::TryLockError::WouldBlock => StoreError::InUse,
            std::fs::TryLockError::Error(err) => err.into(),
        })?;
        let (released, _) = watch::channel(());
        Ok(Self { file, released })
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: a child that was forked this moment has it too, until it becomes another program.
    fn drop(&mut self) {
        if let Err(err) = self.file.unlock() {
            tracing::warn!(error = %err, "the store stays locked: {err}");
        }
    }
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(err) => match err.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down.
            Err(err) => Err(io::Error::other(err).into()),
        },
    }
}

#[cfg(test)]
mod tests;
