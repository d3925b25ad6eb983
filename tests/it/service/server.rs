//! The server that a test is about: its own, or the one that the environment names.

use tempfile::TempDir;

use super::client::Api;
use super::process::Process;
use crate::ports::free_pair;

/// A server that answers.
pub(crate) struct Server {
    pub(crate) api: Api,
    own: Option<(Process, TempDir)>,
}

impl Server {
    /// `STREAMFORGE_URL`, or a new `streamforge up` on a new folder.
    pub(crate) async fn start() -> Self {
        if let Ok(url) = std::env::var("STREAMFORGE_URL") {
            let api = Api::new(url.trim_end_matches('/'));
            api.get("/api/health").await;
            return Self { api, own: None };
        }
        let dir = TempDir::new().expect("there is a folder for temporary files");
        let port = free_pair();
        let process = Process::start(dir.path(), port);
        Self {
            api: Api::new(format!("http://127.0.0.1:{port}")),
            own: Some((process, dir)),
        }
    }

    /// The process, if it is the test's own.
    pub(crate) fn process(&self) -> Option<&Process> {
        self.own.as_ref().map(|(process, _)| process)
    }

    /// Ends the server. Its data, if it is the test's own.
    pub(crate) fn stop(self) -> Option<TempDir> {
        let (process, dir) = self.own?;
        process.kill();
        Some(dir)
    }
}
