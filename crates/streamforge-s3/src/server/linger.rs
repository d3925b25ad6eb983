//! Reads what is left of a body that nobody wants.
//!
//! A request is often refused before its body was read: an expired URL, a condition that is not met. If
//! the connection were closed then, a client that is still sending would see it break and never read why.
//! So the rest is read and thrown away, within limits; it costs less than what the client does next.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::runtime::Handle;

/// Most bytes read in vain.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Longest time spent on it.
const MAX_TIME: Duration = Duration::from_secs(10);

/// A body of which the rest is read when it is dropped.
#[derive(Debug)]
pub(super) struct Lingering {
    /// Nothing when there is no more of it.
    body: Option<Incoming>,
    held_back: HeldBack,
}

/// Whether the client holds the body back until somebody begins to read it.
///
/// When nobody did, an answer must close the connection: the client may send the body or not, so what
/// comes next on it could be either.
#[derive(Clone, Debug)]
pub(super) struct HeldBack(Arc<AtomicBool>);

impl HeldBack {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Lingering {
    pub(super) fn new(headers: &HeaderMap, body: Incoming) -> Self {
        let is_held_back = headers.contains_key(EXPECT) && !body.is_end_stream();
        Self {
            body: Some(body),
            held_back: HeldBack(Arc::new(AtomicBool::new(is_held_back))),
        }
    }

    pub(super) fn held_back(&self) -> HeldBack {
        self.held_back.clone()
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.held_back.0.store(false, Ordering::Relaxed);
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.held_back.get() || self.is_end_stream() {
            return;
        }
        if let (Some(body), Ok(runtime)) = (self.body.take(), Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(MAX_TIME, discard(body)));
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut left = MAX_BYTES;
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
