//! Buckets and their settings.

use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::index::Transaction;
use super::json::{from_json, to_json};
use super::part;
use super::{Store, StoreError};
use crate::cors::CorsRule;
use crate::lifecycle::LifecycleRule;
use crate::time::{now_ms, system_time};

/// A bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) created: SystemTime,
    /// Rules for requests from other origins, in the order in which they are tried.
    pub(crate) cors: Option<Vec<CorsRule>>,
    /// What is deleted when.
    pub(crate) lifecycle: Option<Vec<LifecycleRule>>,
}

impl Bucket {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            created: system_time(row.get(1)?),
            cors: from_json(row, 2)?,
            lifecycle: from_json(row, 3)?,
        })
    }
}

const COLUMNS: &str = "name, created_ms, cors, lifecycle";

/// Finds a bucket.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Bucket, StoreError> {
    let mut select =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM buckets WHERE name = ?1"))?;
    let bucket = select.query_row([name], Bucket::from_row).optional()?;
    bucket.ok_or(StoreError::NoSuchBucket)
}

/// The number of a bucket's row.
pub(super) fn find_id(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    let mut select = connection.prepare_cached("SELECT id FROM buckets WHERE name = ?1")?;
    let id = select.query_row([name], |row| row.get(0)).optional()?;
    id.ok_or(StoreError::NoSuchBucket)
}

impl Store {
    /// Creates a bucket, if it is not there.
    pub(crate) async fn create_bucket(&self, name: String) -> Result<(), StoreError> {
        let create = move |tx: &mut Transaction<'_>| {
            tx.execute(
                "INSERT INTO buckets (name, created_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![name, now_ms()],
            )?;
            Ok(())
        };
        self.index.write(create).await
    }

    /// Deletes a bucket without objects. Uploads to it are aborted.
    pub(crate) async fn delete_bucket(&self, name: String) -> Result<(), StoreError> {
        let delete = move |tx: &mut Transaction<'_>| {
            let id = find_id(tx, &name)?;
            let mut any =
                tx.prepare_cached("SELECT 1 FROM objects WHERE bucket_id = ?1 LIMIT 1")?;
            if any.exists([id])? {
                return Err(StoreError::BucketNotEmpty);
            }
            drop(any);
            let uploads: Vec<i64> = {
                let mut delete = tx.prepare_cached(
                    "DELETE FROM uploads WHERE bucket_id = ?1 RETURNING content_id",
                )?;
                let contents = delete.query_map([id], |row| row.get(0))?;
                contents.collect::<Result<_, _>>()?
            };
            for content_id in uploads {
                part::delete_all(tx, content_id)?;
            }
            tx.execute("DELETE FROM completions WHERE bucket_id = ?1", [id])?;
            tx.execute("DELETE FROM buckets WHERE id = ?1", [id])?;
            Ok(())
        };
        self.index.write(delete).await
    }

    pub(crate) async fn bucket(self: &Arc<Self>, name: String) -> Result<Bucket, StoreError> {
        self.read(move |_, connection| find(connection, &name))
            .await
    }

    /// Every bucket, by name.
    pub(crate) async fn buckets(self: &Arc<Self>) -> Result<Vec<Bucket>, StoreError> {
        self.read(|_, connection| {
            let mut select = connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM buckets ORDER BY name"))?;
            let buckets = select.query_map([], Bucket::from_row)?;
            Ok(buckets.collect::<Result<_, _>>()?)
        })
        .await
    }

    pub(crate) async fn set_cors(
        &self,
        bucket: String,
        rules: Option<Vec<CorsRule>>,
    ) -> Result<(), StoreError> {
        let set = move |tx: &mut Transaction<'_>| {
            let rules = rules.as_ref().map(to_json);
            let mut update = tx.prepare_cached("UPDATE buckets SET cors = ?2 WHERE name = ?1")?;
            found(update.execute(params![bucket, rules])?)
        };
        self.index.write(set).await
    }

    pub(crate) async fn set_lifecycle(
        &self,
        bucket: String,
        rules: Option<Vec<LifecycleRule>>,
    ) -> Result<(), StoreError> {
        let set = move |tx: &mut Transaction<'_>| {
            let rules = rules.as_ref().map(to_json);
            let mut update =
                tx.prepare_cached("UPDATE buckets SET lifecycle = ?2 WHERE name = ?1")?;
            found(update.execute(params![bucket, rules])?)
        };
        self.index.write(set).await
    }
}

fn found(rows: usize) -> Result<(), StoreError> {
    if rows == 0 {
        return Err(StoreError::NoSuchBucket);
    }
    Ok(())
}
