//! What is between a client and S3: slow, faulty, and counting.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// What is passed on at a time.
const PIECE_BYTES: usize = 256 << 10;

/// No test waits longer for something to happen here.
const PATIENCE: Duration = Duration::from_secs(20);

/// What happens to one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// It is answered with this status and not passed on.
    Status(u16),
    /// The connection ends after so many bytes of the body.
    CutAfter(usize),
    /// One bit of the body is another.
    Damage,
    /// Nothing after so many bytes of the body is passed on, while the client is there.
    HoldAfter(usize),
    /// It is passed on, and the answer is not passed back.
    Unanswered,
}

/// What was seen of one part.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Seen {
    /// Requests that were begun.
    pub(crate) sent: u32,
    /// Those that S3 answered with success.
    pub(crate) taken: u32,
}

#[derive(Default)]
struct State {
    parts: BTreeMap<u32, Seen>,
    faults: BTreeMap<u32, Vec<Fault>>,
    /// Connections that are open.
    open: u32,
    /// Those of them on which nothing happens any more.
    held: usize,
}

/// A proxy for `PUT`s of parts. It ends with the process.
#[derive(Clone)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Proxy {
    /// One in front of the port `upstream`. Each piece of each body is held up for so long.
    pub(crate) fn start(upstream: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let proxy = Self {
            port,
            state: Arc::default(),
        };
        let serving = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming().filter_map(Result::ok) {
                let proxy = serving.clone();
                proxy.change(|state| state.open += 1);
                thread::spawn(move || {
                    // Broken connections are what it is for.
                    let _ = proxy.pass_on(&client, upstream, delay);
                    let _ = client.shutdown(Shutdown::Both);
                    proxy.change(|state| state.open -= 1);
                });
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Lets the next requests for a part go wrong, one after the other.
    pub(crate) fn spoil(&self, part: u32, faults: &[Fault]) {
        self.change(|state| state.faults.insert(part, faults.to_vec()));
    }

    /// What was seen of each part.
    pub(crate) fn parts(&self) -> BTreeMap<u32, Seen> {
        self.state().parts.clone()
    }

    /// How many parts S3 has taken.
    pub(crate) fn taken(&self) -> usize {
        let parts = self.parts();
        parts.values().filter(|seen| seen.taken > 0).count()
    }

    pub(crate) fn wait_until_taken(&self, parts: usize) {
        self.wait(|state| state.parts.values().filter(|seen| seen.taken > 0).count() >= parts);
    }

    pub(crate) fn wait_until_held(&self, requests: usize) {
        self.wait(|state| state.held >= requests);
    }

    pub(crate) fn wait_until_idle(&self) {
        self.wait(|state| state.open == 0);
    }

    fn wait(&self, until: impl Fn(&State) -> bool) {
        let begun = Instant::now();
        let mut state = self.state();
        while !until(&state) {
            assert!(begun.elapsed() < PATIENCE, "still {:?}", state.parts);
            let waited = self.state.1.wait_timeout(state, Duration::from_millis(100));
            state = waited.expect("no holder panics").0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().expect("no holder panics")
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.state.1.notify_all();
        changed
    }

    /// Passes one request on, and its answer back.
    fn pass_on(&self, mut client: &TcpStream, upstream: u16, delay: Duration) -> io::Result<()> {
        let head = read_head(client)?;
        let part = between(&head, "partNumber=", |c| !c.is_ascii_digit());
        let length = between(&head.to_ascii_lowercase(), "content-length: ", |c| {
            c == '\r'
        });
        let (Some(part), Some(mut left)) = (part, length) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let part = u32::try_from(part).map_err(io::Error::other)?;
        let fault = self.change(|state| {
            state.parts.entry(part).or_default().sent += 1;
            let faults = state
                .faults
                .get_mut(&part)
                .filter(|faults| !faults.is_empty());
            faults.map(|faults| faults.remove(0))
        });

        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream))?;
        // One request a connection: its end is that of the answer.
        let closing = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        if !matches!(fault, Some(Fault::Status(_))) {
            server.write_all(closing.as_bytes())?;
        }
        let mut piece = vec![0; PIECE_BYTES];
        let mut passed = 0;
        while left > 0 {
            let most = piece.len().min(left);
            let read = client.read(&mut piece[..most])?;
            if read == 0 {
                return Ok(());
            }
            left -= read;
            passed += read;
            thread::sleep(delay * u32::try_from(read).expect("a piece") / 262_144);
            match fault {
                Some(Fault::Status(_)) => continue,
                Some(Fault::CutAfter(bytes)) if passed >= bytes => return Ok(()),
                Some(Fault::HoldAfter(bytes)) if passed >= bytes => return self.hold(client),
                Some(Fault::Damage) if left == 0 => piece[read - 1] ^= 1,
                _ => {}
            }
            server.write_all(&piece[..read])?;
        }
        if let Some(Fault::Status(status)) = fault {
            let body = "<Error><Code>Spoilt</Code><Message>by the test</Message></Error>";
            let length = body.len();
            return write!(
                client,
                "HTTP/1.1 {status} Spoilt\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        if answer.starts_with(b"HTTP/1.1 200") {
            self.change(|state| state.parts.entry(part).or_default().taken += 1);
        }
        if fault == Some(Fault::Unanswered) {
            return self.hold(client);
        }
        client.write_all(&answer)
    }

    /// Waits until the client is gone.
    fn hold(&self, mut client: &TcpStream) -> io::Result<()> {
        self.change(|state| state.held += 1);
        let gone = io::copy(&mut client, &mut io::sink());
        self.change(|state| state.held -= 1);
        gone.map(drop)
    }
}

/// Reads up to the end of a request's head, and nothing after it.
fn read_head(mut client: &TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

/// The number after `start`, up to a character that ends it.
fn between(text: &str, start: &str, end: impl Fn(char) -> bool) -> Option<usize> {
    let (_, rest) = text.split_once(start)?;
    rest.split(end).next()?.parse().ok()
}
