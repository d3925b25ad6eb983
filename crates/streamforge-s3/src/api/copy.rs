//! Copying objects, whole or into parts.

use std::ops::Range;

use hyper::header::{IF_MATCH, IF_NONE_MATCH};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource,
    MetadataDirective, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::condition::{ReadConditions, last_modified, quoted};
use super::error::{invalid_argument, not_implemented};
use super::headers::{checksum_type, named_algorithm, set_checksum, stored_headers};
use super::object::part_number_of;
use crate::digest::{Algorithm, Checksum, ChecksumKind, Digests, md5_of_etag};
use crate::store::StoreError;
use crate::store::object::{Object, Place};

/// Most bytes copied by one request.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>
const MAX_COPY_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// How often a copy begins anew because its source was replaced meanwhile.
const ATTEMPTS: usize = 3;

impl Api {
    pub(super) async fn copy_object(
        &self,
        mut request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let replaces_headers = match &request.input.metadata_directive {
            None => false,
            Some(directive) => directive.as_str() == MetadataDirective::REPLACE,
        };
        let headers = stored_headers!(request);
        for condition in [IF_MATCH, IF_NONE_MATCH] {
            // s3s does not know them for copies.
            if request.headers.contains_key(&condition) {
                return Err(not_implemented(condition.as_str()));
            }
        }
        let input = request.input;
        let from = source(&input.copy_source)?;
        let to = Place {
            bucket: input.bucket,
            key: input.key,
        };
        if from.bucket == to.bucket && from.key == to.key && !replaces_headers {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        let algorithm = input.checksum_algorithm.as_ref().map(named_algorithm);
        let algorithm = algorithm.transpose()?;
        let conditions = ReadConditions {
            matches: input.copy_source_if_match,
            none_match: input.copy_source_if_none_match,
            modified_since: input.copy_source_if_modified_since,
            unmodified_since: input.copy_source_if_unmodified_since,
        };
        // The bucket it goes to, before the source is read.
        self.store.bucket(to.bucket.clone()).await?;
        let mut attempt = 1;
        let copied = loop {
            let source = self.store.object(from.clone()).await?;
            conditions.check_source(&source)?;
            if source.size > MAX_COPY_BYTES {
                return Err(s3_error!(
                    InvalidRequest,
                    "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_COPY_BYTES}"
                ));
            }
            let algorithm = algorithm.unwrap_or(source.checksum.algorithm);
            let headers = if replaces_headers {
                headers.clone()
            } else {
                source.headers.clone()
            };
            match self.copy(source, &to, algorithm, headers).await {
                Err(StoreError::NoSuchKey) if attempt < ATTEMPTS => attempt += 1,
                copied => break copied?,
            }
        };
        let mut result = CopyObjectResult {
            e_tag: Some(quoted(&copied.etag)),
            last_modified: Some(last_modified(&copied)),
            checksum_type: Some(checksum_type(&copied.checksum)),
            ..CopyObjectResult::default()
        };
        set_checksum!(result, copied.checksum);
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        }))
    }

    async fn copy(
        &self,
        source: Object,
        to: &Place,
        algorithm: Algorithm,
        headers: crate::store::object::Headers,
    ) -> Result<Object, StoreError> {
        let digests = if let Some(digests) = known_digests(&source, algorithm) {
            digests
        } else {
            let whole = 0..source.size;
            self.store.digest(&source, whole, algorithm).await?
        };
        self.store.copy(source, to.clone(), digests, headers).await
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = request.input;
        let number = part_number_of(input.part_number)?;
        let from = source(&input.copy_source)?;
        let to = Place {
            bucket: input.bucket,
            key: input.key,
        };
        let conditions = ReadConditions {
            matches: input.copy_source_if_match,
            none_match: input.copy_source_if_none_match,
            modified_since: input.copy_source_if_modified_since,
            unmodified_since: input.copy_source_if_unmodified_since,
        };
        let upload = self
            .store
            .upload(to.clone(), input.upload_id.clone())
            .await?;
        let algorithm = upload.algorithm();
        let mut attempt = 1;
        let part = loop {
            let source = self.store.object(from.clone()).await?;
            conditions.check_source(&source)?;
            let range = match &input.copy_source_range {
                None => 0..source.size,
                Some(range) => copied_range(range, source.size)?,
            };
            if range.end - range.start > MAX_COPY_BYTES {
                return Err(invalid_argument(
                    "The copied range is larger than the maximum allowable size",
                ));
            }
            let copied = self.copy_range(source, range, &to, &input.upload_id, number, algorithm);
            match copied.await {
                Err(StoreError::NoSuchKey) if attempt < ATTEMPTS => attempt += 1,
                part => break part?,
            }
        };
        let mut result = CopyPartResult {
            e_tag: Some(quoted(&crate::digest::hex(&part.md5))),
            last_modified: Some(part.modified.into()),
            ..CopyPartResult::default()
        };
        if upload.checksum.is_some() {
            set_checksum!(result, Checksum::of_whole(algorithm, &part.checksum));
        }
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            ..UploadPartCopyOutput::default()
        }))
    }

    async fn copy_range(
        &self,
        source: Object,
        range: Range<u64>,
        to: &Place,
        upload_id: &str,
        number: u16,
        algorithm: Algorithm,
    ) -> Result<crate::store::part::Part, StoreError> {
        let known = known_digests(&source, algorithm).filter(|_| range == (0..source.size));
        let digests = if let Some(digests) = known {
            digests
        } else {
            let range = range.clone();
            self.store.digest(&source, range, algorithm).await?
        };
        let upload_id = upload_id.to_owned();
        self.store
            .copy_part(source, range, to.clone(), upload_id, number, digests)
            .await
    }
}

fn source(source: &CopySource) -> S3Result<Place> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } => Ok(Place {
            bucket: bucket.to_string(),
            key: key.to_string(),
        }),
        _ => Err(not_implemented(
            "a copy source other than the last version of a bucket's key",
        )),
    }
}

/// The digests of an object, where those that are stored are of its bytes.
fn known_digests(object: &Object, algorithm: Algorithm) -> Option<Digests> {
    let Checksum {
        algorithm: stored,
        kind,
        value,
    } = &object.checksum;
    if *stored != algorithm || *kind != ChecksumKind::FullObject {
        return None;
    }
    Some(Digests {
        md5: md5_of_etag(&object.etag)?,
        algorithm,
        checksum: algorithm.decode(value)?,
    })
}

/// Reads `bytes=first-last`, which says both and lies within the object.
fn copied_range(header: &str, size: u64) -> S3Result<Range<u64>> {
    let malformed = || {
        invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
        )
    };
    let (first, last) = header
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .ok_or_else(malformed)?;
    let first: u64 = first.parse().map_err(|_| malformed())?;
    let last: u64 = last.parse().map_err(|_| malformed())?;
    if first > last {
        return Err(malformed());
    }
    if first >= size {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy range is invalid for the source object size: {size}"
        ));
    }
    if last >= size {
        return Err(invalid_argument(format!(
            "Range specified is not valid for source object of size: {size}"
        )));
    }
    Ok(first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_range_names_its_first_and_last_byte() {
        assert_eq!(copied_range("bytes=0-9", 10).unwrap(), 0..10);
        assert_eq!(copied_range("bytes=3-3", 10).unwrap(), 3..4);
        for malformed in ["bytes=3-", "bytes=-3", "bytes=4-3", "3-4", "bytes=3-10"] {
            let refused = copied_range(malformed, 10).unwrap_err();
            assert_eq!(
                refused.code(),
                &s3s::S3ErrorCode::InvalidArgument,
                "{malformed}"
            );
        }
        let outside = copied_range("bytes=10-11", 10).unwrap_err();
        assert_eq!(outside.code(), &s3s::S3ErrorCode::InvalidRequest);
    }
}
