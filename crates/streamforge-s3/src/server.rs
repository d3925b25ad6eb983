//! HTTP around the service: CORS, what is refused before the protocol.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3ErrorCode, s3_error};
use tokio::net::TcpListener;

use self::chunks::SmallChunks;
use self::linger::Lingering;
use crate::connections;
use crate::cors::CorsQuestion;
use crate::store::Store;

mod chunks;
mod linger;

/// The service, and what it needs from the store besides.
#[derive(Clone)]
pub(crate) struct Server {
    service: S3Service,
    store: Arc<Store>,
}

impl Server {
    pub(crate) fn new(service: S3Service, store: Arc<Store>) -> Self {
        Self { service, store }
    }

    /// Answers on `listener` until `shutdown` is ready; no connection outlives it, so that the store can be opened again.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        shutdown: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) {
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        connections::serve(listener, service, shutdown).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let question = CorsQuestion::new(request.method().as_str(), request.headers());
        let is_cross_origin = request.headers().contains_key(ORIGIN);
        let cors = match question {
            None => None,
            Some(question) => self.cors(&question, request.uri().path()).await,
        };
        let mut response = if request.method() == Method::OPTIONS {
            preflight(cors.is_some(), is_cross_origin)
        } else {
            self.call(request).await
        };
        if let Some(cors) = cors {
            response.headers_mut().extend(cors);
        }
        response
    }

    /// The answer of the bucket's rules, if they allow the request.
    async fn cors(&self, question: &CorsQuestion, path: &str) -> Option<HeaderMap> {
        let bucket = path.split('/').nth(1)?.to_owned();
        // A bucket that cannot be read allows nothing; the request itself tells what is wrong.
        let bucket = self.store.bucket(bucket).await.ok()?;
        question.answer(&bucket.cors?)
    }

    async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        let is_head = request.method() == Method::HEAD;
        let (head, body) = request.into_parts();
        let body = Lingering::new(&head.headers, body);
        let held_back = body.held_back();
        if is_form(&head.method, &head.headers) {
            // s3s would gather the file in memory before it asks who sends it.
            return error(s3_error!(NotImplemented, "POST Object is not implemented"));
        }
        let body = Body::http_body(SmallChunks::new(&head.headers, body));
        let mut response = match self.service.call(Request::from_parts(head, body)).await {
            Ok(response) => response,
            Err(err) => {
                tracing::error!(?err, "cannot answer");
                error(s3_error!(InternalError))
            }
        };
        // s3s leaves the status at 200, though a range was asked for and is described.
        if is_head
            && response.status() == StatusCode::OK
            && response.headers().contains_key(CONTENT_RANGE)
        {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        if held_back.get() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        response
    }
}

fn is_form(method: &Method, headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let form = b"multipart/form-data";
    let begins = content_type.and_then(|content_type| content_type.get(..form.len()));
    method == Method::POST && begins.is_some_and(|begins| begins.eq_ignore_ascii_case(form))
}

fn preflight(is_allowed: bool, is_cross_origin: bool) -> Response<Body> {
    if is_allowed {
        return Response::new(Body::empty());
    }
    if !is_cross_origin {
        let code = S3ErrorCode::Custom("BadRequest".into());
        let mut err = S3Error::with_message(
            code,
            "Insufficient information. Origin request header needed.",
        );
        err.set_status_code(StatusCode::BAD_REQUEST);
        return error(err);
    }
    let mut err = S3Error::with_message(
        S3ErrorCode::Custom("AccessForbidden".into()),
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
    );
    err.set_status_code(StatusCode::FORBIDDEN);
    let mut response = error(err);
    response.headers_mut().insert(VARY, crate::cors::VARIES);
    response
}

fn error(err: S3Error) -> Response<Body> {
    err.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
