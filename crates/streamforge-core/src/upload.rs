//! One resumable transfer: how it is cut into parts, its states, and whether what arrived is what was announced.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::id::{UploadId, VideoId};
use crate::origin::Origin;
use crate::time::Timestamp;

/// Smallest part but the last ([S3 quotas](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)).
pub const MIN_PART_BYTES: u64 = 5 << 20;

/// Most parts of one upload (same page).
pub const MAX_PARTS: u64 = 10_000;

/// Largest object (same page): 50 TB since December 2025; sources are limited far below.
pub const DEFAULT_PART_BYTES: u64 = 10 << 20;

/// Parts grow in steps of this, so that their sizes stay easy to read.
const PART_STEP_BYTES: u64 = 1 << 20;

/// Where an upload is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadStatus {
    /// Parts may come.
    Open,
    /// All parts are verified; the store is joining them.
    Completing,
    /// The object is there.
    Completed,
    /// Given up by its owner, or by nobody coming back to it.
    Aborted,
}

impl UploadStatus {
    /// Whether an upload may move from `self` to `next`. Repeating a step is legal and harmless.
    pub const fn can_become(self, next: Self) -> bool {
        use UploadStatus::{Aborted, Completed, Completing, Open};
        matches!(
            (self, next),
            (Open | Completing, _) | (Completed, Completed) | (Aborted, Aborted)
        )
    }

    /// Whether its file may still come.
    pub const fn is_unfinished(self) -> bool {
        matches!(self, Self::Open | Self::Completing)
    }
}

/// The record of one upload.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// The video it becomes.
    pub video: VideoId,
    /// Where it is.
    pub status: UploadStatus,
    /// The announced size of the file.
    pub size_bytes: u64,
    /// Size of every part but the last.
    pub part_size_bytes: u64,
    /// The announced file name: for people, never part of a key.
    pub file_name: String,
    /// The announced MIME type: for people; content decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What the client knows the file by, so that another attempt finds this upload again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// S3's id of the multipart upload; none until S3 gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_upload_id: Option<String>,
    /// The request that completed it, or else announced it: what S3's event of the file comes of.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// When it was announced.
    pub created_at: Timestamp,
    /// When it is given up, unless somebody asks for it before.
    pub expires_at: Timestamp,
}

impl Upload {
    /// How many parts the file has: at least one, also when it is empty.
    pub fn parts(&self) -> u32 {
        let parts = self.size_bytes.div_ceil(self.part_size_bytes).max(1);
        // `part_size_bytes` keeps it at 10 000.
        u32::try_from(parts).unwrap_or(u32::MAX)
    }

    /// Size of part `number` (from 1) in bytes; `None` when there is no such part.
    pub fn part_bytes(&self, number: u32) -> Option<u64> {
        if !(1..=self.parts()).contains(&number) {
            return None;
        }
        let start = u64::from(number - 1) * self.part_size_bytes;
        Some((self.size_bytes - start).min(self.part_size_bytes))
    }

    /// The parts that are still to come, given those the store has.
    pub fn missing(&self, there: &[Part]) -> Vec<u32> {
        let mut has = vec![false; self.parts() as usize];
        for part in there {
            if self.part_bytes(part.number) == Some(part.size_bytes) {
                has[part.number as usize - 1] = true;
            }
        }
        (1..)
            .zip(has)
            .filter_map(|(number, has)| (!has).then_some(number))
            .collect()
    }
}

/// A part as the store has it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// Its size.
    pub size_bytes: u64,
    /// The store's tag of its content.
    pub etag: String,
    /// CRC-32C of its content in base 64, when the client sent one along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum_crc32c: Option<String>,
}

/// The size of every part but the last for a file of `size_bytes`: the default, or as much more as keeps the parts at 10 000.
pub fn part_size_bytes(size_bytes: u64) -> u64 {
    let needed = size_bytes.div_ceil(MAX_PARTS);
    needed
        .next_multiple_of(PART_STEP_BYTES)
        .max(DEFAULT_PART_BYTES)
}

/// Why an upload cannot be completed yet. Nothing is lost: the missing can be sent, the wrong sent again.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IncompleteUpload {
    /// Parts that never came, or with another size.
    #[error("{} of {of} parts are missing or have the wrong size, the first is part {}", parts.len(), parts[0])]
    MissingParts {
        /// Their numbers; not empty.
        parts: Vec<u32>,
        /// How many there must be.
        of: u32,
    },
    /// The client says that it sent something else.
    #[error(
        "part {part} is not what was sent: the store has {there}, the client announced {announced}"
    )]
    ChecksumDiffers {
        /// Its number.
        part: u32,
        /// What the store computed.
        there: String,
        /// What the client announced.
        announced: String,
    },
}

/// Whether `there`, the parts the store has, are the announced file. `announced` are the client's own checksums (part number, CRC-32C
/// in base 64), of all parts, some or none.
///
/// # Errors
/// [`IncompleteUpload`]: what is missing or differs.
pub fn verify(
    upload: &Upload,
    there: &[Part],
    announced: &[(u32, String)],
) -> Result<(), IncompleteUpload> {
    let missing = upload.missing(there);
    if !missing.is_empty() {
        return Err(IncompleteUpload::MissingParts {
            parts: missing,
            of: upload.parts(),
        });
    }
    let there: HashMap<u32, &Part> = there.iter().map(|part| (part.number, part)).collect();
    for (number, announced) in announced {
        let found = there.get(number);
        let found = found.and_then(|part| part.checksum_crc32c.as_ref());
        if found != Some(announced) {
            return Err(IncompleteUpload::ChecksumDiffers {
                part: *number,
                there: found.map_or("no checksum".to_owned(), Clone::clone),
                announced: announced.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn upload(size_bytes: u64) -> Upload {
        Upload {
            id: UploadId::from_random(1),
            video: VideoId::from_random(2),
            status: UploadStatus::Open,
            size_bytes,
            part_size_bytes: part_size_bytes(size_bytes),
            file_name: "film.mp4".to_owned(),
            content_type: None,
            fingerprint: None,
            s3_upload_id: None,
            origin: Origin::default(),
            created_at: Timestamp(0),
            expires_at: Timestamp(1),
        }
    }

    fn part(number: u32, size_bytes: u64) -> Part {
        Part {
            number,
            size_bytes,
            etag: format!("\"{number}\""),
            checksum_crc32c: Some(format!("crc-{number}")),
        }
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_file_and_fit_s3(size_bytes in 0..50_u64 << 40) {
            let upload = upload(size_bytes);
            let sizes: Vec<u64> = (1..=upload.parts()).map(|n| upload.part_bytes(n).unwrap()).collect();
            prop_assert_eq!(sizes.iter().sum::<u64>(), size_bytes);
            prop_assert!(sizes.len() as u64 <= MAX_PARTS);
            prop_assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == upload.part_size_bytes));
            prop_assert!(upload.part_size_bytes >= MIN_PART_BYTES);
            prop_assert_eq!(upload.part_bytes(0), None);
            prop_assert_eq!(upload.part_bytes(upload.parts() + 1), None);
        }

        #[test]
        fn exactly_what_the_store_lacks_is_missing(size_bytes in 1..400_u64 << 20, lost in proptest::collection::btree_set(1..41_u32, 0..5)) {
            let upload = upload(size_bytes);
            let there: Vec<Part> = (1..=upload.parts())
                .filter(|n| !lost.contains(n))
                .map(|n| part(n, upload.part_bytes(n).unwrap()))
                .collect();
            let missing: Vec<u32> = lost.into_iter().filter(|n| *n <= upload.parts()).collect();
            prop_assert_eq!(upload.missing(&there), missing.clone());
            prop_assert_eq!(verify(&upload, &there, &[]).is_ok(), missing.is_empty());
        }
    }

    #[test]
    fn a_part_of_another_size_is_missing() {
        let upload = upload(25 << 20);
        let there = [part(1, 10 << 20), part(2, 9 << 20), part(3, 5 << 20)];
        assert_eq!(upload.missing(&there), [2]);
    }

    #[test]
    fn a_checksum_that_differs_names_its_part() {
        let upload = upload(3);
        let announced = [(1, "another".to_owned())];
        let err = verify(&upload, &[part(1, 3)], &announced).unwrap_err();
        assert_eq!(
            err.to_string(),
            "part 1 is not what was sent: the store has crc-1, the client announced another"
        );
    }
}
