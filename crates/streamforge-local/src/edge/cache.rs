//! What is known of the media bucket's objects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use streamforge_aws::error::AwsError;
use streamforge_aws::media_bucket::MediaBucket;

use super::object::Object;

/// Memory for all of it.
const CAPACITY_BYTES: u64 = 64 << 20;

/// About what an entry takes besides its key and its object's bytes.
const ENTRY_BYTES: usize = 512;

/// How long it is remembered that there is no such object.
const ABSENT_FOR: Duration = Duration::from_secs(1);

/// What an answer cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CacheStatus {
    /// Nothing was read from S3 for it: the object was known, or being read for another request.
    Hit,
    /// It was read from S3.
    Miss,
    /// It was read from S3, as was wanted.
    Bypass,
}

impl CacheStatus {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "Hit",
            Self::Miss => "Miss",
            Self::Bypass => "Bypass",
        }
    }
}

/// Objects by their keys; `None` where there is none.
#[derive(Clone)]
pub(super) struct ObjectCache(Cache<String, Option<Arc<Object>>>);

impl ObjectCache {
    pub(super) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(CAPACITY_BYTES)
            .weigher(|key: &String, object: &Option<Arc<Object>>| {
                let bytes = object.as_ref().map_or(0, |object| object.held_bytes());
                u32::try_from(ENTRY_BYTES + key.len() + bytes).unwrap_or(u32::MAX)
            })
            .expire_after(Freshness);
        Self(cache.build())
    }

    /// The object at `key`. Of many who ask at the same time for one that is not known, one reads it and the others wait.
    ///
    /// # Errors
    /// S3 did not answer.
    pub(super) async fn get(
        &self,
        media: &MediaBucket,
        key: &str,
    ) -> Result<(Option<Arc<Object>>, CacheStatus), Arc<AwsError>> {
        let read = async { Ok(Object::read(media, key).await?.map(Arc::new)) };
        let entry = self.0.entry_by_ref(key).or_try_insert_with(read).await?;
        let status = if entry.is_fresh() {
            // By itself it would let many more in before it makes room.
            self.0.run_pending_tasks().await;
            CacheStatus::Miss
        } else {
            CacheStatus::Hit
        };
        Ok((entry.into_value(), status))
    }

    /// Forgets what is known of `key`.
    pub(super) async fn forget(&self, key: &str) {
        self.0.invalidate(key).await;
    }
}

/// Entries stay as long as their objects are fresh.
struct Freshness;

impl Expiry<String, Option<Arc<Object>>> for Freshness {
    fn expire_after_create(
        &self,
        _key: &String,
        object: &Option<Arc<Object>>,
        _now: Instant,
    ) -> Option<Duration> {
        let fresh_for = object.as_ref().map(|object| object.fresh_for());
        Some(fresh_for.unwrap_or(ABSENT_FOR))
    }
}
