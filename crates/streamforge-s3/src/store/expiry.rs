//! Deleting what is old.

use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, params};

use super::index::Transaction;
use super::upload::Upload;
use super::{Store, StoreError, bucket, object, upload};
use crate::time::unix_ms;

/// Objects deleted in one transaction, so that uploads need not wait long.
const OBJECTS: usize = 200;

impl Store {
    /// Deletes the objects under a prefix that were written before a time, and counts them.
    pub(crate) async fn expire_objects(
        self: &Arc<Self>,
        bucket: &str,
        prefix: &str,
        before: SystemTime,
    ) -> Result<usize, StoreError> {
        let mut deleted = 0;
        let mut last_key = String::new();
        loop {
            let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
            let after = std::mem::take(&mut last_key);
            let batch = move |tx: &mut Transaction<'_>| {
                let bucket_id = bucket::find_id(tx, &bucket)?;
                let keys: Vec<String> = {
                    let mut select = tx.prepare_cached(
                        "SELECT CAST(key AS TEXT) FROM objects WHERE bucket_id = ?1 AND key > ?2
                         AND substr(key, 1, length(?3)) = ?3 AND modified_ms < ?4
                         ORDER BY key LIMIT ?5",
                    )?;
                    let due = params![
                        bucket_id,
                        after.as_bytes(),
                        prefix.as_bytes(),
                        unix_ms(before),
                        OBJECTS
                    ];
                    let keys = select.query_map(due, |row| row.get(0))?;
                    keys.collect::<Result<_, _>>()?
                };
                for key in &keys {
                    object::delete(tx, bucket_id, key)?;
                }
                Ok(keys)
            };
            let mut keys = self.index.write(batch).await?;
            deleted += keys.len();
            match keys.pop() {
                Some(key) => last_key = key,
                None => return Ok(deleted),
            }
        }
    }

    /// Aborts the uploads under a prefix that were created before a time, and counts them: one in a transaction, for each may have ten
    /// thousand parts.
    pub(crate) async fn expire_uploads(
        self: &Arc<Self>,
        bucket: &str,
        prefix: &str,
        before: SystemTime,
    ) -> Result<usize, StoreError> {
        let mut aborted = 0;
        loop {
            let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
            let one = move |tx: &mut Transaction<'_>| {
                let bucket_id = bucket::find_id(tx, &bucket)?;
                let upload = {
                    let mut select = tx.prepare_cached(&format!(
                        "SELECT {} FROM uploads WHERE bucket_id = ?1
                         AND substr(key, 1, length(?2)) = ?2 AND initiated_ms < ?3 LIMIT 1",
                        upload::COLUMNS
                    ))?;
                    let due = params![bucket_id, prefix.as_bytes(), unix_ms(before)];
                    select.query_row(due, Upload::from_row).optional()?
                };
                if let Some(upload) = &upload {
                    upload::abort(tx, upload)?;
                }
                Ok(upload.is_some())
            };
            if !self.index.write(one).await? {
                return Ok(aborted);
            }
            aborted += 1;
        }
    }

    /// Forgets which uploads were completed before a time.
    pub(crate) async fn forget_completions(&self, before: SystemTime) -> Result<(), StoreError> {
        let forget = move |tx: &mut Transaction<'_>| {
            let mut delete =
                tx.prepare_cached("DELETE FROM completions WHERE completed_ms < ?1")?;
            delete.execute([unix_ms(before)])?;
            Ok(())
        };
        self.index.write(forget).await
    }
}
