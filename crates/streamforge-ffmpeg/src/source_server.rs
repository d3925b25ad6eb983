//! A range server on the loopback interface: the only thing FFmpeg can read a source from.
//!
//! One [`SourceServer`] serves one source. Every FFmpeg process gets a [`Ticket`]: a URL of its own that
//! nobody can guess, counters of what it read, and the reason when the source failed it.
//!
//! FFmpeg asks for everything from a position on (`bytes=X-`) and drops the connection when it seeks, so
//! whatever is under way then was read in vain. What is under way is kept small on purpose: small blocks,
//! a small send buffer, and the next block is read only when the connection took the last one.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{AbortHandle, Abortable};
use futures::stream::{self, BoxStream, StreamExt as _};
use http_body_util::{Either, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{AbortHandle as TaskHandle, JoinSet};

use self::cache::{ADMISSION_BYTES, BLOCK_BYTES, BlockCache};
use self::range::{RangeRequest, parse_range};
use crate::byte_source::ByteSource;
use crate::guard::Activity;

mod cache;
mod range;

/// Send buffer of a connection in bytes (the kernel doubles it for its own book-keeping).
const SEND_BUFFER_BYTES: u32 = 64 * 1024;

/// What hyper may queue in front of the send buffer: one block and the response's head.
const QUEUE_BYTES: usize = 64 * 1024;

/// Connections waiting to be accepted.
const BACKLOG: u32 = 64;

/// How long to wait when a connection cannot be accepted, which means that no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The running server. Dropping it closes every connection.
///
/// Beside the source it holds one cache of at most 16 MiB, shared by all tickets: the index of the
/// container, which every process starts by reading, is read from the source once.
#[derive(Debug)]
pub struct SourceServer {
    shared: Arc<Shared>,
    port: u16,
    accepting: TaskHandle,
}

struct Shared {
    source: Arc<dyn ByteSource>,
    cache: BlockCache,
    /// Open tickets by the path of their URL.
    tickets: Mutex<HashMap<String, Arc<TicketState>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("size", &self.source.size())
            .finish_non_exhaustive()
    }
}

impl SourceServer {
    /// Serves `source` on a free port of 127.0.0.1, from a task of the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// No socket could be bound.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[expect(
        clippy::unused_async,
        reason = "who can await is inside a runtime, where the task is spawned"
    )]
    pub async fn start(source: Arc<dyn ByteSource>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Set before listening: accepted connections inherit it.
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let listener = socket.listen(BACKLOG)?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            source,
            cache: BlockCache::default(),
            tickets: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self {
            shared,
            port,
            accepting,
        })
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A URL for one more process.
    ///
    /// # Errors
    ///
    /// The system has no random bytes to give.
    pub fn open(&self) -> io::Result<Ticket> {
        static OPENED: AtomicU64 = AtomicU64::new(0);

        let path = random_path()?;
        let state = Arc::new(TicketState {
            id: OPENED.fetch_add(1, Ordering::Relaxed),
            bytes_read: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            source_error: OnceLock::new(),
            activity: OnceLock::new(),
            connections: Mutex::new(Some(Vec::new())),
        });
        self.shared
            .tickets()
            .insert(path.clone(), Arc::clone(&state));
        Ok(Ticket {
            shared: Arc::clone(&self.shared),
            state,
            path,
            port: self.port,
        })
    }
}

impl Drop for SourceServer {
    fn drop(&mut self) {
        // The accepting task owns the connections' tasks: they end with it.
        self.accepting.abort();
    }
}

/// One process's access to the source. Dropping it revokes the URL and closes its connections.
#[derive(Debug)]
pub struct Ticket {
    shared: Arc<Shared>,
    state: Arc<TicketState>,
    path: String,
    port: u16,
}

impl Ticket {
    /// `http://127.0.0.1:{port}/{128 random bits in hex}`. A secret: who has it can read the source.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.path)
    }

    /// The TCP port of the URL: the only one its process has to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Bytes read from the source for this ticket so far: neither what the cache had, nor what another
    /// ticket was reading anyway.
    pub fn bytes_read(&self) -> u64 {
        self.state.bytes_read.load(Ordering::Relaxed)
    }

    /// Bytes of the source handed to this ticket's connections so far. Grows as long as its process reads.
    pub fn bytes_sent(&self) -> u64 {
        self.state.bytes_sent.load(Ordering::Relaxed)
    }

    /// From now on every block handed out is a sign of life on `activity`'s clock: a process may read
    /// for a long time (a large index, a long lead-in) before it has anything to say. The first call counts.
    pub fn keep_alive(&self, activity: Activity) {
        // A second clock would belong to a second process, which has a ticket of its own.
        let _ = self.state.activity.set(activity);
    }

    /// The first error the source gave while it was read for this ticket. The process itself saw no more
    /// than a connection that broke.
    pub fn source_error(&self) -> Option<Arc<io::Error>> {
        self.state.source_error.get().cloned()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.tickets().remove(&self.path);
        let connections = self.state.connections().take();
        for connection in connections.iter().flatten().filter_map(Weak::upgrade) {
            connection.abort();
        }
    }
}

#[derive(Debug)]
struct TicketState {
    /// Tells the cache one reader from another.
    id: u64,
    bytes_read: AtomicU64,
    bytes_sent: AtomicU64,
    source_error: OnceLock<Arc<io::Error>>,
    activity: OnceLock<Activity>,
    /// What to abort on revocation, as long as it lives; `None` once revoked.
    connections: Mutex<Option<Vec<Weak<AbortHandle>>>>,
}

impl TicketState {
    fn connections(&self) -> MutexGuard<'_, Option<Vec<Weak<AbortHandle>>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the ticket's end the connection's end. False when the ticket has ended already.
    fn adopt(&self, connection: &Arc<AbortHandle>) -> bool {
        let mut connections = self.connections();
        let Some(connections) = connections.as_mut() else {
            return false;
        };
        let connection = Arc::downgrade(connection);
        connections.retain(|known| known.strong_count() > 0 && !known.ptr_eq(&connection));
        connections.push(connection);
        true
    }
}

/// 128 random bits as the path of a URL, slash included.
fn random_path() -> io::Result<String> {
    let mut bits = [0; 16];
    // Up to 256 bytes come whole, never interrupted: getrandom(2).
    rustix::rand::getrandom(&mut bits, rustix::rand::GetRandomFlags::empty())?;
    Ok(format!("/{:032x}", u128::from_ne_bytes(bits)))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection to the source server can be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it the end of a response may wait 40 ms for the acknowledgement of what came before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set: {error}");
    }
    let (abort, registration) = AbortHandle::new_pair();
    // Lives in the service, hence as long as the connection.
    let abort = Arc::new(abort);
    let service = service_fn(move |request| {
        let response = respond(&request, &shared, &abort);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .max_buf_size(QUEUE_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // That a connection ends early is what FFmpeg does at every seek; that a source failed, its ticket
    // knows. Neither is worth more than a trace.
    if let Ok(Err(error)) = Abortable::new(connection, registration).await {
        tracing::trace!(%error, "a connection to the source server ended: {error}");
    }
}

type Body = Either<Empty<Bytes>, StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>>;

fn respond(
    request: &Request<Incoming>,
    shared: &Arc<Shared>,
    connection: &Arc<AbortHandle>,
) -> Response<Body> {
    let ticket = shared.tickets().get(request.uri().path()).cloned();
    let Some(ticket) = ticket.filter(|ticket| ticket.adopt(connection)) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let size = shared.source.size();
    let range = match *request.method() {
        Method::GET => {
            let header = request
                .headers()
                .get(RANGE)
                .and_then(|value| value.to_str().ok());
            parse_range(header, size)
        }
        // Ranges are defined for GET only: RFC 9110 §14.2.
        Method::HEAD => RangeRequest::Whole,
        _ => {
            let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
    };
    let (status, content_range, range) = match range {
        RangeRequest::Whole => (StatusCode::OK, None, 0..size),
        RangeRequest::Part(range) => {
            let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            (StatusCode::PARTIAL_CONTENT, Some(text), range)
        }
        RangeRequest::Unsatisfiable => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            Some(format!("bytes */{size}")),
            0..0,
        ),
    };
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if let Some(content_range) = content_range {
        let value = HeaderValue::try_from(content_range).expect("digits and ASCII punctuation");
        headers.insert(CONTENT_RANGE, value);
    }
    if request.method() == Method::GET && !range.is_empty() {
        let reader = RangeReader {
            shared: Arc::clone(shared),
            ticket,
            range,
        };
        *response.body_mut() = Either::Right(StreamBody::new(reader.into_frames().boxed()));
    }
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Left(Empty::new()));
    *response.status_mut() = status;
    response
}

impl Shared {
    fn tickets(&self) -> MutexGuard<'_, HashMap<String, Arc<TicketState>>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a range of the source block by block, as fast as somebody asks for the next one.
struct RangeReader {
    shared: Arc<Shared>,
    ticket: Arc<TicketState>,
    /// What is left to read.
    range: Range<u64>,
}

impl RangeReader {
    fn into_frames(self) -> impl stream::Stream<Item = io::Result<Frame<Bytes>>> + Send {
        stream::try_unfold(self, |mut reader| async move {
            if reader.range.is_empty() {
                return Ok(None);
            }
            match reader.next_block().await {
                Ok(bytes) => Ok(Some((Frame::data(bytes), reader))),
                Err(error) => {
                    tracing::debug!(%error, "the source cannot be read: {error}");
                    let kind = error.kind();
                    // Only the first error tells the cause.
                    let _ = reader.ticket.source_error.set(Arc::new(error));
                    Err(kind.into())
                }
            }
        })
    }

    /// The next bytes: up to the next block boundary, or the end of the range.
    async fn next_block(&mut self) -> io::Result<Bytes> {
        let index = self.range.start / BLOCK_BYTES;
        let start = index * BLOCK_BYTES;
        let block = start
            ..start
                .saturating_add(BLOCK_BYTES)
                .min(self.shared.source.size());
        let wanted = self.range.start..self.range.end.min(block.end);

        let admit = self.ticket.bytes_sent.load(Ordering::Relaxed) < ADMISSION_BYTES;
        let bytes = match self.shared.cache.slot(index, self.ticket.id, admit) {
            Some(slot) => {
                let bytes = slot.get_or_try_init(|| self.read(block.clone())).await?;
                bytes.slice(within(&wanted, block.start))
            }
            None => self.read(wanted).await?,
        };

        let sent = bytes.len() as u64;
        self.range.start += sent;
        self.ticket.bytes_sent.fetch_add(sent, Ordering::Relaxed);
        if let Some(activity) = self.ticket.activity.get() {
            activity.touch();
        }
        Ok(bytes)
    }

    /// Reads `range`, at most a block, from the source itself.
    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let len = range.end - range.start;
        let bytes = self.shared.source.read(range.start, block_len(len)).await?;
        if bytes.len() as u64 != len {
            let said = format!(
                "the source gave {} bytes instead of {len} at {}",
                bytes.len(),
                range.start
            );
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, said));
        }
        self.ticket.bytes_read.fetch_add(len, Ordering::Relaxed);
        Ok(bytes)
    }
}

/// `range` relative to the block that starts at `block_start` and contains it.
fn within(range: &Range<u64>, block_start: u64) -> Range<usize> {
    block_len(range.start - block_start)..block_len(range.end - block_start)
}

fn block_len(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a block is 64 KiB")
}

#[cfg(test)]
mod tests;
