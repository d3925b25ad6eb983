//! Deleting what has been there long enough, by the rules of its bucket.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html>

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::store::{Store, StoreError};
use crate::time::{system_time, unix_ms};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How long an upload that was completed can be completed again.
const COMPLETION_MEMORY: Duration = Duration::from_hours(24);

/// A rule of a bucket.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct LifecycleRule {
    pub(crate) id: Option<String>,
    pub(crate) enabled: bool,
    /// Of the keys it is about.
    pub(crate) prefix: String,
    /// Days after which objects are deleted.
    pub(crate) expiration_days: Option<u16>,
    /// Days after which uploads are aborted.
    pub(crate) abort_upload_days: Option<u16>,
}

/// What [`crate::EmbeddedS3::sweep`] did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// Objects that were deleted.
    pub objects: usize,
    /// Uploads that were aborted.
    pub uploads: usize,
}

/// Something is due when it is older than this: so many days old at the last midnight (UTC).
fn due_before(now: SystemTime, days: u16) -> SystemTime {
    let midnight = unix_ms(now) / DAY_MS * DAY_MS;
    system_time(midnight - i64::from(days) * DAY_MS)
}

/// Applies the rules of all buckets.
pub(crate) async fn sweep(store: &Arc<Store>, now: SystemTime) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    store.forget_completions(now - COMPLETION_MEMORY).await?;
    for bucket in store.buckets().await? {
        for rule in bucket
            .lifecycle
            .iter()
            .flatten()
            .filter(|rule| rule.enabled)
        {
            let (name, prefix) = (&bucket.name, &rule.prefix);
            if let Some(days) = rule.expiration_days {
                let before = due_before(now, days);
                swept.objects += store.expire_objects(name, prefix, before).await?;
            }
            if let Some(days) = rule.abort_upload_days {
                let before = due_before(now, days);
                swept.uploads += store.expire_uploads(name, prefix, before).await?;
            }
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_the_midnight_after() {
        // 1970-01-03, 06:00.
        let now = system_time(2 * DAY_MS + DAY_MS / 4);
        assert_eq!(due_before(now, 1), system_time(DAY_MS));
        assert_eq!(due_before(now, 2), system_time(0));
    }
}
