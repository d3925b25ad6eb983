//! Stopped at any moment: it ends at once, leaves nothing running and nothing that looks finished, and the same command
//! does the rest.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use streamforge_core::layout::segment_name;
use streamforge_core::plan::Job;
use streamforge_core::settings::SegmentFormat;

use super::package_files::{assert_published_is_there, assert_same, identity, playlists};
use super::run::{Run, Running};
use super::sandbox::Sandbox;
use crate::package::Package;
use crate::processes::ffmpegs;

/// How long a run may take to end after it was asked to.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Waiting times that look random and are the same in every run of the test (xorshift).
struct Moments(u64);

impl Moments {
    fn next(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        most * u32::try_from(self.0 % 1000).expect("below 1000") / 1000
    }
}

/// A minute in 14 jobs.
fn command(sandbox: &Sandbox, source: &Path, output: &Path) -> std::process::Command {
    let mut command = sandbox.transcode(source, output);
    command.args(["--segment-secs", "1"]);
    command
}

/// The files of the jobs that are done, each with what tells whether it was written again.
fn finished_segments(output: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let mut segments = BTreeMap::new();
    if !output.join(".streamforge/title.json").exists() {
        return segments;
    }
    let package = Package::open(output);
    let audio = package.plan.audio.as_ref().expect("the source has sound");
    for job in package.plan.jobs() {
        let (note, track, chunk) = match job {
            Job::Video(index) => ("video", "180p", package.plan.chunks[index as usize]),
            Job::Audio(index) => ("audio", "audio", audio.chunks[index as usize]),
        };
        let note = format!(".streamforge/{note}-{:05}.json", chunk.index);
        if !output.join(note).exists() {
            continue;
        }
        let record = package.record(job);
        for segment in (chunk.first_segment..).take(record.segments() as usize) {
            let name = segment_name(segment, SegmentFormat::Cmaf);
            let path = output.join(track).join(name);
            segments.insert(path.clone(), identity(&path));
        }
    }
    segments
}

fn assert_nothing_looks_finished(output: &Path) {
    assert_published_is_there(output);
    for (path, text) in playlists(output) {
        assert!(
            !text.contains("ENDLIST"),
            "{} looks finished",
            path.display()
        );
    }
    assert!(
        !output.join("manifest.mpd").exists(),
        "the DASH manifest is for finished streams"
    );
}

#[test]
fn stopped_at_any_moment_it_ends_at_once_and_goes_on_where_it_stopped() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 60);
    let (output, whole) = (sandbox.path("out"), sandbox.path("whole"));
    let uninterrupted = Run::through(&mut command(&sandbox, &source, &whole));

    let mut moments = Moments(0x9E37_79B9_7F4A_7C15);
    let signals = [Signal::INT, Signal::TERM, Signal::HUP];
    let mut jobs = Vec::new();
    let mut done: BTreeMap<PathBuf, _> = BTreeMap::new();
    for stop in 0..10 {
        let mut running = Running::start(&mut command(&sandbox, &source, &output));
        // Some are stopped while they begin, some while a job ends and others run.
        if stop % 2 == 1 {
            assert!(running.wait_for("job_done"), "ten stops leave jobs to do");
        }
        std::thread::sleep(moments.next(Duration::from_millis(250)));
        let asked = Instant::now();
        let signal = signals[stop % signals.len()];
        running.signal(signal);
        let run = running.end();
        let took = asked.elapsed();

        assert!(took < AT_ONCE, "stop {stop} took {took:?}");
        // On a busy machine the signal may come before the program's first instruction, and has its usual effect then.
        let never_ran = run.events.is_empty() && run.status.signal() == Some(signal.as_raw());
        if !never_ran {
            assert_eq!(run.status.code(), Some(130), "stop {stop}: {run:#?}");
            assert!(run.stderr.contains("the same command goes on"), "{run:#?}");
        }
        assert!(run.all("finished").is_empty());
        sandbox.assert_nothing_left_behind();
        assert_nothing_looks_finished(&output);

        for (path, before) in &done {
            assert_eq!(identity(path), *before, "{} was made again", path.display());
        }
        done = finished_segments(&output);
        jobs.extend(run.jobs());
    }
    assert!(!done.is_empty(), "some jobs were done before the last stop");

    let rest = Run::through(&mut command(&sandbox, &source, &output));
    jobs.extend(rest.jobs());
    jobs.sort();
    assert_eq!(jobs, uninterrupted.jobs(), "every job was done once");
    assert!(
        rest.jobs().len() < jobs.len(),
        "the last run had less to do"
    );
    for (path, before) in &done {
        assert_eq!(identity(path), *before, "{} was made again", path.display());
    }
    assert_same(&output, &whole);
    sandbox.assert_nothing_left_behind();
}

#[test]
fn it_survives_the_terminal_when_started_by_nohup() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 20);
    let output = sandbox.path("out");
    let wanted = command(&sandbox, &source, &output);
    let mut nohup = std::process::Command::new("nohup");
    nohup.arg(wanted.get_program()).args(wanted.get_args());
    nohup.current_dir(sandbox.path("work"));
    let mut running = Running::start(&mut nohup);
    assert!(running.wait_for("job_done"));
    running.signal(Signal::HUP);
    let run = running.end();
    assert!(run.status.success(), "{run:#?}");
    sandbox.assert_follows_the_rules(&output);
}

#[test]
fn killed_it_takes_ffmpeg_along_and_goes_on_where_it_stopped() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 60);
    let (output, whole) = (sandbox.path("out"), sandbox.path("whole"));
    Run::through(&mut command(&sandbox, &source, &whole));

    let mut moments = Moments(0xD1B5_4A32_D192_ED03);
    let mut saw_ffmpeg = false;
    for stop in 0..4 {
        let mut running = Running::start(&mut command(&sandbox, &source, &output));
        if stop > 0 {
            assert!(running.wait_for("job_done"), "four stops leave jobs to do");
        }
        std::thread::sleep(moments.next(Duration::from_millis(200)));
        saw_ffmpeg |= !ffmpegs().is_empty();
        running.signal(Signal::KILL);
        let killed = Instant::now();
        assert_eq!(running.end().status.code(), None);
        while !ffmpegs().is_empty() {
            assert!(killed.elapsed() < AT_ONCE, "still there: {:?}", ffmpegs());
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_nothing_looks_finished(&output);
    }
    assert!(saw_ffmpeg, "at some moment there was an FFmpeg to kill");

    let done = finished_segments(&output);
    Run::through(&mut command(&sandbox, &source, &output));
    for (path, before) in &done {
        assert_eq!(identity(path), *before, "{} was made again", path.display());
    }
    assert_same(&output, &whole);
}
