//! Reading a package from a server, and telling how it was delivered.

use std::io::Read;
use std::time::Duration;

use anyhow::Context;
use flate2::read::MultiGzDecoder;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RANGE};
use reqwest::{Client, Response, StatusCode};
use streamforge_hls::check::{Delivery, Fetch, FetchError, Fetched};
use streamforge_hls::media_playlist::ByteRange;
use tokio::runtime::Handle;
use url::Url;

use super::{RESOURCE_LIMIT_BYTES, Source};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may be silent.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The server of a package.
#[derive(Debug)]
pub(super) struct Server {
    client: Client,
    /// Where the first playlist is, which relative URIs are joined to.
    base: Url,
    /// Runs the requests, whose answers are waited for.
    runtime: Handle,
    has_read: bool,
}

impl Server {
    /// # Errors
    ///
    /// When there is no TLS to be had.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub(super) fn new(base: Url) -> anyhow::Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("streamforge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            // It would hide the Content-Encoding that is to be judged.
            .no_gzip()
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self {
            client,
            base,
            runtime: Handle::current(),
            has_read: false,
        })
    }

    async fn get(&self, uri: &str, range: Option<ByteRange>) -> Result<Fetched, FetchError> {
        let url = self
            .base
            .join(uri)
            .map_err(|_| FetchError::OutsidePackage)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::OutsidePackage);
        }
        let request = self.client.get(url.clone());
        let request = match range {
            Some(ByteRange { length: 0, .. }) => return Ok(Fetched::default()),
            Some(ByteRange { length, offset }) => {
                let last = offset.saturating_add(length - 1);
                request.header(RANGE, format!("bytes={offset}-{last}"))
            }
            None => request.header(ACCEPT_ENCODING, "gzip"),
        };
        let mut response = request.send().await.map_err(into_fetch_error)?;
        let delivery = delivery(&response, &url);
        let bytes = match (response.status(), range) {
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => Vec::new(),
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => return Err(FetchError::NotFound),
            (status, _) if !status.is_success() => {
                return Err(FetchError::Failed(format!("the server answered {status}")));
            }
            (StatusCode::PARTIAL_CONTENT, Some(range)) => {
                read(&mut response, 0, range.length).await?
            }
            // The server does not do ranges and sends everything.
            (_, Some(range)) => read(&mut response, range.offset, range.length).await?,
            (_, None) => read(&mut response, 0, u64::MAX).await?,
        };
        let is_gzip = delivery
            .content_encoding
            .as_deref()
            .is_some_and(|e| e == "gzip");
        Ok(Fetched {
            bytes: if is_gzip { decompress(&bytes)? } else { bytes },
            delivery: Some(delivery),
        })
    }
}

impl Source for Server {
    fn has_read(&self) -> bool {
        self.has_read
    }
}

impl Fetch for Server {
    fn fetch(&mut self, uri: &str, range: Option<ByteRange>) -> Result<Fetched, FetchError> {
        let fetched = self.runtime.block_on(self.get(uri, range))?;
        self.has_read = true;
        Ok(fetched)
    }
}

fn delivery(response: &Response, asked: &Url) -> Delivery {
    let header = |name: HeaderName| {
        let value = response.headers().get(name)?;
        Some(value.to_str().ok()?.to_ascii_lowercase())
    };
    Delivery {
        content_type: header(CONTENT_TYPE),
        content_encoding: header(CONTENT_ENCODING),
        redirected_to: (response.url() != asked).then(|| response.url().to_string()),
        tls: response.url().scheme() == "https",
    }
}

/// Reads the `length` bytes of a body that come after the first `skip`, or as many as there are.
async fn read(response: &mut Response, mut skip: u64, length: u64) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(into_fetch_error)? {
        let skipped = usize::try_from(skip).map_or(chunk.len(), |skip| skip.min(chunk.len()));
        skip -= skipped as u64;
        let left = length - bytes.len() as u64;
        let taken = usize::try_from(left).map_or(usize::MAX, |left| left);
        bytes.extend(chunk[skipped..].iter().take(taken));
        if bytes.len() as u64 > RESOURCE_LIMIT_BYTES {
            return Err(too_large());
        }
        if bytes.len() as u64 == length {
            break;
        }
    }
    Ok(bytes)
}

/// Takes gzip off, but no more of it than a resource may have: a few kilobytes can become terabytes.
fn decompress(bytes: &[u8]) -> Result<Vec<u8>, FetchError> {
    let mut decompressed = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(RESOURCE_LIMIT_BYTES + 1)
        .read_to_end(&mut decompressed)
        .map_err(|error| FetchError::Failed(format!("the gzip encoding is broken: {error}")))?;
    if decompressed.len() as u64 > RESOURCE_LIMIT_BYTES {
        return Err(too_large());
    }
    Ok(decompressed)
}

fn too_large() -> FetchError {
    FetchError::TooLarge {
        limit_bytes: RESOURCE_LIMIT_BYTES,
    }
}

/// With its causes: the outermost of a `reqwest` error only says that a request failed.
fn into_fetch_error(error: reqwest::Error) -> FetchError {
    FetchError::Failed(format!("{:#}", anyhow::Error::new(error.without_url())))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server on the loopback interface that answers each request, by its path and headers, with
    /// what `answer` makes: status line and headers, and a body.
    async fn server(answer: fn(&str) -> (String, Vec<u8>)) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let (head, body) = answer(&String::from_utf8(request).unwrap().to_lowercase());
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                stream
                    .write_all(&[head.into_bytes(), body].concat())
                    .await
                    .unwrap();
            }
        });
        Server::new(Url::parse(&format!("http://{address}/v/master.m3u8")).unwrap()).unwrap()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn gzip_is_taken_off_and_told() {
        let server = server(|request| {
            assert!(
                request.starts_with("get /v/a/index.m3u8 http/1.1"),
                "{request}"
            );
            assert!(request.contains("accept-encoding: gzip"), "{request}");
            let head = "200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\
                        Content-Encoding: gzip";
            (head.to_owned(), gzip(b"#EXTM3U\n"))
        });
        let fetched = server.await.get("a/index.m3u8", None).await.unwrap();
        assert_eq!(fetched.bytes, b"#EXTM3U\n");
        let delivery = fetched.delivery.unwrap();
        assert_eq!(delivery.content_encoding.as_deref(), Some("gzip"));
        assert_eq!(
            delivery.content_type.as_deref(),
            Some("application/vnd.apple.mpegurl")
        );
        assert!(delivery.redirected_to.is_none() && !delivery.tls);
    }

    #[tokio::test]
    async fn redirect_is_followed_and_told() {
        let server = server(|request| match request.split(' ').nth(1) {
            Some("/v/seg.ts") => (
                "302 Found\r\nLocation: /elsewhere.ts".to_owned(),
                Vec::new(),
            ),
            _ => ("200 OK".to_owned(), b"G".to_vec()),
        });
        let fetched = server.await.get("seg.ts", None).await.unwrap();
        assert_eq!(fetched.bytes, b"G");
        let redirected_to = fetched.delivery.unwrap().redirected_to.unwrap();
        assert!(redirected_to.ends_with("/elsewhere.ts"), "{redirected_to}");
    }

    #[tokio::test]
    async fn range_comes_from_servers_with_ranges_and_without() {
        let range = ByteRange {
            length: 3,
            offset: 2,
        };
        let with = server(|request| {
            assert!(request.contains("range: bytes=2-4"), "{request}");
            ("206 Partial Content".to_owned(), b"234".to_vec())
        });
        assert_eq!(
            with.await.get("a", Some(range)).await.unwrap().bytes,
            b"234"
        );
        let without = server(|_| ("200 OK".to_owned(), b"0123456789".to_vec()));
        assert_eq!(
            without.await.get("a", Some(range)).await.unwrap().bytes,
            b"234"
        );
        let short = server(|_| ("416 Range Not Satisfiable".to_owned(), Vec::new()));
        assert_eq!(short.await.get("a", Some(range)).await.unwrap().bytes, b"");
    }

    #[tokio::test]
    async fn refusals_of_the_server_are_told_apart() {
        let gone = server(|_| ("404 Not Found".to_owned(), Vec::new())).await;
        assert!(matches!(
            gone.get("a", None).await,
            Err(FetchError::NotFound)
        ));
        let down = server(|_| ("503 Service Unavailable".to_owned(), Vec::new())).await;
        let error = down.get("a", None).await.unwrap_err().to_string();
        assert_eq!(error, "the server answered 503 Service Unavailable");
        let broken = server(|_| ("200 OK\r\nContent-Encoding: gzip".to_owned(), b"x".to_vec()));
        assert!(matches!(
            broken.await.get("a", None).await,
            Err(FetchError::Failed(_))
        ));
    }

    #[tokio::test]
    async fn only_http_is_asked() {
        let server = server(|_| ("200 OK".to_owned(), Vec::new())).await;
        for uri in ["file:///etc/passwd", "data:,x", "ftp://127.0.0.1/a"] {
            let answer = server.get(uri, None).await;
            assert!(
                matches!(answer, Err(FetchError::OutsidePackage)),
                "{uri}: {answer:?}"
            );
        }
    }
}
