//! The bucket of streams, which the CDN delivers: `v/{video}/…`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use bytes::Bytes;
use streamforge_core::id::VideoId;
use streamforge_core::layout::ObjectPath;

use crate::error::AwsError;

/// User metadata of a playlist: how far it reaches, so that a writer who knows less leaves it alone.
const REACH: &str = "streamforge-reach";

/// Most keys that one `DeleteObjects` takes.
const DELETE_BATCH: usize = 1000;

/// A playlist as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredText {
    /// Tags this content.
    pub etag: String,
    /// How far it reaches.
    pub reach: u64,
}

impl StoredText {
    fn new(etag: Option<String>, metadata: Option<HashMap<String, String>>) -> Self {
        let reach = metadata.and_then(|metadata| metadata.get(REACH)?.parse().ok());
        Self {
            etag: etag.unwrap_or_default(),
            reach: reach.unwrap_or(0),
        }
    }
}

/// The bucket.
#[derive(Clone, Debug)]
pub struct MediaBucket {
    client: Client,
    bucket: String,
}

impl MediaBucket {
    /// The bucket of this name.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
        }
    }

    /// `v/{video}/{path}`.
    pub fn key(video: &VideoId, path: &str) -> String {
        format!("v/{video}/{path}")
    }

    /// Stores a media object: an init segment, a segment, an image.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn put(
        &self,
        video: &VideoId,
        path: &ObjectPath<'_>,
        bytes: Bytes,
    ) -> Result<(), AwsError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(Self::key(video, &path.to_string()))
            .content_type(path.content_type())
            .cache_control(path.cache_control(true))
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(AwsError::unavailable("storing a media object"))?;
        Ok(())
    }

    /// Stores a poster; one that is `blank` reaches nothing, so that it is known that a better one is worth a search.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn put_poster(
        &self,
        video: &VideoId,
        bytes: Bytes,
        blank: bool,
    ) -> Result<(), AwsError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(Self::key(video, &ObjectPath::Poster.to_string()))
            .content_type(ObjectPath::Poster.content_type())
            .cache_control(ObjectPath::Poster.cache_control(!blank))
            .metadata(REACH, u8::from(!blank).to_string())
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(AwsError::unavailable("storing a poster"))?;
        Ok(())
    }

    /// A stored playlist or poster, if there is one.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn text(&self, video: &VideoId, path: &str) -> Result<Option<StoredText>, AwsError> {
        let sent = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(Self::key(video, path))
            .send()
            .await;
        match sent {
            Ok(head) => Ok(Some(StoredText::new(head.e_tag, head.metadata))),
            Err(err)
                if err.as_service_error().is_some_and(
                    aws_sdk_s3::operation::head_object::HeadObjectError::is_not_found,
                ) =>
            {
                Ok(None)
            }
            Err(err) => Err(AwsError::unavailable("asking for a playlist")(err)),
        }
    }

    /// Stores a playlist in the place of exactly `instead_of`. `false` when another one is there by now.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn put_text(
        &self,
        video: &VideoId,
        text: &NewText<'_>,
        instead_of: Option<&StoredText>,
    ) -> Result<bool, AwsError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(Self::key(video, text.path))
            .content_type(text.content_type)
            .cache_control(text.cache_control)
            .metadata(REACH, text.reach.to_string())
            .body(ByteStream::from(Bytes::copy_from_slice(
                text.text.as_bytes(),
            )));
        let put = match instead_of {
            None => put.if_none_match("*"),
            Some(old) => put.if_match(&old.etag),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(err) => match err.code() {
                // 412, and 409 when both write at the same moment.
                Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey") => {
                    Ok(false)
                }
                _ => Err(AwsError::unavailable("storing a playlist")(err)),
            },
        }
    }

    /// A stored playlist and its whole content; `None` when it is not there.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn read(
        &self,
        video: &VideoId,
        path: &str,
    ) -> Result<Option<(StoredText, Bytes)>, AwsError> {
        const DOING: &str = "reading a playlist back";
        let sent = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(Self::key(video, path))
            .send()
            .await;
        match sent {
            Ok(found) => {
                let stored = StoredText::new(found.e_tag, found.metadata);
                let body = found.body.collect().await.map_err(AwsError::other(DOING))?;
                Ok(Some((stored, body.into_bytes())))
            }
            Err(err) if err.code() == Some("NoSuchKey") => Ok(None),
            Err(err) => Err(AwsError::unavailable(DOING)(err)),
        }
    }

    /// An object as a stream, or the part of it in `range` (an HTTP `Range`); for the edge, which hands it on. `None` when it is
    /// not there.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn get(
        &self,
        key: &str,
        range: Option<String>,
    ) -> Result<Option<GetObjectOutput>, AwsError> {
        let sent = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .set_range(range)
            .send()
            .await;
        match sent {
            Ok(found) => Ok(Some(found)),
            Err(err) if err.code() == Some("NoSuchKey") => Ok(None),
            Err(err) => Err(AwsError::unavailable("reading a media object")(err)),
        }
    }

    /// Every object of a video: path and size in bytes.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn list(&self, video: &VideoId) -> Result<BTreeMap<String, u64>, AwsError> {
        let prefix = Self::key(video, "");
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&prefix)
            .into_paginator()
            .send();
        let mut objects = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(AwsError::unavailable("listing a video's objects"))?;
            for object in page.contents.unwrap_or_default() {
                let Some(path) = object.key.as_deref().and_then(|k| k.strip_prefix(&prefix)) else {
                    continue;
                };
                let size = u64::try_from(object.size.unwrap_or_default()).unwrap_or(0);
                objects.insert(path.to_owned(), size);
            }
        }
        Ok(objects)
    }

    /// Removes every object of a video; the playlists that name the others go first.
    ///
    /// # Errors
    /// S3 did not answer, or kept some; what is left is removed when it is asked again.
    pub async fn delete_all(&self, video: &VideoId) -> Result<(), AwsError> {
        const DOING: &str = "removing a video's objects";
        let mut paths: Vec<String> = self.list(video).await?.into_keys().collect();
        paths.sort_by_key(|path| {
            let extension = path.rsplit('.').next();
            extension != Some("m3u8")
        });
        for batch in paths.chunks(DELETE_BATCH) {
            let objects = batch.iter().map(|path| {
                ObjectIdentifier::builder()
                    .key(Self::key(video, path))
                    .build()
                    .map_err(AwsError::other(DOING))
            });
            let objects = objects.collect::<Result<Vec<_>, _>>()?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true);
            let removed = self
                .client
                .delete_objects()
                .bucket(&self.bucket)
                .delete(delete.build().map_err(AwsError::other(DOING))?)
                .send()
                .await
                .map_err(AwsError::unavailable(DOING))?;
            if let Some(kept) = removed.errors().first() {
                return Err(AwsError::Record {
                    doing: DOING,
                    why: format!(
                        "S3 kept {}: {}",
                        kept.key().unwrap_or("an object"),
                        kept.message().unwrap_or_default()
                    ),
                });
            }
        }
        Ok(())
    }
}

/// A playlist to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewText<'a> {
    /// Path under the video's folder.
    pub path: &'a str,
    /// MIME type.
    pub content_type: &'static str,
    /// How long it may be cached.
    pub cache_control: &'static str,
    /// How far it reaches.
    pub reach: u64,
    /// The whole text.
    pub text: &'a str,
}
