//! `streamforge status`: the newest videos of a server, or one of them.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{DecimalBytes, HumanDuration};
use streamforge_core::id::VideoId;
use streamforge_core::plan::Job;
use streamforge_core::video::{VideoStatus, Visibility};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::client::types::Video;
use crate::client::{Client, ServerArg};
use crate::report::{answer, error};

/// Shown under `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  streamforge status
  streamforge status --server https://videos.example --limit 100
  streamforge status 5VQ2M7R8Z3K1N6T4W9X0Y2B5CD
  streamforge status --json | jq -r '.[] | select(.status == \"failed\") | .id'

Exit code: 0 done, 1 failed, 2 wrong use.";

/// Arguments of `streamforge status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The video's id; without it, the newest videos are listed
    #[arg(value_name = "VIDEO")]
    video: Option<VideoId>,
    #[command(flatten)]
    server: ServerArg,
    /// How many videos to list
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Print JSON: an array of videos, or one
    #[arg(long)]
    json: bool,
}

/// Runs the command to its exit code.
pub(crate) async fn run(args: Args) -> ExitCode {
    let done = match look(args).await {
        Ok(text) => answer(&text).map_err(|err| format!("cannot write the status: {err}")),
        Err(err) => Err(err.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            error(&message);
            ExitCode::FAILURE
        }
    }
}

async fn look(args: Args) -> anyhow::Result<String> {
    let client = Client::new(args.server.server)?;
    let now = OffsetDateTime::now_utc();
    let text = if let Some(id) = args.video {
        let video = client.video(&id).await?;
        if args.json {
            serde_json::to_string_pretty(&video)? + "\n"
        } else {
            details(&video, now)
        }
    } else {
        let videos = client.videos(args.limit).await?;
        if args.json {
            serde_json::to_string_pretty(&videos)? + "\n"
        } else if videos.is_empty() {
            "There are no videos yet: streamforge upload FILE\n".to_owned()
        } else {
            table(&videos, now)
        }
    };
    Ok(text)
}

fn table(videos: &[Video], now: OffsetDateTime) -> String {
    let header = ["VIDEO", "STATUS", "LENGTH", "SIZE", "ADDED", "TITLE"].map(str::to_owned);
    let rows = videos.iter().map(|video| {
        [
            video.id.to_string(),
            status(video),
            video.duration_secs.map_or_else(String::new, clock),
            DecimalBytes(video.size_bytes).to_string(),
            ago(&video.created_at, now),
            video.title.clone(),
        ]
    });
    let rows: Vec<[String; 6]> = [header].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..5).filter_map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (cell, &width) in row.iter().zip(&widths) {
            let _ = write!(text, "{cell:width$}  ");
        }
        text.push_str(&row[5]);
        text.push('\n');
    }
    text
}

fn details(video: &Video, now: OffsetDateTime) -> String {
    let visibility = match video.visibility {
        Visibility::Unlisted => "unlisted: only who has the link finds it",
        Visibility::Public => "public",
    };
    let size = video.width.zip(video.height);
    let progress = video.progress.as_ref().map(|progress| {
        let (done, all) = (progress.jobs_done, progress.jobs);
        let rungs = progress.rungs.iter().map(|rung| {
            let (name, done, all) = (&rung.name, rung.segments_done, rung.segments);
            format!(", {name} {done}/{all} segments")
        });
        let rungs: String = rungs.collect();
        format!("{:.0} %, {done}/{all} chunks{rungs}", progress.percent)
    });
    let left = video.progress.as_ref().and_then(|progress| {
        let left = Duration::from_secs(progress.eta_secs?);
        Some(format!("about {}", HumanDuration(left)))
    });
    let failure = video.failure.as_ref().map(|failure| {
        let again = if failure.retryable {
            "; it can be tried again"
        } else {
            ""
        };
        format!("{} ({}{again})", failure.message, failure.code)
    });
    let lines = [
        ("video", Some(video.id.to_string())),
        ("title", Some(video.title.clone())),
        ("status", Some(status(video))),
        ("why", failure),
        ("progress", progress),
        ("left", left),
        ("stream", video.playback_url.clone()),
        ("length", video.duration_secs.map(clock)),
        (
            "pictures",
            size.map(|(width, height)| format!("{width}×{height}")),
        ),
        ("file", Some(DecimalBytes(video.size_bytes).to_string())),
        ("visibility", Some(visibility.to_owned())),
        ("added", Some(ago(&video.created_at, now))),
        ("ready", video.ready_at.as_deref().map(|at| ago(at, now))),
    ];
    let failing = video.progress.iter().flat_map(|progress| &progress.failing);
    let failing = failing.map(|failing| {
        let name = job_name(failing.job);
        let attempts = failing.attempts;
        let said = format!("{name} failed {attempts} times: {}", failing.error);
        ("trouble", Some(said))
    });
    let mut text = String::new();
    for (what, value) in lines.into_iter().chain(failing) {
        if let Some(value) = value {
            let _ = writeln!(text, "{what:10}  {value}");
        }
    }
    text
}

fn job_name(job: Job) -> String {
    match job {
        Job::Video(index) => format!("video chunk {index}"),
        Job::Audio(index) => format!("audio chunk {index}"),
    }
}

/// Where a video is, and whether it plays already.
fn status(video: &Video) -> String {
    let status = video.status.as_str();
    if video.playable && video.status == VideoStatus::Processing {
        format!("{status}, plays")
    } else {
        status.to_owned()
    }
}

/// `1:02:03`, `0:07`.
fn clock(secs: f64) -> String {
    let rounded = Duration::try_from_secs_f64(secs.round()).unwrap_or_default();
    let secs = rounded.as_secs();
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes}:{secs:02}")
    }
}

/// How long ago `time`, as the API writes it, was.
fn ago(time: &str, now: OffsetDateTime) -> String {
    let Ok(then) = OffsetDateTime::parse(time, &Rfc3339) else {
        return time.to_owned();
    };
    let since = Duration::try_from(now - then).unwrap_or_default();
    if since < Duration::from_secs(5) {
        return "just now".to_owned();
    }
    format!("{} ago", HumanDuration(since))
}

#[cfg(test)]
mod tests {
    use streamforge_core::video::Failure;

    use super::*;
    use crate::client::types::{FailingJob, Progress, RungProgress};

    fn now() -> OffsetDateTime {
        OffsetDateTime::parse("2026-11-21T06:27:30Z", &Rfc3339).unwrap()
    }

    #[test]
    fn a_list_has_a_row_for_each_video_in_columns() {
        let ready = Video {
            title: "Holiday in Åre".to_owned(),
            status: VideoStatus::Ready,
            playable: true,
            duration_secs: Some(3723.4),
            ..Video::example()
        };
        let encoding = Video {
            status: VideoStatus::Processing,
            playable: true,
            created_at: "2026-11-21T06:27:29Z".to_owned(),
            size_bytes: 999,
            ..Video::example()
        };
        assert_eq!(
            table(&[encoding, ready], now()),
            "\
VIDEO                       STATUS             LENGTH   SIZE      ADDED          TITLE
00000000000000000000000001  processing, plays           999 B     just now       Holiday
00000000000000000000000001  ready              1:02:03  25.00 MB  5 minutes ago  Holiday in Åre
"
        );
    }

    #[test]
    fn details_say_what_is_known_and_nothing_else() {
        assert_eq!(
            details(&Video::example(), now()),
            "\
video       00000000000000000000000001
title       Holiday
status      queued
file        25.00 MB
visibility  unlisted: only who has the link finds it
added       5 minutes ago
"
        );
        let progress = Progress {
            percent: 45.4,
            jobs_done: 3,
            jobs: 12,
            rungs: vec![RungProgress {
                name: "720p".to_owned(),
                segments_done: 4,
                segments: 10,
            }],
            eta_secs: Some(150),
            failing: vec![FailingJob {
                job: Job::Video(3),
                attempts: 2,
                error: "FFmpeg ended".to_owned(),
            }],
        };
        let failed = Video {
            failure: Some(Failure {
                code: "encoding_failed".to_owned(),
                message: "chunk 3 could not be encoded".to_owned(),
                retryable: true,
            }),
            progress: Some(progress),
            width: Some(1920),
            height: Some(1080),
            ..Video::example()
        };
        let said = details(&failed, now());
        for line in [
            "why         chunk 3 could not be encoded (encoding_failed; it can be tried again)",
            "progress    45 %, 3/12 chunks, 720p 4/10 segments",
            "left        about 3 minutes",
            "pictures    1920×1080",
            "trouble     video chunk 3 failed 2 times: FFmpeg ended",
        ] {
            assert!(said.contains(line), "{said}");
        }
    }

    #[test]
    fn lengths_are_read_as_on_a_clock() {
        let lengths = [
            (0.2, "0:00"),
            (6.6, "0:07"),
            (61.0, "1:01"),
            (7325.0, "2:02:05"),
        ];
        for (secs, reads) in lengths {
            assert_eq!(clock(secs), reads);
        }
    }
}
