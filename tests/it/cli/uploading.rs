//! `streamforge upload`: to a real service, through connections of every kind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::node::Node;
use super::proxy::{Fault, Proxy, Seen};
use super::run::{Run, Running};
use super::sandbox::Sandbox;
use crate::ports::free_pair;

/// Parts of the larger file: five of 10 MiB and a rest.
const PARTS: u32 = 6;

/// Slows a part of 10 MiB down to a quarter of a second.
const SLOWLY: Duration = Duration::from_millis(6);

/// 57.6 MB that differ from those of another seed in each part. They look random, and are the same each time (xorshift).
fn large_file(sandbox: &Sandbox, seed: u64) -> PathBuf {
    let path = sandbox.path("large.mp4");
    let mut state = seed;
    let words = (0..12_500).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let block: Vec<u8> = words.collect();
    fs::write(&path, block.repeat(576)).expect("there is room for a file");
    path
}

/// A service whose S3 is behind a proxy.
fn behind_a_proxy(sandbox: &Sandbox, delay: Duration) -> (Node, Proxy) {
    let port = free_pair();
    let proxy = Proxy::start(port + 1, delay);
    (Node::behind(sandbox, port, &proxy.url()), proxy)
}

fn upload(sandbox: &Sandbox, node: &Node, file: &Path) -> Command {
    let mut command = node.command(sandbox, "upload");
    command.args(["--json", "--detach"]).arg(file);
    command
}

fn each_part(seen: Seen) -> BTreeMap<u32, Seen> {
    (1..=PARTS).map(|part| (part, seen)).collect()
}

fn videos(sandbox: &Sandbox, node: &Node) -> Vec<Value> {
    let mut command = node.command(sandbox, "status");
    let ran = command.arg("--json").output().expect("it can be started");
    serde_json::from_slice(&ran.stdout).expect("it prints a list")
}

#[test]
fn a_file_is_uploaded_played_and_ready() {
    let sandbox = Sandbox::new();
    let node = Node::start(&sandbox);
    let file = sandbox.path("Some clip.mp4");
    fs::rename(sandbox.make_clip("clip.mp4", 6), &file).unwrap();
    let mut command = node.command(&sandbox, "upload");
    command.args(["--visibility", "public", "--title", "A clip", "--json"]);
    let run = Run::through(command.arg(&file));
    assert_eq!(run.stderr, "", "people are told nothing");

    let announced = run.the("announced");
    assert_eq!(announced["parts"], 1);
    assert_eq!(announced["parts_there"], 0);
    assert_eq!(announced["size_bytes"], fs::metadata(&file).unwrap().len());
    assert_eq!(run.the("uploaded")["parts_sent"], 1);
    let finished = run.the("finished");
    assert_eq!(finished["video_id"], announced["video_id"]);
    assert_eq!(run.the("playable")["playlist"], finished["playlist"]);
    let states = run.all("video");
    let last = states.last().expect("it has states");
    assert_eq!(last["status"], "ready");
    assert_eq!(
        (&last["title"], &last["visibility"]),
        (&"A clip".into(), &"public".into())
    );
    sandbox.assert_follows_the_rules(Path::new(finished["playlist"].as_str().unwrap()));

    // The same again is another video, and people are told in whole lines.
    let mut command = node.command(&sandbox, "upload");
    let ran = command.arg(&file).output().expect("it can be started");
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success() && ran.stdout.is_empty(), "{said}");
    assert!(!said.contains(['\r', '\u{1b}']), "{said:?}");
    let name = file.display();
    for line in [
        format!("{name}: uploading "),
        format!("{name}: uploaded in "),
        format!("{name}: is being encoded"),
        format!("{name} is ready: {}/v/", node.url()),
    ] {
        assert_eq!(said.matches(&line).count(), 1, "{line:?} in {said}");
    }
    assert_eq!(videos(&sandbox, &node).len(), 2);
}

#[test]
fn killed_at_any_part_it_sends_only_what_is_missing() {
    let sandbox = Sandbox::new();
    let (node, proxy) = behind_a_proxy(&sandbox, Duration::ZERO);
    let file = large_file(&sandbox, 0x9E37_79B9_7F4A_7C15);
    let hold = |part, bytes| proxy.spoil(part, &[Fault::HoldAfter(bytes)]);
    // Each time it is killed with two parts on their way.
    let mut there = 0;
    for (kill, taken) in [0, 2, 4, 5].into_iter().enumerate() {
        match kill {
            0 => {
                hold(1, 9_123_456);
                hold(2, 0);
            }
            1 => {
                hold(3, 1);
                hold(4, 10_485_760);
            }
            2 => {
                hold(4, 5_000_000);
                hold(6, 2_345_678);
            }
            // S3 has it, and nobody heard.
            _ => {
                proxy.spoil(4, &[Fault::Unanswered]);
                hold(6, 3_333_333);
            }
        }
        let running = Running::start(upload(&sandbox, &node, &file).args(["--parallel", "2"]));
        proxy.wait_until_held(2);
        running.signal(Signal::KILL);
        let run = running.end();
        assert_eq!(run.status.signal(), Some(Signal::KILL.as_raw()), "{run:#?}");
        assert_eq!(run.the("announced")["parts_there"], there, "{run:#?}");
        proxy.wait_until_idle();
        there = taken;
        assert_eq!(proxy.taken(), taken, "{:?}", proxy.parts());
    }

    let run = Run::through(&mut upload(&sandbox, &node, &file));
    assert_eq!(run.the("announced")["parts_there"], there);
    assert_eq!(run.the("uploaded")["parts_sent"], PARTS as usize - there);
    for (part, seen) in proxy.parts() {
        assert_eq!(seen.taken, 1, "part {part}: {:?}", proxy.parts());
    }
    assert_eq!(proxy.parts().len(), PARTS as usize);

    // All of it arrived: it is looked at, and is no video.
    let id = run.the("uploaded")["video_id"].as_str().unwrap().to_owned();
    let watched = Run::of(node.command(&sandbox, "watch").args(["--json", &id]));
    assert_eq!(watched.status.code(), Some(3), "{watched:#?}");
    assert_eq!(watched.the("refused")["code"], "not_video");
    assert!(
        watched.stderr.contains("this is not a video file"),
        "{watched:#?}"
    );
}

#[test]
fn parts_that_get_lost_are_sent_again() {
    let sandbox = Sandbox::new();
    let (node, proxy) = behind_a_proxy(&sandbox, Duration::ZERO);
    let file = large_file(&sandbox, 0xD1B5_4A32_D192_ED03);
    proxy.spoil(1, &[Fault::Status(503)]);
    proxy.spoil(2, &[Fault::CutAfter(3 << 20), Fault::Status(500)]);
    proxy.spoil(3, &[Fault::CutAfter(0)]);
    // As an expired URL is answered.
    proxy.spoil(4, &[Fault::Status(403)]);
    proxy.spoil(5, &[Fault::Damage]);
    let run = Run::through(&mut upload(&sandbox, &node, &file));
    assert_eq!(run.the("uploaded")["parts_sent"], PARTS);
    let mut expected = each_part(Seen { sent: 2, taken: 1 });
    expected.insert(2, Seen { sent: 3, taken: 1 });
    expected.insert(6, Seen { sent: 1, taken: 1 });
    assert_eq!(proxy.parts(), expected);
}

#[test]
fn a_part_that_cannot_be_sent_at_all_is_told_with_the_words_of_s3() {
    let sandbox = Sandbox::new();
    let (node, proxy) = behind_a_proxy(&sandbox, Duration::ZERO);
    let file = sandbox.make_clip("clip.mp4", 1);
    proxy.spoil(1, &[Fault::Status(405)]);
    let run = Run::of(&mut upload(&sandbox, &node, &file));
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    let says = "S3 answered 405 Spoilt (by the test)";
    assert_eq!(run.the("failed")["message"], says);
    assert_eq!(run.stderr, format!("error: {}: {says}\n", file.display()));
}

#[test]
fn a_server_that_dies_and_comes_back_is_waited_for() {
    let sandbox = Sandbox::new();
    let (mut node, proxy) = behind_a_proxy(&sandbox, SLOWLY);
    let file = large_file(&sandbox, 0xA076_1D64_78BD_642F);
    let running = Running::start(upload(&sandbox, &node, &file).args(["--parallel", "2"]));
    proxy.wait_until_taken(2);
    node.restart(&sandbox);
    let run = running.end();
    assert!(run.status.success(), "{run:#?}");
    for (part, seen) in proxy.parts() {
        assert_eq!(seen.taken, 1, "part {part}: {:?}", proxy.parts());
    }
}

#[test]
fn interrupted_it_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    let (node, proxy) = behind_a_proxy(&sandbox, Duration::ZERO);
    let file = large_file(&sandbox, 0xE703_7ED1_A0B4_28DB);
    proxy.spoil(2, &[Fault::HoldAfter(1_000_000)]);
    let running = Running::start(upload(&sandbox, &node, &file).args(["--parallel", "1"]));
    proxy.wait_until_held(1);
    running.signal(Signal::INT);
    let run = running.end();
    assert_eq!(run.status.code(), Some(130), "{run:#?}");
    let says = "error: interrupted; the same command goes on where this one stopped\n";
    assert_eq!(run.stderr, says);

    // With others, it names those that are left.
    proxy.wait_until_idle();
    proxy.spoil(2, &[Fault::HoldAfter(0)]);
    let clip = sandbox.make_clip("clip.mp4", 1);
    let mut command = upload(&sandbox, &node, &clip);
    let running = Running::start(command.arg(&file).args(["--parallel", "1"]));
    proxy.wait_until_held(1);
    running.signal(Signal::TERM);
    let run = running.end();
    assert_eq!(run.status.code(), Some(130), "{run:#?}");
    let uploaded = run.the("uploaded")["video_id"].as_str().unwrap();
    assert_eq!(
        run.stderr,
        format!(
            "error: interrupted; not uploaded yet: {}; the server goes on with the rest, which is seen by: \
             streamforge watch {uploaded} --server {}\n",
            file.display(),
            node.url(),
        )
    );

    // People see where it goes on.
    proxy.wait_until_idle();
    let mut command = node.command(&sandbox, "upload");
    let ran = command.arg("--detach").arg(&file).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{said}");
    for words in [
        "going on, 10.49 MB of 57.60 MB are there",
        "see how it goes on: streamforge watch ",
    ] {
        assert!(said.contains(words), "{words:?} in {said}");
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_given_up() {
    let sandbox = Sandbox::new();
    let (node, proxy) = behind_a_proxy(&sandbox, SLOWLY);
    let file = large_file(&sandbox, 0x8EBC_6AF0_9C88_C6E3);
    let running = Running::start(upload(&sandbox, &node, &file).args(["--parallel", "1"]));
    proxy.wait_until_taken(1);
    let mut growing = File::options().append(true).open(&file).unwrap();
    growing.write_all(b"more").unwrap();
    let run = running.end();
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    assert!(
        run.stderr
            .contains("the file changed while it was being uploaded"),
        "{run:#?}"
    );
    assert!(proxy.taken() < PARTS as usize, "it noticed before the end");
    assert_eq!(videos(&sandbox, &node), Vec::<Value>::new());
}

#[test]
fn a_file_that_gets_another_name_meanwhile_or_none_is_sent_to_its_end() {
    let sandbox = Sandbox::new();
    let (node, proxy) = behind_a_proxy(&sandbox, SLOWLY);
    let file = large_file(&sandbox, 0x2545_F491_4F6C_DD1D);
    let running = Running::start(upload(&sandbox, &node, &file).args(["--parallel", "1"]));
    proxy.wait_until_taken(1);
    fs::remove_file(&file).unwrap();
    let run = running.end();
    assert!(run.status.success(), "{run:#?}");
    assert_eq!(run.the("uploaded")["parts_sent"], PARTS);
    assert_eq!(videos(&sandbox, &node).len(), 1);
}

#[test]
fn parts_of_another_file_are_not_taken_for_those_of_this_one() {
    let sandbox = Sandbox::new();
    let (node, proxy) = behind_a_proxy(&sandbox, Duration::ZERO);
    let file = large_file(&sandbox, 0x5897_65A8_3A9B_2B1F);
    proxy.spoil(4, &[Fault::HoldAfter(1_000_000)]);
    let running = Running::start(upload(&sandbox, &node, &file).args(["--parallel", "1"]));
    proxy.wait_until_held(1);
    running.signal(Signal::KILL);
    running.end();
    proxy.wait_until_idle();

    // Nothing but its content is another.
    let modified = fs::metadata(&file).unwrap().modified().unwrap();
    large_file(&sandbox, 0x1D8E_4E27_C47D_124F);
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    let run = Run::through(&mut upload(&sandbox, &node, &file));
    assert_eq!(run.the("announced")["parts_there"], 3);
    assert_eq!(
        run.the("uploaded")["parts_sent"],
        PARTS,
        "none of the old ones is kept"
    );
}

#[test]
fn what_cannot_be_uploaded_is_named_and_explained() {
    let sandbox = Sandbox::new();
    let node = Node::start(&sandbox);
    let path = |name: &str| sandbox.path("work").join(name);
    fs::write(path("empty.mp4"), "").unwrap();
    fs::create_dir(path("folder.mp4")).unwrap();
    File::create(path("huge.mp4"))
        .unwrap()
        .set_len(101 << 30)
        .unwrap();
    for (file, code, says) in [
        ("missing.mp4", 1, "missing.mp4: No such file"),
        ("folder.mp4", 1, "folder.mp4: is a folder, not a file"),
        (
            "https://example.com/film.mp4",
            1,
            "film.mp4: is a URL, not a file: download it first",
        ),
        ("empty.mp4", 3, "empty.mp4: the file is empty"),
        (
            "huge.mp4",
            3,
            "huge.mp4: the file has 101.0 GiB, the limit is 100.0 GiB",
        ),
    ] {
        let run = Run::of(&mut upload(&sandbox, &node, Path::new(file)));
        assert_eq!(run.status.code(), Some(code), "{file}: {run:#?}");
        assert_eq!(run.stderr.lines().count(), 1, "{file}: {run:#?}");
        assert!(
            run.stderr.starts_with("error: ") && run.stderr.contains(says),
            "{file}: {run:#?}"
        );
        let [event] = &run.events[..] else {
            panic!("one event: {run:#?}");
        };
        assert_eq!(event["event"], if code == 3 { "refused" } else { "failed" });
        assert_eq!(event["file"], file);
    }
    assert_eq!(videos(&sandbox, &node), Vec::<Value>::new());

    // One of several that cannot be uploaded holds up no other.
    let clip = sandbox.make_clip("clip.mp4", 1);
    let mut command = upload(&sandbox, &node, Path::new("empty.mp4"));
    let run = Run::of(command.arg("missing.mp4").arg(&clip));
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    assert_eq!(run.the("uploaded")["file"], clip.display().to_string());
    run.the("refused");
    run.the("failed");
}

#[test]
fn without_a_server_it_says_so_at_once() {
    let sandbox = Sandbox::new();
    let file = sandbox.make_clip("clip.mp4", 1);
    let run_at = |server: &str| {
        let mut command = sandbox.streamforge();
        Run::of(
            command
                .args(["upload", "--json", "--server", server])
                .arg(&file),
        )
    };
    let nobody = format!("http://127.0.0.1:{}", free_pair());
    let run = run_at(&nobody);
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    assert!(run.elapsed < Duration::from_secs(5), "{run:#?}");
    for words in [
        &nobody,
        "Connection refused",
        "`streamforge up`",
        "--server",
    ] {
        assert!(run.stderr.contains(words), "{run:#?}");
    }

    // Somebody else's server.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().filter_map(Result::ok) {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let run = run_at(&format!("http://127.0.0.1:{port}"));
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    assert!(
        run.stderr
            .contains("404 Not Found: is it a StreamForge server?"),
        "{run:#?}"
    );
}
