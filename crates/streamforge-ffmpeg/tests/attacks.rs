//! Files made to have FFmpeg fetch an address or read a file for the uploader, opened the way we open
//! every source, by every demuxer we allow: what our own look at the first bytes says must not matter.
//!
//! Nothing but the arguments stands between FFmpeg and its bait here. The address is on the only port the
//! guard lets it connect to, and the file lies where the guard lets it read: beside its own libraries. So
//! what is proven holds on kernels that enforce nothing. The last test is about those that do.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use rustix::fs::inotify;
use streamforge_core::source::Container;
use streamforge_ffmpeg::byte_source::ByteSource;
use streamforge_ffmpeg::guard::{ChildLimits, GuardedCommand};
use streamforge_ffmpeg::input;
use streamforge_ffmpeg::sniff::{Sniffed, sniff};
use streamforge_ffmpeg::source_server::{SourceServer, Ticket};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use self::corpus::{Attack, Bait};

#[path = "attacks/corpus.rs"]
mod corpus;

#[tokio::test]
async fn no_demuxer_we_allow_takes_a_bait() {
    let world = World::new();
    let addresses = Addresses::listen().await;
    let bait = Bait {
        port: addresses.port,
        file: &world.file,
        media: &world.media,
    };
    for attack in corpus::attacks(&bait) {
        let source = Source::serve(&attack, &addresses).await;
        let port = addresses.port;
        let runs = Container::ALL.map(|container| {
            let (world, attack) = (&world, &attack);
            let input = input::args(container, &source.url);
            async move {
                let (_, pictures) = world.run("ffmpeg", &[], &input, port).await;
                assert_eq!(
                    pictures, 0,
                    "{} as {container:?} made pictures",
                    attack.name
                );
            }
        });
        join_all(runs).await;
        // What ffprobe does to a source is less. Once, then, by the demuxer that would be chosen.
        let input = input::args(attack.container.unwrap_or(Container::Mov), &source.url);
        world
            .run("ffprobe", &["-show_streams", "-show_packets"], &input, port)
            .await;
        assert_eq!(addresses.asked_for(), BTreeSet::new(), "{}", attack.name);
        assert!(
            !world.watch.fired(),
            "{} opened the local file",
            attack.name
        );
    }
    assert_eq!(
        files(world.dir.path()),
        world.files_at_start,
        "something was written"
    );
}

#[tokio::test]
async fn playlists_and_their_like_are_known_before_ffmpeg_sees_them() {
    let world = World::new();
    for attack in corpus::attacks(&Bait {
        port: 1,
        file: &world.file,
        media: &world.media,
    }) {
        match (attack.container, sniff(&attack.bytes)) {
            (None, Sniffed::NotVideo { .. }) => {}
            (Some(expected), Sniffed::Video(container)) if container == expected => {}
            (expected, sniffed) => panic!("{} is {expected:?}, not {sniffed:?}", attack.name),
        }
    }
}

/// Without it the first test would prove nothing: FFmpeg as most people call it falls for these.
#[tokio::test]
async fn the_baits_are_taken_when_ffmpeg_may_choose() {
    let world = World::new();
    let addresses = Addresses::listen().await;
    let bait = Bait {
        port: addresses.port,
        file: &world.file,
        media: &world.media,
    };
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for attack in corpus::attacks(&bait) {
        let Some(switches) = attack.works_with else {
            continue;
        };
        let source = Source::serve(&attack, &addresses).await;
        let input = naive(switches, &source.url);
        let (said, _) = world
            .run("ffprobe", &["-show_packets"], &input, addresses.port)
            .await;
        if world.watch.fired() | !addresses.asked_for().is_empty() {
            taken.push(attack.name);
        } else {
            left.push((attack.name, said));
        }
    }
    // Not all of them: builds differ, and newer ones have learned.
    assert!(
        taken.len() > left.len(),
        "taken: {taken:#?}, left: {left:#?}"
    );
}

/// The second wall: were the arguments wrong, the kernel would still say no.
#[tokio::test]
async fn the_kernel_stops_what_the_arguments_would_let_through() {
    if !landlock_works() {
        eprintln!("skipped: this kernel has no Landlock, or an old one");
        return;
    }
    let world = World::new();
    let addresses = Addresses::listen().await;
    let elsewhere = Addresses::listen().await;
    let outside = world.dir.path().join("outside.mp4");
    fs::copy(&world.file, &outside).unwrap();
    let watch = Watch::new(&outside);
    let bait = Bait {
        port: elsewhere.port,
        file: &outside,
        media: &world.media,
    };
    for attack in corpus::attacks(&bait) {
        let Some(switches) = attack.works_with else {
            continue;
        };
        let source = Source::serve(&attack, &addresses).await;
        let input = naive(switches, &source.url);
        world
            .run("ffprobe", &["-show_packets"], &input, addresses.port)
            .await;
        assert_eq!(elsewhere.asked_for(), BTreeSet::new(), "{}", attack.name);
        assert!(!watch.fired(), "{} opened the local file", attack.name);
    }
}

fn landlock_works() -> bool {
    use landlock::{ABI, Access as _, AccessFs, Ruleset, RulesetAttr as _, RulesetStatus};
    let status = std::thread::spawn(|| {
        let ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V4))
            .unwrap()
            .create()
            .unwrap();
        ruleset.restrict_self().unwrap().ruleset
    });
    status.join().unwrap() == RulesetStatus::FullyEnforced
}

/// How one would open a source without a thought, and with every switch on that makes an attack work.
fn naive(switches: &[&str], url: &str) -> Vec<String> {
    let open = [
        "-protocol_whitelist",
        "file,http,tcp,crypto,data,concat,subfile",
        "-i",
        url,
    ];
    switches
        .iter()
        .copied()
        .chain(open)
        .map(str::to_owned)
        .collect()
}

/// FFmpeg in a folder of its own, with the bait beside it.
struct World {
    dir: TempDir,
    /// The local file to bait with: a film that anybody's FFmpeg plays.
    file: PathBuf,
    media: Vec<u8>,
    watch: Watch,
    files_at_start: BTreeSet<PathBuf>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [bin, lib] = ["bin", "lib"].map(|name| dir.path().join(name));
        fs::create_dir(&bin).unwrap();
        fs::create_dir(&lib).unwrap();
        for program in ["ffmpeg", "ffprobe"] {
            let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
                .map(|dir| dir.join(program))
                .find(|path| path.exists())
                .expect("FFmpeg is installed");
            fs::copy(found, bin.join(program)).unwrap();
        }
        let file = lib.join("bait.mp4");
        let made = std::process::Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-nostdin",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=64x64:rate=10:duration=1",
            ])
            .args(["-c:v", "mpeg4", "-pix_fmt", "yuv420p"])
            .arg(&file)
            .status();
        assert!(made.unwrap().success());
        let media = fs::read(&file).unwrap();
        let watch = Watch::new(&file);
        let files_at_start = files(dir.path());
        Self {
            dir,
            file,
            media,
            watch,
            files_at_start,
        }
    }

    /// Runs `program` under guard, where it may connect to the port of `source` alone.
    /// Returns what it printed, and how many bytes of pictures it made.
    async fn run(
        &self,
        program: &str,
        options: &[&str],
        input: &[String],
        port: u16,
    ) -> (String, usize) {
        let mut args: Vec<String> = ["-hide_banner", "-v", "error"].map(str::to_owned).to_vec();
        args.extend(options.iter().copied().map(str::to_owned));
        if program == "ffmpeg" {
            args.push("-nostdin".to_owned());
        }
        args.extend_from_slice(input);
        if program == "ffmpeg" {
            args.extend(["-map", "0:v?", "-f", "rawvideo", "pipe:3"].map(str::to_owned));
        }
        let command = GuardedCommand {
            program: self.dir.path().join("bin").join(program),
            args: args.into_iter().map(Into::into).collect(),
            pipes: 1,
            limits: ChildLimits {
                wall: Duration::from_mins(1),
                ..ChildLimits::default()
            },
            nice: 0,
            source_port: Some(port),
        };
        let mut child = command.spawn().await.unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut pipe = child.pipes.remove(0);
        let (mut said, mut pictures) = (String::new(), Vec::new());
        let (read, exit, also_read) = tokio::join!(
            stdout.read_to_string(&mut said),
            child.wait(),
            pipe.read_to_end(&mut pictures)
        );
        read.unwrap();
        also_read.unwrap();
        said.push_str(&exit.unwrap().stderr);
        (said, pictures.len())
    }
}

/// Every file below `dir`.
fn files(dir: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            all.extend(files(&entry));
        }
        all.insert(entry);
    }
    all
}

/// Tells whether a file is opened by anyone: a proof that needs neither access times nor a tracer.
struct Watch {
    events: fs::File,
}

impl Watch {
    fn new(file: &Path) -> Self {
        let events =
            inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&events, file, inotify::WatchFlags::OPEN).unwrap();
        Self {
            events: events.into(),
        }
    }

    /// Whether it was opened since this was asked last.
    fn fired(&self) -> bool {
        let mut events = [0; 4096];
        match (&self.events).read(&mut events) {
            Ok(read) => read > 0,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A port of 127.0.0.1 that passes the source's own address on and notes every other one it is asked for.
struct Addresses {
    port: u16,
    asked_for: Arc<Mutex<BTreeSet<String>>>,
    /// The source's path and the port of its server.
    source: Arc<Mutex<(String, u16)>>,
    accepting: AbortHandle,
}

impl Addresses {
    async fn listen() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked_for = Arc::default();
        let source = Arc::default();
        let accepting = {
            let (asked_for, source) = (Arc::clone(&asked_for), Arc::clone(&source));
            tokio::spawn(async move {
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    tokio::spawn(answer(client, Arc::clone(&asked_for), Arc::clone(&source)));
                }
            })
        };
        Self {
            port,
            asked_for,
            source,
            accepting: accepting.abort_handle(),
        }
    }

    /// What was asked for since this was called last.
    fn asked_for(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.asked_for.lock().unwrap())
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn answer(
    mut client: TcpStream,
    asked_for: Arc<Mutex<BTreeSet<String>>>,
    source: Arc<Mutex<(String, u16)>>,
) {
    let mut head = Vec::new();
    while !head.contains(&b'\n') && client.read_buf(&mut head).await.is_ok_and(|read| read > 0) {}
    let line = String::from_utf8_lossy(&head)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    let (path, port) = source.lock().unwrap().clone();
    if !path.is_empty() && line.split(' ').nth(1) == Some(path.as_str()) {
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        server.write_all(&head).await.unwrap();
        // An end in the middle is how FFmpeg says that it has seen enough.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    } else {
        asked_for.lock().unwrap().insert(if line.is_empty() {
            "a connection".to_owned()
        } else {
            line
        });
    }
}

/// An attack where FFmpeg can read it.
struct Source {
    url: String,
    _server: SourceServer,
    _ticket: Ticket,
}

impl Source {
    /// Serves `attack` under the address of `addresses`.
    async fn serve(attack: &Attack, addresses: &Addresses) -> Self {
        let server = SourceServer::start(Arc::new(Memory(attack.bytes.clone().into())))
            .await
            .unwrap();
        let ticket = server.open().unwrap();
        let url = ticket.url();
        let (_, path) = url.rsplit_once('/').unwrap();
        *addresses.source.lock().unwrap() = (format!("/{path}"), server.port());
        let url = format!("http://127.0.0.1:{}/{path}", addresses.port);
        Self {
            url,
            _server: server,
            _ticket: ticket,
        }
    }
}

struct Memory(Bytes);

impl ByteSource for Memory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        let start = usize::try_from(offset).unwrap();
        Box::pin(async move { Ok(self.0.slice(start..start + len)) })
    }
}
