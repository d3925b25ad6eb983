//! Operations on objects.

use std::ops::Range;

use bytes::Bytes;
use futures::Stream;
use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue};
use s3s::dto::{
    Delete, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
    DeletedObject, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ObjectIdentifier, PutObjectInput, PutObjectOutput, StreamingBlob,
};
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{S3Error, S3Request, S3Response, S3Result, StdError, s3_error};

use super::Api;
use super::body::{Claims, receive};
use super::condition::{ReadConditions, last_modified, quoted, write_condition};
use super::error::{invalid_argument, not_implemented};
use super::headers::{checksum_type, insert_expires, set_checksum, stored_headers};
use crate::store::object::{Condition, Object, Place};
use crate::store::reader::ObjectReader;

/// What S3 says of an object whose uploader did not.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Most keys of one `DeleteObjects`.
const MAX_DELETED_KEYS: usize = 1000;

/// Sets what `GetObject` and `HeadObject` both say of an object.
macro_rules! describe {
    ($output:ident, $object:ident, $piece:ident, $checksum_mode:expr) => {{
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = Some(length(&$piece.range));
        $output.content_range = $piece.content_range(&$object);
        $output.parts_count = $piece.parts_count;
        $output.e_tag = Some(quoted(&$object.etag));
        $output.last_modified = Some(last_modified(&$object));
        if $checksum_mode.is_some() && $piece.range == (0..$object.size) {
            $output.checksum_type = Some(checksum_type(&$object.checksum));
            set_checksum!($output, $object.checksum);
        }
        let stored = $object.headers;
        $output.metadata = Some(stored.metadata.into_iter().collect());
        let content_type = stored.content_type;
        $output.content_type = content_type.or(Some(DEFAULT_CONTENT_TYPE.to_owned()));
        $output.cache_control = stored.cache_control;
        $output.content_disposition = stored.content_disposition;
        $output.content_encoding = stored.content_encoding;
        $output.content_language = stored.content_language;
    }};
}

impl Api {
    pub(super) async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let claims = Claims::new(&request.headers, request.trailing_headers.take())?;
        let headers = stored_headers!(request);
        let input = request.input;
        let condition = write_condition(input.if_match, input.if_none_match)?;
        let place = Place {
            bucket: input.bucket,
            key: input.key,
        };
        // Before the body is taken; what counts is checked again when it is there.
        self.store.check(place.clone(), condition.clone()).await?;
        let stored = claims.algorithm.unwrap_or_default();
        let received = receive(&self.store, input.body, &claims, stored).await?;
        let put = self
            .store
            .put(place, received.blob, received.digests, headers, condition);
        let object = put.await?;
        let mut output = PutObjectOutput {
            e_tag: Some(quoted(&object.etag)),
            checksum_type: Some(checksum_type(&object.checksum)),
            ..PutObjectOutput::default()
        };
        set_checksum!(output, object.checksum);
        Ok(S3Response::new(output))
    }

    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let place = Place {
            bucket: input.bucket,
            key: input.key,
        };
        let conditions = ReadConditions {
            matches: input.if_match,
            none_match: input.if_none_match,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        // The object may be replaced between finding and opening it: then the new one is found.
        let (object, piece, reader) = loop {
            let object = self.store.object(place.clone()).await?;
            conditions.check(&object)?;
            let piece = self.piece(&object, input.range, input.part_number).await?;
            let opened = self.store.read_object(&object, piece.range.clone()).await?;
            if let Some(reader) = opened {
                break (object, piece, reader);
            }
        };
        let mut headers = HeaderMap::new();
        // Overriding headers are set by now, and ours would replace them.
        if input.response_expires.is_none() {
            insert_expires(&mut headers, &object.headers);
        }
        let mut output = GetObjectOutput {
            body: Some(StreamingBlob::new(Body(reader))),
            ..GetObjectOutput::default()
        };
        describe!(output, object, piece, input.checksum_mode);
        Ok(S3Response::with_headers(output, headers))
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let object = self.store.object(Place {
            bucket: input.bucket,
            key: input.key,
        });
        let object = object.await?;
        let conditions = ReadConditions {
            matches: input.if_match,
            none_match: input.if_none_match,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        conditions.check(&object)?;
        let piece = self.piece(&object, input.range, input.part_number).await?;
        let mut headers = HeaderMap::new();
        insert_expires(&mut headers, &object.headers);
        let mut output = HeadObjectOutput::default();
        describe!(output, object, piece, input.checksum_mode);
        Ok(S3Response::with_headers(output, headers))
    }

    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let condition = match input.if_match {
            None => Condition::None,
            Some(ETagCondition::Any) => return Err(not_implemented("If-Match: *")),
            Some(ETagCondition::ETag(etag)) => Condition::Matches(etag.into_value()),
        };
        let place = Place {
            bucket: input.bucket,
            key: input.key,
        };
        self.store.delete(place, condition).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let Delete { objects, quiet } = request.input.delete;
        if objects.is_empty() || objects.len() > MAX_DELETED_KEYS {
            return Err(s3_error!(
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            ));
        }
        let is_conditional = |object: &ObjectIdentifier| {
            let size = object.size.is_some();
            size || object.e_tag.is_some() || object.last_modified_time.is_some()
        };
        if objects.iter().any(|object| object.version_id.is_some()) {
            return Err(not_implemented("VersionId"));
        }
        if objects.iter().any(is_conditional) {
            return Err(not_implemented("a condition on an object to delete"));
        }
        let keys: Vec<_> = objects.into_iter().map(|object| object.key).collect();
        self.store
            .delete_all(request.input.bucket, keys.clone())
            .await?;
        let deleted = keys.into_iter().map(|key| DeletedObject {
            key: Some(key),
            ..DeletedObject::default()
        });
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (quiet != Some(true)).then(|| deleted.collect()),
            ..DeleteObjectsOutput::default()
        }))
    }

    /// What a request wants of an object.
    async fn piece(
        &self,
        object: &Object,
        range: Option<s3s::dto::Range>,
        part_number: Option<i32>,
    ) -> S3Result<Piece> {
        let whole = 0..object.size;
        match (range, part_number) {
            (None, None) => Ok(Piece {
                range: whole,
                is_partial: false,
                parts_count: None,
            }),
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            )),
            (Some(range), None) => {
                let range = range
                    .check(object.size)
                    .ok()
                    .filter(|range| !range.is_empty());
                Ok(Piece {
                    range: range.ok_or_else(|| invalid_range(object))?,
                    is_partial: true,
                    parts_count: None,
                })
            }
            (None, Some(number)) => {
                let number = part_number_of(number)?;
                let range = match object.part_count {
                    // What was uploaded in one piece is its own first part.
                    None if number == 1 => Some(whole),
                    None => None,
                    Some(_) => self.store.part_range(object, number).await?,
                };
                Ok(Piece {
                    range: range.ok_or_else(invalid_part_number)?,
                    is_partial: true,
                    parts_count: object.part_count.and_then(|count| count.try_into().ok()),
                })
            }
        }
    }
}

/// A part's number, if it is one.
pub(super) fn part_number_of(number: i32) -> S3Result<u16> {
    u16::try_from(number)
        .ok()
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| {
            invalid_argument("Part number must be an integer between 1 and 10000, inclusive")
        })
}

/// What a request wants of an object.
struct Piece {
    range: Range<u64>,
    is_partial: bool,
    parts_count: Option<i32>,
}

impl Piece {
    fn content_range(&self, object: &Object) -> Option<String> {
        let Range { start, end } = self.range;
        // A range cannot say that it has no bytes.
        (self.is_partial && start < end)
            .then(|| format!("bytes {start}-{}/{}", end - 1, object.size))
    }
}

fn length(range: &Range<u64>) -> i64 {
    i64::try_from(range.end - range.start).expect("sizes of objects are far below 2^63")
}

fn invalid_range(object: &Object) -> S3Error {
    let mut err = s3_error!(InvalidRange, "The requested range is not satisfiable");
    // They take the place of the usual ones.
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Ok(size) = HeaderValue::from_str(&format!("bytes */{}", object.size)) {
        headers.insert(CONTENT_RANGE, size);
    }
    err.set_headers(headers);
    err
}

fn invalid_part_number() -> S3Error {
    let mut err = S3Error::with_message(
        s3s::S3ErrorCode::Custom("InvalidPartNumber".into()),
        "The requested partnumber is not satisfiable",
    );
    err.set_status_code(hyper::StatusCode::RANGE_NOT_SATISFIABLE);
    err
}

/// An object's bytes as s3s sends them.
struct Body(ObjectReader);

impl Stream for Body {
    type Item = Result<Bytes, StdError>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::pin::Pin::new(&mut self.0)
            .poll_next(cx)
            .map_err(Into::into)
    }
}

impl ByteStream for Body {
    fn remaining_length(&self) -> RemainingLength {
        let remaining = usize::try_from(self.0.remaining());
        remaining.map_or(RemainingLength::unknown(), RemainingLength::new_exact)
    }
}
