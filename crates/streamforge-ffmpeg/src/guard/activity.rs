//! The silence clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A sign of life: who sees a child get anywhere calls [`touch`](Self::touch). Clones share one clock.
#[derive(Clone, Debug)]
pub struct Activity {
    clock: Arc<Clock>,
}

#[derive(Debug)]
struct Clock {
    started: Instant,
    /// Milliseconds from `started` to the last sign of life.
    last_ms: AtomicU64,
}

impl Activity {
    /// A clock that starts now.
    #[expect(
        clippy::new_without_default,
        reason = "a default value that depends on the time would surprise"
    )]
    pub fn new() -> Self {
        Self {
            clock: Arc::new(Clock {
                started: Instant::now(),
                last_ms: AtomicU64::new(0),
            }),
        }
    }

    /// Sets the silence back to zero. Costs next to nothing: call it for every read.
    pub fn touch(&self) {
        // Half a billion years fit.
        let ms = u64::try_from(self.clock.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // The latest wins, whoever writes last.
        self.clock.last_ms.fetch_max(ms, Ordering::Relaxed);
    }

    /// When there was the last sign of life, to the millisecond.
    pub(crate) fn last(&self) -> Instant {
        self.clock.started + Duration::from_millis(self.clock.last_ms.load(Ordering::Relaxed))
    }
}
