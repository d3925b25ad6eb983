//! Ticks of the clock.

use streamforge_core::time::Timestamp;
use streamforge_core::upload::UploadStatus;
use streamforge_lambda::schedule::handle_tick;

use crate::{Deployment, announce, event, invocation, upload_id};

#[tokio::test]
async fn a_tick_gives_an_upload_up_to_which_nobody_came_back() {
    let deployment = Deployment::start().await;
    let worker = deployment.worker();
    announce(&worker.table, Timestamp(2000)).await;
    let tick = invocation(event("schedule-tick"));
    handle_tick(&worker, tick).await.unwrap();
    let upload = worker.table.upload(&upload_id()).await.unwrap().unwrap();
    assert_eq!(upload.status, UploadStatus::Aborted);
}
