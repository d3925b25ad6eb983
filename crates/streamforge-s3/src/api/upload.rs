//! Operations on uploads in parts.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ListPartsInput, ListPartsOutput, Part,
    StorageClass, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::body::{Claims, receive};
use super::condition::{quoted, write_condition};
use super::error::invalid_argument;
use super::headers::{checksum_type, named_algorithm, set_checksum, stored_headers};
use super::list::page_size;
use super::object::part_number_of;
use super::{Api, owner};
use crate::digest::{Algorithm, Checksum, ChecksumKind, hex, md5_of_etag};
use crate::store::object::Place;
use crate::store::upload::{Completion, NamedPart, Upload};
use crate::time::now_ms;

/// Most parts of an upload.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const MAX_PARTS: usize = 10_000;

/// The checksum fields of an input that are set, each with its algorithm.
macro_rules! claimed_checksums {
    ($input:expr) => {
        [
            (Algorithm::Crc32, $input.checksum_crc32.take()),
            (Algorithm::Crc32c, $input.checksum_crc32c.take()),
            (Algorithm::Crc64Nvme, $input.checksum_crc64nvme.take()),
            (Algorithm::Sha1, $input.checksum_sha1.take()),
            (Algorithm::Sha256, $input.checksum_sha256.take()),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)))
    };
}

/// An id nobody can guess. Of two the one created later is the larger one, as a string.
fn new_upload_id() -> S3Result<String> {
    let mut random = [0_u8; 16];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
        .map_err(|err| s3s::S3Error::internal_error(std::io::Error::from(err)))?;
    Ok(format!("{:012x}{}", now_ms(), hex(&random)))
}

impl Api {
    pub(super) async fn create_multipart_upload(
        &self,
        mut request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let headers = stored_headers!(request);
        let input = request.input;
        let checksum = asked_checksum(input.checksum_algorithm, input.checksum_type.as_ref())?;
        let place = Place {
            bucket: input.bucket,
            key: input.key,
        };
        let id = new_upload_id()?;
        self.store
            .create_upload(place.clone(), id.clone(), headers, checksum)
            .await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(place.bucket),
            key: Some(place.key),
            upload_id: Some(id),
            checksum_algorithm: checksum
                .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: checksum.map(|(_, kind)| ChecksumType::from_static(kind.name())),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn upload_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let claims = Claims::new(&request.headers, request.trailing_headers.take())?;
        let input = request.input;
        let number = part_number_of(input.part_number)?;
        let place = Place {
            bucket: input.bucket,
            key: input.key,
        };
        let upload = self.store.upload(place.clone(), input.upload_id).await?;
        check_algorithm(claims.algorithm, &upload)?;
        let received = receive(&self.store, input.body, &claims, upload.algorithm()).await?;
        let shown = match (received.verified, upload.checksum) {
            (Some((algorithm, checksum)), _) => Some(Checksum::of_whole(algorithm, &checksum)),
            (None, Some((algorithm, _))) => {
                Some(Checksum::of_whole(algorithm, &received.digests.checksum))
            }
            (None, None) => None,
        };
        let put = self
            .store
            .put_part(place, upload.id, number, received.blob, received.digests);
        let part = put.await?;
        let mut output = UploadPartOutput {
            e_tag: Some(quoted(&hex(&part.md5))),
            ..UploadPartOutput::default()
        };
        if let Some(shown) = shown {
            set_checksum!(output, shown);
        }
        Ok(S3Response::new(output))
    }

    pub(super) async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let limit = page_size(input.max_parts, "max-parts")?;
        let after = u16::try_from(input.part_number_marker.unwrap_or(0))
            .map_err(|_| invalid_argument("Argument part-number-marker must be a part's number"))?;
        let place = Place {
            bucket: input.bucket,
            key: input.key,
        };
        // One more tells whether there are more.
        let (upload, mut parts) = self
            .store
            .parts(place.clone(), input.upload_id, after, limit + 1)
            .await?;
        let is_truncated = parts.len() > limit;
        parts.truncate(limit);
        let next = parts.last().map(|part| i32::from(part.number));
        let checksum = upload.checksum;
        let parts = parts.into_iter().map(|part| {
            let mut listed = Part {
                part_number: Some(part.number.into()),
                size: i64::try_from(part.size).ok(),
                e_tag: Some(quoted(&hex(&part.md5))),
                last_modified: Some(part.modified.into()),
                ..Part::default()
            };
            if let Some((algorithm, _)) = checksum {
                set_checksum!(listed, Checksum::of_whole(algorithm, &part.checksum));
            }
            listed
        });
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(place.bucket),
            key: Some(place.key),
            upload_id: Some(upload.id),
            parts: Some(parts.collect()),
            max_parts: i32::try_from(limit).ok(),
            part_number_marker: Some(after.into()),
            next_part_number_marker: next,
            is_truncated: Some(is_truncated),
            owner: Some(owner()),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            checksum_algorithm: checksum
                .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: checksum.map(|(_, kind)| ChecksumType::from_static(kind.name())),
            ..ListPartsOutput::default()
        }))
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let mut input = request.input;
        let parts = input.multipart_upload.take().and_then(|list| list.parts);
        let completion = Completion {
            parts: named_parts(parts.unwrap_or_default())?,
            condition: write_condition(input.if_match.take(), input.if_none_match.take())?,
            checksum: claimed_checksums!(input).next(),
            size: input
                .mpu_object_size
                .map(u64::try_from)
                .transpose()
                .map_err(|_| invalid_argument("x-amz-mp-object-size must not be negative"))?,
        };
        let place = Place {
            bucket: input.bucket,
            key: input.key,
        };
        let completed = self
            .store
            .complete_upload(place.clone(), input.upload_id, completion)
            .await?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", place.bucket, place.key)),
            bucket: Some(place.bucket),
            key: Some(place.key),
            e_tag: Some(quoted(&completed.etag)),
            checksum_type: Some(checksum_type(&completed.checksum)),
            ..CompleteMultipartUploadOutput::default()
        };
        set_checksum!(output, completed.checksum);
        Ok(S3Response::new(output))
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let place = Place {
            bucket: input.bucket,
            key: input.key,
        };
        self.store.abort_upload(place, input.upload_id).await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

/// The checksum a new upload is to have.
fn asked_checksum(
    algorithm: Option<ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> S3Result<Option<(Algorithm, ChecksumKind)>> {
    let Some(algorithm) = algorithm else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(s3_error!(
                InvalidRequest,
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )),
        };
    };
    let algorithm = named_algorithm(&algorithm)?;
    let kind = match kind {
        None => algorithm.default_kind(),
        Some(kind) => ChecksumKind::from_name(kind.as_str()).ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Value for x-amz-checksum-type header is invalid."
            )
        })?,
    };
    if !algorithm.supports(kind) {
        let (kind, algorithm) = (kind.name(), algorithm.name().to_lowercase());
        return Err(s3_error!(
            InvalidRequest,
            "The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
        ));
    }
    Ok(Some((algorithm, kind)))
}

/// Refuses a part with another checksum than its upload's, and one with none where the checksum of the object is made of theirs. An
/// upload without one takes any.
fn check_algorithm(chosen: Option<Algorithm>, upload: &Upload) -> S3Result<()> {
    match (chosen, upload.checksum) {
        (Some(chosen), Some((expected, _))) if chosen != expected => {
            let (expected, chosen) = (expected.name(), chosen.name());
            Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                expected.to_lowercase(),
                chosen.to_lowercase()
            ))
        }
        (None, Some((expected, ChecksumKind::Composite))) => Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: null",
            expected.name().to_lowercase()
        )),
        _ => Ok(()),
    }
}

/// The parts an upload is to be completed from.
fn named_parts(parts: Vec<CompletedPart>) -> S3Result<Vec<NamedPart>> {
    if parts.is_empty() || parts.len() > MAX_PARTS {
        return Err(malformed_list());
    }
    let parts = parts
        .into_iter()
        .map(named_part)
        .collect::<S3Result<Vec<_>>>()?;
    if !parts.is_sorted_by(|a, b| a.number < b.number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number."
        ));
    }
    Ok(parts)
}

fn named_part(mut part: CompletedPart) -> S3Result<NamedPart> {
    let number = part_number_of(part.part_number.ok_or_else(malformed_list)?)?;
    let invalid = || crate::store::StoreError::InvalidPart { number };
    let checksum = claimed_checksums!(part).next();
    let checksum = checksum.map(|(algorithm, value)| {
        let digest = algorithm.decode(&value).ok_or_else(invalid)?;
        Ok::<_, crate::store::StoreError>((algorithm, digest))
    });
    let etag = part.e_tag.ok_or_else(malformed_list)?;
    Ok(NamedPart {
        number,
        md5: md5_of_etag(etag.value()).ok_or_else(invalid)?,
        checksum: checksum.transpose()?,
    })
}

fn malformed_list() -> s3s::S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}
