//! The same command again: it does what is missing and nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::package_files::{assert_same, contents, identity};
use super::run::{Run, Running};
use super::sandbox::Sandbox;

/// Eight seconds: chunks of 1, 2, 4 and 1 segments of video, of 1, 4 and 3 of sound.
fn command(sandbox: &Sandbox, source: &Path, output: &Path) -> Command {
    let mut command = sandbox.transcode(source, output);
    command.args(["--segment-secs", "1"]);
    command
}

#[test]
fn a_finished_stream_is_left_as_it_is() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 8);
    let output = sandbox.path("out");
    Run::through(&mut command(&sandbox, &source, &output));
    let identities = || -> Vec<_> {
        let paths = contents(&output).into_keys();
        paths
            .map(|path| (identity(&output.join(&path)), path))
            .collect()
    };
    let before = identities();

    // Where there is no FFmpeg, none can be run.
    let again = Run::through(command(&sandbox, &source, &output).env("PATH", sandbox.path("work")));
    assert_eq!(again.the("finished")["jobs_run"], 0);
    assert_eq!(
        again.the("planned")["jobs_done"],
        again.the("planned")["jobs"]
    );
    again.the("playable");
    assert!(again.jobs().is_empty());
    assert!(
        again.elapsed < Duration::from_secs(2),
        "{:?}",
        again.elapsed
    );
    assert_eq!(identities(), before, "no file was written");
    sandbox.assert_nothing_left_behind();
}

/// A file of the package, how it is lost, and the job that makes it again.
type Loss<'a> = (&'a str, &'a dyn Fn(&Path), &'a str);

#[test]
fn only_the_chunk_of_a_lost_file_is_made_again() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 8);
    let (output, whole) = (sandbox.path("out"), sandbox.path("whole"));
    for package in [&output, &whole] {
        Run::through(&mut command(&sandbox, &source, package));
    }
    let remove = |path: &Path| fs::remove_file(path).expect("the file is there");
    let halve = |path: &Path| {
        let bytes = fs::read(path).expect("the file is there");
        fs::write(path, &bytes[..bytes.len() / 2]).expect("the file can be written");
    };
    // The init segment of a track is made by each of its chunks; the first is the shortest.
    let losses: [Loss<'_>; 9] = [
        ("180p/seg_00004.m4s", &remove, r#"{"video":2}"#),
        ("180p/seg_00007.m4s", &halve, r#"{"video":3}"#),
        ("audio/seg_00002.m4s", &remove, r#"{"audio":1}"#),
        ("storyboard/sheet_1.jpg", &remove, r#"{"video":1}"#),
        ("180p/init.mp4", &remove, r#"{"video":0}"#),
        ("audio/init.mp4", &halve, r#"{"audio":0}"#),
        (".streamforge/video-00002.json", &remove, r#"{"video":2}"#),
        (".streamforge/audio-00002.json", &halve, r#"{"audio":2}"#),
        ("180p/index.m3u8", &remove, ""),
    ];
    for (file, lose, job) in losses {
        lose(&output.join(file));
        let run = Run::through(&mut command(&sandbox, &source, &output));
        let jobs: Vec<&str> = [job].into_iter().filter(|job| !job.is_empty()).collect();
        assert_eq!(run.jobs(), jobs, "after {file} was lost");
        assert_same(&output, &whole);
    }
    sandbox.assert_nothing_left_behind();
}

#[test]
fn a_lost_poster_is_found_again() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 3);
    let output = sandbox.path("out");
    Run::through(&mut command(&sandbox, &source, &output));
    fs::remove_file(output.join("thumbs/poster.jpg")).expect("there is a poster");
    assert!(
        Run::through(&mut command(&sandbox, &source, &output))
            .jobs()
            .is_empty()
    );
    assert!(output.join("thumbs/poster.jpg").exists());
}

#[test]
fn another_video_or_other_settings_need_another_folder() {
    let sandbox = Sandbox::new();
    let (one, other) = (
        sandbox.make_clip("one.mp4", 2),
        sandbox.make_clip("other.mp4", 3),
    );
    let output = sandbox.path("out");
    Run::through(&mut command(&sandbox, &one, &output));
    let before = contents(&output);
    let refuses = |command: &mut Command, what: &str| {
        let run = Run::of(command);
        assert_eq!(run.status.code(), Some(1), "{run:#?}");
        let says = [
            output.to_str().unwrap(),
            what,
            "choose another folder, or remove it first",
        ];
        for words in says {
            assert!(
                run.stderr.contains(words),
                "{:?} says {words:?}",
                run.stderr
            );
        }
        assert_eq!(contents(&output), before);
    };
    refuses(
        &mut command(&sandbox, &other, &output),
        "was begun with another video",
    );
    refuses(
        &mut sandbox.transcode(&one, &output),
        "was begun with other settings",
    );
    refuses(
        command(&sandbox, &one, &output).args(["--segment-format", "mpegts"]),
        "was begun with other settings",
    );
    // How many jobs run at a time changes nothing in the stream, and neither does the name of its source.
    let renamed = sandbox.path("renamed.mp4");
    fs::rename(&one, &renamed).unwrap();
    Run::through(command(&sandbox, &renamed, &output).args(["--jobs", "7"]));
}

#[test]
fn two_at_once_do_not_get_in_each_others_way() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 20);
    let (output, whole) = (sandbox.path("out"), sandbox.path("whole"));
    let mut first = Running::start(&mut command(&sandbox, &source, &output));
    assert!(first.wait_for("planned"));
    let second = Run::of(&mut command(&sandbox, &source, &output));
    assert!(!first.has_ended(), "the first run is still at work");
    assert_eq!(second.status.code(), Some(1), "{second:#?}");
    assert!(
        second.stderr.contains("another run is writing to"),
        "{second:#?}"
    );
    assert!(first.end().status.success());
    Run::through(&mut command(&sandbox, &source, &whole));
    assert_same(&output, &whole);
}
