//! Reads one track as it comes out of FFmpeg's pipe: segments, and what the grid must know of them.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use streamforge_core::acceptance::Made;
use streamforge_core::grid::TrackGrid;
use streamforge_core::record::{SegmentRecord, TrackRecord};
use streamforge_core::settings::SegmentFormat;
use streamforge_hls::isobmff::{self, InitSegment};
use streamforge_hls::mpegts::{Cut, Segmenter, TsSegment};

use crate::argv::MPEG_TS_OFFSET_SECS;
use crate::error::FfmpegError;
use crate::splitter::{Piece, Splitter};

/// What a track reader gives out, in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// The init segment.
    Init(Bytes),
    /// A media segment; its number within the job, from 0.
    Segment(u32, Bytes),
}

/// Reads one track of one job.
pub(crate) struct TrackReader {
    grid: TrackGrid,
    cutter: Cutter,
    made: Vec<Made>,
    record: TrackRecord,
}

enum Cutter {
    Cmaf(Splitter, Option<InitSegment>),
    MpegTs(Box<Segmenter>),
}

impl TrackReader {
    pub(crate) fn new(grid: TrackGrid, format: SegmentFormat) -> Self {
        let cutter = match format {
            SegmentFormat::Cmaf => Cutter::Cmaf(Splitter::default(), None),
            SegmentFormat::MpegTs => {
                let cut = Cut::EveryAccessUnits(grid.samples_per_segment);
                Cutter::MpegTs(Box::new(Segmenter::new(cut)))
            }
        };
        let record = TrackRecord {
            codec: String::new(),
            init_sha256: None,
            segments: Vec::new(),
        };
        Self {
            grid,
            cutter,
            made: Vec::new(),
            record,
        }
    }

    /// Takes the next bytes of the pipe.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Part>, FfmpegError> {
        match &mut self.cutter {
            Cutter::Cmaf(splitter, _) => {
                let pieces = splitter.push(bytes)?;
                pieces
                    .into_iter()
                    .map(|piece| self.mp4_piece(piece))
                    .collect()
            }
            Cutter::MpegTs(segmenter) => {
                let segments = segmenter
                    .push(bytes)
                    .map_err(|err| FfmpegError::Output(err.to_string()))?;
                segments
                    .into_iter()
                    .map(|segment| self.ts_segment(segment))
                    .collect()
            }
        }
    }

    /// Takes the end of the pipe. The last segment of a transport stream ends only here.
    pub(crate) fn finish(mut self) -> Result<(Vec<Part>, Vec<Made>, TrackRecord), FfmpegError> {
        let cutter = std::mem::replace(&mut self.cutter, Cutter::Cmaf(Splitter::default(), None));
        let last = match cutter {
            Cutter::Cmaf(splitter, _) => {
                splitter.finish()?;
                None
            }
            Cutter::MpegTs(segmenter) => {
                let last = segmenter
                    .finish()
                    .map_err(|err| FfmpegError::Output(err.to_string()))?;
                last.map(|segment| self.ts_segment(segment)).transpose()?
            }
        };
        Ok((last.into_iter().collect(), self.made, self.record))
    }

    fn mp4_piece(&mut self, piece: Piece) -> Result<Part, FfmpegError> {
        let output = |err: isobmff::BoxError| FfmpegError::Output(err.to_string());
        let Cutter::Cmaf(_, known_init) = &mut self.cutter else {
            return Err(FfmpegError::Output("MP4 in a transport stream".to_owned()));
        };
        match piece {
            Piece::Init(bytes) => {
                let init = InitSegment::parse(&bytes).map_err(output)?;
                self.record.codec.clone_from(&init.codec);
                self.record.init_sha256 = Some(format!("{:x}", Sha256::digest(&bytes)));
                *known_init = Some(init);
                Ok(Part::Init(bytes))
            }
            Piece::Segment(bytes) => {
                let init = known_init
                    .as_ref()
                    .ok_or_else(|| FfmpegError::Output("a segment without init".to_owned()))?;
                let fragments = isobmff::fragments(&bytes, init).map_err(output)?;
                let [fragment] = &fragments[..] else {
                    return Err(FfmpegError::Output(format!(
                        "{} fragments in a segment",
                        fragments.len()
                    )));
                };
                let ticks = u64::from(self.grid.ticks_per_sample);
                let steady = fragment
                    .samples
                    .iter()
                    .all(|sample| u64::from(sample.duration) == ticks);
                let (Some(first), true, 0) = (
                    fragment.samples.first(),
                    steady,
                    fragment.decode_time % ticks,
                ) else {
                    return Err(FfmpegError::Output(format!(
                        "a segment off the grid: decode time {} in ticks of {ticks} a sample",
                        fragment.decode_time
                    )));
                };
                let i_frame_bytes = fragment.data_offset as u64 + u64::from(first.size);
                Ok(self.segment(
                    fragment.decode_time / ticks,
                    fragment.samples.len(),
                    i_frame_bytes,
                    bytes,
                ))
            }
        }
    }

    fn ts_segment(&mut self, segment: TsSegment) -> Result<Part, FfmpegError> {
        let TsSegment { bytes, summary } = segment;
        let Some(codec) = summary.codec else {
            return Err(FfmpegError::Output(
                "a transport stream segment without a codec".to_owned(),
            ));
        };
        self.record.codec = codec;
        // 90 kHz ticks to samples of the grid, to the nearest: a frame of 23.976 fps lasts 3753.75 ticks.
        let offset = u64::from(MPEG_TS_OFFSET_SECS) * 90_000;
        let ticks =
            u128::from(summary.first_pts.saturating_sub(offset)) * u128::from(self.grid.timescale);
        let sample = u128::from(self.grid.ticks_per_sample) * 90_000;
        let first_sample = u64::try_from((ticks + sample / 2) / sample).unwrap_or(u64::MAX);
        let samples = usize::try_from(summary.access_units).unwrap_or(usize::MAX);
        Ok(self.segment(
            first_sample,
            samples,
            u64::from(summary.i_frame_bytes),
            bytes.into(),
        ))
    }

    fn segment(
        &mut self,
        first_sample: u64,
        samples: usize,
        i_frame_bytes: u64,
        bytes: Bytes,
    ) -> Part {
        let samples = u32::try_from(samples).unwrap_or(u32::MAX);
        let number = u32::try_from(self.made.len()).unwrap_or(u32::MAX);
        self.made.push(Made {
            first_sample,
            samples,
        });
        self.record.segments.push(SegmentRecord {
            samples,
            bytes: bytes.len() as u64,
            i_frame_bytes,
        });
        Part::Segment(number, bytes)
    }
}
