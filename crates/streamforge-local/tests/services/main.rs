//! The adapters of `streamforge-aws` against the embedded services: the real SDK, real protocols, real files.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use aws_sdk_s3::config::{Credentials, ProvideCredentials as _};
use streamforge_local::services::{EmbeddedServices, StartError};
use tempfile::TempDir;
use tokio::net::TcpListener;

mod access;
mod job_queue;
mod media_bucket;
mod node;
mod upload_bucket;
mod video_table;

/// A node on data of its own.
struct Node {
    services: EmbeddedServices,
    _data: TempDir,
}

impl Node {
    async fn start() -> Self {
        let data = TempDir::new().unwrap();
        Self {
            services: start(data.path()).await.unwrap(),
            _data: data,
        }
    }
}

async fn start(data: &Path) -> Result<EmbeddedServices, StartError> {
    let s3_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    EmbeddedServices::start(data, s3_listener).await
}

/// The keys of a node.
async fn keys(services: &EmbeddedServices) -> Credentials {
    let provider = services.sdk_config().credentials_provider().unwrap();
    provider.provide_credentials().await.unwrap()
}
