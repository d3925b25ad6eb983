//! Copying: the new content has the extents of the old one, so no bytes are written.

use std::ops::Range;
use std::sync::Arc;

use super::content::{self, Extent};
use super::index::Transaction;
use super::object::{self, Headers, Object, Place};
use super::part::{self, Part};
use super::upload;
use super::{Store, StoreError, blocking, bucket};
use crate::digest::{Algorithm, Checksum, Digester, Digests, hex};
use crate::event::EventKind;
use crate::time::{now_ms, system_time};

impl Store {
    /// The digests of `range` of an object. Reads its bytes.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchKey`]: it was deleted or replaced since it was found.
    pub(crate) async fn digest(
        self: &Arc<Self>,
        object: &Object,
        range: Range<u64>,
        algorithm: Algorithm,
    ) -> Result<Digests, StoreError> {
        let store = Arc::clone(self);
        let content_id = object.content_id;
        blocking(move || {
            let cursor = store.cursor(content_id, &range)?;
            let mut cursor = cursor.ok_or(StoreError::NoSuchKey)?;
            let mut digester = Digester::new(algorithm);
            loop {
                let bytes = cursor.read()?;
                if bytes.is_empty() {
                    return Ok(digester.finish());
                }
                digester.update(&bytes);
            }
        })
        .await
    }

    /// Copies an object, whose digests are known, to a key, which may be its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchKey`]: it was deleted or replaced since it was found.
    pub(crate) async fn copy(
        &self,
        from: Object,
        to: Place,
        digests: Digests,
        headers: Headers,
    ) -> Result<Object, StoreError> {
        let copy = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &to.bucket)?;
            let extents = whole(tx, &from, 0..from.size)?;
            let modified_ms = now_ms();
            let object = Object {
                content_id: content::share(tx, &extents)?,
                size: from.size,
                etag: hex(&digests.md5),
                modified: system_time(modified_ms),
                headers,
                checksum: Checksum::of_whole(digests.algorithm, &digests.checksum),
                part_count: None,
            };
            object::replace(tx, bucket_id, &to, &object, EventKind::Copy, modified_ms)?;
            Ok(object)
        };
        self.index.write(copy).await
    }

    /// Copies `range` of an object, whose digests are known, into a part of an upload.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchKey`]: it was deleted or replaced since it was found.
    pub(crate) async fn copy_part(
        &self,
        from: Object,
        range: Range<u64>,
        to: Place,
        upload_id: String,
        number: u16,
        digests: Digests,
    ) -> Result<Part, StoreError> {
        let copy = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &to.bucket)?;
            let upload = upload::find(tx, bucket_id, &to.key, &upload_id)?;
            let extents = whole(tx, &from, range.clone())?;
            let content_id = content::share(tx, &extents)?;
            let size = range.end - range.start;
            part::set(tx, upload.content_id, number, content_id, size, &digests)
        };
        self.index.write(copy).await
    }
}

/// The extents of `range` of an object that may be gone.
fn whole(
    tx: &Transaction<'_>,
    object: &Object,
    range: Range<u64>,
) -> Result<Vec<Extent>, StoreError> {
    let extents = content::extents(tx, object.content_id, &range)?;
    let found: u64 = extents.iter().map(|extent| extent.length).sum();
    if found != range.end - range.start {
        return Err(StoreError::NoSuchKey);
    }
    Ok(extents)
}
