//! On a terminal, people see how far it is.

use std::process::{Command, Stdio};

use super::sandbox::Sandbox;

/// Runs a shell's words on a terminal of 100 columns and takes what it shows.
fn on_a_terminal(sandbox: &Sandbox, words: &str) -> String {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command"]);
    script
        .arg(format!("stty cols 100 rows 24; {words}"))
        .arg("/dev/null");
    script
        .current_dir(sandbox.path("work"))
        .env("TMPDIR", sandbox.path("tmp"))
        .env("TERM", "xterm");
    let ran = script
        .stdin(Stdio::null())
        .output()
        .expect("bsdutils are installed");
    assert!(ran.status.success(), "{words}: {}", ran.status);
    String::from_utf8(ran.stdout).expect("the program writes UTF-8")
}

#[test]
fn a_progress_bar_shows_percent_speed_chunks_and_time_left() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 40);
    let (ladder, output) = (sandbox.ladder(&[180]), sandbox.path("out"));
    let shown = on_a_terminal(
        &sandbox,
        &format!(
            "'{}' transcode '{}' -o '{}' --ladder '{}' --segment-secs 1",
            sandbox.streamforge().get_program().display(),
            source.display(),
            output.display(),
            ladder.display()
        ),
    );

    let bars: Vec<&str> = shown
        .split(['\r', '\n'])
        .filter(|line| line.contains(" % "))
        .collect();
    assert!(bars.len() > 2, "{shown:?}");
    let has = |what: &str| bars.iter().any(|bar| bar.contains(what));
    assert!(
        has(" fps, ") && has("/12 chunks") && has(" left"),
        "{bars:?}"
    );
    let percents: Vec<u32> = bars.iter().filter_map(|bar| percent(bar)).collect();
    assert_eq!(percents.len(), bars.len(), "{bars:?}");
    assert!(
        percents.is_sorted() && percents.iter().any(|percent| (1..100).contains(percent)),
        "{percents:?}"
    );

    let lines = [
        "encoding 180p at 25.00 fps",
        "plays from now on: ",
        "done: ",
    ];
    for line in lines {
        assert_eq!(shown.matches(line).count(), 1, "{line:?} in {shown:?}");
    }
    assert!(
        shown
            .trim_end()
            .rsplit('\n')
            .next()
            .is_some_and(|last| last.contains("done: ")),
        "{shown:?}"
    );
    assert!(!shown.contains("{\"event\""), "events are for programs");
}

fn percent(bar: &str) -> Option<u32> {
    bar.split(" % ").next()?.rsplit(' ').next()?.parse().ok()
}

#[test]
fn without_a_terminal_only_whole_lines_are_written() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 2);
    let output = sandbox.path("out");
    let mut command = sandbox.streamforge();
    command.arg("transcode").arg(source).arg("-o").arg(&output);
    let ran = command
        .arg("--ladder")
        .arg(sandbox.ladder(&[180]))
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success() && ran.stdout.is_empty(), "{said}");
    assert!(!said.contains(['\r', '\u{1b}']), "{said:?}");
    let playlist = output.join("master.m3u8").display().to_string();
    let [encoding, done] = said.lines().collect::<Vec<_>>()[..] else {
        panic!("two lines: {said}");
    };
    assert_eq!(encoding, "encoding 180p at 25.00 fps");
    assert!(
        done.starts_with(&format!("done: {playlist} (2.0 s of video, took ")),
        "{done}"
    );
}
