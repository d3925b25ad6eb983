//! `streamforge status`, `watch` and `doctor`, and what `up` says of itself.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::thread;

use serde_json::Value;

use super::node::Node;
use super::run::Run;
use super::sandbox::Sandbox;
use crate::ports::free_pair;

/// An id that no video has.
const NOBODY: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Exit code, standard output, standard error.
fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let ran = command.output().expect("the program can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn status_and_watch_tell_of_videos() {
    let sandbox = Sandbox::new();
    let mut node = Node::start(&sandbox);
    let (code, out, _) = said(&mut node.command(&sandbox, "status"));
    assert_eq!(code, Some(0));
    assert_eq!(out, "There are no videos yet: streamforge upload FILE\n");

    let clip = sandbox.path("Some clip.mp4");
    fs::rename(sandbox.make_clip("clip.mp4", 3), &clip).unwrap();
    let mut upload = node.command(&sandbox, "upload");
    let run = Run::through(upload.args(["--json", "--detach"]).arg(&clip));
    let id = run.the("uploaded")["video_id"].as_str().unwrap().to_owned();
    let watched = Run::through(node.command(&sandbox, "watch").args(["--json", &id]));
    assert_eq!(watched.stderr, "");
    let finished = watched.the("finished");
    assert_eq!(watched.events.last(), Some(finished), "the end comes last");
    let playlist = finished["playlist"].as_str().unwrap();

    // Whoever comes late is told the end.
    let (code, out, err) = said(node.command(&sandbox, "watch").arg(&id));
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert_eq!(err, format!("Some clip is ready: {playlist}\n"));

    let (code, out, _) = said(&mut node.command(&sandbox, "status"));
    assert_eq!(code, Some(0));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("VIDEO ") && lines.len() == 2, "{out}");
    let cells: Vec<&str> = lines[1]
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    assert_eq!(
        (cells[0], cells[1], cells[2]),
        (id.as_str(), "ready", "0:03"),
        "{out}"
    );
    assert_eq!(cells.last(), Some(&"Some clip"), "{out}");

    let (code, out, _) = said(node.command(&sandbox, "status").arg(&id));
    assert_eq!(code, Some(0));
    for line in [
        format!("stream      {playlist}"),
        "pictures    320×180".to_owned(),
    ] {
        assert!(out.lines().any(|found| found == line), "{line:?} in {out}");
    }
    let (_, out, _) = said(
        node.command(&sandbox, "status")
            .args([id.as_str(), "--json"]),
    );
    let video: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&video["id"], &video["playback_url"]),
        (&id.into(), &playlist.into())
    );

    for command in ["status", "watch"] {
        let (code, out, err) = said(node.command(&sandbox, command).arg(NOBODY));
        assert_eq!((code, out.as_str()), (Some(1), ""), "{command}: {err}");
        assert!(
            err.contains("there is no video of this id"),
            "{command}: {err}"
        );
    }
    node.kill();
    for arguments in [&["status"][..], &["watch", NOBODY]] {
        let (code, _, err) = said(node.command(&sandbox, arguments[0]).args(&arguments[1..]));
        assert_eq!(code, Some(1), "{arguments:?}: {err}");
        assert!(
            err.contains("Connection refused") && err.contains("`streamforge up`"),
            "{err}"
        );
    }
}

#[test]
fn doctor_finds_nothing_broken_where_nothing_is() {
    let sandbox = Sandbox::new();
    let node = Node::start(&sandbox);
    let (code, out, err) =
        said(
            sandbox
                .streamforge()
                .args(["doctor", "--port", &node.port.to_string()]),
        );
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    for words in [
        "good    ffmpeg ",
        "good    ffprobe ",
        "good    the encoders that are needed",
        "good    data can be written to",
        "StreamForge runs there",
        "is StreamForge ",
        "answers, where files are sent",
        "good    its bucket lets web pages send files and read their ETag (CORS)",
    ] {
        assert!(out.contains(words), "{words:?} in {out}");
    }
    let (code, out, _) = said(
        sandbox
            .streamforge()
            .args(["doctor", "--server", &node.url()]),
    );
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("CORS") && !out.contains("ffmpeg"), "{out}");

    // Its own upload is gone.
    let (_, out, _) = said(&mut node.command(&sandbox, "status"));
    assert_eq!(out, "There are no videos yet: streamforge upload FILE\n");
    let work = fs::read_dir(sandbox.path("work")).unwrap();
    assert_eq!(work.count(), 0, "it makes nothing");
}

#[test]
fn doctor_names_what_is_broken_and_what_mends_it() {
    let sandbox = Sandbox::new();
    let port = free_pair();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1)).unwrap();
    let nothing = sandbox.path("no programs here");
    fs::create_dir(&nothing).unwrap();
    fs::write(sandbox.path("file"), "").unwrap();
    let mut command = sandbox.streamforge();
    command.args(["doctor", "--port", &port.to_string(), "--data"]);
    let (code, out, _) = said(command.arg(sandbox.path("file/data")).env("PATH", &nothing));
    assert_eq!(code, Some(1), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    let mend_of = |words: &str| {
        let place = lines
            .iter()
            .position(|line| line.starts_with("BROKEN") && line.contains(words));
        let place = place.unwrap_or_else(|| panic!("{words:?} in {out}"));
        lines[place + 1]
    };
    assert!(
        mend_of("ffmpeg was not found").contains("apt-get install ffmpeg"),
        "{out}"
    );
    assert!(
        mend_of("ffprobe was not found").contains("apt-get install ffmpeg"),
        "{out}"
    );
    assert!(
        mend_of("is no folder").contains("streamforge up --data"),
        "{out}"
    );
    let in_use = format!("port {} is in use", port + 1);
    assert!(mend_of(&in_use).contains("streamforge up --port "), "{out}");
    assert!(
        out.contains(&format!("good    port {port} is free")),
        "{out}"
    );
    drop(taken);

    let nobody = format!("http://127.0.0.1:{port}");
    let (code, out, _) = said(sandbox.streamforge().args(["doctor", "--server", &nobody]));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.starts_with("BROKEN  cannot reach"), "{out}");
    assert!(out.ends_with("mend it: streamforge up\n"), "{out}");
}

/// The port of a server that answers every request so, until the process ends.
fn always(status: &str, header: &str, body: &str) -> u16 {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let port = free_pair();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head: Vec<u8> = Vec::new();
            let mut buffer = [0; 4096];
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(read) if read > 0 => head.extend(&buffer[..read]),
                    _ => break,
                }
            }
            // Nobody to hear it is no reason to stop.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn who_answers_otherwise_than_a_streamforge_is_named() {
    let sandbox = Sandbox::new();
    let clip = sandbox.make_clip("clip.mp4", 1);
    let at = |port: u16, command: &str, argument: &str| {
        let server = format!("http://127.0.0.1:{port}");
        said(
            sandbox
                .streamforge()
                .args([command, argument, "--server", &server]),
        )
    };

    let elsewhere = "location: https://videos.example/api/v1/uploads";
    let elsewhere = always("301 Moved Permanently", elsewhere, "");
    let clip = clip.to_str().unwrap();
    for (command, argument) in [("status", NOBODY), ("watch", NOBODY), ("upload", clip)] {
        let (code, _, err) = at(elsewhere, command, argument);
        assert_eq!(code, Some(1), "{command}: {err}");
        let advice = "sends on to https://videos.example: name that one with --server";
        assert!(err.contains(advice), "{command}: {err}");
    }

    let page = always("200 OK", "content-type: text/html", "<html>");
    let (code, _, err) = at(page, "watch", NOBODY);
    assert_eq!(code, Some(1), "{err}");
    let words = "does not answer as this version of streamforge expects";
    assert!(err.contains(words), "{err}");

    // One in trouble is not taken for another program that is in the way.
    let problem = r#"{"type":"/problems/unavailable","status":503,"detail":"the table is away"}"#;
    let ill = always(
        "503 Service Unavailable",
        "content-type: application/problem+json",
        problem,
    );
    let port = ill.to_string();
    let (code, out, _) = said(sandbox.streamforge().args(["doctor", "--port", &port]));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("StreamForge runs there"), "{out}");
    assert!(out.contains("BROKEN  the table is away"), "{out}");
}

#[test]
fn up_says_what_to_do_when_it_cannot_be_reached() {
    let sandbox = Sandbox::new();
    let node = Node::start(&sandbox);
    let other = sandbox.path("other");
    let up = |arguments: &[&str]| {
        let mut command = sandbox.streamforge();
        said(command.arg("up").arg("--data").arg(&other).args(arguments))
    };
    let (code, _, err) = up(&["--port", &node.port.to_string()]);
    assert_eq!(code, Some(1), "{err}");
    let in_use = format!("port {} is in use", node.port);
    assert!(err.contains(&in_use) && err.contains("--port "), "{err}");

    let (code, _, err) = up(&["--host", "0.0.0.0"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(
        err.contains("--public-url http://") && err.contains(":8080"),
        "{err}"
    );
    assert!(!other.exists(), "nothing was begun");
}

#[test]
fn up_without_ffmpeg_says_how_to_install_it() {
    let sandbox = Sandbox::new();
    let nothing = sandbox.path("no programs here");
    fs::create_dir(&nothing).unwrap();
    let mut up = sandbox.streamforge();
    up.args(["up", "--port", &free_pair().to_string(), "--data"]);
    let (code, _, err) = said(up.arg(sandbox.path("data")).env("PATH", &nothing));
    assert_eq!(code, Some(1), "{err}");
    assert!(
        err.contains("was not found") && err.contains("apt-get install"),
        "{err}"
    );
}
