//! A proxy in front of one AWS service that lets things go wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::stream;
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Largest body that is passed on.
const MAX_BODY: usize = 64 << 20;

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// It takes this much longer.
    Delay(Duration),
    /// It waits until this is true.
    Until(watch::Receiver<bool>),
    /// The service answers so, and does nothing.
    Answer(StatusCode, &'static str),
    /// The service does it, and the answer never arrives.
    LoseAnswer,
    /// The service never gets it, and nobody answers.
    Hang,
    /// The service does it, and nobody answers.
    DoAndHang,
    /// The answer breaks off in the middle.
    CutAnswer,
    /// The service is asked twice, the second time this much later.
    Twice(Duration),
}

/// A request as who decides sees it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Of S3: empty when it is about an object itself.
    pub(crate) query: String,
    /// Of SQS and DynamoDB: `AmazonSQS.SendMessage`.
    pub(crate) operation: String,
    pub(crate) body: Bytes,
}

/// What is to happen to a request.
pub(crate) type Decide = dyn Fn(&Call) -> Fault + Send + Sync;

#[derive(Clone)]
struct Upstream {
    http: Client,
    url: String,
    decide: Arc<Decide>,
}

/// A running proxy; it ends when this is dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    server: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of `upstream`; `decide` is asked for each request.
    pub(crate) async fn start(
        upstream: &str,
        decide: impl Fn(&Call) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let state = Upstream {
            http: Client::new(),
            url: upstream.to_owned(),
            decide: Arc::new(decide),
        };
        let app = Router::new().fallback(pass).with_state(state);
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("it never ends");
        });
        Self {
            url: format!("http://{address}"),
            server,
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(upstream): State<Upstream>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return broken_off(&head.method);
    };
    let operation = head.headers.get("x-amz-target");
    let operation = operation.and_then(|name| name.to_str().ok());
    let call = Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        operation: operation.unwrap_or_default().to_owned(),
        body,
    };
    let forward = || upstream.forward(&call, &head.uri, &head.headers);
    match (upstream.decide)(&call) {
        Fault::Pass => forward().await,
        Fault::Delay(delay) => {
            tokio::time::sleep(delay).await;
            forward().await
        }
        Fault::Until(mut open) => {
            let _ = open.wait_for(|open| *open).await;
            forward().await
        }
        Fault::Answer(status, body) => (status, body).into_response(),
        Fault::LoseAnswer => {
            forward().await;
            broken_off(&call.method)
        }
        Fault::Hang => std::future::pending().await,
        Fault::DoAndHang => {
            forward().await;
            std::future::pending().await
        }
        Fault::CutAnswer => {
            let (head, body) = forward().await.into_parts();
            let bytes = to_bytes(body, MAX_BODY).await.unwrap_or_default();
            let half = Ok(bytes.slice(..bytes.len() / 2));
            let cut = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            Response::from_parts(head, Body::from_stream(stream::iter([half, cut])))
        }
        Fault::Twice(later) => {
            let answer = forward().await;
            let (upstream, uri, headers) = (upstream.clone(), head.uri.clone(), head.headers);
            tokio::spawn(async move {
                tokio::time::sleep(later).await;
                upstream.forward(&call, &uri, &headers).await;
            });
            answer
        }
    }
}

impl Upstream {
    /// The `Host` stays as it came: it is signed.
    async fn forward(&self, call: &Call, uri: &Uri, headers: &HeaderMap) -> Response {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = self
            .http
            .request(call.method.clone(), format!("{}{path}", self.url))
            .headers(headers.clone())
            .body(call.body.clone());
        let Ok(response) = request.send().await else {
            return broken_off(&call.method);
        };
        let mut answer = Response::builder().status(response.status());
        let by_hop =
            |name: &HeaderName| matches!(name.as_str(), "connection" | "transfer-encoding");
        for (name, value) in response.headers().iter().filter(|(name, _)| !by_hop(name)) {
            answer = answer.header(name, value);
        }
        let Ok(bytes) = response.bytes().await else {
            return broken_off(&call.method);
        };
        answer
            .body(Body::from(bytes))
            .expect("it was an answer before")
    }
}

/// The connection ends before the answer does. Of an answer to `HEAD` nothing can be missing, so there it is an error.
fn broken_off(to: &Method) -> Response {
    if to == Method::HEAD {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let cut: Result<Bytes, _> = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    // More is promised than ever comes.
    let body = Body::from_stream(stream::iter([cut]));
    (StatusCode::OK, [("content-length", "1000000")], body).into_response()
}
