//! Folders in which the program runs, all of which can be searched for what it left behind.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::media::MediaDir;
use crate::processes::{adopt_orphans, ffmpegs};
use crate::program::streamforge;

/// What a program leaves behind where it has no business.
const FOLDERS: [&str; 3] = ["work", "home", "tmp"];

/// No process outlives the program by more.
const GONE_WITHIN: Duration = Duration::from_secs(1);

/// A place for sources and packages, and beside them the folders a program writes to when nobody told it to: the one it
/// works in, its home, and that of temporary files.
pub(crate) struct Sandbox(MediaDir);

impl Sandbox {
    pub(crate) fn new() -> Self {
        adopt_orphans();
        let media = MediaDir::new();
        for folder in FOLDERS {
            fs::create_dir(media.path(folder)).expect("the folder is new");
        }
        Self(media)
    }

    /// Where the source or package `name` is.
    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.path("").join(name.as_ref())
    }

    /// Makes a source by FFmpeg's `arguments`, split at spaces.
    pub(crate) fn make(&self, name: &str, arguments: &str) -> PathBuf {
        self.0.ffmpeg(&format!("{arguments} {name}"));
        self.path(name)
    }

    /// Makes a source of `secs` seconds: a moving test picture of 320×180 at 25 frames a second, and a tone.
    pub(crate) fn make_clip(&self, name: &str, secs: u32) -> PathBuf {
        self.make(
            name,
            &format!(
                "-f lavfi -i testsrc2=size=320x180:rate=25:duration={secs} \
                 -f lavfi -i sine=frequency=440:sample_rate=48000:duration={secs} \
                 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -shortest"
            ),
        )
    }

    /// A ladder that is cheap to encode.
    pub(crate) fn ladder(&self, short_sides: &[u32]) -> PathBuf {
        let rungs: Vec<String> = short_sides
            .iter()
            .map(|size| {
                format!(
                    r#"{{"short_side": {size}, "crf": 26, "maxrate": {}}}"#,
                    size * 2500
                )
            })
            .collect();
        let path = self.path("ladder.json");
        let ladder = format!(
            r#"{{"preset": "ultrafast", "rungs": [{}]}}"#,
            rungs.join(", ")
        );
        fs::write(&path, ladder).expect("the folder can be written to");
        path
    }

    /// The program, about to run in these folders.
    pub(crate) fn streamforge(&self) -> Command {
        let mut command = streamforge();
        command
            .current_dir(self.path("work"))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            // What it warns of depends on the machine: a kernel that knows little of Landlock is told of.
            .env("STREAMFORGE_LOG", "off")
            .env_remove("STREAMFORGE_SERVER");
        command
    }

    /// `streamforge transcode --json {source} -o {output}`, with the smallest ladder.
    pub(crate) fn transcode(&self, source: &Path, output: &Path) -> Command {
        let mut command = self.streamforge();
        command
            .args(["transcode", "--json", "--ladder"])
            .arg(self.ladder(&[180]))
            .arg("-o")
            .arg(output)
            .arg(source);
        command
    }

    /// Proves that `streamforge check` finds no broken rule in `package`.
    pub(crate) fn assert_follows_the_rules(&self, package: &Path) {
        let checked = self.streamforge().arg("check").arg(package).output();
        let checked = checked.expect("the program can be started");
        assert!(
            checked.status.success(),
            "checking {}: {}\n{}{}",
            package.display(),
            checked.status,
            String::from_utf8_lossy(&checked.stdout),
            String::from_utf8_lossy(&checked.stderr),
        );
    }

    /// Proves that nothing runs any more that the program started, and that none of these folders holds a file.
    ///
    /// What the kernel kills because its parent is gone is gone a moment later.
    pub(crate) fn assert_nothing_left_behind(&self) {
        let started = Instant::now();
        while !ffmpegs().is_empty() && started.elapsed() < GONE_WITHIN {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(ffmpegs(), Vec::<String>::new(), "processes that still run");
        for folder in FOLDERS {
            let left: Vec<PathBuf> = files(&self.path(folder)).collect();
            assert!(left.is_empty(), "left in {folder}: {left:?}");
        }
    }
}

/// Every file and folder below `folder`.
fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let mut waiting = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                waiting.push(path.clone());
            }
            found.push(path);
        }
    }
    found.into_iter()
}
