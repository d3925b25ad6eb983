//! The built program, run as its users run it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program that was built together with this test.
///
/// # Panics
/// When it was not: no test target builds it by itself.
pub(crate) fn streamforge() -> Command {
    let test = std::env::current_exe().expect("a running program knows its own path");
    let folders = test.ancestors().map(|folder| folder.join("streamforge"));
    let built: Option<PathBuf> = folders.take(4).find(|program| program.is_file());
    Command::new(built.unwrap_or_else(|| {
        panic!(
            "there is no `streamforge` beside {}: run `cargo build -p streamforge-cli` first",
            test.display()
        )
    }))
}

/// Runs `streamforge transcode {source} -o {output}` with `arguments`, which must go through.
pub(crate) fn transcode(source: &Path, output: &Path, arguments: &[&str]) {
    let ran = streamforge()
        .arg("transcode")
        .arg(source)
        .arg("-o")
        .arg(output)
        .args(arguments)
        .output()
        .expect("the program can be started");
    assert!(
        ran.status.success(),
        "transcoding {} with {arguments:?}: {}\n{}",
        source.display(),
        ran.status,
        String::from_utf8_lossy(&ran.stderr)
    );
}
