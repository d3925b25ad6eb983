//! A StreamForge server, as its clients use it: the HTTP API, with what is worth another try tried again.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::video::Visibility;
use url::Url;

pub(crate) use self::backoff::Backoff;
pub(crate) use self::error::ClientError;
use self::types::{
    Health, NewUpload, PartChecksum, PartUrl, PartUrls, Problem, Upload, Video, VideoPage,
};

mod backoff;
mod error;
mod events;
mod sse;
pub(crate) mod types;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer of the API may take: the slowest, about a completed upload, takes two seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Which server a command is about.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArg {
    /// The service, http(s)://HOST:PORT
    #[arg(
        long,
        value_name = "URL",
        env = "STREAMFORGE_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_parser = parse_server
    )]
    pub(crate) server: Url,
}

/// Reads the URL of a server.
pub(crate) fn parse_server(text: &str) -> Result<Url, String> {
    let wanted = "a server is given as http://HOST:PORT or https://HOST";
    let url = Url::parse(text).map_err(|err| format!("{err}: {wanted}"))?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_bare {
        return Err(wanted.to_owned());
    }
    Ok(url)
}

/// A server.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    server: Url,
    /// Whether it ever answered. A server that never did is not there; one that did will be back.
    has_answered: AtomicBool,
}

/// What a server said.
struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Client {
    /// A client of the server at `server`. Connects to nothing yet.
    ///
    /// # Errors
    /// There is no TLS to be had.
    pub(crate) fn new(server: Url) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("streamforge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::custom(follow_unless_changed))
            .build()
            .map_err(|err| ClientError::Setup(root_cause(&err)))?;
        Ok(Self {
            http,
            server,
            has_answered: AtomicBool::new(false),
        })
    }

    /// The server's URL without a slash at the end.
    pub(crate) fn server(&self) -> String {
        self.server.origin().ascii_serialization()
    }

    /// For requests to others than the server.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Announces a file. Returns its upload, and whether it is a new one.
    ///
    /// # Errors
    /// [`ClientError`]; refused, when the file is not accepted.
    pub(crate) async fn announce(
        &self,
        new: &NewUpload<'_>,
    ) -> Result<(Upload, bool), ClientError> {
        let answer = self.call(Method::POST, "/api/v1/uploads", new).await?;
        Ok((self.read(&answer)?, answer.status == StatusCode::CREATED))
    }

    /// Where to send one part with this checksum, and no other bytes.
    ///
    /// # Errors
    /// [`ClientError`]; refused, when the upload takes no parts any more.
    pub(crate) async fn part_url(
        &self,
        upload: &UploadId,
        part: &PartChecksum<'_>,
    ) -> Result<PartUrl, ClientError> {
        let path = format!("/api/v1/uploads/{upload}/parts");
        let body = json!({ "parts": [part] });
        let answer = self.call(Method::POST, &path, &body).await?;
        let PartUrls { part_urls } = self.read(&answer)?;
        let url = part_urls.into_iter().next();
        url.ok_or_else(|| self.foreign("it gave no URL for the part"))
    }

    /// Completes an upload of which `parts` are all parts. `false` while the store is still joining them: to be asked again.
    ///
    /// # Errors
    /// [`ClientError`]; refused, when parts are missing or not what was sent.
    pub(crate) async fn complete(
        &self,
        upload: &UploadId,
        parts: &[PartChecksum<'_>],
    ) -> Result<bool, ClientError> {
        let path = format!("/api/v1/uploads/{upload}/complete");
        let body = json!({ "parts": parts });
        let answer = self.call(Method::POST, &path, &body).await?;
        Ok(answer.status != StatusCode::ACCEPTED)
    }

    /// Gives an upload up, with what was sent of it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) async fn give_up(&self, upload: &UploadId) -> Result<(), ClientError> {
        let path = format!("/api/v1/uploads/{upload}");
        self.call(Method::DELETE, &path, &()).await?;
        Ok(())
    }

    /// One video.
    ///
    /// # Errors
    /// [`ClientError`]; refused, when there is no such video.
    pub(crate) async fn video(&self, id: &VideoId) -> Result<Video, ClientError> {
        let path = format!("/api/v1/videos/{id}");
        let answer = self.call(Method::GET, &path, &()).await?;
        Ok(self.with_whole_urls(self.read(&answer)?))
    }

    /// The newest videos, at most `limit` and 200 of them.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) async fn videos(&self, limit: u32) -> Result<Vec<Video>, ClientError> {
        let path = format!("/api/v1/videos?limit={limit}");
        let answer = self.call(Method::GET, &path, &()).await?;
        let VideoPage { videos } = self.read(&answer)?;
        let videos = videos.into_iter().map(|video| self.with_whole_urls(video));
        Ok(videos.collect())
    }

    /// Changes what a video is called and who finds it, as far as given.
    ///
    /// # Errors
    /// [`ClientError`]; refused, when the title cannot be one.
    pub(crate) async fn change(
        &self,
        id: &VideoId,
        title: Option<&str>,
        visibility: Option<Visibility>,
    ) -> Result<(), ClientError> {
        let path = format!("/api/v1/videos/{id}");
        let body = json!({ "title": title, "visibility": visibility });
        self.call(Method::PATCH, &path, &body).await?;
        Ok(())
    }

    /// How the service is, and the head of its answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) async fn health(&self) -> Result<(Health, reqwest::header::HeaderMap), ClientError> {
        let response = self.send(Method::GET, "/api/health", None).await?;
        let head = response.headers().clone();
        let answer = self.take(response).await?;
        Ok((self.read(&answer)?, head))
    }

    /// Asks until there is an answer, as long as that is worth it. A `body` of `()` is none.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let body = serde_json::to_vec(body).expect("a request has no keys but strings");
        let body = (body != b"null").then(|| Bytes::from(body));
        let mut backoff = Backoff::default();
        loop {
            let asked = match self.send(method.clone(), path, body.clone()).await {
                Ok(response) => self.take(response).await,
                Err(err) => Err(err),
            };
            match asked {
                Err(err) if self.is_worth_another_try(&err) => {
                    backoff.wait(&err).await.map_err(|()| err)?;
                }
                answer => return answer,
            }
        }
    }

    fn is_worth_another_try(&self, err: &ClientError) -> bool {
        err.is_retryable() && self.has_answered.load(Ordering::Relaxed)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response, ClientError> {
        let mut request = self
            .http
            .request(method, self.url(path))
            .timeout(ANSWER_TIMEOUT)
            .header(ACCEPT, "application/json");
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|err| self.unreachable(&err))?;
        self.has_answered.store(true, Ordering::Relaxed);
        Ok(response)
    }

    /// The body of an answer that is a success, or else what the server has to say.
    async fn take(&self, response: Response) -> Result<Answer, ClientError> {
        let status = response.status();
        let location = response.headers().get(LOCATION);
        let location = location
            .filter(|_| status.is_redirection())
            .and_then(|url| self.server.join(url.to_str().ok()?).ok())
            .map(|url| url.origin().ascii_serialization())
            .filter(|origin| *origin != self.server());
        let body = response
            .bytes()
            .await
            .map_err(|err| self.unreachable(&err))?;
        if status.is_success() {
            return Ok(Answer { status, body });
        }
        if let Some(to) = location {
            return Err(ClientError::Moved {
                server: self.server(),
                to,
            });
        }
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => ClientError::Problem(problem),
            Err(_) => ClientError::Status {
                server: self.server(),
                status,
            },
        })
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ClientError> {
        serde_json::from_slice(&answer.body).map_err(|err| self.foreign(&err.to_string()))
    }

    fn url(&self, path: &str) -> Url {
        self.server
            .join(path)
            .expect("paths of the API are made of ids")
    }

    /// Playback URLs are told without their host when it is the server's own.
    fn with_whole_urls(&self, mut video: Video) -> Video {
        for url in [&mut video.playback_url, &mut video.poster_url] {
            if let Some(whole) = url.as_deref().and_then(|url| self.server.join(url).ok()) {
                *url = Some(whole.to_string());
            }
        }
        video
    }

    fn unreachable(&self, err: &reqwest::Error) -> ClientError {
        ClientError::Unreachable {
            server: self.server(),
            why: root_cause(err),
        }
    }

    fn foreign(&self, why: &str) -> ClientError {
        ClientError::Foreign {
            server: self.server(),
            why: why.to_owned(),
        }
    }
}

/// Follows a redirect that leaves every request as it is. Of the others a `POST` becomes a `GET`, of which no server makes anything; so
/// that all commands say the same of a server, no request follows those.
fn follow_unless_changed(attempt: Attempt<'_>) -> Action {
    match attempt.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
            Policy::default().redirect(attempt)
        }
        _ => attempt.stop(),
    }
}

/// What lies at the bottom of an error: those above it tell only that sending a request failed, and to which URL, which may be a secret.
pub(crate) fn root_cause(err: &reqwest::Error) -> String {
    if err.is_timeout() {
        return "no answer in time".to_owned();
    }
    let Some(mut cause) = err.source() else {
        return "the request failed".to_owned();
    };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_scheme_and_a_host() {
        for url in ["http://127.0.0.1:8080", "https://videos.example/"] {
            assert!(parse_server(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "localhost:8080",
            "127.0.0.1",
            "ftp://videos.example",
            "http://videos.example/api",
            "http://videos.example/?a",
        ] {
            let said = parse_server(url).unwrap_err();
            assert!(said.contains("http://HOST:PORT"), "{url}: {said}");
        }
    }

    #[test]
    fn playback_urls_get_the_host_of_the_server_unless_they_have_one() {
        let client = Client::new(Url::parse("http://a.example:8080").unwrap()).unwrap();
        let whole = |url: &str| {
            let video = Video {
                playback_url: Some(url.to_owned()),
                ..Video::example()
            };
            client.with_whole_urls(video).playback_url.unwrap()
        };
        assert_eq!(
            whole("/v/1/master.m3u8"),
            "http://a.example:8080/v/1/master.m3u8"
        );
        let elsewhere = "https://cdn.example/v/1/master.m3u8";
        assert_eq!(whole(elsewhere), elsewhere);
    }
}
