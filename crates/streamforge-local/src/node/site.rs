//! What pages of other sites cannot have a browser do here.
//!
//! There are no accounts: who reaches the port may do everything. Every page that a browser of this machine shows reaches it too, so two
//! things are looked at before any route:
//!
//! - **`Host`**, of every request. A page can have its own name lead to our address (DNS rebinding), and is of our origin then for the
//!   browser, which lets it read and change all. But not with an address, or with a name that is ours.
//! - **Where a change comes from.** A page can send a form anywhere, with a file in it. Browsers tell where it comes from: by
//!   `Sec-Fetch-Site`, and by `Origin` alone where plain HTTP leads to another machine.
//!
//! Other programs tell nothing and are let through. Reading is for everybody: what a page of another site may see of an answer, CORS
//! decides, which allows streams and nothing else.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// What is this node's own.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// What clients reach it by, where that is not its address: `https://videos.example`.
    public_url: Option<String>,
    /// The name in it.
    public_name: Option<String>,
}

/// Why a request is not answered.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Refused {
    /// It is for another host.
    Host(String),
    /// A page of another site sends it.
    Page,
}

impl Site {
    pub(super) fn new(public_url: Option<String>) -> Self {
        let uri = public_url.as_deref().map(str::parse::<Uri>);
        let public_name = uri
            .and_then(Result::ok)
            .and_then(|uri| uri.host().map(str::to_owned));
        Self {
            public_url,
            public_name,
        }
    }

    fn judge(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
        for host in headers.get_all(header::HOST) {
            if !self.is_host(host) {
                let host = String::from_utf8_lossy(host.as_bytes()).into_owned();
                return Err(Refused::Host(host));
            }
        }
        if method.is_safe() || self.is_from_own_page(headers) {
            Ok(())
        } else {
            Err(Refused::Page)
        }
    }

    fn is_host(&self, host: &HeaderValue) -> bool {
        let Ok(authority) = Authority::try_from(host.as_bytes()) else {
            return false;
        };
        let name = authority.host();
        let ip = name.trim_start_matches('[').trim_end_matches(']');
        let is = |own: &str| name.eq_ignore_ascii_case(own);
        // No page can have a name under `localhost` (RFC 6761).
        let is_local = is("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
        ip.parse::<IpAddr>().is_ok() || is_local || self.public_name.as_deref().is_some_and(is)
    }

    fn is_from_own_page(&self, headers: &HeaderMap) -> bool {
        let site = headers.get(SEC_FETCH_SITE);
        if site.is_some_and(|site| site == "same-origin" || site == "none") {
            return true;
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            return site.is_none();
        };
        // To whoever stands before us the scheme may be another one.
        let authority = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"));
        let host = headers.get(header::HOST);
        let is_host = host.is_some_and(|host| authority.is_some_and(|(_, own)| host == own));
        let public_url = self.public_url.as_deref();
        is_host || public_url.is_some_and(|url| origin == url)
    }
}

/// Lets a request through, or tells why not.
pub(super) async fn check(State(site): State<Site>, request: Request, next: Next) -> Response {
    match site.judge(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            tracing::info!(?refused, "a request was refused");
            refused.into_response()
        }
    }
}

impl Refused {
    /// A problem of no type of its own ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457#name-aboutblank)): the API has none of these.
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Host(host) => (
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "{host} is not a name of this service: use its address, or start it with --public-url http://{host}"
                ),
            ),
            Self::Page => (
                StatusCode::FORBIDDEN,
                "only pages of this service itself may change anything here; if this was one, start the service with --public-url \
                 and the URL of the page"
                    .to_owned(),
            ),
        };
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
        });
        let content_type = (header::CONTENT_TYPE, "application/problem+json");
        (status, [content_type], body.to_string()).into_response()
    }
}
