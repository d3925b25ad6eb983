//! Requests as API Gateway's HTTP APIs and function URLs hand them on.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use futures::StreamExt as _;
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use streamforge_api::Api;
use streamforge_core::origin::{Origin, trace_id};

pub use lambda_http::Error;

/// An answer that goes on ends by itself so long before Lambda would cut it off.
const MARGIN: Duration = Duration::from_secs(2);

/// What stands in no path of a URL ([path percent-encode set](https://url.spec.whatwg.org/#path-percent-encode-set)).
const DECODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Answers requests, one at a time.
///
/// # Errors
/// Lambda is not there.
pub async fn run(api: Api) -> Result<(), Error> {
    lambda_http::run(router(api)).await
}

/// Answers requests with what comes as it comes
/// ([response streaming](https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html)).
///
/// # Errors
/// Lambda is not there.
pub async fn run_streaming(api: Api) -> Result<(), Error> {
    let router = ending_in_time(router(api));
    lambda_http::run_with_streaming_response(router).await
}

/// The routes of the API. Requests keep the id that they have from API Gateway or the function URL: it also stands in their logs, and clients
/// are told it.
pub fn router(api: Api) -> Router {
    // A layer of the routes themselves would come too late to change the path.
    let routes = Router::new().fallback_service(streamforge_api::router(api));
    routes.layer(from_fn(
        async |mut request: Request, next: Next| -> Response {
            let origin = origin(&request);
            request.extensions_mut().insert(origin);
            if let Some(uri) = uri_of_whole_path(&request) {
                *request.uri_mut() = uri;
            }
            next.run(request).await
        },
    ))
}

/// HTTP APIs hand paths on decoded, so that `%3F` and `%23` in one look like its end. AWS itself is said to end it at `%3F`, about
/// which nothing can be done here; function URLs leave paths as they are.
fn uri_of_whole_path(request: &Request) -> Option<Uri> {
    let path = request.raw_http_path();
    if !path.contains(['?', '#']) {
        return None;
    }
    let path = utf8_percent_encode(path, DECODED);
    let query = request.query_string_parameters().to_query_string();
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(format!("{path}?{query}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn origin(request: &Request) -> Origin {
    let request_id = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    };
    // The runtime puts that of the invocation there.
    let header = request.headers().get("x-amzn-trace-id");
    let header = header.and_then(|header| header.to_str().ok());
    Origin {
        request_id,
        trace_id: header.and_then(trace_id).map(str::to_owned),
    }
}

/// Ends bodies before the time of the invocation is over: a client that follows events then comes again, while one that is cut off
/// counts as an error.
pub fn ending_in_time(router: Router) -> Router {
    router.layer(from_fn(async |request: Request, next: Next| -> Response {
        let context = request.lambda_context_ref();
        let deadline = context.map(|context| context.deadline() - MARGIN);
        let response = next.run(request).await;
        let Some(deadline) = deadline else {
            return response;
        };
        let left = deadline.duration_since(SystemTime::now());
        let over = Box::pin(tokio::time::sleep(left.unwrap_or_default()));
        response.map(|body| Body::from_stream(body.into_data_stream().take_until(over)))
    }))
}
