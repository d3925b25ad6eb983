//! Whether the service does its work.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::future::try_join3;
use futures::try_join;
use serde::Serialize;
use streamforge_core::job::Lane;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Always, Problem, ProblemKind};
use crate::videos::rfc3339;
use crate::{Api, OWNER};

/// How long to wait for the table and the queues: whoever asks wants to know soon.
const PATIENCE: Duration = Duration::from_secs(5);

/// Videos looked at for the last success.
const LOOKED_AT: u32 = 50;

/// The state of the service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Health {
    /// Version of the program.
    pub version: &'static str,
    /// Version of FFmpeg, where this program runs it.
    pub ffmpeg_version: Option<String>,
    /// Tasks that wait because somebody waits for them.
    pub interactive_waiting: u64,
    /// Other tasks that wait.
    pub bulk_waiting: u64,
    /// Tasks that workers have taken: they are at them, or keep them for another attempt.
    pub in_flight: u64,
    /// Tasks that the workers can do at a time, where this program runs them.
    pub workers: Option<u32>,
    /// Tasks that were given up and that nobody has looked at.
    pub dead_letters: u64,
    /// When a video last became ready, if one of the fifty that changed last did.
    #[schema(format = DateTime)]
    pub last_success_at: Option<String>,
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(health))
}

/// Whether the service does its work
///
/// 503 when the table or a queue does not answer.
#[utoipa::path(
    get,
    path = "/api/health",
    operation_id = "getHealth",
    tag = "service",
    responses((status = 200, body = Health), Always)
)]
async fn health(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    let asking = Box::pin(async {
        let queues = try_join3(
            api.queue.depth(Lane::Interactive),
            api.queue.depth(Lane::Bulk),
            api.queue.dead_letters(),
        );
        try_join!(api.table.changed_last(OWNER, LOOKED_AT), queues)
    });
    let answers = tokio::time::timeout(PATIENCE, asking).await;
    let Ok(answers) = answers else {
        tracing::error!("the table or a queue has not answered for {PATIENCE:?}");
        let detail = "the table or a queue does not answer";
        return Err(Problem::new(ProblemKind::Unavailable, detail));
    };
    let (videos, (interactive, bulk, dead_letters)) = answers?;
    let last_success = videos.iter().filter_map(|video| video.ready_at).max();
    Ok(Json(Health {
        version: env!("CARGO_PKG_VERSION"),
        ffmpeg_version: api.config.ffmpeg_version.clone(),
        interactive_waiting: interactive.waiting,
        bulk_waiting: bulk.waiting,
        in_flight: interactive.in_flight + bulk.in_flight,
        workers: api.config.workers,
        dead_letters,
        last_success_at: last_success.map(rfc3339),
    }))
}
