//! Lambda ends an environment with SIGTERM and kills it 500 ms later: time enough to say what becomes of the work
//! (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>).

use std::future;

use lambda_extension::{Error, Extension};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, MutexGuard, watch};

/// Only environments with an extension are told of their end. Ours does nothing else.
const EXTENSION: &str = "streamforge-shutdown";

/// Whether this environment is about to end. The default one never is.
#[derive(Debug)]
pub struct Shutdown {
    requested: watch::Receiver<bool>,
    /// Held while there is work that wants to be given back.
    working: Mutex<()>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::when(watch::channel(false).1)
    }
}

impl Shutdown {
    /// Asks Lambda to be told. An emulator may not know of extensions: then the end is a sudden one, which costs only time.
    pub async fn listen() -> Self {
        if let Err(err) = register().await {
            tracing::warn!(error = %err, "this environment will not be told of its end: {err}");
        }
        let (request, requested) = watch::channel(false);
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(tokio::spawn(async move {
                terminate.recv().await;
                request.send_replace(true);
            })),
            Err(err) => tracing::warn!(error = %err, "nothing here can be told to end: {err}"),
        }
        Self::when(requested)
    }

    /// When somebody sends `true`.
    pub fn when(requested: watch::Receiver<bool>) -> Self {
        Self {
            requested,
            working: Mutex::default(),
        }
    }

    /// Until this is dropped, there may be work to give back.
    pub(crate) async fn hold_off(&self) -> MutexGuard<'_, ()> {
        self.working.lock().await
    }

    /// What `work` came to; `None` when the end comes first. It is dropped then, so that nobody is at it any more.
    pub(crate) async fn unless_over<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.requested() => None,
            done = work => Some(done),
        }
    }

    /// Ready when the end has come and nothing is left to be given back.
    pub async fn over(&self) {
        self.requested().await;
        drop(self.hold_off().await);
        tracing::info!("this environment ends");
    }

    async fn requested(&self) {
        let mut requested = self.requested.clone();
        if requested.wait_for(|requested| *requested).await.is_err() {
            // Nobody is left who could.
            future::pending::<()>().await;
        }
    }
}

async fn register() -> Result<(), Error> {
    let extension = Extension::new()
        .with_events(&[])
        .with_extension_name(EXTENSION)
        .register()
        .await?;
    // It is there for as long as it waits for events, of which there are none.
    tokio::spawn(extension.run());
    Ok(())
}
