//! `streamforge up` as a process of its own, which can be killed.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::program::streamforge;

/// How long it may take until it answers.
const START: Duration = Duration::from_mins(1);

/// A running server; it is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    data: PathBuf,
}

/// Two free ports in a row: of the API and of S3.
pub(crate) fn free_ports() -> u16 {
    loop {
        let first = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
        let port = first.local_addr().expect("it is bound").port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

impl Process {
    /// Starts the server on `data` and `port` and returns at once. What it says is added to the file `log` in `data`.
    pub(crate) fn spawn(data: &Path, port: u16) -> Self {
        fs::create_dir_all(data).expect("the folder can be made");
        let log = File::options()
            .append(true)
            .create(true)
            .open(data.join("log"));
        let mut command = streamforge();
        command
            .args(["up", "--port", &port.to_string(), "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("the log can be written"))
            // Its own group, to see what it leaves running.
            .process_group(0);
        Self {
            child: command.spawn().expect("the program can be started"),
            data: data.to_owned(),
        }
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn start(data: &Path, port: u16) -> Self {
        let mut process = Self::spawn(data, port);
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = process.child.try_wait().expect("it is our child");
            let late = begun.elapsed() > START;
            assert!(ended.is_none() && !late, "{ended:?}\n{}", process.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        process
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }

    /// `kill -9`, of the server alone. Whatever it started must go by itself.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
        let begun = Instant::now();
        while self.is_anything_left() {
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "processes of a killed server go on"
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
        rustix::process::test_kill_process_group(self.group()).is_ok()
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
