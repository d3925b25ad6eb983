//! What a source may be at most.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::source::SourceProfile;

/// Longest side of a picture that x264 encodes.
const MAX_SIDE: u32 = 16_384;

/// Upper bounds of a source. Each is a refusal with its own code, made before anything is encoded.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest source, in bytes. Default 100 GiB.
    pub max_bytes: u64,
    /// Longest source. Default 12 hours.
    pub max_duration: Duration,
    /// Most pixels in one picture, as coded and as shown; no side may be longer than 16384. Default 7680 × 4320 (8K).
    pub max_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 100 << 30,
            max_duration: Duration::from_hours(12),
            max_pixels: 7680 * 4320,
        }
    }
}

impl Limits {
    /// Whether a source of `size_bytes` may be looked at all.
    ///
    /// # Errors
    /// [`Refusal::Empty`] or [`Refusal::TooLarge`].
    pub fn admit_size(&self, size_bytes: u64) -> Result<(), Refusal> {
        match size_bytes {
            0 => Err(Refusal::Empty),
            got if got > self.max_bytes => Err(Refusal::TooLarge {
                got,
                max: self.max_bytes,
            }),
            _ => Ok(()),
        }
    }

    /// Whether a source, once probed, may be encoded.
    ///
    /// # Errors
    /// [`Refusal::TooManyPixels`] or [`Refusal::TooLong`], or what [`Limits::admit_size`] says.
    pub fn admit(&self, source: &SourceProfile) -> Result<(), Refusal> {
        self.admit_size(source.size_bytes)?;
        let video = &source.video;
        let (wide, high) = video.display_size();
        for (width, height) in [(video.width, video.height), (wide, high)] {
            let pixels = u64::from(width) * u64::from(height);
            if pixels > self.max_pixels || width.max(height) > MAX_SIDE {
                return Err(Refusal::TooManyPixels {
                    width,
                    height,
                    max: self.max_pixels,
                });
            }
        }
        let got = source.duration();
        if got > self.max_duration {
            return Err(Refusal::TooLong {
                got,
                max: self.max_duration,
            });
        }
        Ok(())
    }
}
