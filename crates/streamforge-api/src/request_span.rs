//! What is known of a request wherever it leads: its id goes into every line of the log and along with every message, and the client is
//! told it.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use streamforge_aws::origin;
use streamforge_core::origin::Origin;
use tracing::Instrument as _;

use crate::random;

/// The header of an answer that names its request.
const REQUEST_ID: &str = "x-request-id";

/// What is said of a request that no route is for: its path may be anything.
const NO_ROUTE: &str = "no route";

/// Answers a request in a span of its own. Its [`Origin`] is that among its extensions, from whoever hands it on; otherwise it is the first
/// to name it.
pub(crate) async fn answer(request: Request, next: Next) -> Response {
    let given = request.extensions().get::<Origin>().cloned();
    let Origin {
        request_id,
        trace_id,
    } = given.unwrap_or_default();
    let request_id = request_id.unwrap_or_else(|| format!("{:032x}", random()));
    // As the code has it, without what clients put into it: that may be the name of a file.
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!(
        "api.request",
        request.id = request_id,
        trace.id = trace_id,
        http.method = method.as_str(),
        http.route = route,
    );
    let header = HeaderValue::try_from(&request_id).ok();
    let origin = Origin {
        request_id: Some(request_id),
        trace_id,
    };
    let answering = async {
        let begun = Instant::now();
        let mut response = next.run(request).await;
        let status = response.status().as_u16();
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if method.is_safe() {
            tracing::debug!(
                http.status = status,
                duration_ms,
                "{method} {route}: {status}"
            );
        } else {
            tracing::info!(
                http.status = status,
                duration_ms,
                "{method} {route}: {status}"
            );
        }
        if let Some(id) = header {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    };
    origin::within(origin, answering.instrument(span)).await
}
