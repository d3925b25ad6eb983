//! Blobs that must outlive their rows, because somebody is reading them.

use std::collections::HashMap;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::blob::{BlobFolder, BlobId};

/// Who reads what, and the thread that removes what nobody reads and no row names.
#[derive(Debug)]
pub(crate) struct Pins {
    read: Mutex<HashMap<BlobId, Pin>>,
    doomed: Option<Sender<BlobId>>,
    remover: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Pin {
    readers: usize,
    /// Its last row is gone: the last reader removes it.
    doomed: bool,
}

impl Pins {
    pub(crate) fn new(blobs: Arc<BlobFolder>) -> std::io::Result<Self> {
        let (doomed, removals) = mpsc::channel();
        // A thread of its own, because removing a large file takes long and many are removed at once.
        let remover = std::thread::Builder::new()
            .name("s3-remove".to_owned())
            .spawn(move || removals.iter().for_each(|blob| blobs.remove(blob)))?;
        Ok(Self {
            read: Mutex::default(),
            doomed: Some(doomed),
            remover: Some(remover),
        })
    }

    /// Pins the blobs that `find` reads from the index.
    ///
    /// The lock is held meanwhile: between the reading and the pinning no blob can be removed, since
    /// [`Self::doom`] is called after a row is gone and takes the same lock.
    pub(crate) fn pin<T, E>(
        self: &Arc<Self>,
        find: impl FnOnce() -> Result<T, E>,
        blobs: impl FnOnce(&T) -> Vec<BlobId>,
    ) -> Result<(T, Pinned), E> {
        let mut read = self.lock();
        let found = find()?;
        let blobs = blobs(&found);
        for blob in &blobs {
            read.entry(*blob).or_default().readers += 1;
        }
        let pinned = Pinned {
            pins: Arc::clone(self),
            blobs,
        };
        Ok((found, pinned))
    }

    /// Removes `blobs`, each as soon as nobody reads it. The index no longer names them.
    pub(crate) fn doom(&self, blobs: impl Iterator<Item = BlobId>) {
        let mut read = self.lock();
        for blob in blobs {
            match read.get_mut(&blob) {
                Some(pin) => pin.doomed = true,
                None => self.remove(blob),
            }
        }
    }

    fn unpin(&self, blobs: &[BlobId]) {
        let mut read = self.lock();
        for blob in blobs {
            let Some(pin) = read.get_mut(blob) else {
                continue;
            };
            pin.readers -= 1;
            if pin.readers == 0 {
                if pin.doomed {
                    self.remove(*blob);
                }
                read.remove(blob);
            }
        }
    }

    fn remove(&self, blob: BlobId) {
        if let Some(doomed) = &self.doomed {
            // It ends only with `self`.
            let _ = doomed.send(blob);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BlobId, Pin>> {
        // Every change is complete in itself, so a panic elsewhere leaves the map right.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        self.doomed = None;
        if let Some(remover) = self.remover.take() {
            let _ = remover.join();
        }
    }
}

/// Blobs that are not removed before this is dropped.
#[derive(Debug)]
pub(crate) struct Pinned {
    pins: Arc<Pins>,
    blobs: Vec<BlobId>,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        self.pins.unpin(&self.blobs);
    }
}
