//! Connections of a port that strangers reach.

use std::error::Error;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::service::HttpService;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How long requests may take to end once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long the head of a request may take, and how long a connection may be of no use: nothing tells a client that dawdles from one that
/// waits.
const MAX_HEAD_TIME: Duration = Duration::from_secs(30);

/// How long a client may take nothing of what it asked for, which is in memory meanwhile; as nginx's `send_timeout`.
const MAX_SEND_STALL: Duration = Duration::from_mins(1);

/// How long to wait when a connection cannot be accepted, which means that no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What `axum::serve` does, and three things more: who dawdles over the head of a request is cut off, and who takes nothing of an answer;
/// and no connection outlives the server.
///
/// Once `shutdown` is ready, requests under way may end, for at most ten seconds.
pub async fn serve<Service, Answer>(
    listener: TcpListener,
    service: Service,
    shutdown: impl Future<Output = ()>,
) where
    Service: HttpService<Incoming, ResBody = Answer> + Clone + Send + 'static,
    Service::Future: Send,
    Service::Error: Into<Box<dyn Error + Send + Sync>>,
    Answer: Body<Error: Into<Box<dyn Error + Send + Sync>>, Data: Send> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, service.clone(), &graceful));
            }
            Err(err) => {
                tracing::warn!(error = %err, "cannot accept a connection: {err}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(connections = connections.len(), "cutting requests short");
    }
    connections.shutdown().await;
}

fn connection<Service, Answer>(
    stream: TcpStream,
    service: Service,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + use<Service, Answer>
where
    Service: HttpService<Incoming, ResBody = Answer> + Send + 'static,
    Service::Future: Send,
    Service::Error: Into<Box<dyn Error + Send + Sync>>,
    Answer: Body<Error: Into<Box<dyn Error + Send + Sync>>, Data: Send> + Send + 'static,
{
    // An answer is a head and a body: without this the kernel may hold the second back for 40 ms.
    if let Err(err) = stream.set_nodelay(true) {
        tracing::debug!(error = %err, "cannot set TCP_NODELAY: {err}");
    }
    // tcp(7): it counts what is not acknowledged, and what is not sent because the other end has no room.
    let stall_ms = u32::try_from(MAX_SEND_STALL.as_millis()).expect("a minute fits");
    if let Err(err) = rustix::net::sockopt::set_tcp_user_timeout(&stream, stall_ms) {
        tracing::debug!(error = %err, "cannot set TCP_USER_TIMEOUT: {err}");
    }
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEAD_TIME)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    async move {
        if let Err(err) = connection.await {
            tracing::debug!(error = %err, "a connection broke: {err}");
        }
    }
}
