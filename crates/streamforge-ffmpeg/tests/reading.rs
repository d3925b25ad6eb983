//! What one chunk costs of its source, with the real FFmpeg under guard at the other end.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use streamforge_core::source::Container;
use streamforge_ffmpeg::byte_source::{ByteSource as _, FileSource};
use streamforge_ffmpeg::guard::{ChildLimits, GuardedCommand};
use streamforge_ffmpeg::input;
use streamforge_ffmpeg::source_server::SourceServer;
use tokio::io::AsyncReadExt as _;

const RATE: u64 = 25;

/// Of the film and of the chunk, in seconds.
const WHOLE: u64 = 40;
const CHUNK: u64 = 8;

/// A film of noise, every second of it as large as the next (1.3 MB), with a key frame every two seconds.
fn film(path: &Path) {
    let noise =
        format!("color=gray:size=320x180:rate={RATE}:duration={WHOLE},noise=alls=100:allf=t+u");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &noise])
        .args(["-c:v", "mpeg4", "-q:v", "4", "-g", "50"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

/// Decodes the chunk that starts at `start` seconds; the frames made, and the bytes read for it.
async fn decode(server: &SourceServer, container: Container, start: u64) -> (usize, u64) {
    let ticket = server.open().unwrap();
    let mut args = [
        "-nostdin",
        "-v",
        "error",
        "-copyts",
        "-noaccurate_seek",
        "-ss",
    ]
    .map(str::to_owned)
    .to_vec();
    args.push(start.to_string());
    args.extend(input::args(container, &ticket.url()));
    let graph = format!(
        "fps={RATE},trim=start_pts={}:end_pts={}",
        start * RATE,
        (start + CHUNK) * RATE
    );
    args.extend(["-vf", &graph, "-f", "framecrc", "pipe:3"].map(str::to_owned));
    let command = GuardedCommand {
        program: "ffmpeg".into(),
        args: args.into_iter().map(Into::into).collect(),
        pipes: 1,
        limits: ChildLimits::default(),
        nice: 0,
        source_port: Some(ticket.port()),
    };
    let mut child = command.spawn().await.unwrap();
    ticket.keep_alive(child.activity());
    let mut pipe = child.pipes.remove(0);
    let mut frames = String::new();
    let (read, exit) = tokio::join!(pipe.read_to_string(&mut frames), child.wait());
    read.unwrap();
    let exit = exit.unwrap();
    assert!(exit.status.success(), "{}", exit.stderr);
    let frames = frames.lines().filter(|line| !line.starts_with('#')).count();
    (frames, ticket.bytes_read())
}

#[tokio::test]
async fn a_chunk_costs_little_more_of_the_source_than_its_own_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for (container, name) in [
        (Container::Mov, "film.mp4"),
        (Container::Matroska, "film.mkv"),
        (Container::Avi, "film.avi"),
    ] {
        let path = dir.path().join(name);
        film(&path);
        let source = FileSource::open(path).unwrap();
        let own = source.size() * CHUNK / WHOLE;
        let server = SourceServer::start(Arc::new(source)).await.unwrap();

        // From the middle between two key frames: a second of lead-in.
        let (frames, first) = decode(&server, container, 17).await;
        assert_eq!(frames as u64, CHUNK * RATE, "{name}");
        assert!(
            first * 10 <= own * 12,
            "{name}: {first} bytes were read for {own}"
        );

        // The neighbour starts at one, and finds the index read.
        let (frames, second) = decode(&server, container, 30).await;
        assert_eq!(frames as u64, CHUNK * RATE, "{name}");
        assert!(
            second * 100 <= own * 115,
            "{name}: {second} bytes were read for {own}"
        );
    }
}
