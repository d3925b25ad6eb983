//! Contents: the bytes of objects and parts, as lists of extents.

use std::collections::BTreeSet;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;
use super::blob::{BlobId, NewBlob};
use super::index::Transaction;

/// A piece of a blob, at a position of a content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Extent {
    pub(crate) position: u64,
    pub(crate) length: u64,
    pub(crate) blob: BlobId,
    pub(crate) blob_offset: u64,
}

/// The largest number of a blob that the index names.
pub(super) fn last_blob(connection: &Connection) -> Result<u64, StoreError> {
    let last: Option<i64> =
        connection.query_row("SELECT max(blob_id) FROM extents", [], |row| row.get(0))?;
    Ok(last.map_or(0, from_row))
}

/// The blobs with these numbers that the index names.
pub(super) fn blobs_between(
    connection: &Connection,
    numbers: Range<u64>,
) -> Result<BTreeSet<BlobId>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT DISTINCT blob_id FROM extents WHERE blob_id >= ?1 AND blob_id < ?2",
    )?;
    let blobs = select.query_map([to_row(numbers.start), to_row(numbers.end)], |row| {
        Ok(BlobId(from_row(row.get(0)?)))
    })?;
    Ok(blobs.collect::<Result<_, _>>()?)
}

/// The extents that hold `range` of a content, cut to it.
pub(crate) fn extents(
    connection: &Connection,
    content_id: i64,
    range: &Range<u64>,
) -> Result<Vec<Extent>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT position, length, blob_id, blob_offset FROM extents
         WHERE content_id = ?1 AND position < ?3 AND position >= coalesce(
             (SELECT max(position) FROM extents WHERE content_id = ?1 AND position <= ?2), 0)
         ORDER BY position",
    )?;
    let bounds = params![content_id, to_row(range.start), to_row(range.end)];
    let extents = select.query_map(bounds, |row| {
        let whole = Extent {
            position: from_row(row.get(0)?),
            length: from_row(row.get(1)?),
            blob: BlobId(from_row(row.get(2)?)),
            blob_offset: from_row(row.get(3)?),
        };
        let from = whole.position.max(range.start);
        let to = (whole.position + whole.length).min(range.end);
        Ok(Extent {
            position: from,
            length: to.saturating_sub(from),
            blob: whole.blob,
            blob_offset: whole.blob_offset + (from - whole.position),
        })
    })?;
    Ok(extents.collect::<Result<_, _>>()?)
}

/// Makes `blob` the bytes of a new content, and returns its number. Without a blob it has no bytes.
pub(super) fn create(tx: &mut Transaction<'_>, blob: Option<NewBlob>) -> Result<i64, StoreError> {
    let content_id = tx.next_number()?;
    if let Some(blob) = blob {
        let whole = Extent {
            position: 0,
            length: blob.size(),
            blob: blob.id(),
            blob_offset: 0,
        };
        insert(tx, content_id, &whole)?;
        tx.adopt(blob);
    }
    Ok(content_id)
}

/// Makes a new content of extents that other contents have too.
pub(super) fn share(tx: &mut Transaction<'_>, extents: &[Extent]) -> Result<i64, StoreError> {
    let content_id = tx.next_number()?;
    let start = extents.first().map_or(0, |first| first.position);
    for extent in extents {
        let position = extent.position - start;
        insert(
            tx,
            content_id,
            &Extent {
                position,
                ..*extent
            },
        )?;
    }
    Ok(content_id)
}

/// Appends the bytes of one content to another, at `position`.
pub(super) fn append(
    tx: &mut Transaction<'_>,
    from: i64,
    to: i64,
    position: u64,
) -> Result<(), StoreError> {
    let mut update = tx.prepare_cached(
        "UPDATE extents SET content_id = ?2, position = position + ?3 WHERE content_id = ?1",
    )?;
    update.execute(params![from, to, to_row(position)])?;
    Ok(())
}

/// Forgets a content, and removes the blobs that no other content has.
pub(super) fn delete(tx: &mut Transaction<'_>, content_id: i64) -> Result<(), StoreError> {
    let blobs: Vec<i64> = {
        let mut delete =
            tx.prepare_cached("DELETE FROM extents WHERE content_id = ?1 RETURNING blob_id")?;
        let blobs = delete.query_map([content_id], |row| row.get(0))?;
        blobs.collect::<Result<_, _>>()?
    };
    let mut unused = Vec::new();
    {
        let mut used = tx.prepare_cached("SELECT 1 FROM extents WHERE blob_id = ?1 LIMIT 1")?;
        // A content may have several pieces of one blob.
        for blob in BTreeSet::from_iter(blobs) {
            if used.query_row([blob], |_| Ok(())).optional()?.is_none() {
                unused.push(BlobId(from_row(blob)));
            }
        }
    }
    for blob in unused {
        tx.doom(blob);
    }
    Ok(())
}

fn insert(tx: &Transaction<'_>, content_id: i64, extent: &Extent) -> Result<(), StoreError> {
    let mut insert = tx.prepare_cached("INSERT INTO extents VALUES (?1, ?2, ?3, ?4, ?5)")?;
    insert.execute(params![
        content_id,
        to_row(extent.position),
        to_row(extent.length),
        to_row(extent.blob.0),
        to_row(extent.blob_offset),
    ])?;
    Ok(())
}

/// A number as the index stores it.
pub(super) fn to_row(number: u64) -> i64 {
    i64::try_from(number).expect("sizes and numbers of blobs are far below 2^63")
}

/// A number that [`to_row`] stored.
pub(super) fn from_row(number: i64) -> u64 {
    u64::try_from(number).expect("only sizes and numbers that are not negative are stored")
}
