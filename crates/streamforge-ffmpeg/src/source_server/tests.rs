//! The server as a client on a bare socket sees it.

use std::sync::atomic::AtomicBool;

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::*;

const MIB: u64 = 1024 * 1024;

/// Long enough for any machine, short enough for a failing test.
const PATIENCE: Duration = Duration::from_secs(10);

/// A source whose byte at `n` is a function of `n`, that counts its reads, waits and fails on demand.
struct Synthetic {
    size: u64,
    reads: AtomicU64,
    read_bytes: AtomicU64,
    /// A read takes one permit; none: it waits.
    permits: Semaphore,
    failing: AtomicBool,
}

impl Synthetic {
    fn new(size: u64) -> Arc<Self> {
        Arc::new(Self {
            size,
            reads: AtomicU64::new(0),
            read_bytes: AtomicU64::new(0),
            permits: Semaphore::new(1_000_000),
            failing: AtomicBool::new(false),
        })
    }

    fn bytes(range: Range<u64>) -> Vec<u8> {
        range
            .map(|n| u8::try_from((n ^ (n >> 8) ^ (n >> 16)) % 251).expect("below 251"))
            .collect()
    }
}

impl ByteSource for Synthetic {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        Box::pin(async move {
            self.permits
                .acquire()
                .await
                .expect("the semaphore is never closed")
                .forget();
            if self.failing.load(Ordering::Relaxed) {
                return Err(io::Error::other("the disk is on fire"));
            }
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.read_bytes.fetch_add(len as u64, Ordering::Relaxed);
            Ok(Self::bytes(offset..offset + len as u64).into())
        })
    }
}

/// A response as it came: status, headers in lower case, body.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

struct Client {
    stream: TcpStream,
    path: String,
}

impl Client {
    async fn connect(ticket: &Ticket) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, ticket.port()))
            .await
            .unwrap();
        Self {
            stream,
            path: ticket.path.clone(),
        }
    }

    async fn send(&mut self, method: &str, headers: &str) {
        let request = format!(
            "{method} {} HTTP/1.1\r\nHost: loopback\r\n{headers}\r\n",
            self.path
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(
                timeout(PATIENCE, self.stream.read_u8())
                    .await
                    .unwrap()
                    .unwrap(),
            );
        }
        String::from_utf8(head).unwrap().to_ascii_lowercase()
    }

    async fn ask(&mut self, method: &str, headers: &str) -> Answer {
        self.send(method, headers).await;
        let head = self.head().await;
        let mut answer = Answer {
            status: head[9..12].parse().unwrap(),
            head,
            body: Vec::new(),
        };
        if method == "GET" {
            let length = answer.header("content-length").unwrap().parse().unwrap();
            answer.body = vec![0; length];
            timeout(PATIENCE, self.stream.read_exact(&mut answer.body))
                .await
                .unwrap()
                .unwrap();
        }
        answer
    }

    /// Whether the server closes the connection without another byte of promise kept.
    async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        // A reset is as good as an end.
        timeout(PATIENCE, self.stream.read_to_end(&mut rest))
            .await
            .is_ok()
    }
}

async fn serve_synthetic(size: u64) -> (Arc<Synthetic>, SourceServer, Ticket) {
    let source = Synthetic::new(size);
    let server = SourceServer::start(Arc::clone(&source) as Arc<dyn ByteSource>)
        .await
        .unwrap();
    let ticket = server.open().unwrap();
    (source, server, ticket)
}

#[tokio::test]
async fn ranges_of_every_form_are_answered_on_one_connection() {
    let (_, _server, ticket) = serve_synthetic(3 * MIB + 17).await;
    let mut client = Client::connect(&ticket).await;
    for (header, range) in [
        ("Range: bytes=0-0", 0..1),
        ("Range: bytes=65530-65545", 65_530..65_546),
        ("Range: bytes=1048577-2097152", MIB + 1..2 * MIB + 1),
        ("Range: bytes=3145720-", 3 * MIB - 8..3 * MIB + 17),
        ("Range: bytes=-20", 3 * MIB - 3..3 * MIB + 17),
    ] {
        let answer = client.ask("GET", &format!("{header}\r\n")).await;
        assert_eq!(answer.status, 206, "{header}");
        let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, 3 * MIB + 17);
        assert_eq!(answer.header("content-range"), Some(content_range.as_str()));
        assert!(answer.body == Synthetic::bytes(range), "{header}");
    }

    let answer = client.ask("GET", "").await;
    assert_eq!(
        (answer.status, answer.header("accept-ranges")),
        (200, Some("bytes"))
    );
    assert!(answer.body == Synthetic::bytes(0..3 * MIB + 17));
}

#[tokio::test]
async fn head_tells_the_size_without_reading_the_source() {
    let (source, _server, ticket) = serve_synthetic(MIB).await;
    let mut client = Client::connect(&ticket).await;
    let answer = client.ask("HEAD", "Range: bytes=5-\r\n").await;
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (200, Some("1048576"))
    );
    assert_eq!(source.reads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_cannot_be_answered_gets_the_right_status_and_reads_nothing() {
    let (source, _server, ticket) = serve_synthetic(100).await;
    let mut client = Client::connect(&ticket).await;

    let answer = client.ask("GET", "Range: bytes=100-\r\n").await;
    assert_eq!(
        (answer.status, answer.header("content-range")),
        (416, Some("bytes */100"))
    );

    let answer = client.ask("PUT", "Content-Length: 0\r\n").await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("get, head"))
    );

    client.path = format!("/{:032x}", 7);
    assert_eq!(client.ask("GET", "").await.status, 404);
    assert_eq!(source.reads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_empty_source_has_no_bytes_but_a_size() {
    let (_, _server, ticket) = serve_synthetic(0).await;
    let mut client = Client::connect(&ticket).await;
    assert_eq!(client.ask("GET", "").await.status, 200);
    assert_eq!(client.ask("GET", "Range: bytes=0-\r\n").await.status, 416);
}

#[tokio::test]
async fn urls_are_unguessable_and_differ() {
    let (_, server, first) = serve_synthetic(1).await;
    let second = server.open().unwrap();
    assert_ne!(first.url(), second.url());
    let secret = first.url().rsplit_once('/').unwrap().1.to_owned();
    assert!(
        secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{secret}"
    );
}

#[tokio::test]
async fn dropping_a_ticket_revokes_its_url_and_closes_its_connections_only() {
    let (source, server, ticket) = serve_synthetic(MIB).await;
    let other = server.open().unwrap();
    let mut idle = Client::connect(&ticket).await;
    idle.ask("HEAD", "").await;
    let mut busy = Client::connect(&ticket).await;
    source.permits.forget_permits(1_000_000);
    busy.send("GET", "").await;
    assert!(busy.head().await.starts_with("http/1.1 200"));
    let mut unconcerned = Client::connect(&other).await;
    unconcerned.ask("HEAD", "").await;
    let mut late = Client::connect(&ticket).await;

    drop(ticket);

    assert!(idle.is_closed().await);
    assert!(busy.is_closed().await);
    assert_eq!(late.ask("GET", "").await.status, 404);
    assert_eq!(unconcerned.ask("HEAD", "").await.status, 200);
}

#[tokio::test]
async fn dropping_the_server_closes_everything() {
    let (_, server, ticket) = serve_synthetic(MIB).await;
    let mut client = Client::connect(&ticket).await;
    client.ask("HEAD", "").await;
    drop(server);
    assert!(client.is_closed().await);
    assert!(
        timeout(
            PATIENCE,
            TcpStream::connect((Ipv4Addr::LOCALHOST, ticket.port()))
        )
        .await
        .unwrap()
        .is_err()
    );
}

#[tokio::test]
async fn a_failing_source_breaks_the_connection_and_tells_the_ticket_why() {
    let (source, _server, ticket) = serve_synthetic(MIB).await;
    source.failing.store(true, Ordering::Relaxed);
    let mut client = Client::connect(&ticket).await;
    client.send("GET", "").await;
    assert!(client.is_closed().await);
    assert_eq!(
        ticket.source_error().unwrap().to_string(),
        "the disk is on fire"
    );
    assert_eq!(ticket.bytes_sent(), 0);
}

#[tokio::test]
async fn a_source_that_gives_too_little_is_an_error_not_an_answer() {
    struct Short;
    impl ByteSource for Short {
        fn size(&self) -> u64 {
            100
        }
        fn read(&self, _: u64, _: usize) -> BoxFuture<'_, io::Result<Bytes>> {
            Box::pin(async { Ok(Bytes::from_static(b"short")) })
        }
    }
    let server = SourceServer::start(Arc::new(Short)).await.unwrap();
    let ticket = server.open().unwrap();
    let mut client = Client::connect(&ticket).await;
    client.send("GET", "").await;
    assert!(client.is_closed().await);
    assert_eq!(
        ticket.source_error().unwrap().to_string(),
        "the source gave 5 bytes instead of 100 at 0"
    );
}

#[tokio::test]
async fn a_read_waits_for_bytes_that_are_not_there_yet() {
    let (source, _server, ticket) = serve_synthetic(1000).await;
    source.permits.forget_permits(1_000_000);
    let mut client = Client::connect(&ticket).await;
    client.send("GET", "").await;
    client.head().await;
    assert!(
        timeout(Duration::from_millis(50), client.stream.read_u8())
            .await
            .is_err()
    );
    source.permits.add_permits(1);
    let mut body = vec![0; 1000];
    timeout(PATIENCE, client.stream.read_exact(&mut body))
        .await
        .unwrap()
        .unwrap();
    assert!(body == Synthetic::bytes(0..1000));
}

/// What a client that stops reading costs: what it took, plus a few socket buffers.
#[tokio::test]
async fn nothing_is_read_far_ahead_of_a_client_that_does_not_read() {
    let (source, _server, ticket) = serve_synthetic(1024 * MIB).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let stream = socket
        .connect((Ipv4Addr::LOCALHOST, ticket.port()).into())
        .await
        .unwrap();
    let mut client = Client {
        stream,
        path: ticket.path.clone(),
    };
    client.send("GET", "Range: bytes=1000000-\r\n").await;
    client.head().await;
    let mut taken = vec![0; 4 * 1024 * 1024];
    timeout(PATIENCE, client.stream.read_exact(&mut taken))
        .await
        .unwrap()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let ahead = source.read_bytes.load(Ordering::Relaxed) - 4 * MIB;
    assert!(ahead < MIB / 2, "{ahead} bytes were read ahead");
}

#[tokio::test]
async fn the_index_is_read_from_the_source_once() {
    const INDEX: u64 = MIB + 5;
    let (source, server, first) = serve_synthetic(64 * MIB).await;
    let index = format!("Range: bytes=0-{}\r\n", INDEX - 1);
    Client::connect(&first).await.ask("GET", &index).await;
    let once = source.read_bytes.load(Ordering::Relaxed);
    assert!((INDEX..INDEX + BLOCK_BYTES).contains(&once), "{once}");
    assert_eq!(first.bytes_read(), once);

    for chunk in 1..4 {
        let ticket = server.open().unwrap();
        let mut client = Client::connect(&ticket).await;
        let answer = client.ask("GET", &index).await;
        assert!(answer.body == Synthetic::bytes(0..INDEX));
        assert_eq!((ticket.bytes_read(), ticket.bytes_sent()), (0, INDEX));
        // Then its own media, more than the cache holds.
        let (from, to) = (chunk * 16 * MIB, (chunk + 1) * 16 * MIB - 1);
        client
            .ask("GET", &format!("Range: bytes={from}-{to}\r\n"))
            .await;
        assert_eq!(ticket.bytes_read(), 16 * MIB);
    }
}

/// One that streams more media than the cache holds, by several requests that start inside a block.
#[tokio::test]
async fn a_reader_does_not_push_the_index_out_before_the_next_one_comes() {
    let (_, server, first) = serve_synthetic(64 * MIB).await;
    let second = server.open().unwrap();
    for ticket in [&first, &second] {
        let mut client = Client::connect(ticket).await;
        client.ask("GET", "Range: bytes=0-99999\r\n").await;
        for from in (1..16).map(|mib| mib * MIB + 12_345) {
            client
                .ask(
                    "GET",
                    &format!("Range: bytes={from}-{}\r\n", from + MIB - 1),
                )
                .await;
        }
    }
    let saved = first.bytes_read() - second.bytes_read();
    assert!(saved > 5 * MIB, "{saved} bytes were saved");
}

#[tokio::test]
async fn readers_that_ask_for_the_same_block_at_once_share_one_read() {
    let (source, server, _ticket) = serve_synthetic(BLOCK_BYTES).await;
    source.permits.forget_permits(1_000_000);
    let tickets: Vec<_> = (0..4).map(|_| server.open().unwrap()).collect();
    let clients = futures::future::join_all(tickets.iter().map(|ticket| async {
        let mut client = Client::connect(ticket).await;
        client.ask("GET", "").await.body
    }));
    let permit = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        source.permits.add_permits(10);
    };
    let (bodies, ()) = tokio::join!(clients, permit);
    assert!(
        bodies
            .iter()
            .all(|body| *body == Synthetic::bytes(0..BLOCK_BYTES))
    );
    assert_eq!(source.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn every_block_handed_out_is_a_sign_of_life() {
    let (_, _server, ticket) = serve_synthetic(MIB).await;
    let activity = Activity::new();
    ticket.keep_alive(activity.clone());
    let born = activity.last();
    tokio::time::sleep(Duration::from_millis(20)).await;
    Client::connect(&ticket).await.ask("GET", "").await;
    assert!(activity.last() > born);
}
