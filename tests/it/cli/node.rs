//! `streamforge up`, as a server for the other commands.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::sandbox::Sandbox;
use crate::ports::free_pair;

/// A running service with its data in the sandbox. It is killed when this is dropped.
pub(crate) struct Node {
    child: Child,
    data: PathBuf,
    pub(crate) port: u16,
    arguments: Vec<String>,
}

impl Node {
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::with(sandbox, free_pair(), &[])
    }

    /// One that has files sent to `files_url`, which must lead to the port after `port`.
    pub(crate) fn behind(sandbox: &Sandbox, port: u16, files_url: &str) -> Self {
        Self::with(sandbox, port, &["--public-files-url", files_url])
    }

    fn with(sandbox: &Sandbox, port: u16, arguments: &[&str]) -> Self {
        let data = sandbox.path("data");
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        let child = spawn(sandbox, &data, port, &arguments);
        Self {
            child,
            data,
            port,
            arguments,
        }
    }

    /// Kills it as a power cut does, and starts it again on what it left.
    pub(crate) fn restart(&mut self, sandbox: &Sandbox) {
        self.kill();
        self.child = spawn(sandbox, &self.data, self.port, &self.arguments);
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `streamforge {command}`, about this server.
    pub(crate) fn command(&self, sandbox: &Sandbox, command: &str) -> Command {
        let mut program = sandbox.streamforge();
        program.arg(command).env("STREAMFORGE_SERVER", self.url());
        program
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(sandbox: &Sandbox, data: &PathBuf, port: u16, arguments: &[String]) -> Child {
    let mut command = sandbox.streamforge();
    command
        .args(["up", "--port", &port.to_string(), "--data"])
        .arg(data)
        .args(arguments);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let mut said = Vec::new();
    loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ended: {said:?}"));
        said.push(line.expect("it writes text"));
        if said
            .last()
            .is_some_and(|line| line.starts_with("StreamForge is up: "))
        {
            break;
        }
    }
    // A full pipe would hold it up.
    std::thread::spawn(move || lines.for_each(drop));
    child
}
