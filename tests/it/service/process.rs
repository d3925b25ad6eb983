//! `streamforge up` as a process of its own, which can be killed.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::processes::{adopt_orphans, ffmpegs};
use crate::program::streamforge;

/// How long it may take until it answers.
const START: Duration = Duration::from_mins(1);

/// A running server; it is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    data: PathBuf,
    port: u16,
}

impl Process {
    /// Starts the server on `data` and `port` and returns at once. What it says is added to the file `log` in `data`.
    pub(crate) fn spawn(data: &Path, port: u16) -> Self {
        Self::run(streamforge(), data, port, &[])
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn start(data: &Path, port: u16) -> Self {
        Self::start_with(data, port, &[])
    }

    /// The same, with more arguments.
    pub(crate) fn start_with(data: &Path, port: u16, arguments: &[&str]) -> Self {
        Self::run(streamforge(), data, port, arguments).answering(port)
    }

    /// The same, but it cannot write files larger than this: that fails as on a full disk.
    pub(crate) fn start_with_small_files(data: &Path, port: u16, bytes: u64) -> Self {
        // In blocks of 512 bytes, with the signal ignored that would end it.
        let limits = format!(
            "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
            bytes / 512
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", &limits])
            .arg(streamforge().get_program());
        Self::run(command, data, port, &[]).answering(port)
    }

    /// The same, on a disk of its own of so many bytes, in memory. Others find it at [`Process::disk`]. None where this user may not mount one.
    pub(crate) fn start_on_small_disk(data: &Path, port: u16, bytes: u64) -> Option<Self> {
        const IN_A_NAMESPACE: [&str; 4] = ["--user", "--map-root-user", "--mount", "sh"];
        let may_mount = Command::new("unshare")
            .args(IN_A_NAMESPACE)
            .args(["-c", "mount -t tmpfs none /tmp"])
            .output();
        if !may_mount.is_ok_and(|output| output.status.success()) {
            return None;
        }
        // What follows the program is `up --port PORT --data FOLDER`.
        let mount = format!("mount -t tmpfs -o size={bytes} none \"$5\" && exec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command
            .args(IN_A_NAMESPACE)
            .args(["-c", &mount])
            .arg(streamforge().get_program());
        Some(Self::run(command, data, port, &[]).answering(port))
    }

    /// The folder of its data as it sees it.
    pub(crate) fn disk(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.id()));
        root.join(self.data.strip_prefix("/").expect("it is absolute"))
    }

    fn run(mut command: Command, data: &Path, port: u16, arguments: &[&str]) -> Self {
        adopt_orphans();
        fs::create_dir_all(data).expect("the folder can be made");
        let log = File::options()
            .append(true)
            .create(true)
            .open(data.join("log"));
        command
            .args(["up", "--port", &port.to_string(), "--data"])
            .arg(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("the log can be written"))
            // Its own group, to see what it leaves running.
            .process_group(0);
        Self {
            child: command.spawn().expect("the program can be started"),
            data: data.to_owned(),
            port,
        }
    }

    fn answering(mut self, port: u16) -> Self {
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = self.ended();
            let late = begun.elapsed() > START;
            assert!(ended.is_none() && !late, "{ended:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// `kill -9`, of the server alone. Whatever it started must go by itself.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
        let begun = Instant::now();
        while self.is_anything_left() {
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "processes of a killed server go on: {:?}",
                ffmpegs()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn group(&self) -> Pid {
        let id = i32::try_from(self.child.id()).expect("process ids fit");
        Pid::from_raw(id).expect("no process id is 0")
    }

    fn is_anything_left(&self) -> bool {
        let has_group = rustix::process::test_kill_process_group(self.group()).is_ok();
        // A child has the port too until it becomes FFmpeg.
        let has_port = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).is_err();
        // Each FFmpeg is a group of its own.
        has_group || has_port || !ffmpegs().is_empty()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        match kill_process_group(self.group(), Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(err) => panic!("cannot end the server: {}", io::Error::from(err)),
        }
        let _ = self.child.wait();
    }
}
