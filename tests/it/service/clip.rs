//! A clip, and what becomes of it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::client::Api;
use super::process::Process;
use super::stored::Stored;
use crate::media::MediaDir;
use crate::ports::free_pair;

/// Three segments of pictures and sound: two chunks of each.
pub(crate) fn clip() -> &'static [u8] {
    static CLIP: OnceLock<Vec<u8>> = OnceLock::new();
    CLIP.get_or_init(|| {
        let dir = MediaDir::new();
        dir.ffmpeg(
            "-f lavfi -i testsrc2=size=192x108:rate=15:duration=10 \
             -f lavfi -i sine=frequency=440:duration=10 \
             -c:v libx264 -preset ultrafast -c:a aac -shortest clip.mp4",
        );
        std::fs::read(dir.path("clip.mp4")).expect("it was just made")
    })
}

/// What the clip becomes when nobody disturbs it.
pub(crate) async fn undisturbed() -> BTreeMap<String, String> {
    let dir = TempDir::new().expect("there is a folder for temporary files");
    let port = free_pair();
    let process = Process::start(dir.path(), port);
    let api = Api::new(format!("http://127.0.0.1:{port}"));
    let video = api.upload("clip.mp4", clip()).await;
    let ready = api.wait_until_settled(&video).await;
    assert_eq!(ready["status"], "ready", "{ready}\n{}", process.log());
    process.kill();
    let stored = Stored::read(dir.path()).await;
    stored.video(&video)
}
