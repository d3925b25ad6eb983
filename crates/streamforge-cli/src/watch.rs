//! `streamforge watch`: what happens to videos on a server, until they are ready or failed.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures::future::join_all;
use indicatif::{HumanDuration, MultiProgress, ProgressBar};
use serde::Serialize;
use streamforge_core::id::VideoId;
use streamforge_core::video::VideoStatus;

use crate::client::types::Video;
use crate::client::{Client, ServerArg};
use crate::exit::{self, Failure, INTERRUPTED};
use crate::interrupt::interrupted;
use crate::report::{Console, error};

/// Shown under `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  streamforge watch 5VQ2M7R8Z3K1N6T4W9X0Y2B5CD
  streamforge watch 5VQ2M7R8Z3K1N6T4W9X0Y2B5CD --json | jq -c .progress

Exit code: 0 all are ready, 1 failed, 2 wrong use, 3 a file cannot become a
stream, 130 interrupted.";

/// Least time between two lines for people who see no bar.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Arguments of `streamforge watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The videos' ids
    #[arg(value_name = "VIDEO", required = true)]
    videos: Vec<VideoId>,
    #[command(flatten)]
    server: ServerArg,
    /// Print events to standard output, one JSON object a line
    #[arg(long)]
    json: bool,
}

/// An event, as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    /// A state of a video, whole.
    Video(&'a Video),
    /// The stream can be played from its start.
    Playable {
        video_id: &'a VideoId,
        playlist: &'a str,
    },
    /// Everything is done.
    Finished {
        video_id: &'a VideoId,
        playlist: &'a str,
    },
    /// The file cannot become a stream.
    Refused {
        video_id: &'a VideoId,
        code: &'a str,
        message: &'a str,
    },
    /// Something else went wrong.
    Failed {
        video_id: &'a VideoId,
        message: &'a str,
    },
}

/// Runs the command to its exit code.
pub(crate) async fn run(args: Args, bars: MultiProgress) -> ExitCode {
    let interrupted = interrupted();
    let client = match Client::new(args.server.server) {
        Ok(client) => client,
        Err(err) => {
            error(&err.to_string());
            return ExitCode::FAILURE;
        }
    };
    let console = Console::new(args.json, bars.clone());
    let all = join_all(args.videos.iter().map(async |id| {
        let outcome = watch(&client, &console, id, None).await;
        if let Err(failure) = &outcome {
            let message = &failure.to_string();
            console.error(&format!("{id}: {message}"));
            console.event(&match failure {
                Failure::Refused { code, .. } => Event::Refused {
                    video_id: id,
                    code,
                    message,
                },
                Failure::Other(_) => Event::Failed {
                    video_id: id,
                    message,
                },
            });
        }
        outcome
    }));
    let outcomes = tokio::select! {
        outcomes = all => Some(outcomes),
        () = interrupted => None,
    };
    let _ = bars.clear();
    outcomes.map_or(ExitCode::from(INTERRUPTED), exit::of_all)
}

/// Tells what happens to a video until it is ready. It is called `name`, or else by its title.
///
/// # Errors
/// It failed, was deleted, or the server stays away.
pub(crate) async fn watch(
    client: &Client,
    console: &Console,
    id: &VideoId,
    name: Option<&str>,
) -> Result<(), Failure> {
    let mut watcher = Watcher {
        console,
        name,
        bar: console.bar("{bar:30} {percent:>3} %  {msg}"),
        status: None,
        playable: false,
        told: Instant::now(),
        failure: None,
    };
    let followed = client.follow(id, |video| watcher.seen(video)).await;
    watcher.bar.finish_and_clear();
    followed?;
    match watcher.failure {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Who looks at one video.
struct Watcher<'a> {
    console: &'a Console,
    name: Option<&'a str>,
    bar: ProgressBar,
    status: Option<VideoStatus>,
    playable: bool,
    /// When the progress was last told in a line.
    told: Instant,
    failure: Option<Failure>,
}

impl Watcher<'_> {
    fn seen(&mut self, video: &Video) {
        let name = self.name.unwrap_or(&video.title);
        self.console.event(&Event::Video(video));
        let playlist = video.playback_url.as_deref().unwrap_or_default();
        let is_news = self.status.replace(video.status) != Some(video.status);
        if is_news && let Some(what) = told(video.status) {
            self.console.say(&format!("{name}: {what}"));
        }
        if video.playable && !self.playable {
            self.playable = true;
            if video.status == VideoStatus::Processing {
                self.console.say(&format!("{name} plays now: {playlist}"));
            }
            self.console.event(&Event::Playable {
                video_id: &video.id,
                playlist,
            });
        }
        self.progress(video, name);
        match video.status {
            VideoStatus::Ready => {
                self.bar.finish_and_clear();
                self.console.say(&format!("{name} is ready: {playlist}"));
                self.console.event(&Event::Finished {
                    video_id: &video.id,
                    playlist,
                });
            }
            VideoStatus::Failed => {
                let unknown = || Failure::Other("it failed for a reason nobody noted".to_owned());
                let failure = video.failure.as_ref();
                self.failure = Some(failure.map_or_else(unknown, Failure::from));
            }
            _ => {}
        }
    }

    fn progress(&mut self, video: &Video, name: &str) {
        let Some(progress) = &video.progress else {
            return;
        };
        let (done, all) = (progress.jobs_done, progress.jobs);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 100"
        )]
        let percent = progress.percent as u64;
        self.bar.set_length(100);
        self.bar.set_position(percent);
        let left = progress.eta_secs.map_or_else(String::new, |secs| {
            format!(", {:#} left", HumanDuration(Duration::from_secs(secs)))
        });
        self.bar
            .set_message(format!("{name}, {done}/{all} chunks{left}"));
        if !self.console.shows_bars() && self.told.elapsed() >= LINE_INTERVAL {
            self.told = Instant::now();
            self.console
                .say(&format!("{name}: {percent} % encoded{left}"));
        }
    }
}

/// A status in the words of people, unless it is told otherwise.
fn told(status: VideoStatus) -> Option<&'static str> {
    match status {
        VideoStatus::Uploading => Some("waits for its file"),
        VideoStatus::Queued => Some("waits to be looked at"),
        VideoStatus::Processing => Some("is being encoded"),
        VideoStatus::Deleting => Some("is being removed"),
        VideoStatus::Ready | VideoStatus::Failed => None,
    }
}
