//! The processes that a test has started, and those that these have started.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{getpid, set_child_subreaper};

/// What programs of ours start: FFmpeg, by programs that become it.
const STARTED: [&str; 4] = ["setpriv", "prlimit", "ffmpeg", "ffprobe"];

/// From now on, a process whose parent is killed becomes a child of the test, where it is found. Each test has a process of its own.
pub(crate) fn adopt_orphans() {
    set_child_subreaper(Some(getpid())).expect("every Linux can do that");
}

/// Processes that the threads of this one have started.
pub(crate) fn children() -> BTreeSet<i32> {
    children_of("self").collect()
}

/// The command lines of FFmpeg's processes that run, whoever started them here.
pub(crate) fn ffmpegs() -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting: Vec<i32> = children().into_iter().collect();
    while let Some(id) = waiting.pop() {
        waiting.extend(children_of(&id.to_string()));
        // One that has ended since has no files any more; one that nobody has waited for has no command line.
        let read = |file: &str| fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        let name = String::from_utf8_lossy(&read("comm")).trim().to_owned();
        let words = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        if STARTED.contains(&name.as_str()) && !words.is_empty() {
            found.push(words);
        }
    }
    found
}

fn children_of(process: &str) -> impl Iterator<Item = i32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten();
    threads.filter_map(Result::ok).flat_map(|thread| {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let ids: Vec<i32> = children
            .split_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect();
        ids
    })
}
