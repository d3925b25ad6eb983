//! Clients that go silent in the middle of a request: a broken network tells nobody, and what waits for the rest would wait for ever.

use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use futures::{TryStreamExt as _, stream};

/// Lets the body of `request` fail once somebody has waited for more of it for so long and nothing came.
pub(crate) fn limit(request: Request, max_silence: Duration) -> Request {
    request.map(|body| {
        if body.is_end_stream() {
            return body;
        }
        let frames = body.into_data_stream();
        Body::from_stream(stream::try_unfold(frames, move |mut frames| async move {
            let next = tokio::time::timeout(max_silence, frames.try_next()).await;
            let next = next.map_err(|_| format!("nothing more came for {max_silence:?}"))??;
            Ok::<_, BoxError>(next.map(|bytes| (bytes, frames)))
        }))
    })
}
