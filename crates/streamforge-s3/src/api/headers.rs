//! Headers of objects: what is stored with them, and their checksums.

use std::collections::BTreeMap;

use hyper::header::{EXPIRES, HeaderMap, HeaderValue};
use s3s::dto::{ChecksumAlgorithm, ChecksumType, Metadata};
use s3s::{S3Result, s3_error};

use crate::digest::{Algorithm, Checksum};
use crate::store::object::Headers;

/// Most bytes of a user's metadata, names and values together.
const MAX_METADATA_BYTES: usize = 2048;

/// The checksum fields that inputs and outputs have.
macro_rules! set_checksum {
    ($output:expr, $checksum:expr) => {{
        let value = Some($checksum.value);
        match $checksum.algorithm {
            crate::digest::Algorithm::Crc32 => $output.checksum_crc32 = value,
            crate::digest::Algorithm::Crc32c => $output.checksum_crc32c = value,
            crate::digest::Algorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
            crate::digest::Algorithm::Sha1 => $output.checksum_sha1 = value,
            crate::digest::Algorithm::Sha256 => $output.checksum_sha256 = value,
        }
    }};
}
pub(super) use set_checksum;

/// The type of a checksum as it is sent.
pub(super) fn checksum_type(checksum: &Checksum) -> ChecksumType {
    ChecksumType::from_static(checksum.kind.name())
}

/// Collects the headers that are stored from the fields that inputs have.
macro_rules! stored_headers {
    ($request:expr) => {
        crate::store::object::Headers {
            content_type: $request.input.content_type.take(),
            cache_control: $request.input.cache_control.take(),
            content_disposition: $request.input.content_disposition.take(),
            content_encoding: $request
                .input
                .content_encoding
                .take()
                .and_then(|encoding| super::headers::without_framing(&encoding)),
            content_language: $request.input.content_language.take(),
            expires: super::headers::expires(&$request.headers),
            metadata: super::headers::metadata($request.input.metadata.take())?,
        }
    };
}
pub(super) use stored_headers;

/// A `Content-Encoding` without the framing of the upload, which is no property of the object.
pub(super) fn without_framing(encoding: &str) -> Option<String> {
    let encodings: Vec<_> = encoding
        .split(',')
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && *encoding != "aws-chunked")
        .collect();
    (!encodings.is_empty()).then(|| encodings.join(","))
}

pub(super) fn expires(headers: &HeaderMap) -> Option<String> {
    let expires = headers.get(EXPIRES)?.to_str().ok()?;
    Some(expires.to_owned())
}

pub(super) fn metadata(metadata: Option<Metadata>) -> S3Result<BTreeMap<String, String>> {
    let metadata = metadata.unwrap_or_default();
    let bytes: usize = metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > MAX_METADATA_BYTES {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(metadata.into_iter().collect())
}

/// Adds the header that s3s would only take parsed.
pub(super) fn insert_expires(headers: &mut HeaderMap, stored: &Headers) {
    if let Some(expires) = &stored.expires
        && let Ok(expires) = HeaderValue::from_str(expires)
    {
        headers.insert(EXPIRES, expires);
    }
}

/// The algorithm a request asks for by name.
pub(super) fn named_algorithm(name: &ChecksumAlgorithm) -> S3Result<Algorithm> {
    Algorithm::from_name(name.as_str()).ok_or_else(|| {
        s3_error!(
            InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_of_an_upload_is_no_encoding_of_the_object() {
        assert_eq!(without_framing("aws-chunked"), None);
        assert_eq!(
            without_framing("gzip, aws-chunked").as_deref(),
            Some("gzip")
        );
        assert_eq!(without_framing("gzip,br").as_deref(), Some("gzip,br"));
    }

    #[test]
    fn metadata_has_a_limit() {
        let of = |bytes| Metadata::from_iter([("name".to_owned(), "x".repeat(bytes))]);
        assert!(metadata(Some(of(MAX_METADATA_BYTES - 4))).is_ok());
        assert!(metadata(Some(of(MAX_METADATA_BYTES - 3))).is_err());
    }
}
