//! One run of `streamforge transcode --json`, watched by its events.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The program at work. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    started: Instant,
    lines: Receiver<String>,
    events: Vec<Value>,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let (said, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let line = line.expect("standard output is text");
                if said.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).expect("a pipe can be read");
            String::from_utf8_lossy(&text).into_owned()
        });
        Self {
            child,
            started: Instant::now(),
            lines,
            events: Vec::new(),
            stderr: Some(stderr),
        }
    }

    /// Waits for the next event of this name; false when the program ends without it.
    pub(crate) fn wait_for(&mut self, name: &str) -> bool {
        while let Ok(line) = self.lines.recv() {
            self.take(&line);
            if self
                .events
                .last()
                .is_some_and(|event| event["event"] == name)
            {
                return true;
            }
        }
        false
    }

    fn take(&mut self, line: &str) {
        let event = serde_json::from_str(line);
        self.events
            .push(event.unwrap_or_else(|err| panic!("{err} in the line {line:?}")));
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        let ended = self.child.try_wait().expect("it is our child");
        ended.is_some()
    }

    /// Sends a signal to the program alone, as `kill` does.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        // It may have ended by itself meanwhile.
        let _ = kill_process(pid, signal);
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Run {
        let status = self.child.wait().expect("it is our child");
        let elapsed = self.started.elapsed();
        while let Ok(line) = self.lines.recv() {
            self.take(&line);
        }
        let stderr = self.stderr.take().expect("it is taken once");
        Run {
            status,
            elapsed,
            events: std::mem::take(&mut self.events),
            stderr: stderr.join().expect("the thread does not panic"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) elapsed: Duration,
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs `command` to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Running::start(command).end()
    }

    /// Runs `command`, which must go through.
    pub(crate) fn through(command: &mut Command) -> Self {
        let run = Self::of(command);
        assert!(run.status.success(), "{command:?}: {run:#?}");
        run
    }

    /// The events of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&Value> {
        self.events
            .iter()
            .filter(|event| event["event"] == name)
            .collect()
    }

    /// The one event of this name.
    pub(crate) fn the(&self, name: &str) -> &Value {
        let [event] = self.all(name)[..] else {
            panic!("one event {name:?} in {self:#?}");
        };
        event
    }

    /// The jobs it did, such as `{"video":3}`, sorted.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let done = self.all("job_done").into_iter();
        let mut jobs: Vec<String> = done.map(|event| event["job"].to_string()).collect();
        jobs.sort();
        jobs
    }
}
