//! Whether the service does its work.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use streamforge_core::job::Lane;

use crate::Api;
use crate::problem::Problem;

/// The state of the service.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Version of the program.
    pub version: &'static str,
    /// Tasks that wait because somebody waits for them.
    pub interactive_waiting: u64,
    /// Other tasks that wait.
    pub bulk_waiting: u64,
    /// Tasks that workers have taken.
    pub in_flight: u64,
    /// Tasks that were given up.
    pub dead_letters: u64,
}

/// The routes.
pub fn router() -> Router<Api> {
    Router::new().route("/api/health", get(health))
}

async fn health(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    let interactive = api.queue.depth(Lane::Interactive).await?;
    let bulk = api.queue.depth(Lane::Bulk).await?;
    Ok(Json(Health {
        version: env!("CARGO_PKG_VERSION"),
        interactive_waiting: interactive.waiting,
        bulk_waiting: bulk.waiting,
        in_flight: interactive.in_flight + bulk.in_flight,
        dead_letters: api.queue.dead_letters().await?,
    }))
}
