//! Following a video as it changes.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use streamforge_core::id::VideoId;
use streamforge_core::video::VideoStatus;
use tokio::time::timeout;

use super::sse::EventReader;
use super::types::Video;
use super::{ANSWER_TIMEOUT, Backoff, Client, ClientError};

const EVENT_STREAM: &str = "text/event-stream";

/// The server sends something every 15 seconds; after so long without a word the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);

impl Client {
    /// Tells `seen` each state of a video, until it is ready or failed. Connections that break are made anew.
    ///
    /// # Errors
    /// [`ClientError`]: there is no such video, it was deleted meanwhile, or the server stays away.
    pub(crate) async fn follow(
        &self,
        id: &VideoId,
        mut seen: impl FnMut(&Video),
    ) -> Result<(), ClientError> {
        let mut backoff = Backoff::default();
        let mut last_id = None;
        loop {
            let listened = self.listen(id, &mut last_id, &mut seen, &mut backoff).await;
            let err = match listened {
                Ok(()) => return Ok(()),
                Err(err) if self.is_worth_another_try(&err) => err,
                Err(err) => return Err(err),
            };
            backoff.wait(&err).await.map_err(|()| err)?;
        }
    }

    /// Listens on one connection until the video is ready or failed.
    async fn listen(
        &self,
        id: &VideoId,
        last_id: &mut Option<String>,
        seen: &mut impl FnMut(&Video),
        backoff: &mut Backoff,
    ) -> Result<(), ClientError> {
        let broken = |why: &str| ClientError::Unreachable {
            server: self.server(),
            why: why.to_owned(),
        };
        let url = self.url(&format!("/api/v1/videos/{id}/events"));
        let mut request = self.http.get(url).header(ACCEPT, EVENT_STREAM);
        if let Some(last_id) = last_id {
            request = request.header("last-event-id", &*last_id);
        }
        let answered = timeout(ANSWER_TIMEOUT, request.send()).await;
        let response = answered.map_err(|_| broken("no answer in time"))?;
        let mut response = response.map_err(|err| self.unreachable(&err))?;
        self.has_answered
            .store(true, std::sync::atomic::Ordering::Relaxed);
        if !response.status().is_success() {
            return self.take(response).await.map(drop);
        }
        let kind = response.headers().get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM.as_bytes())) {
            return Err(self.foreign("it does not tell of events"));
        }
        *backoff = Backoff::default();

        let mut reader = EventReader::default();
        loop {
            let piece = timeout(SILENCE, response.chunk()).await;
            let piece = piece.map_err(|_| broken("it said nothing for 45 seconds"))?;
            let piece = piece.map_err(|err| self.unreachable(&err))?;
            let piece = piece.ok_or_else(|| broken("the connection was closed"))?;
            for event in reader.read(&piece) {
                last_id.clone_from(&event.id);
                match event.kind.as_str() {
                    "video" => {
                        let video = serde_json::from_str(&event.data);
                        let video = video.map_err(|err| self.foreign(&err.to_string()))?;
                        let video = self.with_whole_urls(video);
                        seen(&video);
                        if matches!(video.status, VideoStatus::Ready | VideoStatus::Failed) {
                            return Ok(());
                        }
                    }
                    "deleted" => return Err(ClientError::Deleted),
                    _ => {}
                }
            }
        }
    }
}
