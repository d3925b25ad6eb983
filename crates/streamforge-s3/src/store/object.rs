//! Objects: what a key of a bucket holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::bucket;
use super::content::{self, from_row, to_row};
use super::index::Transaction;
use super::json::{from_json, to_json};
use super::{NewBlob, Store, StoreError};
use crate::digest::{Algorithm, Checksum, ChecksumKind, Digests, hex};
use crate::event::{EventKind, ObjectEvent};
use crate::time::{now_ms, system_time};

/// Headers that are stored with an object and returned with it, and the user's metadata.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Headers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    /// As it was written: S3 does not parse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    /// `x-amz-meta-…`, without that prefix.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// An object, without its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(super) content_id: i64,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified: SystemTime,
    pub(crate) headers: Headers,
    pub(crate) checksum: Checksum,
    /// How many parts it was uploaded in, if it was.
    pub(crate) part_count: Option<u32>,
}

pub(super) const COLUMNS: &str = "content_id, size, etag, modified_ms, headers, part_count, \
     checksum_algorithm, checksum_type, checksum";

impl Object {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            content_id: row.get(0)?,
            size: from_row(row.get(1)?),
            etag: row.get(2)?,
            modified: system_time(row.get(3)?),
            headers: from_json(row, 4)?,
            part_count: row.get(5)?,
            checksum: checksum_from_row(row, 6)?,
        })
    }
}

/// Reads a checksum from three columns, of which `first` is the first.
pub(super) fn checksum_from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Checksum> {
    Ok(Checksum {
        algorithm: named(row, first, Algorithm::from_name)?,
        kind: named(row, first + 1, ChecksumKind::from_name)?,
        value: row.get(first + 2)?,
    })
}

/// Reads a name that the index has from us.
pub(super) fn named<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let name: String = row.get(column)?;
    parse(&name).ok_or_else(|| {
        let err = format!("unknown name {name}");
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, err.into())
    })
}

/// What must be true of the object that is there when another one is to take its place or it is to go.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Condition {
    #[default]
    None,
    /// `If-None-Match: *`: there is none.
    Absent,
    /// `If-Match`: there is one with this entity tag.
    Matches(String),
}

impl Condition {
    pub(super) fn check(&self, there: Option<&Object>) -> Result<(), StoreError> {
        match (self, there) {
            (Self::Absent, Some(_)) => Err(StoreError::PreconditionFailed {
                condition: "If-None-Match",
            }),
            (Self::Matches(_), None) => Err(StoreError::NoSuchKey),
            (Self::Matches(etag), Some(there)) if *etag != there.etag => {
                Err(StoreError::PreconditionFailed {
                    condition: "If-Match",
                })
            }
            _ => Ok(()),
        }
    }
}

/// A key of a bucket, as the writer looks for it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// Finds an object by its bucket's number.
pub(super) fn find(
    connection: &Connection,
    bucket_id: i64,
    key: &str,
) -> Result<Option<Object>, StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM objects WHERE bucket_id = ?1 AND key = ?2"
    ))?;
    let object = select.query_row(params![bucket_id, key.as_bytes()], Object::from_row);
    Ok(object.optional()?)
}

/// Puts `object` at `key`, in place of what is there, and tells the subscribers.
pub(super) fn replace(
    tx: &mut Transaction<'_>,
    bucket_id: i64,
    place: &Place,
    object: &Object,
    kind: EventKind,
    modified_ms: i64,
) -> Result<(), StoreError> {
    delete(tx, bucket_id, &place.key)?;
    let mut insert = tx.prepare_cached(&format!(
        "INSERT INTO objects (bucket_id, key, {COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    ))?;
    insert.execute(params![
        bucket_id,
        place.key.as_bytes(),
        object.content_id,
        to_row(object.size),
        object.etag,
        modified_ms,
        to_json(&object.headers),
        object.part_count,
        object.checksum.algorithm.name(),
        object.checksum.kind.name(),
        object.checksum.value,
    ])?;
    drop(insert);
    let sequencer = tx.next_number()?;
    tx.publish(ObjectEvent {
        kind,
        bucket: place.bucket.clone(),
        key: place.key.clone(),
        size: object.size,
        etag: object.etag.clone(),
        sequencer: format!("{sequencer:016X}"),
    });
    Ok(())
}

/// Deletes what is at `key`, if anything is.
pub(super) fn delete(
    tx: &mut Transaction<'_>,
    bucket_id: i64,
    key: &str,
) -> Result<(), StoreError> {
    let content_id: Option<i64> = {
        let mut delete = tx.prepare_cached(
            "DELETE FROM objects WHERE bucket_id = ?1 AND key = ?2 RETURNING content_id",
        )?;
        delete
            .query_row(params![bucket_id, key.as_bytes()], |row| row.get(0))
            .optional()?
    };
    if let Some(content_id) = content_id {
        content::delete(tx, content_id)?;
        let mut delete = tx.prepare_cached("DELETE FROM parts WHERE content_id = ?1")?;
        delete.execute([content_id])?;
    }
    Ok(())
}

impl Store {
    /// The object at a key.
    pub(crate) async fn object(self: &Arc<Self>, place: Place) -> Result<Object, StoreError> {
        self.read(move |_, connection| {
            let bucket_id = bucket::find_id(connection, &place.bucket)?;
            find(connection, bucket_id, &place.key)?.ok_or(StoreError::NoSuchKey)
        })
        .await
    }

    /// Whether an object may be put at a key now. It may no longer be so when its bytes are there.
    pub(crate) async fn check(
        self: &Arc<Self>,
        place: Place,
        condition: Condition,
    ) -> Result<(), StoreError> {
        self.read(move |_, connection| {
            let bucket_id = bucket::find_id(connection, &place.bucket)?;
            condition.check(find(connection, bucket_id, &place.key)?.as_ref())
        })
        .await
    }

    /// Puts an object that came in one piece. Its bytes are on disk; none when it has none.
    pub(crate) async fn put(
        &self,
        place: Place,
        blob: Option<NewBlob>,
        digests: Digests,
        headers: Headers,
        condition: Condition,
    ) -> Result<Object, StoreError> {
        let put = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &place.bucket)?;
            condition.check(find(tx, bucket_id, &place.key)?.as_ref())?;
            let modified_ms = now_ms();
            let object = Object {
                size: blob.as_ref().map_or(0, NewBlob::size),
                content_id: content::create(tx, blob)?,
                etag: hex(&digests.md5),
                modified: system_time(modified_ms),
                headers,
                checksum: Checksum::of_whole(digests.algorithm, &digests.checksum),
                part_count: None,
            };
            replace(tx, bucket_id, &place, &object, EventKind::Put, modified_ms)?;
            Ok(object)
        };
        self.index.write(put).await
    }

    /// Deletes what is at a key. That nothing is there is no error, unless the condition says so.
    pub(crate) async fn delete(
        &self,
        place: Place,
        condition: Condition,
    ) -> Result<(), StoreError> {
        let delete = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &place.bucket)?;
            condition.check(find(tx, bucket_id, &place.key)?.as_ref())?;
            delete(tx, bucket_id, &place.key)
        };
        self.index.write(delete).await
    }

    /// Deletes what is at several keys.
    pub(crate) async fn delete_all(
        &self,
        bucket: String,
        keys: Vec<String>,
    ) -> Result<(), StoreError> {
        let delete = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &bucket)?;
            keys.iter().try_for_each(|key| delete(tx, bucket_id, key))
        };
        self.index.write(delete).await
    }
}
