//! What is kept of a finished job: enough to write every playlist without looking at the media again.

use serde::{Deserialize, Serialize};

/// One finished chunk.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ChunkRecord {
    /// The tracks it made: every rung of a video chunk in the plan's order, or the one of an audio chunk.
    pub tracks: Vec<TrackRecord>,
}

impl ChunkRecord {
    /// Segments the chunk has in each of its tracks.
    pub fn segments(&self) -> u32 {
        self.tracks.first().map_or(0, |track| {
            u32::try_from(track.segments.len()).unwrap_or(u32::MAX)
        })
    }

    /// Samples (frames or AAC frames) the chunk has in each of its tracks.
    pub fn samples(&self) -> u64 {
        self.tracks.first().map_or(0, TrackRecord::samples)
    }
}

/// What one chunk made of one track.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TrackRecord {
    /// The sample description, as RFC 6381 writes it: `avc1.64001f`. Empty in a chunk without segments.
    pub codec: String,
    /// SHA-256 of the init segment, in hexadecimal: the same in every chunk of a track. `None` for MPEG-TS.
    pub init_sha256: Option<String>,
    /// Its segments, in order.
    pub segments: Vec<SegmentRecord>,
}

impl TrackRecord {
    /// Samples the track has in this chunk.
    pub fn samples(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| u64::from(segment.samples))
            .sum()
    }

    /// Whether the segments of both go by one init segment.
    pub fn fits(&self, other: &Self) -> bool {
        self.init_sha256 == other.init_sha256 && self.codec == other.codec
    }
}

/// One segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Frames of video, or AAC frames.
    pub samples: u32,
    /// Size of the object.
    pub bytes: u64,
    /// Bytes from its start to the end of its first frame: what an I-frame playlist names.
    pub i_frame_bytes: u64,
}
