//! Being asked to stop.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ends when the user or the system asks us to stop. They are heard from the call on.
pub(crate) fn interrupted() -> impl Future<Output = ()> {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let heard = kinds.into_iter().filter(|kind| !is_ignored(*kind));
    let mut signals: Vec<Signal> = heard
        .map(|kind| signal(kind).expect("a Unix process can listen for its signals"))
        .collect();
    async move {
        let mut any: FuturesUnordered<_> = signals.iter_mut().map(Signal::recv).collect();
        if any.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether we were started with this signal ignored: `nohup` does so with the hangup, and means it.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}
