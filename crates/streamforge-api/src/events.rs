//! What happens to videos, as it happens: server-sent events
//! ([WHATWG](https://html.spec.whatwg.org/multipage/server-sent-events.html)).
//!
//! Each event holds the whole state of one video, so whoever missed some needs only the next one.
//!
//! The id of an event of one video tells the state it holds: a client that comes back with `Last-Event-ID` is told nothing that it knows
//! already. The id of an event of all videos is a time: a client that comes back is told all that changed since. What is deleted can be
//! told only until its record is gone; who comes back later than that is told to list its videos again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use futures::{Stream, StreamExt};
use serde_json::json;
use streamforge_aws::clock::now;
use streamforge_core::id::VideoId;
use streamforge_core::job::UNTIL_ALL_STOPPED;
use streamforge_core::time::Timestamp;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Id;
use crate::looks::Seen;
use crate::problem::{Always, OfOne, Problem};
use crate::videos::view::VideoView;
use crate::{Api, schema};

/// How often one video is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often all videos are.
const LOOK_AT_ALL_EVERY: Duration = Duration::from_secs(1);

/// Something is sent at least this often, so that nobody in between closes the connection, and a client that is gone is noticed. On Lambda it is
/// not: there an answer ends soon by itself.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a client waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

/// How much later than it happened a change may show: the index is behind, and clocks differ.
const LATE: Duration = Duration::from_secs(5);

/// For how long a client can come back and be told of all that it missed: the record of a deleted video stays a little longer.
const RESUMABLE: Duration = UNTIL_ALL_STOPPED.saturating_sub(Duration::from_secs(30));

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(video_events))
        .routes(routes!(all_events))
}

/// One video, as it happens
///
/// Events `video` hold a `Video`, the first one as it is now; the stream ends after the one that is `ready` or `failed`. An event
/// `deleted` holds its id, and is the last one.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{id}/events",
    operation_id = "watchVideo",
    tag = "events",
    params(
        ("id" = schema::Id, Path),
        ("last-event-id" = Option<String>, Header, description = "What the client knows: it is not told again"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 204, description = "The client knows the last event: an `EventSource` does not come back"),
        OfOne,
    )
)]
async fn video_events(
    State(api): State<Api>,
    Id(id): Id<VideoId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = last_event_id(&headers).map(str::to_owned);
    let Some(view) = api.look(&id).await? else {
        return Err(Problem::not_found("video"));
    };
    if view.is_final() && known.as_ref() == Some(&view.state_id()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watch = VideoWatch {
        api,
        id,
        known,
        ended: false,
        spoke_at: Instant::now(),
    };
    Ok(stream(unfold(watch, async |mut watch| {
        Some((watch.next().await?, watch))
    })))
}

/// All your videos, as it happens
///
/// Events `video` hold a `Video` that changed, or that is being worked at. Events `deleted` hold the id of one. An event `reset` says
/// that changes may have been missed: list the videos again. Connect first, then list: so nothing is missed. An event may come twice.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "watchVideos",
    tag = "events",
    params(("last-event-id" = Option<String>, Header, description = "Where the client left off: it is told all that changed since")),
    responses((status = 200, content_type = "text/event-stream", body = String), Always)
)]
async fn all_events(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let now = now();
    let left_at = last_event_id(&headers).map(|id| id.parse().map(Timestamp));
    let mut watch = AllWatch {
        api,
        told_until: now.before(LATE),
        known: HashMap::new(),
        to_send: VecDeque::new(),
        spoke_at: Instant::now(),
    };
    match left_at {
        None => {}
        Some(Ok(until)) if until <= now && now.since(until) <= RESUMABLE => {
            watch.told_until = until;
        }
        Some(_) => {
            let reset = watch.mark().event("reset").data("{}");
            watch.to_send.push_back(reset);
        }
    }
    Ok(stream(unfold(watch, async |mut watch| {
        Some((watch.next().await, watch))
    })))
}

/// An answer that goes on.
fn stream(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let first = Event::default().retry(RETRY);
    let events = futures::stream::iter([first]).chain(events);
    // nginx would keep events back until it has some kilobytes of them.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (unbuffered, Sse::new(events.map(Ok::<_, Infallible>))).into_response()
}

fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}

fn told(event: Event, video: &VideoView) -> Event {
    let json = serde_json::to_string(video).expect("a video is made of texts and numbers");
    event.event("video").data(json)
}

fn deleted(event: Event, id: &VideoId) -> Event {
    let json = json!({ "id": id.as_str() });
    event.event("deleted").data(json.to_string())
}

/// One client that watches one video.
struct VideoWatch {
    api: Api,
    id: VideoId,
    /// Id of the last event it has.
    known: Option<String>,
    ended: bool,
    /// When it was last sent something.
    spoke_at: Instant,
}

impl VideoWatch {
    /// The next state that is another than the known one, or a sign of life; none after the last.
    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let event = self.wait().await;
        self.spoke_at = Instant::now();
        event
    }

    async fn wait(&mut self) -> Option<Event> {
        loop {
            match timeout(HEARTBEAT, self.api.look(&self.id)).await {
                Ok(Ok(Some(view))) => {
                    let id = view.state_id();
                    self.ended = view.is_final();
                    if self.known.as_ref() != Some(&id) {
                        let event = told(Event::default().id(&id), &view);
                        self.known = Some(id);
                        return Some(event);
                    }
                    if self.ended {
                        return None;
                    }
                }
                Ok(Ok(None)) => {
                    self.ended = true;
                    return Some(deleted(Event::default(), &self.id));
                }
                // It is logged, or takes too long; the next look may go better.
                Ok(Err(_)) | Err(_) => {}
            }
            if self.spoke_at.elapsed() >= HEARTBEAT {
                return Some(Event::default().comment("still here"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// One client that watches all videos.
struct AllWatch {
    api: Api,
    /// It was told of all that changed before.
    told_until: Timestamp,
    /// The states it was told of videos that are still being looked at.
    known: HashMap<VideoId, Option<String>>,
    /// What it will be sent next.
    to_send: VecDeque<Event>,
    /// When it was last sent something.
    spoke_at: Instant,
}

impl AllWatch {
    /// The next change, or a sign of life.
    async fn next(&mut self) -> Event {
        while self.to_send.is_empty() {
            // One that fails is logged; the next look may go better. One that is broken off has told nothing yet.
            let _ = timeout(HEARTBEAT, self.look()).await;
            if self.to_send.is_empty() && self.spoke_at.elapsed() >= HEARTBEAT {
                // Its id is remembered although it is no event.
                self.to_send.push_back(self.mark().comment("still here"));
            }
            if self.to_send.is_empty() {
                tokio::time::sleep(LOOK_AT_ALL_EVERY).await;
            }
        }
        self.spoke_at = Instant::now();
        self.to_send
            .pop_front()
            .expect("the loop ends when there is one")
    }

    /// Lays out what is new.
    async fn look(&mut self) -> Result<(), Problem> {
        let look = self.api.look_at_changes().await?;
        let missed = if self.told_until < look.since {
            self.api.changed_since(self.told_until).await?
        } else {
            Vec::new()
        };
        let all = missed.iter().chain(&look.videos);
        let news: Vec<&Seen> = all.filter(|seen| self.is_new(seen)).collect();
        let told_until = self.told_until.max(look.at.before(LATE));
        let count = news.len();
        for (place, seen) in (1..).zip(news) {
            // Only with the last one is all told: a client may leave before.
            if place == count {
                self.told_until = told_until;
            }
            let event = match &seen.view {
                Some(view) => told(self.mark(), view),
                None => deleted(self.mark(), &seen.id),
            };
            self.to_send.push_back(event);
        }
        self.told_until = told_until;
        let seen: HashSet<&VideoId> = look.videos.iter().map(|seen| &seen.id).collect();
        self.known.retain(|id, _| seen.contains(id));
        Ok(())
    }

    /// Whether the client does not know this state yet; from now on it does.
    fn is_new(&mut self, seen: &Seen) -> bool {
        let state = seen.view.as_ref().map(|view| view.state_id());
        let known = self.known.insert(seen.id.clone(), state.clone());
        known != Some(state)
    }

    /// An event that says up to when all is told.
    fn mark(&self) -> Event {
        Event::default().id(self.told_until.0.to_string())
    }
}
