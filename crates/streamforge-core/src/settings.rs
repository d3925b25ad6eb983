//! What is wanted of a transcode.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ladder::EncodingLadder;

/// The container of the segments.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentFormat {
    /// Fragmented MP4 (CMAF, ISO/IEC 23000-19): one init segment a track, readable by HLS and DASH.
    #[default]
    Cmaf,
    /// MPEG-2 transport stream, for players from before 2017.
    MpegTs,
}

/// What to make of a source. Two transcodes of one source with equal settings make the same stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Sizes and bit rates.
    pub ladder: EncodingLadder,
    /// How long a segment should last; it will be the nearest whole number of frames. 1 to 10 seconds.
    pub segment: Duration,
    /// Container of the segments.
    pub segment_format: SegmentFormat,
    /// Most segments one job encodes; at least 4. The first jobs encode 1, 2 and 4, so that playback starts early.
    pub chunk_segments: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ladder: EncodingLadder::default(),
            segment: Duration::from_secs(4),
            segment_format: SegmentFormat::Cmaf,
            chunk_segments: 8,
        }
    }
}
