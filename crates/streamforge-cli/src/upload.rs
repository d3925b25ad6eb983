//! `streamforge upload`: files to a server, in parts that are sent once, until they play.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use indicatif::MultiProgress;
use streamforge_core::id::VideoId;
use streamforge_core::video::Visibility;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::local_file::LocalFile;
use self::report::{Event, FileReporter};
use self::transfer::{Transfer, Unsent};
use crate::client::types::{NewUpload, PartChecksum, Problem, Upload};
use crate::client::{Client, ClientError, ServerArg};
use crate::exit::{self, Failure, INTERRUPTED, WRONG_USE};
use crate::interrupt::interrupted;
use crate::report::{Console, error};
use crate::watch::watch;

mod local_file;
mod report;
mod transfer;

/// Shown under `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  streamforge upload film.mov
  streamforge upload film.mov --title 'A film' --visibility public
  streamforge upload *.mp4 --server https://videos.example --detach
  streamforge upload film.mov --json | jq -c .

The parts go straight to storage, which checks each of them. Stopped half-way, in
any way, the same command sends only what is missing, as long as the file stays
as it is. A file that has arrived becomes another video when it is uploaded again:
`streamforge status` lists what is there. Without --detach it ends when the video
is ready.

Exit code: 0 done, 1 failed, 2 wrong use, 3 the file cannot become a stream,
130 interrupted.";

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(200);

/// How often the store is asked whether it has joined the parts.
const JOINING_CHECK: Duration = Duration::from_secs(1);

/// How long that may take: S3 needs minutes for some files.
const JOINING_PATIENCE: Duration = Duration::from_mins(15);

/// How often parts may turn out to be missing that were sent, or to hold something else.
const ROUNDS: usize = 3;

/// Arguments of `streamforge upload`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The video files; their content decides what they are, not their names
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArg,
    /// What the video is to be called [default: as the file]
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
    /// Who finds the video; who has its link can watch it either way [default: unlisted]
    #[arg(long, value_name = "WHO", value_enum)]
    visibility: Option<VisibilityArg>,
    /// Parts to send at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// End when the files are uploaded, without waiting for the streams
    #[arg(long)]
    detach: bool,
    /// Print events to standard output, one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum VisibilityArg {
    /// Only who has the link
    Unlisted,
    /// It may be shown in public lists
    Public,
}

/// Runs the command to its exit code.
pub(crate) async fn run(args: Args, bars: MultiProgress) -> ExitCode {
    let interrupted = interrupted();
    if args.title.is_some() && args.files.len() > 1 {
        error("--title names one video, and these are several files: upload them one by one");
        return ExitCode::from(WRONG_USE);
    }
    let client = match Client::new(args.server.server.clone()) {
        Ok(client) => client,
        Err(err) => {
            error(&err.to_string());
            return ExitCode::FAILURE;
        }
    };
    let command = Command {
        client,
        console: Console::new(args.json, bars.clone()),
        visibility: args.visibility.map(|visibility| match visibility {
            VisibilityArg::Unlisted => Visibility::Unlisted,
            VisibilityArg::Public => Visibility::Public,
        }),
        args,
        turn: Semaphore::new(1),
        uploaded: Mutex::default(),
    };
    let all = join_all(command.args.files.iter().map(|file| command.one(file)));
    let outcomes = tokio::select! {
        outcomes = all => Some(outcomes),
        () = interrupted => None,
    };
    // What was interrupted leaves its bar.
    let _ = bars.clear();
    let Some(outcomes) = outcomes else {
        error(&command.how_to_go_on());
        return ExitCode::from(INTERRUPTED);
    };
    exit::of_all(outcomes)
}

/// One run of the command.
struct Command {
    args: Args,
    client: Client,
    console: Console,
    visibility: Option<Visibility>,
    /// Files are sent one after the other: each plays the sooner.
    turn: Semaphore,
    /// The videos of the files that have been sent.
    uploaded: Mutex<BTreeMap<PathBuf, VideoId>>,
}

impl Command {
    /// Uploads a file and watches it, or says why not.
    async fn one(&self, path: &Path) -> Result<(), Failure> {
        let file = path.display().to_string();
        let outcome = self.upload_and_watch(path, &file).await;
        if let Err(failure) = &outcome {
            let message = &failure.to_string();
            // Messages about the file system name the file already.
            if message.starts_with(&file) {
                self.console.error(message);
            } else {
                self.console.error(&format!("{file}: {message}"));
            }
            let file = &file;
            self.console.event(&match failure {
                Failure::Refused { code, .. } => Event::Refused {
                    file,
                    code,
                    message,
                },
                Failure::Other(_) => Event::Failed { file, message },
            });
        }
        outcome
    }

    async fn upload_and_watch(&self, path: &Path, name: &str) -> Result<(), Failure> {
        let video = {
            let _turn = self.turn.acquire().await.expect("it is never closed");
            self.upload(path, name).await?
        };
        let uploaded = self.uploaded.lock();
        uploaded
            .expect("no holder panics")
            .insert(path.to_owned(), video.clone());
        if self.args.detach {
            let server = self.client.server();
            self.console.say(&format!(
                "see how it goes on: streamforge watch {video} --server {server}"
            ));
            return Ok(());
        }
        watch(&self.client, &self.console, &video, Some(name)).await
    }

    async fn upload(&self, path: &Path, name: &str) -> Result<VideoId, Failure> {
        if name.contains("://") && !path.exists() {
            let why = format!("{name}: is a URL, not a file: download it first");
            return Err(Failure::Other(why));
        }
        let file = LocalFile::open(path).map_err(|err| Failure::Other(err.to_string()))?;
        let title = self.args.title.as_deref();
        let new = NewUpload {
            file_name: &file.name(),
            size_bytes: file.size_bytes(),
            title,
            visibility: self.visibility,
            fingerprint: &file.fingerprint(),
        };
        let (upload, is_new) = self.client.announce(&new).await?;
        let is_described = title.is_some() || self.visibility.is_some();
        if !is_new && is_described {
            // The earlier run may have said something else.
            let video = &upload.video_id;
            self.client.change(video, title, self.visibility).await?;
        }

        let mut transfer = Transfer {
            client: &self.client,
            file: &file,
            upload: &upload,
            bytes: Arc::default(),
        };
        let missing = upload.missing_parts.iter();
        let missing_bytes: u64 = missing
            .map(|part| transfer.range(*part))
            .map(|range| range.end - range.start)
            .sum();
        let there = upload.size_bytes - missing_bytes;
        transfer.bytes = Arc::new(AtomicU64::new(there));
        let bytes = Arc::clone(&transfer.bytes);

        let mut reporter = FileReporter::announced(&self.console, name, &upload, there);
        let mut sending = std::pin::pin!(self.send_and_complete(&transfer));
        let mut tick = tokio::time::interval(TICK);
        let sent = loop {
            tokio::select! {
                sent = &mut sending => break sent,
                _ = tick.tick() => reporter.progress(bytes.load(Ordering::Relaxed)),
            }
        };
        match sent {
            Ok(parts_sent) => {
                reporter.uploaded(&upload, parts_sent);
                Ok(upload.video_id.clone())
            }
            Err(failure) => {
                reporter.done();
                Err(failure)
            }
        }
    }

    /// Sends what is missing and completes the upload. Returns how many parts were sent.
    async fn send_and_complete(&self, transfer: &Transfer<'_>) -> Result<usize, Failure> {
        let Transfer { upload, .. } = transfer;
        let parallel = usize::from(self.args.parallel);
        let all: BTreeSet<u32> = (1..=upload.parts).collect();
        let mut missing: BTreeSet<u32> = upload.missing_parts.iter().copied().collect();
        // Those that an earlier run has sent are read too: their checksums tell whether it sent the same bytes.
        let taken = transfer.send(all.clone(), &missing, parallel).await;
        if matches!(taken, Err(Unsent::FileChanged)) {
            // Nobody can go on with it. When this does not succeed, the server gives it up after some days.
            let _ = self.client.give_up(&upload.id).await;
        }
        let mut checksums = taken?;
        let mut sent = missing.clone();
        let mut why = String::new();
        for _ in 0..ROUNDS {
            let Some(problem) = self.complete(upload, &checksums).await? else {
                return Ok(sent.len());
            };
            why = problem.detail;
            let wrong: BTreeSet<u32> = problem.parts.into_iter().collect();
            // When one part is of another file, all that came with it are doubtful.
            missing = if wrong.is_subset(&sent) {
                wrong
            } else {
                all.difference(&sent).copied().collect()
            };
            tracing::info!("sending {} parts again: {why}", missing.len());
            let again = missing.iter().copied();
            checksums.extend(transfer.send(again, &missing, parallel).await?);
            sent.extend(&missing);
        }
        Err(Failure::Other(format!(
            "the server does not have what was sent, time and again: {why}"
        )))
    }

    /// Completes the upload, or returns what keeps the server from it and can be mended.
    async fn complete(
        &self,
        upload: &Upload,
        checksums: &BTreeMap<u32, String>,
    ) -> Result<Option<Problem>, Failure> {
        let parts: Vec<PartChecksum<'_>> = checksums
            .iter()
            .map(|(part, checksum)| PartChecksum {
                part_number: *part,
                checksum_crc32c: checksum,
            })
            .collect();
        let begun = Instant::now();
        loop {
            match self.client.complete(&upload.id, &parts).await {
                Ok(true) => return Ok(None),
                Ok(false) if begun.elapsed() > JOINING_PATIENCE => {
                    return Err(Failure::Other(
                        "the server is still joining the parts: the same command asks again later"
                            .to_owned(),
                    ));
                }
                Ok(false) => tokio::time::sleep(JOINING_CHECK).await,
                Err(ClientError::Problem(problem)) if problem.code() == "upload-incomplete" => {
                    return Ok(Some(problem));
                }
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// What to do after it was interrupted.
    fn how_to_go_on(&self) -> String {
        let uploaded = self.uploaded.lock().expect("no holder panics");
        let files = self.args.files.iter();
        let left: Vec<String> = files
            .filter(|file| !uploaded.contains_key(*file))
            .map(|file| file.display().to_string())
            .collect();
        if uploaded.is_empty() {
            return "interrupted; the same command goes on where this one stopped".to_owned();
        }
        let server = self.client.server();
        let ids: Vec<&str> = uploaded.values().map(VideoId::as_str).collect();
        let watch = format!("streamforge watch {} --server {server}", ids.join(" "));
        if left.is_empty() {
            format!("interrupted; the server goes on by itself, which is seen by: {watch}")
        } else {
            let left = left.join(", ");
            format!(
                "interrupted; not uploaded yet: {left}; the server goes on with the rest, which is seen by: {watch}"
            )
        }
    }
}
