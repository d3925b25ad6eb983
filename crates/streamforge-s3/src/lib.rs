//! An S3 server in a library, for one node.
//!
//! [`s3s`] speaks the protocol; the storage is this crate's own: files for the bytes, an `SQLite`
//! index for what exists. It is made for uploads that must not be lost: an answer is given when the object is on disk,
//! whole, under its name, and a crash at any instruction leaves nothing half done. The operations,
//! checks and error codes are those that AWS documents; what is not there is answered `NotImplemented`.
//!
//! This crate knows nothing of videos.
//!
//! ```no_run
//! use streamforge_s3::{Credentials, EmbeddedS3, Options};
//! use tokio::net::TcpListener;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials::new("AKIDEXAMPLE", "a secret");
//! let s3 = EmbeddedS3::open("data/s3".as_ref(), Options::new(credentials)).await?;
//! let mut uploads = s3.subscribe("uploads", "raw/");
//! let listener = TcpListener::bind("127.0.0.1:9000").await?;
//! tokio::spawn(s3.serve(listener, std::future::pending()));
//! while let Some(event) = uploads.recv().await {
//!     println!("{}: {}", event.kind, event.key);
//! }
//! # Ok(())
//! # }
//! ```

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::api::Api;
use crate::api::access::{Access, Keys};
use crate::server::Server;
use crate::store::{Store, StoreError};

pub use crate::event::{EventKind, ObjectEvent};
pub use crate::lifecycle::Swept;

mod api;
pub mod connections;
mod cors;
mod digest;
mod event;
mod lifecycle;
mod server;
mod store;
mod time;

/// Bytes of the disk left free by default.
const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// A pair of keys. Whoever has one may do everything.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

impl Credentials {
    /// A pair of keys.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// How a store is opened and served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Keys that are accepted.
    pub credentials: Vec<Credentials>,
    /// The region all buckets are in. Clients may sign for any other one.
    pub region: String,
    /// Bytes of the file system that uploads leave free. Below them uploads are refused with a status that
    /// SDKs retry, while everything can still be read and deleted.
    pub reserve_bytes: u64,
}

impl Options {
    /// One pair of keys, the region `us-east-1`, 64 MiB left free.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials: vec![credentials],
            region: "us-east-1".to_owned(),
            reserve_bytes: RESERVE_BYTES,
        }
    }
}

/// Why a store could not be opened or swept.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] StoreError);

/// An open store, and the service on it.
#[derive(Clone)]
pub struct EmbeddedS3 {
    store: Arc<Store>,
    server: Server,
}

impl EmbeddedS3 {
    /// Opens the store in `folder`, creating it when it is not there, and removes what uploads that were
    /// cut short by a crash left behind.
    ///
    /// # Errors
    ///
    /// The folder is open in another process, was written by a newer version, or cannot be read or written.
    pub async fn open(folder: &Path, options: Options) -> Result<Self, Error> {
        let Options {
            credentials,
            region,
            reserve_bytes,
        } = options;
        let folder = folder.to_owned();
        let open = move || Store::open(&folder, reserve_bytes);
        let store = Arc::new(store::blocking(open).await?);
        let api = Api {
            store: Arc::clone(&store),
            region,
        };
        let mut builder = s3s::service::S3ServiceBuilder::new(api);
        builder.set_auth(Keys::new(credentials));
        builder.set_access(Access);
        let server = Server::new(builder.build(), Arc::clone(&store));
        Ok(Self { store, server })
    }

    /// The objects that come to be in a bucket from now on, with keys that begin with `prefix`. The bucket
    /// need not be there yet.
    pub fn subscribe(&self, bucket: &str, prefix: &str) -> UnboundedReceiver<ObjectEvent> {
        self.store.subscribe(bucket, prefix)
    }

    /// Serves the store on `listener` until `shutdown` is ready; then requests under way may end, for at
    /// most ten seconds.
    pub fn serve<F>(
        &self,
        listener: TcpListener,
        shutdown: F,
    ) -> impl Future<Output = ()> + Send + use<F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.server.clone().serve(listener, Box::pin(shutdown))
    }

    /// Applies the lifecycle rules of all buckets, as of `now`. For the embedder to call, hourly or so.
    ///
    /// # Errors
    ///
    /// The index could not be read or written.
    pub async fn sweep(&self, now: SystemTime) -> Result<Swept, Error> {
        Ok(lifecycle::sweep(&self.store, now).await?)
    }

    /// Waits until the store can be opened again: until every other copy of this is gone, its servers have ended, and so has
    /// what they were at.
    pub async fn close(self) {
        let Self { store, server } = self;
        drop(server);
        store.closed().await;
    }
}
