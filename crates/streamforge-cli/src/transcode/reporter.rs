//! What a transcode says while it works.

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar};
use serde::Serialize;
use streamforge_core::plan::{Job, Plan};
use streamforge_core::refusal::RefusalCode;

use crate::report::Console;

/// Least time between two progress events for programs.
const EVENT_INTERVAL: Duration = Duration::from_millis(500);

/// An event, as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event<'a> {
    /// The plan is made.
    Planned {
        rungs: Vec<&'a str>,
        frames: u64,
        frame_rate: (u32, u32),
        jobs: usize,
        jobs_done: usize,
    },
    /// Now and then.
    Progress {
        frames: u64,
        frames_total: u64,
        fps: f64,
        eta_secs: Option<u64>,
        jobs_done: usize,
        jobs_total: usize,
    },
    /// A job is done and published.
    JobDone {
        job: Job,
        segments: u32,
        source_bytes: u64,
        elapsed_secs: f64,
    },
    /// The stream can be played from its start.
    Playable { playlist: String, elapsed_secs: f64 },
    /// Everything is done.
    Finished {
        playlist: String,
        elapsed_secs: f64,
        jobs_run: usize,
        frames: u64,
        /// Frames that the source was expected to have, but that could not be decoded.
        frames_missing: u64,
    },
    /// The source cannot become a stream.
    Refused { code: RefusalCode, message: String },
    /// Something else went wrong.
    Failed { message: String },
}

/// Where events go.
pub(crate) struct Reporter {
    console: Console,
    bar: ProgressBar,
    started: Instant,
    last_event: Option<Instant>,
    total: u64,
    jobs_total: usize,
    /// Frames that were there at the start: they say nothing about our speed.
    frames_before: u64,
}

impl Reporter {
    pub(crate) fn new(console: Console) -> Self {
        Self {
            bar: console.bar("{bar:30} {percent:>3} %  {msg}"),
            console,
            started: Instant::now(),
            last_event: None,
            total: 0,
            jobs_total: 0,
            frames_before: 0,
        }
    }

    pub(crate) fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub(crate) fn planned(&mut self, plan: &Plan, frames_before: u64, jobs_done: usize) {
        self.total = plan.frames;
        self.jobs_total = plan.jobs().len();
        self.frames_before = frames_before;
        let rungs: Vec<&str> = plan.rungs.iter().map(|rung| rung.name.as_str()).collect();
        let what = format!("{} at {:.2} fps", rungs.join(", "), plan.grid.rate.as_f64());
        self.bar.set_length(plan.frames);
        self.say(&format!("encoding {what}"));
        self.event(&Event::Planned {
            rungs,
            frames: plan.frames,
            frame_rate: plan.grid.rate.into(),
            jobs: self.jobs_total,
            jobs_done,
        });
    }

    pub(crate) fn progress(&mut self, frames: u64, jobs_done: usize) {
        let frames = frames.min(self.total);
        let new = frames.saturating_sub(self.frames_before);
        #[expect(clippy::cast_precision_loss, reason = "a number of frames, for people")]
        let fps = new as f64 / self.elapsed().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a number of frames, for people")]
        let eta = (fps > 0.0)
            .then(|| Duration::from_secs_f64(((self.total - frames) as f64 / fps).min(1e9)));
        let left = eta.map_or_else(String::new, |eta| {
            format!(", {:#} left", HumanDuration(eta))
        });
        self.bar.set_position(frames);
        self.bar.set_message(format!(
            "{fps:.0} fps, {jobs_done}/{} chunks{left}",
            self.jobs_total
        ));
        let due = self
            .last_event
            .is_none_or(|last| last.elapsed() >= EVENT_INTERVAL);
        if due {
            self.last_event = Some(Instant::now());
            self.event(&Event::Progress {
                frames,
                frames_total: self.total,
                fps,
                eta_secs: eta.map(|eta| eta.as_secs()),
                jobs_done,
                jobs_total: self.jobs_total,
            });
        }
    }

    /// Prints an event for programs; people get [`Reporter::say`].
    pub(crate) fn event(&self, event: &Event<'_>) {
        self.console.event(event);
    }

    /// Prints a line for people.
    pub(crate) fn say(&self, line: &str) {
        self.console.say(line);
    }

    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
