//! What goes wrong around the encoder: each message says what to do, and nothing is left that looks finished.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::package_files::{assert_published_is_there, contents, playlists};
use super::run::Run;
use super::sandbox::Sandbox;

/// Proves that `command` fails with exit code 1 and that all of `says` is in its one message.
fn assert_fails(command: &mut Command, says: &[&str]) {
    let run = Run::of(command);
    assert_eq!(run.status.code(), Some(1), "{command:?}: {run:#?}");
    let message = run.the("failed")["message"]
        .as_str()
        .expect("a sentence")
        .to_owned();
    for words in says {
        assert!(message.contains(words), "{message:?} says {words:?}");
    }
    // On a full disk, a program built to measure coverage adds a line of its own.
    let said: Vec<&str> = run
        .stderr
        .lines()
        .filter(|line| !line.starts_with("LLVM Profile Error"))
        .collect();
    assert_eq!(said, [format!("error: {message}")], "it is said once");
}

#[test]
fn what_is_no_file_is_named_and_explained() {
    let sandbox = Sandbox::new();
    let output = sandbox.path("out");
    let fails = |file: &str, says: &[&str]| {
        assert_fails(&mut sandbox.transcode(file.as_ref(), &output), says);
    };
    fails("missing.mp4", &["missing.mp4: No such file"]);
    fails(
        "no/such/folder/film.mp4",
        &["no/such/folder/film.mp4: No such file"],
    );
    fails("..", &["..: is a folder, not a file"]);
    fails(
        "/dev/zero",
        &["/dev/zero: is not a regular file", "save it to a file"],
    );
    fails(
        "https://example.com/film.mp4",
        &["film.mp4: is a URL, not a file: download it first"],
    );

    // Nobody writes to this pipe: opening it would wait for ever.
    let pipe = sandbox.path("pipe.mp4");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("coreutils are installed")
            .success()
    );
    fails(
        "../pipe.mp4",
        &["../pipe.mp4: is not a regular file", "a pipe"],
    );

    assert!(!output.exists(), "nothing was begun");
    sandbox.assert_nothing_left_behind();
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 1);
    fs::set_permissions(&source, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    if fs::File::open(&source).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let output = sandbox.path("out");
    assert_fails(
        &mut sandbox.transcode(&source, &output),
        &["source.mp4: Permission denied"],
    );
    assert!(!output.exists(), "nothing was begun");
}

#[test]
fn a_folder_of_other_files_is_left_alone() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 1);
    let output = sandbox.path("out");
    fs::create_dir(&output).unwrap();
    fs::write(output.join("holiday.txt"), "mine").unwrap();
    fs::write(output.join(".unfinished-book"), "mine too").unwrap();
    let before = contents(&output);
    assert_fails(
        &mut sandbox.transcode(&source, &output),
        &[
            output.to_str().unwrap(),
            "holds other files",
            "choose an empty or new folder",
        ],
    );
    assert_eq!(contents(&output), before);

    let file = output.join("holiday.txt");
    let says = [file.to_str().unwrap(), "is not a folder: choose another"];
    assert_fails(&mut sandbox.transcode(&source, &file), &says);
    assert_eq!(contents(&output), before);

    // Below a file there can be no folder either.
    assert_fails(
        &mut sandbox.transcode(&source, &file.join("out")),
        &["holiday.txt"],
    );
    assert_eq!(contents(&output), before);
    sandbox.assert_nothing_left_behind();
}

#[test]
fn an_empty_folder_and_one_not_there_yet_are_used() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 1);
    let (empty, deep) = (sandbox.path("empty"), sandbox.path("a/b/c"));
    fs::create_dir(&empty).unwrap();
    for output in [&empty, &deep] {
        Run::through(&mut sandbox.transcode(&source, output));
        sandbox.assert_follows_the_rules(output);
    }
}

#[test]
fn without_ffmpeg_it_says_how_to_install_it() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 1);
    let output = sandbox.path("out");
    let nothing = sandbox.path("no programs here");
    fs::create_dir(&nothing).unwrap();
    assert_fails(
        sandbox.transcode(&source, &output).env("PATH", &nothing),
        &["was not found", "apt-get install"],
    );
    // FFmpeg alone is missing.
    for program in ["setpriv", "prlimit"] {
        std::os::unix::fs::symlink(Path::new("/usr/bin").join(program), nothing.join(program))
            .unwrap();
    }
    assert_fails(
        sandbox.transcode(&source, &output).env("PATH", &nothing),
        &["ffprobe was not found", "apt-get install ffmpeg"],
    );
    assert!(!output.exists(), "nothing was begun");
    sandbox.assert_nothing_left_behind();
}

#[test]
fn on_a_full_disk_it_stops_and_goes_on_when_there_is_room() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 12);
    let (output, whole) = (sandbox.path("out"), sandbox.path("whole"));
    let command = |output| {
        let mut command = sandbox.transcode(&source, output);
        command.args(["--segment-secs", "2"]);
        command
    };
    Run::through(&mut command(&whole));
    let largest = contents(&whole)
        .values()
        .map(Vec::len)
        .max()
        .expect("it has files");

    // The shell's limit on the size of files, in blocks of 512 bytes, with the signal ignored that would end us: writing
    // fails then as on a full disk, after some files and in the middle of one.
    let mut full = Command::new("sh");
    let limits = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
        largest / 512 - 1
    );
    let wanted = command(&output);
    full.args(["-c", &limits])
        .arg(wanted.get_program())
        .args(wanted.get_args());
    full.current_dir(sandbox.path("work"))
        .env("TMPDIR", sandbox.path("tmp"));
    assert_fails(
        &mut full,
        &["cannot write", output.to_str().unwrap(), "File too large"],
    );

    assert_published_is_there(&output);
    for (path, text) in playlists(&output) {
        assert!(
            !text.contains("ENDLIST"),
            "{} looks finished",
            path.display()
        );
    }
    assert!(
        !contents(&output)
            .keys()
            .any(|path| path.to_string_lossy().contains("unfinished"))
    );
    sandbox.assert_nothing_left_behind();

    Run::through(&mut command(&output));
    super::package_files::assert_same(&output, &whole);
}

#[test]
fn a_source_that_shrinks_meanwhile_fails_the_run() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 60);
    let output = sandbox.path("out");
    let mut running = super::run::Running::start(sandbox.transcode(&source, &output).args([
        "--segment-secs",
        "1",
        "--jobs",
        "1",
    ]));
    assert!(running.wait_for("job_done"));
    fs::File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_len(1000)
        .unwrap();
    let run = running.end();
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    assert!(run.stderr.contains("source"), "{run:#?}");
    for (path, text) in playlists(&output) {
        assert!(
            !text.contains("ENDLIST"),
            "{} looks finished",
            path.display()
        );
    }
    sandbox.assert_nothing_left_behind();
}
