//! The files that hold the bytes.
//!
//! A blob is written once and never changed. Its file has its final name from the start: what makes it
//! exist is a row of the index, written after its bytes are on disk. What a crash leaves behind is found
//! by comparing the folder with the index.
//!
//! Numbers grow, and 4096 neighbours share a folder, so blobs that are committed together mostly need one
//! folder to be synced.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Blobs in one folder.
const FOLDER_BLOBS: u64 = 4096;

/// The number that names a blob's file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct BlobId(pub(crate) u64);

impl BlobId {
    fn folder(self) -> Folder {
        Folder(self.0 / FOLDER_BLOBS)
    }
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Folder(u64);

impl Folder {
    fn name(self) -> String {
        format!("{:08x}", self.0)
    }
}

/// The folder `blobs/`, with files `blobs/{folder:08x}/{blob:012x}`.
#[derive(Debug)]
pub(crate) struct BlobFolder {
    root: PathBuf,
    /// The next blob's number.
    next: AtomicU64,
    /// Folders below this one have durable names.
    synced: AtomicU64,
    /// Bytes of the file system that uploads must leave free.
    reserve_bytes: u64,
}

impl BlobFolder {
    /// Opens `root`, and removes every blob that is not `used`.
    ///
    /// `used` gets a range of numbers and answers which of them the index knows.
    pub(crate) fn open<E: From<io::Error>>(
        root: &Path,
        reserve_bytes: u64,
        last_used: u64,
        mut used: impl FnMut(std::ops::Range<u64>) -> Result<BTreeSet<BlobId>, E>,
    ) -> Result<Self, E> {
        fs::create_dir_all(root)?;
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let Some(folder) = parse_hex(&entry.file_name()) else {
                continue;
            };
            let first = folder * FOLDER_BLOBS;
            let used = used(first..first + FOLDER_BLOBS)?;
            let orphans = remove_orphans(&entry.path(), &used)?;
            if orphans > 0 {
                tracing::info!(orphans, "removed blobs of uploads that were cut short");
            }
            if used.is_empty() {
                fs::remove_dir(entry.path())?;
            }
        }
        Ok(Self {
            root: root.to_owned(),
            next: AtomicU64::new(last_used + 1),
            synced: AtomicU64::new(0),
            reserve_bytes,
        })
    }

    /// A new, empty blob.
    pub(crate) fn create(self: &Arc<Self>) -> io::Result<NewBlob> {
        self.check_room()?;
        let id = BlobId(self.next.fetch_add(1, Ordering::Relaxed));
        let path = self.path(id);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = match options.open(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                // Another upload may make it at the same time.
                fs::create_dir_all(self.root.join(id.folder().name()))?;
                options.open(&path)?
            }
            opened => opened?,
        };
        Ok(NewBlob {
            folder: Arc::clone(self),
            id,
            file,
            size: 0,
            kept: false,
        })
    }

    /// Opens a blob for reading.
    pub(crate) fn open_blob(&self, id: BlobId) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Removes a blob's file.
    pub(crate) fn remove(&self, id: BlobId) {
        if let Err(err) = fs::remove_file(self.path(id)) {
            // It wastes space until the store is opened again, and nothing else.
            tracing::warn!(error = %err, blob = id.0, "cannot remove a blob: {err}");
        }
    }

    /// Makes the names of `blobs` durable.
    pub(crate) fn sync_names(&self, blobs: impl Iterator<Item = BlobId>) -> io::Result<()> {
        let folders: BTreeSet<_> = blobs.map(BlobId::folder).collect();
        for folder in &folders {
            File::open(self.root.join(folder.name()))?.sync_all()?;
        }
        if let Some(Folder(last)) = folders.last()
            && self.synced.load(Ordering::Relaxed) <= *last
        {
            File::open(&self.root)?.sync_all()?;
            self.synced.store(last + 1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Refuses when uploads have left no more than the reserve, which the index needs: on a disk that is
    /// full to the last byte not even a deletion could be recorded.
    fn check_room(&self) -> io::Result<()> {
        let room = rustix::fs::statvfs(&self.root)?;
        let free_bytes = room.f_bavail.saturating_mul(room.f_frsize);
        if free_bytes <= self.reserve_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn path(&self, id: BlobId) -> PathBuf {
        self.root
            .join(id.folder().name())
            .join(format!("{:012x}", id.0))
    }
}

/// Whether there is nothing in the folder of blobs, or no such folder.
pub(super) fn is_empty(root: &Path) -> io::Result<bool> {
    match fs::read_dir(root) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(err) => Err(err),
    }
}

fn remove_orphans(folder: &Path, used: &BTreeSet<BlobId>) -> io::Result<usize> {
    let mut found = BTreeSet::new();
    let mut orphans = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match parse_hex(&entry.file_name()).map(BlobId) {
            Some(id) if used.contains(&id) => {
                found.insert(id);
            }
            _ => match fs::remove_file(entry.path()) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
                _ => orphans += 1,
            },
        }
    }
    for lost in used.difference(&found) {
        // Nothing here deletes a blob that the index names, so somebody else did.
        tracing::error!(
            blob = lost.0,
            "a blob is missing: its object cannot be read"
        );
    }
    Ok(orphans)
}

fn parse_hex(name: &std::ffi::OsStr) -> Option<u64> {
    u64::from_str_radix(name.to_str()?, 16).ok()
}

/// A blob that is being written. Dropping it removes its file, unless it was kept.
#[derive(Debug)]
pub(crate) struct NewBlob {
    folder: Arc<BlobFolder>,
    id: BlobId,
    file: File,
    size: u64,
    kept: bool,
}

impl NewBlob {
    pub(crate) fn id(&self) -> BlobId {
        self.id
    }

    /// Bytes written so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn append(&mut self, pieces: &[bytes::Bytes]) -> io::Result<()> {
        self.folder.check_room()?;
        for piece in pieces {
            self.file.write_all(piece)?;
            self.size += piece.len() as u64;
        }
        Ok(())
    }

    /// Makes the bytes durable, not the name.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Leaves the file in place: the index names it now, or may.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        if !self.kept {
            self.folder.remove(self.id);
        }
    }
}
