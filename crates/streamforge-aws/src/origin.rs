//! What the work at hand came of: it goes along with every message that the work sends.
//!
//! It is kept with the task, not in its span, which is gone where the level of the log leaves it out; and no signature between a request
//! and the queue has to name it.

use streamforge_core::origin::Origin;

tokio::task_local! {
    static CURRENT: Origin;
}

/// What the work at hand came of; unknown outside of [`within`].
pub fn current() -> Origin {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Does `work` as what came of `origin`. Tasks that are spawned there do not know of it.
pub fn within<T>(origin: Origin, work: impl Future<Output = T>) -> impl Future<Output = T> {
    CURRENT.scope(origin, work)
}
