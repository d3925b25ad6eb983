//! One processor for one test.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Runs a test, and everything it starts, on one processor.
///
/// There x264 is given one thread, so that the same chunk is encoded to the same bytes again: with several, its rate control looks
/// at how far the others happen to be.
pub(crate) fn on_one_processor(test: impl Future<Output = ()>) {
    let allowed = sched_getaffinity(None).expect("a process knows its processors");
    let allowed: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|cpu| allowed.is_set(*cpu))
        .collect();
    let mut one = CpuSet::new();
    // Tests that run side by side take different ones, mostly.
    one.set(allowed[std::process::id() as usize % allowed.len()]);
    sched_setaffinity(None, &one).expect("a process may keep to one of its processors");
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be started")
        .block_on(test);
}
