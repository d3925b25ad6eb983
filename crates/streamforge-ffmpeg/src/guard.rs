//! Runs FFmpeg and ffprobe as what they are: large programs that read files made by strangers.
//!
//! A guarded child
//!
//! * runs without environment and input, in the root directory, which it may not read;
//! * can write to its pipes and to nothing else, and open no connection but to the source server:
//!   Landlock, seccomp and resource limits, see [`ChildLimits`] and `guard/confine.rs`;
//! * has a budget of memory, CPU time, wall time and silence;
//! * dies when its [`GuardedChild`] is dropped, when the runtime ends, and when this process is killed.
//!
//! How it is done without `unsafe` code: Linux keeps niceness, Landlock domain and seccomp filter per
//! thread, and a child inherits its thread's. So every child is spawned from a thread of its own that
//! restricts itself first. That thread then lives exactly as long as the child, because the signal a
//! child gets at its parent's death comes when the *thread* that spawned it ends.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use rustix::fs::Access;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

use self::confine::Confinement;
use self::stderr::Tail;
use self::supervise::{Process, Supervisor};
use self::wrapper::Wrapper;

pub use self::activity::Activity;

mod activity;
mod confine;
mod stderr;
mod supervise;
mod wrapper;

/// The child's descriptor of the first of its [pipes](GuardedCommand::pipes); 0 to 2 are the standard streams.
pub const FIRST_PIPE: i32 = 3;

/// What a child may use up before it is stopped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChildLimits {
    /// Private writable memory in bytes: heap, frames, stacks (`RLIMIT_DATA`). Default 4 GiB.
    ///
    /// An allocation past it fails inside the child, which then ends with an error of its own. The ladder
    /// from 1080p needs 0.8 GiB with few threads and 1.4 GiB with nine in each encoder.
    pub memory_bytes: u64,
    /// CPU time of all its threads, counted in whole seconds, rounded up (`RLIMIT_CPU`). Default 1 hour.
    pub cpu: Duration,
    /// Time from spawn to exit. Default 15 minutes.
    pub wall: Duration,
    /// Time without a sign of life ([`Activity::touch`]). Default 1 minute.
    pub silence: Duration,
}

impl Default for ChildLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 4 << 30,
            cpu: Duration::from_hours(1),
            wall: Duration::from_mins(15),
            silence: Duration::from_mins(1),
        }
    }
}

/// A program to run under guard.
#[derive(Clone, Debug)]
pub struct GuardedCommand {
    /// The program: a path, or a bare name to look up in `PATH`.
    pub program: PathBuf,
    /// Its arguments, each passed on as it is.
    pub args: Vec<OsString>,
    /// How many pipes it writes to beside its standard output: descriptors 3, 4, … (`pipe:3` for FFmpeg).
    pub pipes: usize,
    /// When to stop it.
    pub limits: ChildLimits,
    /// Added to our own niceness: 0 is as important as we are, 19 the least.
    pub nice: i32,
    /// The port of the source server, the only one it may connect to; `None`: no connection at all.
    pub source_port: Option<u16>,
}

impl GuardedCommand {
    /// Starts the program. Its clocks run from here on, whether anybody waits for it or not.
    ///
    /// # Errors
    ///
    /// * [`GuardError::NotFound`]: there is no such program.
    /// * [`GuardError::Spawn`]: the system could not start it.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with I/O and time.
    pub async fn spawn(self) -> Result<GuardedChild, GuardError> {
        let program = find_program(&self.program)?;
        let wrapper = wrapper()?;
        let failed = |source: io::Error| GuardError::Spawn {
            program: program.clone(),
            source,
        };

        let (stdout, stdout_end) = output_pipe().map_err(failed)?;
        let (stderr, stderr_end) = output_pipe().map_err(failed)?;
        let mut pipes = Vec::with_capacity(self.pipes);
        let mut mappings = Vec::with_capacity(self.pipes);
        for child_fd in (FIRST_PIPE..).take(self.pipes) {
            let (reader, parent_fd) = output_pipe().map_err(failed)?;
            pipes.push(reader);
            mappings.push(FdMapping {
                parent_fd,
                child_fd,
            });
        }

        let mut command = Command::new(&wrapper.setpriv);
        command
            .args(wrapper.args(&program, &self.args, &self.limits))
            .env_clear()
            .current_dir("/")
            // Opened here, because the thread that spawns may not open it any more.
            .stdin(File::open("/dev/null").map_err(failed)?)
            .stdout(Stdio::from(stdout_end))
            .stderr(Stdio::from(stderr_end))
            // Ctrl-C in a terminal is for us to handle: FFmpeg would end with half a segment.
            .process_group(0)
            .fd_mappings(mappings)
            .expect("every pipe has a descriptor of its own");
        let confinement = Confinement {
            nice: self.nice,
            programs: [
                program.clone(),
                wrapper.setpriv.clone(),
                wrapper.prlimit.clone(),
            ],
            connect_port: self.source_port,
        };

        let (report, spawned) = oneshot::channel();
        std::thread::Builder::new()
            .name("guard".to_owned())
            .spawn(move || spawn_and_stay(&confinement, command, report))
            .map_err(failed)?;
        let (process, exited) = spawned
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the thread that spawns it panicked")))
            .map_err(failed)?;

        let pidfd = pidfd_open(process.pid(), PidfdFlags::empty()).map_err(|e| failed(e.into()))?;
        let tail = Tail::default();
        let activity = Activity::new();
        let (outcome, wait) = oneshot::channel();
        let child = GuardedChild {
            stdout: Some(stdout),
            pipes,
            pid: process.pid(),
            activity: activity.clone(),
            outcome: wait,
            kill_on_drop: KillOnDrop(pidfd),
        };
        let supervisor = Supervisor {
            process,
            exited,
            limits: self.limits,
            activity,
            stderr: tokio::spawn(tail.clone().fill(stderr)),
            tail,
        };
        tokio::spawn(supervisor.run(outcome));
        Ok(child)
    }
}

/// A pipe: our end to read from, the child's end to write to.
fn output_pipe() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((pipe::Receiver::from_owned_fd(reader.into())?, writer.into()))
}

/// The life of a spawning thread: restricts itself, spawns, and stays until the child has exited.
fn spawn_and_stay(
    confinement: &Confinement,
    mut command: Command,
    report: oneshot::Sender<io::Result<(Process, oneshot::Receiver<()>)>>,
) {
    let spawned = confinement
        .enter()
        .and_then(|()| command.spawn())
        .map(Process::new);
    // Our copies of the pipes' ends must be closed, or the readers would never see an end.
    drop(command);
    let (exited, has_exited) = oneshot::channel();
    let pid = spawned.as_ref().ok().map(Process::pid);
    // When nobody waits for the report any more, the process ends here, with the value.
    if let (Ok(()), Some(pid)) = (
        report.send(spawned.map(|process| (process, has_exited))),
        pid,
    ) {
        // Leaves the child unreaped: that is for its supervisor, which reads its CPU time first.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        // The only failure is that it is reaped already, by a runtime that ends.
        let _ = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options));
        // Nobody to tell: the same.
        let _ = exited.send(());
    }
}

/// A running child. Dropping it kills the child.
#[derive(Debug)]
pub struct GuardedChild {
    /// What it writes to its standard output. Like every pipe it must be taken and read: a child blocks
    /// on a full pipe.
    pub stdout: Option<pipe::Receiver>,
    /// What it writes to descriptors 3, 4, …, in this order.
    pub pipes: Vec<pipe::Receiver>,
    pid: Pid,
    activity: Activity,
    outcome: oneshot::Receiver<Result<Exit, GuardError>>,
    kill_on_drop: KillOnDrop,
}

impl GuardedChild {
    /// The process id, of the program itself.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The child's silence clock, to be touched at every sign of life: bytes from a pipe, progress.
    pub fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Waits until nothing is left of the child.
    ///
    /// Take the pipes out first and read them meanwhile; what is not taken is closed. Dropping the future
    /// kills the child.
    ///
    /// # Errors
    ///
    /// * [`GuardError::Silent`], [`GuardError::TimedOut`], [`GuardError::OutOfCpu`]: it was stopped.
    /// * [`GuardError::Lost`]: the Tokio runtime is shutting down.
    ///
    /// A child that ended with an error of its own is an [`Exit`].
    pub async fn wait(self) -> Result<Exit, GuardError> {
        let Self {
            stdout,
            pipes,
            outcome,
            kill_on_drop: _kill_on_drop,
            ..
        } = self;
        drop((stdout, pipes));
        outcome.await.unwrap_or(Err(GuardError::Lost))
    }
}

/// Sends the signal at once, where the supervisor would have to wait for its turn to run. A descriptor
/// names one process for ever, so a stranger that got the same id is safe.
#[derive(Debug)]
struct KillOnDrop(OwnedFd);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // The only failure is that it is gone already.
        let _ = pidfd_send_signal(&self.0, Signal::KILL);
    }
}

/// How a child ended that was not stopped by its limits.
#[derive(Clone, Debug)]
pub struct Exit {
    /// Its exit code or the signal that killed it.
    pub status: ExitStatus,
    /// The last 8 KiB it wrote to standard error.
    pub stderr: String,
    /// CPU time of all its threads, to 10 ms.
    pub cpu: Duration,
}

/// Why a child could not be run to its own end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// A program is not installed.
    #[error(
        "{program} was not found: on Debian and Ubuntu, `apt-get install {package}` installs it"
    )]
    NotFound {
        /// What was looked for.
        program: String,
        /// The Debian package that has it.
        package: String,
    },
    /// The system could not start a program.
    #[error("cannot start {}: {source}", program.display())]
    Spawn {
        /// What was to be started.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It showed no sign of life.
    #[error("stopped after {} s without a sign of life{}", silence.as_secs_f32(), Said(stderr))]
    Silent {
        /// The limit.
        silence: Duration,
        /// The last 8 KiB it wrote to standard error.
        stderr: String,
    },
    /// It ran too long.
    #[error("stopped after {} s{}", wall.as_secs_f32(), Said(stderr))]
    TimedOut {
        /// The limit.
        wall: Duration,
        /// The last 8 KiB it wrote to standard error.
        stderr: String,
    },
    /// It computed too much.
    #[error("stopped after {} s of CPU time{}", cpu.as_secs_f32(), Said(stderr))]
    OutOfCpu {
        /// The limit.
        cpu: Duration,
        /// The last 8 KiB it wrote to standard error.
        stderr: String,
    },
    /// Nobody knows: the runtime ended before the child, which was killed then.
    #[error("the program was stopped, because this one is ending")]
    Lost,
}

/// The last line of a standard error, if there is one, after a colon.
struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .lines()
            .last()
            .map_or(Ok(()), |line| write!(f, ": {line}"))
    }
}

/// The wrapper's programs, looked up once.
fn wrapper() -> Result<&'static Wrapper, GuardError> {
    static WRAPPER: OnceLock<Wrapper> = OnceLock::new();
    if let Some(wrapper) = WRAPPER.get() {
        return Ok(wrapper);
    }
    let find = |name: &str| find_program(Path::new(name));
    let found = Wrapper {
        setpriv: find("setpriv")?,
        prlimit: find("prlimit")?,
    };
    Ok(WRAPPER.get_or_init(|| found))
}

/// The absolute path of an executable, of a bare name the first one in `PATH`.
fn find_program(program: &Path) -> Result<PathBuf, GuardError> {
    let candidates = if program.components().count() > 1 {
        vec![program.to_owned()]
    } else {
        // Not configuration of ours: the way every program of this system finds another one.
        let path =
            std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        std::env::split_paths(&path)
            .map(|dir| dir.join(program))
            .collect()
    };
    let found = candidates
        .iter()
        .find(|path| rustix::fs::access(*path, Access::EXEC_OK).is_ok() && path.is_file());
    // Resolved, because Landlock is told about the file and not about the links to it.
    found
        .and_then(|path| path.canonicalize().ok())
        .ok_or_else(|| GuardError::NotFound {
            program: program.display().to_string(),
            package: match program.file_name().and_then(OsStr::to_str) {
                Some("setpriv" | "prlimit") => "util-linux".to_owned(),
                _ => "ffmpeg".to_owned(),
            },
        })
}

#[cfg(test)]
mod tests;
