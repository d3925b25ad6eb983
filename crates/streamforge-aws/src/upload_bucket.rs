//! The bucket of uploads: browsers send parts to it by presigned URLs; the finished file is `raw/{video}`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use streamforge_core::id::VideoId;
use streamforge_core::upload::Part;
use tokio::sync::OnceCell;

use crate::error::AwsError;
use crate::object_source::{ObjectSource, SourceObject};
use crate::presigner::Presigner;
use crate::resources::SOURCE_PREFIX;

mod parts;

/// A request that a client sends to S3 itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PresignedRequest {
    /// Where to: a bearer token until it expires.
    pub url: String,
    /// Headers that must be sent along, as they are.
    pub headers: Vec<(String, String)>,
}

/// Whether S3 joined the parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Completion {
    /// The object is there.
    Done,
    /// S3 knows no such multipart upload: it was completed or aborted before.
    NoSuchUpload,
    /// S3 refuses the parts: they changed since they were listed.
    Refused,
}

/// The bucket.
#[derive(Clone, Debug)]
pub struct UploadBucket {
    client: Client,
    presigner: Presigner,
    bucket: String,
    /// What the URLs that we sign begin with, once somebody asked.
    url: Arc<OnceCell<String>>,
}

impl UploadBucket {
    /// The bucket of this name. `client` is for ourselves, `presigner` signs for others.
    pub fn new(client: Client, presigner: Presigner, bucket: impl Into<String>) -> Self {
        Self {
            client,
            presigner,
            bucket: bucket.into(),
            url: Arc::default(),
        }
    }

    /// `raw/{video}`.
    pub fn key(video: &VideoId) -> String {
        format!("{SOURCE_PREFIX}{video}")
    }

    /// The video whose file has this key.
    pub fn video_of(key: &str) -> Option<VideoId> {
        key.strip_prefix(SOURCE_PREFIX)?.parse().ok()
    }

    /// Begins a multipart upload; S3 computes a CRC-32C of every part, and checks those that clients send along. Returns S3's id of it.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn create_multipart(&self, video: &VideoId) -> Result<String, AwsError> {
        const DOING: &str = "beginning a multipart upload";
        let created = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(Self::key(video))
            .checksum_algorithm(ChecksumAlgorithm::Crc32C)
            // Else every part must come with its checksum, and not every client can compute one.
            .checksum_type(ChecksumType::FullObject)
            .send()
            .await
            .map_err(AwsError::unavailable(DOING))?;
        created.upload_id.ok_or(AwsError::Record {
            doing: DOING,
            why: "S3 gave no upload id".to_owned(),
        })
    }

    /// Signs the upload of one part: of exactly `size_bytes`, and with exactly this checksum if one is given.
    ///
    /// # Errors
    /// There are no credentials to sign with.
    pub async fn presign_part(
        &self,
        video: &VideoId,
        s3_upload_id: &str,
        part_number: u32,
        size_bytes: u64,
        checksum_crc32c: Option<&str>,
        expires_in: Duration,
    ) -> Result<PresignedRequest, AwsError> {
        let query = [
            ("x-id", "UploadPart"),
            ("partNumber", &part_number.to_string()),
            ("uploadId", s3_upload_id),
        ];
        self.presign(video, &query, size_bytes, checksum_crc32c, expires_in)
            .await
    }

    /// Signs the upload of the whole file in one request, of exactly `size_bytes`.
    ///
    /// # Errors
    /// There are no credentials to sign with.
    pub async fn presign_put(
        &self,
        video: &VideoId,
        size_bytes: u64,
        expires_in: Duration,
    ) -> Result<PresignedRequest, AwsError> {
        self.presign(
            video,
            &[("x-id", "PutObject")],
            size_bytes,
            None,
            expires_in,
        )
        .await
    }

    async fn presign(
        &self,
        video: &VideoId,
        query: &[(&str, &str)],
        size_bytes: u64,
        checksum_crc32c: Option<&str>,
        expires_in: Duration,
    ) -> Result<PresignedRequest, AwsError> {
        let url = self
            .url
            .get_or_try_init(|| self.presigner.bucket_url(&self.bucket));
        let url = format!("{}{}", url.await?, Self::key(video));
        let checksum = checksum_crc32c.map(|checksum| ("x-amz-checksum-crc32c", checksum));
        // Signed, but not for us to tell: a browser sets the length itself and lets nobody else.
        let size_bytes = size_bytes.to_string();
        let signed: Vec<_> = checksum
            .into_iter()
            .chain([("content-length", size_bytes.as_str())])
            .collect();
        let now = SystemTime::now();
        let url = self
            .presigner
            .put(&url, query, &signed, now, expires_in)
            .await?;
        Ok(PresignedRequest {
            url,
            headers: checksum
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
        })
    }

    /// Has S3 join `parts`.
    ///
    /// # Errors
    /// S3 did not answer; it may be joining them all the same.
    pub async fn complete_multipart(
        &self,
        video: &VideoId,
        s3_upload_id: &str,
        parts: Vec<Part>,
    ) -> Result<Completion, AwsError> {
        const DOING: &str = "completing a multipart upload";
        let mut completed = CompletedMultipartUpload::builder();
        for part in parts {
            let number = i32::try_from(part.number).map_err(AwsError::other(DOING))?;
            completed = completed.parts(
                CompletedPart::builder()
                    .part_number(number)
                    .e_tag(part.etag)
                    .set_checksum_crc32_c(part.checksum_crc32c)
                    .build(),
            );
        }
        let sent = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(Self::key(video))
            .upload_id(s3_upload_id)
            .multipart_upload(completed.build())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Completion::Done),
            Err(err) => match err.code() {
                Some("NoSuchUpload") => Ok(Completion::NoSuchUpload),
                Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall") => {
                    Ok(Completion::Refused)
                }
                _ => Err(AwsError::unavailable(DOING)(err)),
            },
        }
    }

    /// Gives a multipart upload up and frees its parts. One that is gone already is no error.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn abort_multipart(
        &self,
        video: &VideoId,
        s3_upload_id: &str,
    ) -> Result<(), AwsError> {
        let sent = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(Self::key(video))
            .upload_id(s3_upload_id)
            .send()
            .await;
        match sent {
            Err(err) if err.code() != Some("NoSuchUpload") => {
                Err(AwsError::unavailable("aborting a multipart upload")(err))
            }
            _ => Ok(()),
        }
    }

    /// The file of a video, when it has arrived.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn source(&self, video: &VideoId) -> Result<Option<SourceObject>, AwsError> {
        let sent = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(Self::key(video))
            .send()
            .await;
        match sent {
            Ok(head) => Ok(Some(SourceObject {
                size_bytes: u64::try_from(head.content_length.unwrap_or_default()).unwrap_or(0),
                etag: head.e_tag.unwrap_or_default(),
            })),
            Err(err)
                if err.as_service_error().is_some_and(
                    aws_sdk_s3::operation::head_object::HeadObjectError::is_not_found,
                ) =>
            {
                Ok(None)
            }
            Err(err) => Err(AwsError::unavailable("asking for an uploaded file")(err)),
        }
    }

    /// The file of a video as the engine reads it.
    pub fn open(&self, video: &VideoId, object: &SourceObject) -> ObjectSource {
        ObjectSource::new(
            self.client.clone(),
            self.bucket.clone(),
            Self::key(video),
            object,
        )
    }

    /// Removes the file of a video. One that is gone already is no error.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn delete_source(&self, video: &VideoId) -> Result<(), AwsError> {
        self.client
            .delete_object()
            .bucket(&self.bucket)
            .key(Self::key(video))
            .send()
            .await
            .map_err(AwsError::unavailable("removing an uploaded file"))?;
        Ok(())
    }
}
