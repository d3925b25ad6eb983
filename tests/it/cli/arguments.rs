//! Help, and the answers to wrong arguments.

use std::fs;
use std::process::Output;

use super::sandbox::Sandbox;

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let ran = sandbox.streamforge().args(arguments).output();
    ran.expect("the program can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8")
}

#[test]
fn help_of_every_command_shows_examples_and_exit_codes() {
    let sandbox = Sandbox::new();
    for (command, examples) in [
        (
            "transcode",
            &[
                "streamforge transcode film.mov -o",
                "--rungs 720p",
                "--json | jq",
                "\"short_side\"",
            ][..],
        ),
        (
            "check",
            &["streamforge check out/film", "https://", "--json | jq"][..],
        ),
        (
            "upload",
            &["streamforge upload film.mov", "sends only what is missing"][..],
        ),
        ("status", &["streamforge status", "--limit 100"][..]),
        ("watch", &["streamforge watch 5VQ2", "--json | jq"][..]),
        (
            "doctor",
            &["streamforge doctor --data", "--server https://"][..],
        ),
    ] {
        for help in [
            &["help", command][..],
            &[command, "--help"],
            &[command, "-h"],
        ] {
            let ran = run(&sandbox, help);
            let said = text(&ran.stdout);
            assert!(ran.status.success(), "{help:?}: {}", ran.status);
            for words in examples
                .iter()
                .copied()
                .chain(["Examples:", "Exit code: 0"])
            {
                assert!(said.contains(words), "{help:?} without {words:?}:\n{said}");
            }
            let widest = said.lines().map(|line| line.chars().count()).max();
            assert!(
                widest <= Some(100),
                "{help:?} is {widest:?} characters wide:\n{said}"
            );
        }
    }
    let overview = text(&run(&sandbox, &["--help"]).stdout);
    for command in ["up", "upload", "status", "watch", "doctor", "transcode"] {
        assert!(
            overview.contains(&format!("  {command} ")),
            "{command} in {overview}"
        );
    }
    assert!(text(&run(&sandbox, &["--version"]).stdout).starts_with("streamforge "));
    sandbox.assert_nothing_left_behind();
}

#[test]
fn the_ladder_in_the_help_is_one_that_works() {
    let sandbox = Sandbox::new();
    let help = text(&run(&sandbox, &["transcode", "--help"]).stdout);
    let (start, end) = (help.find("{\n"), help.rfind('}'));
    let ladder = &help[start.expect("the help has a ladder")..=end.expect("it ends")];
    fs::write(sandbox.path("ladder.json"), ladder).unwrap();

    let ladder = sandbox.path("ladder.json");
    let mut command = sandbox.streamforge();
    command
        .args(["transcode", "missing.mp4", "-o", "out", "--ladder"])
        .arg(ladder);
    let ran = command.output().unwrap();
    // The ladder was read before the file was looked for.
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran.stderr));
    assert!(
        text(&ran.stderr).contains("missing.mp4"),
        "{}",
        text(&ran.stderr)
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of what people type")]
fn wrong_arguments_exit_with_2_and_say_what_is_right() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("work/not.json"), "rungs: 720").unwrap();
    fs::write(
        sandbox.path("work/odd.json"),
        r#"{"rungs":[{"short_side":361,"crf":22,"maxrate":1}]}"#,
    )
    .unwrap();
    fs::write(sandbox.path("work/typo.json"), r#"{"rung":[]}"#).unwrap();
    for (arguments, says) in [
        (&["transcode"][..], "--output <DIR>"),
        (&["transcode", "film.mp4"], "--output <DIR>"),
        (&["transcode", "-o", "out"], "<FILE>"),
        (
            &["transcode", "a.mp4", "b.mp4", "-o", "out"],
            "unexpected argument 'b.mp4'",
        ),
        (
            &["transcode", "f.mp4", "-o", "out", "--rungs", "480p"],
            "2160p, 1440p, 1080p, 720p and 360p",
        ),
        (
            &["transcode", "f.mp4", "-o", "out", "--rungs", "720p,720p"],
            "two rungs of 720p",
        ),
        (
            &["transcode", "f.mp4", "-o", "out", "--segment-secs", "11"],
            "1..=10",
        ),
        (
            &["transcode", "f.mp4", "-o", "out", "--segment-secs", "four"],
            "invalid digit",
        ),
        (
            &["transcode", "f.mp4", "-o", "out", "--jobs", "0"],
            "1..=256",
        ),
        (
            &[
                "transcode",
                "f.mp4",
                "-o",
                "out",
                "--segment-format",
                "webm",
            ],
            "cmaf, mpegts",
        ),
        (
            &[
                "transcode",
                "f.mp4",
                "-o",
                "out",
                "--ladder",
                "l.json",
                "--rungs",
                "360p",
            ],
            "cannot be used with",
        ),
        (
            &[
                "transcode",
                "f.mp4",
                "-o",
                "out",
                "--ladder",
                "missing.json",
            ],
            "missing.json",
        ),
        (
            &["transcode", "f.mp4", "-o", "out", "--ladder", "not.json"],
            "not.json is no encoding ladder",
        ),
        (
            &["transcode", "f.mp4", "-o", "out", "--ladder", "odd.json"],
            "361p is wrong: its size must be even",
        ),
        (
            &["transcode", "f.mp4", "-o", "out", "--ladder", "typo.json"],
            "unknown field `rung`",
        ),
        (&["transcode", "-film.mp4", "-o", "out"], "'-- -f'"),
        (&["transcode", "f.mp4", "-o", "out", "--fps", "30"], "--fps"),
        (&["transcoed", "f.mp4"], "'transcode'"),
        (&["check"], "<TARGET>"),
        (&["upload"], "<FILE>"),
        (
            &["upload", "f.mp4", "--server", "localhost:8080"],
            "http://HOST:PORT",
        ),
        (
            &["upload", "a.mp4", "b.mp4", "--title", "A"],
            "--title names one video",
        ),
        (&["upload", "f.mp4", "--parallel", "0"], "1..=64"),
        (
            &["upload", "f.mp4", "--visibility", "private"],
            "unlisted, public",
        ),
        (&["status", "my video"], "\"my video\" is no id"),
        (&["watch"], "<VIDEO>"),
        (
            &["doctor", "--server", "http://a", "--port", "9000"],
            "cannot be used with",
        ),
        (&["up", "--port", "65535"], "1..=65534"),
        (&["up", "--public-url", "192.168.1.5"], "http://HOST:PORT"),
        (
            &["up", "--failed-source-retention-secs", "1d"],
            "--failed-source-retention-secs <SECONDS>",
        ),
    ] {
        let ran = run(&sandbox, arguments);
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(
            said.starts_with("error: ") && said.contains(says),
            "{arguments:?}: {said}"
        );
        assert!(
            ran.stdout.is_empty(),
            "{arguments:?}: {}",
            text(&ran.stdout)
        );
    }
    assert!(!sandbox.path("work/out").exists(), "nothing was begun");
}
