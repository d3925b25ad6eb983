//! Parts by the thousand, and parts that we send ourselves.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use bytes::Bytes;
use futures::future::try_join_all;
use streamforge_core::id::VideoId;
use streamforge_core::upload::{MAX_PARTS, Part};

use super::UploadBucket;
use crate::error::AwsError;

/// Parts of one answer ([ListParts](https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html)).
const PAGE: u64 = 1000;

/// Parts with numbers of one thousand.
#[derive(Default)]
struct Page {
    /// Those that S3 has.
    parts: Vec<Part>,
    /// Whether it has some of larger numbers.
    more_follow: bool,
}

impl UploadBucket {
    /// The parts that S3 has, in order; `None` when it knows no such multipart upload (any more).
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn list_parts(
        &self,
        video: &VideoId,
        s3_upload_id: &str,
    ) -> Result<Option<Vec<Part>>, AwsError> {
        let Some(first) = self.list_page(video, s3_upload_id, 0).await? else {
            return Ok(None);
        };
        let mut parts = first.parts;
        if first.more_follow {
            // All others at once: one after the other, ten thousand parts take longer than a client waits.
            let others = (1..MAX_PARTS / PAGE).map(|page| page * PAGE);
            let pages = others.map(|after| self.list_page(video, s3_upload_id, after));
            for page in try_join_all(pages).await? {
                let Some(page) = page else { return Ok(None) };
                parts.extend(page.parts);
            }
        }
        Ok(Some(parts))
    }

    /// Of the parts `after + 1` to `after + PAGE` those that S3 has.
    async fn list_page(
        &self,
        video: &VideoId,
        s3_upload_id: &str,
        after: u64,
    ) -> Result<Option<Page>, AwsError> {
        const DOING: &str = "listing parts";
        let mut pages = self
            .client
            .list_parts()
            .bucket(&self.bucket)
            .key(Self::key(video))
            .upload_id(s3_upload_id)
            .part_number_marker(after.to_string())
            .into_paginator()
            .send();
        let mut found = Page::default();
        // S3 may give fewer in one answer than it could, and gives more than are wanted where some are missing.
        while let Some(page) = pages.next().await {
            let page = match page {
                Err(err) if err.code() == Some("NoSuchUpload") => return Ok(None),
                page => page.map_err(AwsError::unavailable(DOING))?,
            };
            for part in page.parts.unwrap_or_default() {
                let number = u32::try_from(part.part_number.unwrap_or_default())
                    .map_err(AwsError::other(DOING))?;
                if u64::from(number) > after + PAGE {
                    found.more_follow = true;
                    return Ok(Some(found));
                }
                found.parts.push(Part {
                    number,
                    size_bytes: u64::try_from(part.size.unwrap_or_default())
                        .map_err(AwsError::other(DOING))?,
                    etag: part.e_tag.unwrap_or_default(),
                    checksum_crc32c: part.checksum_crc32_c,
                });
            }
            if found.parts.len() as u64 == PAGE {
                found.more_follow = page.is_truncated.unwrap_or_default();
                break;
            }
        }
        Ok(Some(found))
    }

    /// Stores one part.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn put_part(
        &self,
        video: &VideoId,
        s3_upload_id: &str,
        part_number: u32,
        bytes: Bytes,
    ) -> Result<(), AwsError> {
        const DOING: &str = "storing a part";
        self.client
            .upload_part()
            .bucket(&self.bucket)
            .key(Self::key(video))
            .upload_id(s3_upload_id)
            .part_number(i32::try_from(part_number).map_err(AwsError::other(DOING))?)
            .checksum_algorithm(ChecksumAlgorithm::Crc32C)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(AwsError::unavailable(DOING))?;
        Ok(())
    }
}
