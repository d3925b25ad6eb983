//! The store against what S3 promises: what was acknowledged is there, whole, and nothing else is.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;

use super::blob::NewBlob;
use super::listing::{Listed, Listing};
use super::object::{Condition, Headers, Object, Place};
use super::part::Part;
use super::upload::complete::Completed;
use super::upload::{Completion, NamedPart};
use super::{Store, StoreError};
use crate::digest::{Algorithm, Digester, Digests};

mod model;
mod objects;
mod uploads;

const BUCKET: &str = "bucket";

fn place(key: &str) -> Place {
    Place {
        bucket: BUCKET.to_owned(),
        key: key.to_owned(),
    }
}

/// Opens a store that leaves nothing free, with one bucket.
async fn open(folder: &Path) -> Arc<Store> {
    let store = Arc::new(Store::open(folder, 0).unwrap());
    store.create_bucket(BUCKET.to_owned()).await.unwrap();
    store
}

fn digests(bytes: &[u8]) -> Digests {
    let mut digester = Digester::new(Algorithm::default());
    digester.update(&Bytes::copy_from_slice(bytes));
    digester.finish()
}

/// Writes a blob, as a request does before it asks for a row.
fn write(store: &Store, bytes: &[u8]) -> Option<NewBlob> {
    if bytes.is_empty() {
        return None;
    }
    let mut blob = store.create_blob().unwrap();
    blob.append(&[Bytes::copy_from_slice(bytes)]).unwrap();
    blob.sync().unwrap();
    Some(blob)
}

async fn put_if(
    store: &Store,
    key: &str,
    bytes: &[u8],
    condition: Condition,
) -> Result<Object, StoreError> {
    let blob = write(store, bytes);
    let headers = Headers::default();
    store
        .put(place(key), blob, digests(bytes), headers, condition)
        .await
}

async fn put(store: &Store, key: &str, bytes: &[u8]) -> Object {
    put_if(store, key, bytes, Condition::None).await.unwrap()
}

async fn read(store: &Arc<Store>, object: &Object) -> Vec<u8> {
    let whole = 0..object.size;
    let reader = store.read_object(object, whole).await.unwrap().unwrap();
    let chunks: Vec<Bytes> = reader.try_collect().await.unwrap();
    chunks.concat()
}

async fn get(store: &Arc<Store>, key: &str) -> Option<Vec<u8>> {
    match store.object(place(key)).await {
        Ok(object) => Some(read(store, &object).await),
        Err(StoreError::NoSuchKey) => None,
        Err(err) => panic!("{err}"),
    }
}

async fn list(store: &Arc<Store>) -> Listing {
    let listed = Listed {
        bucket: BUCKET.to_owned(),
        limit: 1000,
        ..Listed::default()
    };
    store.list(listed).await.unwrap()
}

async fn create_upload(store: &Store, key: &str, id: &str) {
    let headers = Headers::default();
    store
        .create_upload(place(key), id.to_owned(), headers, None)
        .await
        .unwrap();
}

async fn put_part(
    store: &Store,
    key: &str,
    id: &str,
    number: u16,
    bytes: &[u8],
) -> Result<Part, StoreError> {
    let blob = write(store, bytes);
    store
        .put_part(place(key), id.to_owned(), number, blob, digests(bytes))
        .await
}

async fn complete(
    store: &Store,
    key: &str,
    id: &str,
    parts: Vec<NamedPart>,
    condition: Condition,
) -> Result<Completed, StoreError> {
    let completion = Completion {
        parts,
        condition,
        checksum: None,
        size: None,
    };
    store
        .complete_upload(place(key), id.to_owned(), completion)
        .await
}

fn named(number: u16, bytes: &[u8]) -> NamedPart {
    NamedPart {
        number,
        md5: digests(bytes).md5,
        checksum: None,
    }
}

/// The blobs that have a file.
fn files(folder: &Path) -> Vec<u64> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.join("blobs")).unwrap() {
        for entry in std::fs::read_dir(entry.unwrap().path()).unwrap() {
            let name = entry.unwrap().file_name();
            files.push(u64::from_str_radix(name.to_str().unwrap(), 16).unwrap());
        }
    }
    files.sort_unstable();
    files
}

/// The blobs that have a row, in a store that is closed.
fn rows(folder: &Path) -> Vec<u64> {
    let connection = super::index::open(&folder.join("index.sqlite"), false).unwrap();
    let blobs = super::content::blobs_between(&connection, 0..i64::MAX as u64).unwrap();
    blobs.into_iter().map(|blob| blob.0).collect()
}

/// Closes the store, and checks that exactly the blobs that have a row have a file.
fn close(store: Arc<Store>, folder: &Path) {
    drop(Arc::into_inner(store).expect("nobody else has it"));
    assert_eq!(files(folder), rows(folder));
}
