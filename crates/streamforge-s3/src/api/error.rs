//! What goes wrong, in the words of S3.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use s3s::{S3Error, S3ErrorCode, s3_error};

use crate::store::StoreError;
use crate::store::upload::MIN_PART_BYTES;

impl From<StoreError> for S3Error {
    fn from(err: StoreError) -> Self {
        match err {
            StoreError::NoSuchBucket => {
                s3_error!(NoSuchBucket, "The specified bucket does not exist")
            }
            StoreError::BucketNotEmpty => s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty"
            ),
            StoreError::NoSuchKey => s3_error!(NoSuchKey, "The specified key does not exist."),
            StoreError::NoSuchUpload => s3_error!(
                NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
            ),
            StoreError::PreconditionFailed { condition } => precondition_failed(condition),
            StoreError::Conflict => s3_error!(
                ConditionalRequestConflict,
                "The conditional request cannot succeed due to a conflicting operation against this resource."
            ),
            StoreError::InvalidPart { number } => s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag. First of them: {number}."
            ),
            StoreError::EntityTooSmall { number, size } => s3_error!(
                EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed size: part {number} has {size} of {MIN_PART_BYTES} bytes."
            ),
            StoreError::MissingChecksum { number } => s3_error!(
                InvalidRequest,
                "The complete request must include the checksum for each part. It was missing for part {number} in the request."
            ),
            StoreError::BadDigest => s3_error!(
                BadDigest,
                "The checksum you specified did not match the calculated checksum."
            ),
            StoreError::WrongSize { size, expected } => s3_error!(
                InvalidRequest,
                "The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {size}"
            ),
            // SDKs try again later, which is right: somebody may make room.
            StoreError::Full => {
                tracing::error!("the disk is full: make room");
                s3_error!(ServiceUnavailable, "The disk is full.")
            }
            // The cause goes to the log, not to the client.
            err => {
                let cause: &(dyn std::error::Error + 'static) = &err;
                tracing::error!(error = cause, "a request failed: {err}");
                let mut internal = s3_error!(
                    InternalError,
                    "We encountered an internal error. Please try again."
                );
                internal.set_source(Box::new(err));
                internal
            }
        }
    }
}

/// A condition of the request was not met.
pub(super) fn precondition_failed(condition: &str) -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold: {condition}"
    )
}

/// An argument that is not one of those the operation takes.
pub(super) fn invalid_argument(message: impl Into<String>) -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidArgument, message.into())
}

/// What would mean something, but not here.
pub(super) fn not_implemented(what: &str) -> S3Error {
    s3_error!(
        NotImplemented,
        "A header or parameter you provided implies functionality that is not implemented: {what}"
    )
}
