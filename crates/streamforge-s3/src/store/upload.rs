//! Uploads in parts.

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::bucket;
use super::content::{self, from_row};
use super::index::Transaction;
use super::json::{from_json, to_json};
use super::object::{self, Headers, Object, Place, named};
use super::part::{self, Part};
use super::{NewBlob, Store, StoreError};
use crate::digest::{Algorithm, ChecksumKind, Digests};
use crate::time::{now_ms, system_time};

pub(crate) mod complete;
mod listing;

pub(crate) use self::complete::{Completion, NamedPart};
pub(crate) use self::listing::{ListedUploads, UploadMarker};

/// Bytes that every part but the last has at least.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub(crate) const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;

/// An upload that is neither complete nor aborted.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) initiated: SystemTime,
    /// What its creator asked for, if anything.
    pub(crate) checksum: Option<(Algorithm, ChecksumKind)>,
    pub(super) content_id: i64,
    key_existed: bool,
    headers: Headers,
}

pub(super) const COLUMNS: &str =
    "id, content_id, initiated_ms, key_existed, headers, checksum_algorithm, checksum_type";

impl Upload {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let has_checksum = row.get_ref(5)? != rusqlite::types::ValueRef::Null;
        let checksum = if has_checksum {
            let algorithm = named(row, 5, Algorithm::from_name)?;
            Some((algorithm, named(row, 6, ChecksumKind::from_name)?))
        } else {
            None
        };
        Ok(Self {
            id: row.get(0)?,
            content_id: row.get(1)?,
            initiated: system_time(row.get(2)?),
            key_existed: row.get(3)?,
            headers: from_json(row, 4)?,
            checksum,
        })
    }

    /// What its parts are checked with.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.checksum
            .map(|(algorithm, _)| algorithm)
            .unwrap_or_default()
    }

    fn kind(&self) -> ChecksumKind {
        self.checksum
            .map_or(ChecksumKind::FullObject, |(_, kind)| kind)
    }
}

/// Finds an upload of a bucket's key.
pub(super) fn find(
    connection: &Connection,
    bucket_id: i64,
    key: &str,
    id: &str,
) -> Result<Upload, StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM uploads WHERE id = ?1 AND bucket_id = ?2 AND key = ?3"
    ))?;
    let upload = select.query_row(params![id, bucket_id, key.as_bytes()], Upload::from_row);
    upload.optional()?.ok_or(StoreError::NoSuchUpload)
}

/// Deletes an upload and all it has.
pub(super) fn abort(tx: &mut Transaction<'_>, upload: &Upload) -> Result<(), StoreError> {
    part::delete_all(tx, upload.content_id)?;
    let mut delete = tx.prepare_cached("DELETE FROM uploads WHERE id = ?1")?;
    delete.execute([&upload.id])?;
    Ok(())
}

impl Store {
    /// Creates an upload. `id` must be a new one.
    pub(crate) async fn create_upload(
        &self,
        place: Place,
        id: String,
        headers: Headers,
        checksum: Option<(Algorithm, ChecksumKind)>,
    ) -> Result<(), StoreError> {
        let create = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &place.bucket)?;
            let key_existed = object::find(tx, bucket_id, &place.key)?.is_some();
            let mut insert = tx.prepare_cached(
                "INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            insert.execute(params![
                id,
                bucket_id,
                place.key.as_bytes(),
                tx.next_number()?,
                now_ms(),
                key_existed,
                to_json(&headers),
                checksum.map(|(algorithm, _)| algorithm.name()),
                checksum.map(|(_, kind)| kind.name()),
            ])?;
            Ok(())
        };
        self.index.write(create).await
    }

    pub(crate) async fn upload(
        self: &Arc<Self>,
        place: Place,
        id: String,
    ) -> Result<Upload, StoreError> {
        self.read(move |_, connection| {
            let bucket_id = bucket::find_id(connection, &place.bucket)?;
            find(connection, bucket_id, &place.key, &id)
        })
        .await
    }

    /// Adds a part to an upload, or replaces it. Its bytes are on disk; none when it has none.
    pub(crate) async fn put_part(
        &self,
        place: Place,
        id: String,
        number: u16,
        blob: Option<NewBlob>,
        digests: Digests,
    ) -> Result<Part, StoreError> {
        let put = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &place.bucket)?;
            let upload = find(tx, bucket_id, &place.key, &id)?;
            let size = blob.as_ref().map_or(0, NewBlob::size);
            let content_id = content::create(tx, blob)?;
            part::set(tx, upload.content_id, number, content_id, size, &digests)
        };
        self.index.write(put).await
    }

    /// An upload, and at most `limit` of its parts, by number, with numbers larger than `after`.
    pub(crate) async fn parts(
        self: &Arc<Self>,
        place: Place,
        id: String,
        after: u16,
        limit: usize,
    ) -> Result<(Upload, Vec<Part>), StoreError> {
        self.read(move |_, connection| {
            let bucket_id = bucket::find_id(connection, &place.bucket)?;
            let upload = find(connection, bucket_id, &place.key, &id)?;
            let parts = part::select(connection, upload.content_id, after, limit)?;
            Ok((upload, parts))
        })
        .await
    }

    /// Where the bytes of a part are in an object that was uploaded in parts.
    pub(crate) async fn part_range(
        self: &Arc<Self>,
        object: &Object,
        number: u16,
    ) -> Result<Option<Range<u64>>, StoreError> {
        let content_id = object.content_id;
        self.read(move |_, connection| {
            let mut select = connection.prepare_cached(
                "SELECT position, size FROM parts WHERE content_id = ?1 AND number = ?2",
            )?;
            let range = select.query_row(params![content_id, number], |row| {
                let start = from_row(row.get(0)?);
                Ok(start..start + from_row(row.get(1)?))
            });
            Ok(range.optional()?)
        })
        .await
    }

    pub(crate) async fn abort_upload(&self, place: Place, id: String) -> Result<(), StoreError> {
        let abort = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &place.bucket)?;
            let upload = find(tx, bucket_id, &place.key, &id)?;
            abort(tx, &upload)
        };
        self.index.write(abort).await
    }
}
