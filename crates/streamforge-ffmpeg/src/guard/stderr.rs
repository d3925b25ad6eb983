//! What a child last said.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

/// How much is kept of it, in bytes: enough for the errors FFmpeg ends with.
const TAIL_BYTES: usize = 8 * 1024;

/// The last 8 KiB that came out of a pipe. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl Tail {
    /// Reads `pipe` to its end: whoever writes to it never has to wait.
    pub(super) async fn fill(self, mut pipe: pipe::Receiver) {
        let mut buffer = [0; 4096];
        // An error ends it as the end does: the child is what matters, and it is watched by its supervisor.
        while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            bytes.extend(&buffer[..read]);
            let surplus = bytes.len().saturating_sub(TAIL_BYTES);
            bytes.drain(..surplus);
        }
    }

    /// The tail so far as text; what is not UTF-8 is replaced.
    pub(super) fn text(&self) -> String {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(bytes.make_contiguous())
            .trim_end()
            .to_owned()
    }
}
