//! What comes out of one job's pipes, each read by a task of its own: a pipe that nobody reads blocks FFmpeg.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use streamforge_core::acceptance::{Expected, Made};
use streamforge_core::plan::Plan;
use streamforge_core::record::TrackRecord;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;

use super::Output;
use crate::error::FfmpegError;
use crate::guard::Activity;
use crate::jpeg::{JpegSplitter, choose_poster};
use crate::track::{Part, TrackReader};

/// How much is read from a pipe at once.
pub(super) const PIPE_READ_BYTES: usize = 128 << 10;

/// How often it is said that FFmpeg waits for us; much less than it may be silent.
const NOT_TO_BLAME: Duration = Duration::from_secs(1);

/// One pipe and where its content goes.
pub(super) struct PipeJob<'a> {
    pub(super) pipe: Receiver,
    pub(super) activity: Activity,
    pub(super) out: &'a Sender<Output>,
}

impl PipeJob<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, FfmpegError> {
        let n = self.pipe.read(buffer).await.map_err(FfmpegError::Pipe)?;
        self.activity.touch();
        Ok(n)
    }

    pub(super) async fn track(
        mut self,
        track: usize,
        plan: &Plan,
        expected: &Expected,
    ) -> Result<(Vec<Made>, TrackRecord), FfmpegError> {
        let mut reader = TrackReader::new(expected.grid, plan.format());
        let output = |part| match part {
            Part::Init(bytes) => Output::Init { track, bytes },
            Part::Segment(number, bytes) => Output::Segment {
                track,
                segment: expected.first_segment + number,
                bytes,
            },
        };
        let mut buffer = vec![0; PIPE_READ_BYTES];
        loop {
            let n = self.read(&mut buffer).await?;
            if n == 0 {
                break;
            }
            for part in reader.push(&buffer[..n])? {
                give(self.out, &self.activity, output(part)).await?;
            }
        }
        let (last, made, record) = reader.finish()?;
        for part in last {
            give(self.out, &self.activity, output(part)).await?;
        }
        Ok((made, record))
    }

    /// `frame=` counts the frames of the first output. A line whose count has not grown is no sign of life.
    pub(super) async fn progress(self) -> Result<(), FfmpegError> {
        let mut lines = BufReader::new(self.pipe).lines();
        let mut seen = 0;
        while let Some(line) = lines.next_line().await.map_err(FfmpegError::Pipe)? {
            let Some(frames) = line
                .strip_prefix("frame=")
                .and_then(|n| n.trim().parse().ok())
            else {
                continue;
            };
            if frames > seen {
                seen = frames;
                self.activity.touch();
                give(self.out, &self.activity, Output::Frames(frames)).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn storyboard(self) -> Result<(), FfmpegError> {
        let sheets = read_pictures(self.pipe, &self.activity).await?;
        match sheets.into_iter().next() {
            Some(sheet) => give(self.out, &self.activity, Output::StoryboardSheet(sheet)).await,
            None => Ok(()),
        }
    }

    pub(super) async fn poster(self, plan: &Plan) -> Result<(), FfmpegError> {
        let candidates = read_pictures(self.pipe, &self.activity).await?;
        let (_, place) = plan.poster_place();
        match choose_poster(&candidates, place, plan.poster_size()) {
            Some((bytes, blank)) => {
                give(self.out, &self.activity, Output::Poster { bytes, blank }).await
            }
            None => Ok(()),
        }
    }
}

/// All pictures of a pipe.
pub(super) async fn read_pictures(
    mut pipe: Receiver,
    activity: &Activity,
) -> Result<Vec<Bytes>, FfmpegError> {
    let mut splitter = JpegSplitter::default();
    let mut pictures = Vec::new();
    let mut buffer = vec![0; PIPE_READ_BYTES];
    loop {
        match pipe.read(&mut buffer).await.map_err(FfmpegError::Pipe)? {
            0 => return Ok(pictures),
            n => pictures.extend(splitter.push(&buffer[..n])),
        }
        activity.touch();
    }
}

/// Hands `output` on. While nobody takes it, FFmpeg stands still and is not to blame.
async fn give(
    out: &Sender<Output>,
    activity: &Activity,
    output: Output,
) -> Result<(), FfmpegError> {
    let mut sending = pin!(out.send(output));
    loop {
        match timeout(NOT_TO_BLAME, &mut sending).await {
            Ok(sent) => return sent.map_err(|_| FfmpegError::Cancelled),
            Err(_) => activity.touch(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::channel;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_us_is_not_silent() {
        let (out, mut outputs) = channel(1);
        out.send(Output::Frames(1)).await.unwrap();
        let activity = Activity::new();
        let before = activity.last();
        let giving = give(&out, &activity, Output::Frames(2));
        let taking = async {
            sleep(2 * NOT_TO_BLAME).await;
            assert!(activity.last() >= before + NOT_TO_BLAME);
            outputs.recv().await.unwrap();
        };
        let (given, ()) = tokio::join!(giving, taking);
        given.unwrap();
    }
}
