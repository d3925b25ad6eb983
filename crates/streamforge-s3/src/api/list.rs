//! Listing objects and uploads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, EncodingType, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListObjectsV2Input, ListObjectsV2Output, MultipartUpload, Object,
    ObjectStorageClass, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

use super::condition::quoted;
use super::error::invalid_argument;
use super::headers::checksum_type;
use super::{Api, owner};
use crate::store::listing::{From, Listed};
use crate::store::upload::{ListedUploads, UploadMarker};

/// Most entries of a page, and how many there are when the client does not say.
const PAGE: i32 = 1000;

/// What `encoding-type=url` leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// How keys are written into an answer, which cannot hold every character.
#[derive(Clone, Copy)]
struct Encoding {
    url: bool,
}

impl Encoding {
    fn new(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some(EncodingType::URL) => Ok(Self { url: true }),
            Some(_) => Err(invalid_argument(
                "Invalid Encoding Method specified in Request",
            )),
        }
    }

    fn encode(self, text: String) -> String {
        if self.url {
            utf8_percent_encode(&text, UNRESERVED).to_string()
        } else {
            text
        }
    }

    fn name(self) -> Option<EncodingType> {
        self.url
            .then(|| EncodingType::from_static(EncodingType::URL))
    }
}

/// The size of a page.
pub(super) fn page_size(asked: Option<i32>, name: &str) -> S3Result<usize> {
    let size = asked.unwrap_or(PAGE).min(PAGE);
    usize::try_from(size).map_err(|_| {
        invalid_argument(format!(
            "Argument {name} must be an integer between 0 and 2147483647"
        ))
    })
}

fn decode_token(token: &str) -> S3Result<From> {
    let key = URL_SAFE_NO_PAD.decode(token).ok();
    key.filter(|key| !key.is_empty())
        .map(From)
        .ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

impl Api {
    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let encoding = Encoding::new(input.encoding_type.as_ref())?;
        let limit = page_size(input.max_keys, "max-keys")?;
        let from = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => decode_token(token)?,
            (None, Some(key)) => From::after(key),
            (None, None) => From::default(),
        };
        let listing = self.store.list(Listed {
            bucket: input.bucket.clone(),
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone(),
            from,
            limit,
        });
        let listing = listing.await?;

        let owner = (input.fetch_owner == Some(true)).then(owner);
        let contents = listing.objects.into_iter().map(|(key, object)| Object {
            key: Some(encoding.encode(key)),
            size: i64::try_from(object.size).ok(),
            e_tag: Some(quoted(&object.etag)),
            last_modified: Some(object.modified.into()),
            owner: owner.clone(),
            storage_class: Some(ObjectStorageClass::from_static(
                ObjectStorageClass::STANDARD,
            )),
            checksum_algorithm: Some(vec![ChecksumAlgorithm::from_static(
                object.checksum.algorithm.name(),
            )]),
            checksum_type: Some(checksum_type(&object.checksum)),
            ..Object::default()
        });
        let contents: Vec<_> = contents.collect();
        let common_prefixes = common_prefixes(listing.common_prefixes, encoding);
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.encode(input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.map(|delimiter| encoding.encode(delimiter)),
            max_keys: i32::try_from(limit).ok(),
            key_count: i32::try_from(contents.len() + common_prefixes.len()).ok(),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            encoding_type: encoding.name(),
            is_truncated: Some(listing.next.is_some()),
            next_continuation_token: listing.next.map(|From(key)| URL_SAFE_NO_PAD.encode(key)),
            continuation_token: input.continuation_token,
            start_after: input.start_after.map(|key| encoding.encode(key)),
            ..ListObjectsV2Output::default()
        }))
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        let encoding = Encoding::new(input.encoding_type.as_ref())?;
        let limit = page_size(input.max_uploads, "max-uploads")?;
        let marker = |key: &str| UploadMarker {
            key: key.to_owned(),
            upload_id: input.upload_id_marker.clone().filter(|id| !id.is_empty()),
        };
        let after = input.key_marker.as_deref().filter(|key| !key.is_empty());
        let listing = self.store.list_uploads(ListedUploads {
            bucket: input.bucket.clone(),
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone(),
            after: after.map(marker),
            limit,
        });
        let listing = listing.await?;

        let uploads = listing.uploads.into_iter().map(|(key, upload)| {
            let checksum = upload.checksum;
            MultipartUpload {
                key: Some(encoding.encode(key)),
                upload_id: Some(upload.id),
                initiated: Some(upload.initiated.into()),
                owner: Some(owner()),
                storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
                checksum_algorithm: checksum
                    .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
                checksum_type: checksum.map(|(_, kind)| ChecksumType::from_static(kind.name())),
                ..MultipartUpload::default()
            }
        });
        let uploads = uploads.collect();
        let is_truncated = listing.next.is_some();
        let (next_key, next_id) = match listing.next {
            None => (None, None),
            Some(UploadMarker { key, upload_id }) => (Some(encoding.encode(key)), upload_id),
        };
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: input.prefix.map(|prefix| encoding.encode(prefix)),
            delimiter: input.delimiter.map(|delimiter| encoding.encode(delimiter)),
            key_marker: Some(encoding.encode(input.key_marker.unwrap_or_default())),
            upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
            max_uploads: i32::try_from(limit).ok(),
            uploads: Some(uploads),
            common_prefixes: Some(common_prefixes(listing.common_prefixes, encoding)),
            encoding_type: encoding.name(),
            is_truncated: Some(is_truncated),
            next_key_marker: next_key,
            next_upload_id_marker: next_id,
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

fn common_prefixes(prefixes: Vec<String>, encoding: Encoding) -> Vec<CommonPrefix> {
    prefixes
        .into_iter()
        .map(|prefix| CommonPrefix {
            prefix: Some(encoding.encode(prefix)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_so_that_an_answer_can_hold_them() {
        let encoding = Encoding { url: true };
        let encoded = encoding.encode("a b/ü+\u{1}*~".to_owned());
        assert_eq!(encoded, "a%20b/%C3%BC%2B%01*%7E");
    }

    #[test]
    fn a_page_has_at_most_a_thousand_entries() {
        assert_eq!(page_size(None, "max-keys").unwrap(), 1000);
        assert_eq!(page_size(Some(5000), "max-keys").unwrap(), 1000);
        assert_eq!(page_size(Some(0), "max-keys").unwrap(), 0);
        assert!(page_size(Some(-1), "max-keys").is_err());
    }
}
