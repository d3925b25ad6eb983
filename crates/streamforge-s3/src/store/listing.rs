//! Listing what is in a bucket.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::bucket;
use super::object::{COLUMNS, Object};
use super::{Store, StoreError};

/// Which keys to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    /// Keys that have it behind the prefix are rolled up into what precedes and includes it.
    pub(crate) delimiter: Option<String>,
    /// Where to begin.
    pub(crate) from: From,
    /// Most keys and common prefixes to return.
    pub(crate) limit: usize,
}

/// A position between two keys: it comes before this one, which need not be text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct From(pub(crate) Vec<u8>);

impl From {
    /// Right after `key`.
    pub(crate) fn after(key: &str) -> Self {
        let mut key = key.as_bytes().to_vec();
        key.push(0);
        Self(key)
    }

    /// After every key that begins with `prefix`.
    fn after_all(prefix: &str) -> Self {
        let mut prefix = prefix.as_bytes().to_vec();
        // The last byte of UTF-8 is never the largest one.
        if let Some(last) = prefix.last_mut() {
            *last += 1;
        }
        Self(prefix)
    }
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) objects: Vec<(String, Object)>,
    /// In order, each once.
    pub(crate) common_prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<From>,
}

impl Listing {
    fn len(&self) -> usize {
        self.objects.len() + self.common_prefixes.len()
    }
}

/// What `key` is rolled up into, if it is.
pub(super) fn common_prefix<'k>(
    key: &'k str,
    prefix: &str,
    delimiter: Option<&str>,
) -> Option<&'k str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

impl Store {
    pub(crate) async fn list(self: &Arc<Self>, listed: Listed) -> Result<Listing, StoreError> {
        self.read(move |_, connection| list(connection, &listed))
            .await
    }
}

fn list(connection: &Connection, listed: &Listed) -> Result<Listing, StoreError> {
    let bucket_id = bucket::find_id(connection, &listed.bucket)?;
    let mut listing = Listing::default();
    if listed.limit == 0 {
        return Ok(listing);
    }
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, key FROM objects WHERE bucket_id = ?1 AND key >= ?2 ORDER BY key"
    ))?;
    let mut from = listed
        .from
        .0
        .clone()
        .max(listed.prefix.clone().into_bytes());
    // Each round ends where a common prefix begins, and the next one leaps over its keys.
    'leap: loop {
        let mut rows = select.query(params![bucket_id, from])?;
        while let Some(row) = rows.next()? {
            let key = row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?;
            let key = std::str::from_utf8(key).map_err(rusqlite::Error::from)?;
            if !key.starts_with(&listed.prefix) {
                return Ok(listing);
            }
            if listing.len() == listed.limit {
                listing.next = Some(From(key.as_bytes().to_vec()));
                return Ok(listing);
            }
            match common_prefix(key, &listed.prefix, listed.delimiter.as_deref()) {
                Some(common) => {
                    listing.common_prefixes.push(common.to_owned());
                    from = From::after_all(common).0;
                    continue 'leap;
                }
                None => listing
                    .objects
                    .push((key.to_owned(), Object::from_row(row)?)),
            }
        }
        return Ok(listing);
    }
}
