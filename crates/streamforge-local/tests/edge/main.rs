//! The edge over the embedded S3, by real HTTP.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use streamforge_aws::media_bucket::MediaBucket;
use streamforge_core::id::VideoId;
use streamforge_local::edge;
use streamforge_local::services::EmbeddedServices;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

mod caching;
mod encodings;
mod large;
mod ranges;
mod refusals;
mod validators;

const PLAYLIST: &str = "720p/index.m3u8";
const SEGMENT: &str = "720p/seg_00000.m4s";
const SEGMENT_TYPE: &str = "video/iso.segment";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// An edge on a bucket of its own.
struct Edge {
    services: EmbeddedServices,
    video: VideoId,
    address: SocketAddr,
    client: reqwest::Client,
    /// How often it asked S3.
    reads: Arc<AtomicUsize>,
    _data: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// A header that may be there once.
    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next();
        assert!(values.next().is_none(), "{name} is there twice");
        value.map(|value| value.to_str().unwrap())
    }
}

impl Edge {
    async fn start() -> Self {
        Self::with_s3(|s3| s3).await
    }

    /// One that reaches S3 by another client.
    async fn with_s3(other: impl FnOnce(Client) -> Client) -> Self {
        let data = TempDir::new().unwrap();
        let s3_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let services = EmbeddedServices::start(data.path(), s3_listener)
            .await
            .unwrap();
        let reads = Arc::<AtomicUsize>::default();
        let config = other(services.s3()).config().to_builder();
        let counted = config.interceptor(Reads(Arc::clone(&reads))).build();
        let bucket = &services.resources().media_bucket;
        let media = MediaBucket::new(Client::from_conf(counted), bucket);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, edge::router(media)).await });
        Self {
            services,
            video: VideoId::from_random(1),
            address,
            client: reqwest::Client::builder().no_gzip().build().unwrap(),
            reads,
            _data: data,
        }
    }

    /// Stores an object of the video and returns its tag.
    async fn put(
        &self,
        path: &str,
        content_type: &str,
        cache_control: &str,
        content: impl Into<ByteStream>,
    ) -> String {
        let put = self.services.s3().put_object();
        let put = put
            .bucket(&self.services.resources().media_bucket)
            .key(MediaBucket::key(&self.video, path))
            .content_type(content_type)
            .cache_control(cache_control)
            .body(content.into());
        put.send().await.unwrap().e_tag.unwrap()
    }

    async fn put_segment(&self, content: &[u8]) -> String {
        let content = content.to_vec();
        self.put(SEGMENT, SEGMENT_TYPE, IMMUTABLE, content).await
    }

    async fn put_playlist(&self, text: &str) -> String {
        let content_type = "application/vnd.apple.mpegurl";
        let content = text.as_bytes().to_vec();
        self.put(PLAYLIST, content_type, "public, max-age=300", content)
            .await
    }

    /// Asks for an object of the video.
    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = format!("http://{}/v/{}/{path}", self.address, self.video);
        let mut request = self.client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: response.bytes().await.unwrap(),
        }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers).await
    }

    /// Status, `X-Cache` and body of a plain `GET`.
    async fn look(&self, path: &str) -> (u16, String, Bytes) {
        let answer = self.get(path, &[]).await;
        let cached = answer.header("x-cache").unwrap().to_owned();
        (answer.status.as_u16(), cached, answer.body)
    }

    /// All that is answered to requests as they are, of which the last one closes the connection.
    async fn raw(&self, requests: &str) -> String {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all(requests.as_bytes()).await.unwrap();
        let mut answers = String::new();
        connection.read_to_string(&mut answers).await.unwrap();
        answers
    }

    /// How often S3 was asked since this was asked.
    fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::SeqCst)
    }
}

/// Counts what a client sends.
#[derive(Debug)]
struct Reads(Arc<AtomicUsize>);

impl Intercept for Reads {
    fn name(&self) -> &'static str {
        "reads"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// So many bytes, of which neighbours differ.
fn content(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}
