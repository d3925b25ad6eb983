//! The one place that asks what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use streamforge_core::time::Timestamp;

/// Now, by the clock of this machine.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::default().after(since.unwrap_or_default())
}
