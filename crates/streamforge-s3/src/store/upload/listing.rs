//! Listing the uploads of a bucket.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::{COLUMNS, Upload};
use crate::store::bucket;
use crate::store::listing::{From, common_prefix};
use crate::store::{Store, StoreError};

/// Which uploads to list: by key, and those of one key by their numbers, which is when they were created.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListedUploads {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) delimiter: Option<String>,
    pub(crate) after: Option<UploadMarker>,
    /// Most uploads and common prefixes to return.
    pub(crate) limit: usize,
}

/// The last of the uploads on a page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct UploadMarker {
    pub(crate) key: String,
    /// Without it, all uploads of the key come before.
    pub(crate) upload_id: Option<String>,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct UploadListing {
    pub(crate) uploads: Vec<(String, Upload)>,
    /// In order, each once.
    pub(crate) common_prefixes: Vec<String>,
    /// The end of this page, if there is another one.
    pub(crate) next: Option<UploadMarker>,
}

impl Store {
    pub(crate) async fn list_uploads(
        self: &Arc<Self>,
        listed: ListedUploads,
    ) -> Result<UploadListing, StoreError> {
        self.read(move |_, connection| list(connection, &listed))
            .await
    }
}

fn list(connection: &Connection, listed: &ListedUploads) -> Result<UploadListing, StoreError> {
    let bucket_id = bucket::find_id(connection, &listed.bucket)?;
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, key FROM uploads
         WHERE bucket_id = ?1 AND key >= ?2 AND (key, id) > (?3, ?4) ORDER BY key, id"
    ))?;
    let (key, id) = match &listed.after {
        None => (Vec::new(), String::new()),
        Some(UploadMarker { key, upload_id }) => match upload_id {
            None => (From::after(key).0, String::new()),
            Some(id) => (key.clone().into_bytes(), id.clone()),
        },
    };
    let mut rows = select.query(params![bucket_id, listed.prefix.as_bytes(), key, id])?;
    let mut listing = UploadListing::default();
    let mut last = None;
    while let Some(row) = rows.next()? {
        let key = row.get_ref(7)?.as_blob().map_err(rusqlite::Error::from)?;
        let key = std::str::from_utf8(key).map_err(rusqlite::Error::from)?;
        if !key.starts_with(&listed.prefix) {
            break;
        }
        let common = common_prefix(key, &listed.prefix, listed.delimiter.as_deref());
        if common.is_some_and(|common| is_listed(common, listed, &listing)) {
            continue;
        }
        if listing.uploads.len() + listing.common_prefixes.len() == listed.limit {
            listing.next = last;
            break;
        }
        if let Some(common) = common {
            listing.common_prefixes.push(common.to_owned());
            last = Some(UploadMarker {
                key: common.to_owned(),
                upload_id: None,
            });
        } else {
            let upload = Upload::from_row(row)?;
            last = Some(UploadMarker {
                key: key.to_owned(),
                upload_id: Some(upload.id.clone()),
            });
            listing.uploads.push((key.to_owned(), upload));
        }
    }
    Ok(listing)
}

/// Whether a common prefix is on this page already, or was on the one before.
fn is_listed(common: &str, listed: &ListedUploads, listing: &UploadListing) -> bool {
    let before = listed.after.as_ref();
    before.is_some_and(|before| before.key.starts_with(common))
        || listing
            .common_prefixes
            .last()
            .is_some_and(|last| last == common)
}
