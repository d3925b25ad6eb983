//! What happens to videos, as it happens: server-sent events
//! ([WHATWG](https://html.spec.whatwg.org/multipage/server-sent-events.html)).
//!
//! Each event holds the whole state of one video, so whoever missed some needs only the next one. The id of an event tells the state
//! it holds: a client that comes back with `Last-Event-ID` is told nothing that it knows already.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::Stream;
use futures::stream::unfold;
use streamforge_core::id::VideoId;
use streamforge_core::video::VideoStatus;

use crate::Api;
use crate::problem::Problem;
use crate::videos::VideoView;

/// How often a video is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A comment is sent when nothing else was for so long, so that nobody in between closes the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The routes.
pub fn router() -> Router<Api> {
    Router::new().route("/api/v1/videos/{id}/events", get(video_events))
}

async fn video_events(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let id = api.video(&id).await?.id;
    let known = headers.get("last-event-id");
    let known = known.and_then(|id| id.to_str().ok()).map(str::to_owned);
    let watch = Watch {
        api,
        id,
        known,
        ended: false,
    };
    let events = unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// One client that watches one video.
struct Watch {
    api: Api,
    id: VideoId,
    /// Id of the last event it has.
    known: Option<String>,
    ended: bool,
}

impl Watch {
    /// The next state that is another than the known one; none after the last.
    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        loop {
            match self.look().await {
                Ok(Some(view)) => {
                    let id = state_id(&view);
                    self.ended = matches!(view.status, VideoStatus::Ready | VideoStatus::Failed);
                    if self.known.as_ref() != Some(&id) {
                        let event = Event::default().event("video").id(&id).json_data(&view);
                        self.known = Some(id);
                        return event.ok();
                    }
                    if self.ended {
                        return None;
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    return Some(Event::default().event("deleted").data(self.id.as_str()));
                }
                // It is logged; the next look may go better.
                Err(_) => {}
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self) -> Result<Option<VideoView>, Problem> {
        let video = self.api.table.video(&self.id).await?;
        match video.filter(|video| video.status != VideoStatus::Deleting) {
            Some(video) => Ok(Some(self.api.video_with_progress(&video).await?)),
            None => Ok(None),
        }
    }
}

/// The same for equal states.
fn state_id(view: &VideoView) -> String {
    let progress = view.progress.as_ref();
    let hundredths = progress.map_or(0.0, |progress| progress.percent * 100.0);
    let jobs = progress.map_or(0, |progress| progress.jobs.0);
    format!("{}-{jobs}-{hundredths:.0}", view.revision)
}
