//! A package in a folder: every file appears whole or not at all, and a notebook beside them remembers which jobs are done.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use streamforge_core::layout::ObjectPath;
use streamforge_core::objects::{Content, made_by};
use streamforge_core::package::{PublishError, Published, TextObject};
use streamforge_core::plan::{Job, PLAN_VERSION, Plan};
use streamforge_core::record::ChunkRecord;
use streamforge_core::settings::Settings;

/// Folder of the notebook inside the package.
const NOTEBOOK: &str = ".streamforge";

/// Where the notebook keeps a blank poster.
const BLANK_POSTER: &str = ".streamforge/blank-poster.jpg";

/// Start of the names of files that are being written.
const UNFINISHED: &str = ".unfinished-";

/// Tells a source from every other: its size, and the SHA-256 of its first and last bytes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) size_bytes: u64,
    pub(crate) sha256: String,
}

/// What the notebook knows of the package.
#[derive(Debug, Serialize, Deserialize)]
struct Title {
    version: u32,
    source: Fingerprint,
    plan: Plan,
}

/// The folder.
#[derive(Debug)]
pub(crate) struct PackageDir {
    dir: PathBuf,
    /// Held as long as we write: two at once would remove each other's unfinished files.
    lock: Option<File>,
}

impl PackageDir {
    /// Opens `dir`, which is not there yet, empty, or a package begun earlier. It is made when something is written.
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        let mut this = Self {
            dir: dir.to_owned(),
            lock: None,
        };
        if !dir.exists() {
            return Ok(this);
        }
        if !dir.is_dir() {
            bail!("{} is not a folder: choose another name", dir.display());
        }
        let mut entries =
            fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
        let is_ours = this.notebook("title").exists();
        if !is_ours && entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != NOTEBOOK)) {
            bail!(
                "{} holds other files: choose an empty or new folder, or one that an earlier run has begun",
                dir.display()
            );
        }
        this.lock()?;
        sweep(dir).with_context(|| format!("cannot clean up {}", dir.display()))?;
        Ok(this)
    }

    /// Keeps other runs out of the folder until this one ends, however it ends.
    fn lock(&mut self) -> anyhow::Result<()> {
        let dir =
            File::open(&self.dir).with_context(|| format!("cannot read {}", self.dir.display()))?;
        match dir.try_lock() {
            Err(TryLockError::WouldBlock) => bail!(
                "another run is writing to {}: let it finish, or stop it",
                self.dir.display()
            ),
            // Some network file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => self.lock = Some(dir),
        }
        Ok(())
    }

    /// The plan of an earlier run of the same source and settings; an error when it was another's.
    pub(crate) fn plan(
        &self,
        source: &Fingerprint,
        settings: &Settings,
    ) -> anyhow::Result<Option<Plan>> {
        let Some(text) = read_if_there(&self.notebook("title"))? else {
            return Ok(None);
        };
        let title: Title = serde_json::from_slice(&text)
            .ok()
            .filter(|title: &Title| title.version == PLAN_VERSION)
            .with_context(|| {
                format!(
                    "{} was begun by another version of streamforge: choose another folder",
                    self.dir.display()
                )
            })?;
        let other = match () {
            () if title.source != *source => "another video",
            () if title.plan.settings != *settings => "other settings",
            () => return Ok(Some(title.plan)),
        };
        bail!(
            "{} was begun with {other}: choose another folder, or remove it first",
            self.dir.display()
        )
    }

    /// Makes the folder and remembers the plan.
    pub(crate) fn begin(&mut self, source: &Fingerprint, plan: &Plan) -> anyhow::Result<()> {
        if self.lock.is_none() {
            fs::create_dir_all(&self.dir)
                .with_context(|| format!("cannot make the folder {}", self.dir.display()))?;
            self.lock()?;
            if self.notebook("title").exists() {
                bail!(
                    "another run has just written to {}: try again",
                    self.dir.display()
                );
            }
        }
        let title = Title {
            version: PLAN_VERSION,
            source: source.clone(),
            plan: plan.clone(),
        };
        Ok(self.write(
            &format!("{NOTEBOOK}/title.json"),
            &serde_json::to_vec_pretty(&title)?,
        )?)
    }

    /// The finished jobs whose files are all there.
    pub(crate) fn records(&self, plan: &Plan) -> anyhow::Result<BTreeMap<Job, ChunkRecord>> {
        let mut records = BTreeMap::new();
        for job in plan.jobs() {
            let Some(text) = read_if_there(&self.notebook(&note(job)))? else {
                continue;
            };
            let Ok(record) = serde_json::from_slice(&text) else {
                continue;
            };
            if self.has_files(plan, job, &record) {
                records.insert(job, record);
            }
        }
        Ok(records)
    }

    fn has_files(&self, plan: &Plan, job: Job, record: &ChunkRecord) -> bool {
        let Some(objects) = made_by(plan, job, record) else {
            return false;
        };
        objects.iter().all(|object| {
            let path = self.path(&object.path.to_string());
            match object.content {
                Content::Bytes(bytes) => fs::metadata(path).is_ok_and(|found| found.len() == bytes),
                Content::Sha256(sha256) => fs::read(path)
                    .is_ok_and(|found| format!("{:x}", Sha256::digest(found)) == sha256),
                Content::Unknown => path.exists(),
            }
        })
    }

    /// Keeps a poster that shows nothing, for when no better one is found.
    pub(crate) fn keep_blank_poster(&self, bytes: &[u8]) -> io::Result<()> {
        self.write(BLANK_POSTER, bytes)
    }

    /// The poster that shows nothing, if there was one.
    pub(crate) fn blank_poster(&self) -> Option<Vec<u8>> {
        fs::read(self.path(BLANK_POSTER)).ok()
    }

    /// Remembers a finished job. All its files are written by now.
    pub(crate) fn note(&self, job: Job, record: &ChunkRecord) -> anyhow::Result<()> {
        Ok(self.write(
            &format!("{NOTEBOOK}/{}.json", note(job)),
            &serde_json::to_vec(record)?,
        )?)
    }

    /// Writes the playlists, in their order; those that have not changed stay untouched. What a package that has lost a file cannot
    /// promise any more is taken back.
    pub(crate) fn publish(&self, published: &Published) -> io::Result<()> {
        if published.texts.is_empty() {
            self.remove(&ObjectPath::MultivariantPlaylist)?;
        }
        if !published.complete {
            self.remove(&ObjectPath::DashManifest)?;
        }
        for TextObject { path, text, .. } in &published.texts {
            if fs::read(self.path(path)).is_ok_and(|there| there == text.as_bytes()) {
                continue;
            }
            self.write(path, text.as_bytes())?;
        }
        Ok(())
    }

    fn remove(&self, path: &ObjectPath<'_>) -> io::Result<()> {
        match fs::remove_file(self.path(&path.to_string())) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
            _ => Ok(()),
        }
    }

    /// Writes an init segment, unless the same one is there.
    ///
    /// `in_use` is the SHA-256 of the one that finished segments go by: another one never takes its place.
    pub(crate) fn write_init(
        &self,
        track: &str,
        bytes: &[u8],
        in_use: Option<&str>,
    ) -> anyhow::Result<()> {
        if in_use.is_some_and(|in_use| in_use != format!("{:x}", Sha256::digest(bytes))) {
            return Err(PublishError::InitDiffers {
                track: track.to_owned(),
            }
            .into());
        }
        let path = ObjectPath::InitSegment(track).to_string();
        match read_if_there(&self.path(&path))? {
            Some(there) if there == bytes => Ok(()),
            _ => Ok(self.write(&path, bytes)?),
        }
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    /// Writes one file: under another name first, so that nobody ever sees half of it.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(path);
        let parent = path.parent().unwrap_or(&self.dir);
        let about = |err: io::Error| {
            io::Error::new(
                err.kind(),
                format!("cannot write {}: {err}", path.display()),
            )
        };
        fs::create_dir_all(parent).map_err(about)?;
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(parent)
            .map_err(about)?;
        // Through the file itself: its wrapper would name the unfinished file, which nobody asked about.
        file.as_file_mut().write_all(bytes).map_err(about)?;
        file.persist(&path).map_err(|err| about(err.error))?;
        Ok(())
    }

    fn notebook(&self, name: &str) -> PathBuf {
        self.dir.join(NOTEBOOK).join(format!("{name}.json"))
    }
}

/// Removes what an interrupted run left half-written.
fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            // A package inside this one is somebody else's.
            if !entry.path().join(NOTEBOOK).exists() {
                sweep(&entry.path())?;
            }
        } else if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn note(job: Job) -> String {
    match job {
        Job::Video(index) => format!("video-{index:05}"),
        Job::Audio(index) => format!("audio-{index:05}"),
    }
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err).with_context(|| format!("cannot read {}", path.display())),
    }
}
