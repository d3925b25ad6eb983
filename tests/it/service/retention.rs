//! How long files are kept, as the program is told.

use std::time::Duration;

use tempfile::TempDir;

use super::client::Api;
use super::clip::clip;
use super::process::Process;
use super::stored::Stored;
use crate::ports::free_pair;

/// A little more than the time after which what is due is looked after again.
const NEXT_LOOK: Duration = Duration::from_secs(12);

#[tokio::test]
async fn a_source_goes_as_soon_as_it_is_said_to() {
    let dir = TempDir::new().expect("there is a folder for temporary files");
    let port = free_pair();
    let retention = ["--ready-source-retention-secs", "0"];
    let process = Process::start_with(dir.path(), port, &retention);
    let api = Api::new(format!("http://127.0.0.1:{port}"));
    let video = api.upload("clip.mp4", clip()).await;
    let ready = api.wait_until_settled(&video).await;
    assert_eq!(ready["status"], "ready", "{ready}");
    tokio::time::sleep(NEXT_LOOK).await;
    process.kill();
    let stored = Stored::read(dir.path()).await;
    assert_eq!(stored.sources, [""; 0]);
    assert!(!stored.media.is_empty());
}
