//! Parts of uploads: rows of the index.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::StoreError;
use super::content::{self, from_row, to_row};
use super::index::Transaction;
use crate::digest::Digests;
use crate::time::{now_ms, system_time};

/// A part of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) number: u16,
    pub(crate) size: u64,
    pub(crate) md5: Vec<u8>,
    /// Of the upload's algorithm.
    pub(crate) checksum: Vec<u8>,
    pub(crate) modified: SystemTime,
    pub(super) content_id: Option<i64>,
}

impl Part {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            size: from_row(row.get(1)?),
            md5: row.get(2)?,
            checksum: row.get(3)?,
            modified: system_time(row.get(4)?),
            content_id: row.get(5)?,
        })
    }
}

/// Makes a content the bytes of a part of an upload, in place of those it had.
pub(super) fn set(
    tx: &mut Transaction<'_>,
    upload_content_id: i64,
    number: u16,
    content_id: i64,
    size: u64,
    digests: &Digests,
) -> Result<Part, StoreError> {
    let before: Option<i64> = {
        let mut select = tx.prepare_cached(
            "SELECT part_content_id FROM parts WHERE content_id = ?1 AND number = ?2",
        )?;
        let before = select.query_row(params![upload_content_id, number], |row| row.get(0));
        before.optional()?
    };
    if let Some(before) = before {
        content::delete(tx, before)?;
    }
    let modified_ms = now_ms();
    let mut insert = tx
        .prepare_cached("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)")?;
    insert.execute(params![
        upload_content_id,
        number,
        to_row(size),
        digests.md5,
        digests.checksum,
        modified_ms,
        content_id,
    ])?;
    Ok(Part {
        number,
        size,
        md5: digests.md5.to_vec(),
        checksum: digests.checksum.clone(),
        modified: system_time(modified_ms),
        content_id: Some(content_id),
    })
}

/// Deletes the parts of an upload, and their bytes.
pub(super) fn delete_all(tx: &mut Transaction<'_>, content_id: i64) -> Result<(), StoreError> {
    let parts: Vec<Option<i64>> = {
        let mut delete =
            tx.prepare_cached("DELETE FROM parts WHERE content_id = ?1 RETURNING part_content_id")?;
        let parts = delete.query_map([content_id], |row| row.get(0))?;
        parts.collect::<Result<_, _>>()?
    };
    for part in parts.into_iter().flatten() {
        content::delete(tx, part)?;
    }
    Ok(())
}

/// At most `limit` parts, by number, with numbers larger than `after`.
pub(super) fn select(
    connection: &Connection,
    content_id: i64,
    after: u16,
    limit: usize,
) -> Result<Vec<Part>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT number, size, md5, checksum, modified_ms, part_content_id FROM parts
         WHERE content_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
    )?;
    let parts = select.query_map(params![content_id, after, limit], Part::from_row)?;
    Ok(parts.collect::<Result<_, _>>()?)
}
