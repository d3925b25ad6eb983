//! Objects as the edge delivers them.

use std::error::Error;
use std::io::{self, Write as _};
use std::ops::Range;
use std::str::FromStr;
use std::time::{Duration, Instant};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::SdkBody;
use axum::http::HeaderValue;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use headers::{CacheControl, ETag, Header as _};
use streamforge_aws::error::AwsError;
use streamforge_aws::media_bucket::MediaBucket;

/// The largest object that is held in memory. Segments are far smaller.
const HELD_BYTES: u64 = 8 << 20;

/// The longest that an object is fresh, whatever its `Cache-Control` says: so soon is a removed video gone.
const FRESH_FOR: Duration = Duration::from_mins(1);

/// What is sent with gzip. Apple wants it for playlists (10.1), so unlike `CloudFront` we compress small ones too.
const COMPRESSED_TYPES: [&str; 3] = [
    "application/vnd.apple.mpegurl",
    "application/dash+xml",
    "text/vtt",
];

const DOING: &str = "reading a media object";

/// An object, as far as it is in memory.
pub(super) struct Object {
    pub(super) content_type: HeaderValue,
    pub(super) cache_control: HeaderValue,
    /// `None` when it is not to be compressed.
    pub(super) gzip: Option<Gzip>,
    etag: ETag,
    size: u64,
    /// `None` when they are too many: see [`Object::stream`].
    bytes: Option<Bytes>,
    read_at: Instant,
}

/// An object's compressed form.
pub(super) struct Gzip {
    /// Weak, as `CloudFront` makes it: the same content, but not the same bytes.
    etag: ETag,
    bytes: Bytes,
}

/// An object as it is sent.
pub(super) struct Form<'a> {
    pub(super) etag: &'a ETag,
    pub(super) size: u64,
    /// `None` when they are not in memory: see [`Object::stream`].
    pub(super) bytes: Option<&'a Bytes>,
    pub(super) is_gzip: bool,
}

impl Object {
    /// The object at `key`; `None` when it is not there.
    ///
    /// # Errors
    /// S3 did not answer.
    pub(super) async fn read(media: &MediaBucket, key: &str) -> Result<Option<Self>, AwsError> {
        // On the heap: hits need no room for so large a future.
        let Some(found) = Box::pin(media.get(key, None)).await? else {
            return Ok(None);
        };
        let read_at = Instant::now();
        let content_type = found.content_type.as_deref().unwrap_or_default();
        let etag = found.e_tag.as_deref().unwrap_or_default();
        let size = found.content_length.unwrap_or_default();
        let mut object = Self {
            content_type: parse(content_type)?,
            cache_control: parse(found.cache_control.as_deref().unwrap_or("no-cache"))?,
            etag: parse(etag)?,
            size: u64::try_from(size).map_err(AwsError::other(DOING))?,
            bytes: None,
            gzip: None,
            read_at,
        };
        // Of a larger one, this was to learn the above.
        if object.size <= HELD_BYTES {
            let bytes = found.body.collect().await.map_err(AwsError::other(DOING))?;
            let bytes = bytes.into_bytes();
            if COMPRESSED_TYPES.contains(&content_type) {
                object.gzip = Some(Gzip {
                    etag: parse(&format!("W/{etag}"))?,
                    bytes: compress(bytes.clone()).await?,
                });
            }
            object.bytes = Some(bytes);
        }
        Ok(Some(object))
    }

    /// It as it is sent: compressed where that is wanted and possible.
    pub(super) fn form(&self, gzip: bool) -> Form<'_> {
        match &self.gzip {
            Some(compressed) if gzip => Form {
                etag: &compressed.etag,
                size: compressed.bytes.len() as u64,
                bytes: Some(&compressed.bytes),
                is_gzip: true,
            },
            _ => Form {
                etag: &self.etag,
                size: self.size,
                bytes: self.bytes.as_ref(),
                is_gzip: false,
            },
        }
    }

    /// The plain bytes in `part`, which is not empty, on their way from S3.
    ///
    /// # Errors
    /// S3 did not answer, or has another object by now.
    pub(super) async fn stream(
        &self,
        media: &MediaBucket,
        key: &str,
        part: Range<u64>,
    ) -> Result<SdkBody, AwsError> {
        let range = format!("bytes={}-{}", part.start, part.end - 1);
        let found = Box::pin(media.get(key, Some(range))).await?;
        let is_same = |found: &GetObjectOutput| {
            let etag = found.e_tag().and_then(|etag| etag.parse().ok());
            etag.as_ref() == Some(&self.etag)
        };
        let body = found.filter(is_same).map(|found| found.body.into_inner());
        let gone = || io::Error::other("it was replaced or removed meanwhile");
        body.ok_or_else(gone).map_err(AwsError::other(DOING))
    }

    /// How long ago it was read.
    pub(super) fn age(&self) -> Duration {
        self.read_at.elapsed()
    }

    /// How long it may be given to others after it was read.
    pub(super) fn fresh_for(&self) -> Duration {
        fresh_for(&self.cache_control)
    }

    /// What it takes in memory.
    pub(super) fn held_bytes(&self) -> usize {
        let gzip = self.gzip.as_ref().map_or(0, |gzip| gzip.bytes.len());
        self.bytes.as_ref().map_or(0, Bytes::len) + gzip
    }
}

/// What S3 says about an object.
fn parse<T>(text: &str) -> Result<T, AwsError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    text.parse().map_err(AwsError::other(DOING))
}

/// How long a shared cache may keep what comes with this `Cache-Control`
/// ([RFC 9111 §5.2.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2)), as far as we do.
fn fresh_for(cache_control: &HeaderValue) -> Duration {
    let Ok(directives) = CacheControl::decode(&mut std::iter::once(cache_control)) else {
        return Duration::ZERO;
    };
    if directives.no_store() || directives.no_cache() || directives.private() {
        return Duration::ZERO;
    }
    let max_age = directives.s_max_age().or(directives.max_age());
    max_age.unwrap_or_default().min(FRESH_FOR)
}

/// Compresses aside: megabytes would hold other requests up.
async fn compress(bytes: Bytes) -> Result<Bytes, AwsError> {
    let compressed = tokio::task::spawn_blocking(move || -> io::Result<Bytes> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&bytes)?;
        Ok(encoder.finish()?.into())
    });
    let compressed = compressed.await.map_err(AwsError::other(DOING))?;
    compressed.map_err(AwsError::other(DOING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_fresh_as_long_as_it_says_but_not_for_more_than_a_minute() {
        for (cache_control, secs) in [
            ("public, max-age=31536000, immutable", 60),
            ("public, max-age=300", 60),
            ("public, max-age=1", 1),
            ("max-age=9, s-maxage=5", 5),
            ("max-age=0", 0),
            ("public", 0),
            ("no-cache", 0),
            ("no-store, max-age=9", 0),
            ("private, max-age=9", 0),
            ("no-cache, max-age=9", 0),
            ("", 0),
        ] {
            let fresh_for = fresh_for(&HeaderValue::from_static(cache_control));
            assert_eq!(fresh_for, Duration::from_secs(secs), "{cache_control}");
        }
    }
}
