//! Watches a child until nothing is left of it.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::stderr::Tail;
use super::{Activity, ChildLimits, Exit, GuardError};

/// How long the last words of a dead child may take to arrive. They are in the pipe already.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// `USER_HZ`, in which `/proc` counts CPU time: fixed for programs, whatever the kernel's own clock does.
const TICKS_PER_SEC: u64 = 100;

/// A process of ours, killed and reaped at the latest when this is dropped: by an error on the way, or by
/// a runtime that ends.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    pub(super) fn new(child: Child) -> Self {
        Self { child }
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Kills the child and what it may have forked: it was started as the leader of a process group.
    /// Only while it is not reaped, or the group's id could be somebody else's.
    fn kill(&mut self) {
        // The only failure is that nothing is left to kill.
        let _ = kill_process_group(self.pid(), Signal::KILL);
    }

    /// CPU time of all threads, also of a child that has exited but is not reaped yet: see proc(5).
    fn cpu(&self) -> Duration {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The second field is the program's name in parentheses, which may hold anything; utime and stime
        // are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .flat_map(str::parse::<u64>)
            .sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SEC)
    }

    /// Takes the exit status of a child that has exited; its id is free then.
    fn reap(&mut self) -> ExitStatus {
        self.child
            .wait()
            .expect("the child is ours and nobody else waits for it")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

/// Everything that ends with the child.
pub(super) struct Supervisor {
    pub(super) process: Process,
    /// Tells when the child has exited, unreaped.
    pub(super) exited: oneshot::Receiver<()>,
    pub(super) limits: ChildLimits,
    pub(super) activity: Activity,
    pub(super) tail: Tail,
    /// Fills the tail.
    pub(super) stderr: JoinHandle<()>,
}

/// Why a child was stopped.
enum Stop {
    Silent,
    TimedOut,
    /// Nobody waits any more.
    Abandoned,
}

impl Supervisor {
    /// Watches to the end and tells `outcome`. The child is killed when the other end of `outcome` is gone.
    pub(super) async fn run(mut self, mut outcome: oneshot::Sender<Result<Exit, GuardError>>) {
        let stop = self.watch(&mut outcome).await;
        if stop.is_some() {
            self.process.kill();
            // An error would mean that the thread is gone, which waits for nothing else.
            let _ = (&mut self.exited).await;
        }
        let cpu = self.process.cpu();
        // What it forked, if anything: else it would run on, and hold the pipes open.
        self.process.kill();
        let status = self.process.reap();
        if timeout(LAST_WORDS, &mut self.stderr).await.is_err() {
            self.stderr.abort();
        }

        let stderr = self.tail.text();
        let ChildLimits {
            cpu: cpu_limit,
            wall,
            silence,
            ..
        } = self.limits;
        let result = match stop {
            Some(Stop::Silent) => Err(GuardError::Silent { silence, stderr }),
            Some(Stop::TimedOut) => Err(GuardError::TimedOut { wall, stderr }),
            Some(Stop::Abandoned) => Err(GuardError::Lost),
            None if is_kill(status) && spent(cpu, cpu_limit) => Err(GuardError::OutOfCpu {
                cpu: cpu_limit,
                stderr,
            }),
            None => Ok(Exit {
                status,
                stderr,
                cpu,
            }),
        };
        // First the directory goes, then the word that nothing is left.
        drop(self);
        // Nobody to tell is what `Abandoned` means.
        let _ = outcome.send(result);
    }

    /// Returns `None` when the child has exited by itself.
    async fn watch(
        &mut self,
        outcome: &mut oneshot::Sender<Result<Exit, GuardError>>,
    ) -> Option<Stop> {
        let wall_end = Instant::now() + self.limits.wall;
        loop {
            let silence_end = self.activity.last() + self.limits.silence;
            tokio::select! {
                _ = &mut self.exited => return None,
                () = outcome.closed() => return Some(Stop::Abandoned),
                () = sleep_until(wall_end.min(silence_end)) => {
                    let now = Instant::now();
                    if now >= wall_end {
                        return Some(Stop::TimedOut);
                    }
                    if now >= self.activity.last() + self.limits.silence {
                        return Some(Stop::Silent);
                    }
                }
            }
        }
    }
}

fn is_kill(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}

/// Whether a killed process probably died of its CPU limit: the kernel uses the same signal as an
/// administrator would. The time it limits is sampled by clock ticks and runs up to 10 % ahead of the one
/// it reports.
fn spent(cpu: Duration, limit: Duration) -> bool {
    cpu >= limit * 3 / 4
}
