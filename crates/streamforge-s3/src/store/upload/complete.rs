//! Making an object of the parts of an upload.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, params};

use super::{MIN_PART_BYTES, Upload, find};
use crate::digest::{Algorithm, Checksum, ChecksumKind, PartDigest, join, multipart_etag};
use crate::event::EventKind;
use crate::store::content::{self, to_row};
use crate::store::index::Transaction;
use crate::store::object::{self, Condition, Object, Place, checksum_from_row};
use crate::store::part::{self, Part};
use crate::store::{Store, StoreError, bucket};
use crate::time::{now_ms, system_time};

/// A part as the one who completes an upload names it.
#[derive(Clone, Debug)]
pub(crate) struct NamedPart {
    pub(crate) number: u16,
    /// Its digest.
    pub(crate) md5: [u8; 16],
    /// The checksum it is said to have.
    pub(crate) checksum: Option<(Algorithm, Vec<u8>)>,
}

/// What it takes to complete an upload.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    /// In ascending order, at least one.
    pub(crate) parts: Vec<NamedPart>,
    pub(crate) condition: Condition,
    /// The checksum the object is said to have.
    pub(crate) checksum: Option<(Algorithm, String)>,
    /// The size the object is said to have.
    pub(crate) size: Option<u64>,
}

/// An upload that was completed.
#[derive(Clone, Debug)]
pub(crate) struct Completed {
    pub(crate) etag: String,
    pub(crate) checksum: Checksum,
}

impl Store {
    /// Makes an object of an upload's parts. When this fails the upload is as it was. When it was
    /// completed before, from the same parts, the answer is the same as then.
    pub(crate) async fn complete_upload(
        &self,
        place: Place,
        id: String,
        completion: Completion,
    ) -> Result<Completed, StoreError> {
        let complete = move |tx: &mut Transaction<'_>| {
            let bucket_id = bucket::find_id(tx, &place.bucket)?;
            match find(tx, bucket_id, &place.key, &id) {
                Err(StoreError::NoSuchUpload) => {
                    completed_before(tx, bucket_id, &place.key, &id, &completion)
                }
                Err(err) => Err(err),
                Ok(upload) => complete(tx, bucket_id, &place, &upload, &completion),
            }
        };
        self.index.write(complete).await
    }
}

fn completed_before(
    tx: &Transaction<'_>,
    bucket_id: i64,
    key: &str,
    id: &str,
    completion: &Completion,
) -> Result<Completed, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT etag, checksum_algorithm, checksum_type, checksum FROM completions
         WHERE upload_id = ?1 AND bucket_id = ?2 AND key = ?3",
    )?;
    let completed = select.query_row(params![id, bucket_id, key.as_bytes()], |row| {
        Ok(Completed {
            etag: row.get(0)?,
            checksum: checksum_from_row(row, 1)?,
        })
    });
    let etag = multipart_etag(completion.parts.iter().map(|part| part.md5.as_slice()));
    completed
        .optional()?
        .filter(|completed| completed.etag == etag)
        .ok_or(StoreError::NoSuchUpload)
}

fn complete(
    tx: &mut Transaction<'_>,
    bucket_id: i64,
    place: &Place,
    upload: &Upload,
    completion: &Completion,
) -> Result<Completed, StoreError> {
    let there = object::find(tx, bucket_id, &place.key)?;
    completion.condition.check(there.as_ref())?;
    check_conflict(&completion.condition, upload, there.as_ref())?;

    let mut stored: HashMap<u16, Part> = part::select(tx, upload.content_id, 0, usize::MAX >> 1)?
        .into_iter()
        .map(|part| (part.number, part))
        .collect();
    let parts = completion
        .parts
        .iter()
        .map(|named| take_named(&mut stored, upload, named))
        .collect::<Result<Vec<_>, _>>()?;
    let (_, all_but_last) = parts.split_last().expect("at least one part is named");
    if let Some(small) = all_but_last.iter().find(|part| part.size < MIN_PART_BYTES) {
        return Err(StoreError::EntityTooSmall {
            number: small.number,
            size: small.size,
        });
    }

    let completed = Completed {
        etag: multipart_etag(parts.iter().map(|part| part.md5.as_slice())),
        checksum: join(
            upload.algorithm(),
            upload.kind(),
            parts.iter().map(|part| PartDigest {
                size: part.size,
                checksum: &part.checksum,
            }),
        ),
    };
    let size = parts.iter().map(|part| part.size).sum();
    check_claims(completion, &completed, size)?;

    for unnamed in stored.into_values() {
        delete_part(tx, upload, &unnamed)?;
    }
    string_together(tx, upload, &parts)?;
    let modified_ms = now_ms();
    let object = Object {
        content_id: upload.content_id,
        size,
        etag: completed.etag.clone(),
        modified: system_time(modified_ms),
        headers: upload.headers.clone(),
        checksum: completed.checksum.clone(),
        part_count: Some(u32::try_from(parts.len()).expect("there are at most 10 000 parts")),
    };
    let kind = EventKind::CompleteMultipartUpload;
    object::replace(tx, bucket_id, place, &object, kind, modified_ms)?;
    record(tx, bucket_id, place, upload, &completed)?;
    Ok(completed)
}

/// Refuses when the object at the key is not the one that was there when the upload was created.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
fn check_conflict(
    condition: &Condition,
    upload: &Upload,
    there: Option<&Object>,
) -> Result<(), StoreError> {
    let changed = match condition {
        Condition::None => false,
        Condition::Absent => upload.key_existed,
        Condition::Matches(_) => there.is_some_and(|there| there.modified > upload.initiated),
    };
    if changed {
        return Err(StoreError::Conflict);
    }
    Ok(())
}

/// Takes the part that is named out of those that are stored.
fn take_named(
    stored: &mut HashMap<u16, Part>,
    upload: &Upload,
    named: &NamedPart,
) -> Result<Part, StoreError> {
    let number = named.number;
    let part = stored
        .remove(&number)
        .filter(|part| part.md5 == named.md5)
        .ok_or(StoreError::InvalidPart { number })?;
    match (&upload.checksum, &named.checksum) {
        (Some((algorithm, _)), Some((named, checksum)))
            if algorithm == named && *checksum == part.checksum => {}
        // The parts of a composite checksum are verified one by one, or not at all.
        (None | Some((_, ChecksumKind::FullObject)), None) => {}
        (Some(_), None) => return Err(StoreError::MissingChecksum { number }),
        (_, Some(_)) => return Err(StoreError::InvalidPart { number }),
    }
    Ok(part)
}

fn check_claims(
    completion: &Completion,
    completed: &Completed,
    size: u64,
) -> Result<(), StoreError> {
    match completion.size {
        Some(expected) if expected != size => return Err(StoreError::WrongSize { size, expected }),
        _ => {}
    }
    match &completion.checksum {
        Some((algorithm, value))
            if *algorithm != completed.checksum.algorithm || *value != completed.checksum.value =>
        {
            Err(StoreError::BadDigest)
        }
        _ => Ok(()),
    }
}

fn delete_part(tx: &mut Transaction<'_>, upload: &Upload, part: &Part) -> Result<(), StoreError> {
    if let Some(content_id) = part.content_id {
        content::delete(tx, content_id)?;
    }
    let mut delete =
        tx.prepare_cached("DELETE FROM parts WHERE content_id = ?1 AND number = ?2")?;
    delete.execute(params![upload.content_id, part.number])?;
    Ok(())
}

/// Makes the parts' bytes one content, in their order.
fn string_together(
    tx: &mut Transaction<'_>,
    upload: &Upload,
    parts: &[Part],
) -> Result<(), StoreError> {
    let mut position = 0;
    for part in parts {
        let from = part.content_id.expect("a part of an upload has a content");
        content::append(tx, from, upload.content_id, position)?;
        let mut update = tx.prepare_cached(
            "UPDATE parts SET part_content_id = NULL, position = ?3
             WHERE content_id = ?1 AND number = ?2",
        )?;
        update.execute(params![upload.content_id, part.number, to_row(position)])?;
        position += part.size;
    }
    Ok(())
}

/// Turns the upload into a memory of it.
fn record(
    tx: &mut Transaction<'_>,
    bucket_id: i64,
    place: &Place,
    upload: &Upload,
    completed: &Completed,
) -> Result<(), StoreError> {
    let mut delete = tx.prepare_cached("DELETE FROM uploads WHERE id = ?1")?;
    delete.execute([&upload.id])?;
    let mut insert =
        tx.prepare_cached("INSERT INTO completions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    insert.execute(params![
        upload.id,
        bucket_id,
        place.key.as_bytes(),
        completed.etag,
        completed.checksum.algorithm.name(),
        completed.checksum.kind.name(),
        completed.checksum.value,
        now_ms(),
    ])?;
    Ok(())
}
