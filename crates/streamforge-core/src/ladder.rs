//! The encoding ladder: which sizes and bit rates a video is encoded in.

use serde::{Deserialize, Serialize};

/// A source this much larger than the largest rung that fits it also gets a rung of its own size, if the ladder goes on above:
/// a 480p source would otherwise be cut down to 360p.
const WORTH_ITS_OWN_RUNG: f64 = 1.2;

/// One step of the ladder as configured, measured by the short side, so that portrait and landscape are treated alike.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Length of the picture's short side, in samples; even.
    pub short_side: u32,
    /// x264's constant rate factor; 0 is lossless.
    pub crf: u8,
    /// Highest bit rate, in bit/s (x264's VBV).
    pub maxrate: u32,
}

impl Rung {
    /// The rung a viewer would call `{short_side}p`, with our bit rates; `None` for other sizes than
    /// 2160, 1440, 1080, 720 and 360.
    pub fn standard(short_side: u32) -> Option<Self> {
        let (crf, maxrate) = match short_side {
            2160 => (21, 15_000_000),
            1440 => (21, 9_000_000),
            1080 => (21, 5_000_000),
            720 => (21, 2_500_000),
            360 => (22, 900_000),
            _ => return None,
        };
        Some(Self {
            short_side,
            crf,
            maxrate,
        })
    }

    /// A rung of another size whose bit rate follows this one's.
    ///
    /// Bits grow slower than the picture: the exponent 3/4 is a common rule of thumb of x264 users.
    fn resized(&self, short_side: u32) -> Self {
        let scale = (f64::from(short_side) / f64::from(self.short_side)).powf(1.5);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bit rate, made smaller"
        )]
        let maxrate = (f64::from(self.maxrate) * scale) as u32;
        Self {
            short_side,
            crf: self.crf,
            maxrate: maxrate.max(100_000),
        }
    }

    fn sized(&self, width: u32, height: u32) -> PlannedRung {
        PlannedRung {
            name: format!("{}p", self.short_side),
            width,
            height,
            crf: self.crf,
            maxrate: self.maxrate,
        }
    }
}

/// All rungs a video may get, and how they are encoded.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncodingLadder {
    /// The rungs. Each source gets those that are not larger than itself.
    pub rungs: Vec<Rung>,
    /// x264's preset for every rung.
    pub preset: String,
    /// Bit rate of the stereo AAC audio, in bit/s.
    pub audio_bitrate: u32,
}

impl Default for EncodingLadder {
    /// 1080p, 720p and 360p at `veryfast`, audio at 128 kb/s.
    fn default() -> Self {
        Self {
            rungs: [1080, 720, 360]
                .into_iter()
                .filter_map(Rung::standard)
                .collect(),
            preset: "veryfast".to_owned(),
            audio_bitrate: 128_000,
        }
    }
}

/// x264's presets, fastest first.
const PRESETS: [&str; 9] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
];

/// What is wrong with a configured ladder.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LadderError {
    /// No rungs at all.
    #[error("the ladder has no rungs: give at least one")]
    Empty,
    /// Two rungs of one size.
    #[error("the ladder has two rungs of {0}p: sizes must differ")]
    Twice(u32),
    /// A rung that cannot be encoded.
    #[error("the rung {short_side}p is wrong: {why}")]
    Rung {
        /// The rung's size.
        short_side: u32,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An unknown preset.
    #[error("{preset:?} is not a preset of x264: use one of {}", PRESETS.join(", "))]
    Preset {
        /// What was asked for.
        preset: String,
    },
    /// A bit rate AAC-LC stereo cannot have.
    #[error("{0} bit/s is no bit rate for stereo AAC: use 32000 to 320000")]
    AudioBitrate(u32),
}

impl EncodingLadder {
    /// Whether every rung can be encoded.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn validate(&self) -> Result<(), LadderError> {
        if self.rungs.is_empty() {
            return Err(LadderError::Empty);
        }
        for (
            i,
            Rung {
                short_side,
                crf,
                maxrate,
            },
        ) in self.rungs.iter().enumerate()
        {
            let wrong = |why| {
                Err(LadderError::Rung {
                    short_side: *short_side,
                    why,
                })
            };
            if self.rungs[..i]
                .iter()
                .any(|other| other.short_side == *short_side)
            {
                return Err(LadderError::Twice(*short_side));
            }
            match () {
                () if short_side % 2 != 0 => return wrong("its size must be even"),
                () if !(16..=4320).contains(short_side) => {
                    return wrong("its size must be from 16 to 4320");
                }
                () if *crf > 51 => return wrong("crf goes from 0 to 51"),
                () if !(50_000..=800_000_000).contains(maxrate) => {
                    return wrong("maxrate is in bit/s, from 50000 to 800000000");
                }
                () => {}
            }
        }
        if !PRESETS.contains(&self.preset.as_str()) {
            return Err(LadderError::Preset {
                preset: self.preset.clone(),
            });
        }
        if !(32_000..=320_000).contains(&self.audio_bitrate) {
            return Err(LadderError::AudioBitrate(self.audio_bitrate));
        }
        Ok(())
    }

    /// The rungs for a picture of `width` × `height` shown samples, largest first: never larger than the source, of
    /// its aspect ratio, with even sides. A source smaller than every rung gets one of its own size.
    pub fn fit(&self, (width, height): (u32, u32)) -> Vec<PlannedRung> {
        let short = width.min(height);
        let mut rungs = self.rungs.clone();
        rungs.sort_unstable_by_key(|rung| std::cmp::Reverse(rung.short_side));
        let fitting = rungs.partition_point(|rung| rung.short_side > short);
        let (above, fits) = rungs.split_at(fitting);

        let own = match (above.last(), fits.first()) {
            (Some(next), Some(top))
                if f64::from(short) >= f64::from(top.short_side) * WORTH_ITS_OWN_RUNG =>
            {
                Some(next)
            }
            (Some(next), None) => Some(next),
            _ => None,
        };
        let own = own.map(|next| {
            next.resized(even_below(short))
                .sized(even_below(width), even_below(height))
        });
        let scaled = fits.iter().map(|rung| {
            let long = even_long_side(rung.short_side, width.max(height), short);
            if width < height {
                rung.sized(rung.short_side, long)
            } else {
                rung.sized(long, rung.short_side)
            }
        });
        own.into_iter().chain(scaled).collect()
    }
}

/// The even number at or below `side`; H.264 in 4:2:0 has only even sizes.
fn even_below(side: u32) -> u32 {
    (side & !1).max(2)
}

/// The even long side of a picture of aspect `long / short` whose short side is `target`.
fn even_long_side(target: u32, long: u32, short: u32) -> u32 {
    let exact = u64::from(target) * u64::from(long);
    let halves = (exact + u64::from(short)) / (2 * u64::from(short.max(1)));
    u32::try_from(halves * 2).unwrap_or(u32::MAX - 1).max(2)
}

/// One rung for one source: exactly what is encoded.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PlannedRung {
    /// `1080p`: also the folder of its segments.
    pub name: String,
    /// Width in square samples; even.
    pub width: u32,
    /// Height; even.
    pub height: u32,
    /// x264's constant rate factor; 0 is lossless.
    pub crf: u8,
    /// Highest bit rate, in bit/s.
    pub maxrate: u32,
}

impl PlannedRung {
    /// x264's VBV buffer in bits: one and a half seconds of `maxrate`.
    pub fn bufsize(&self) -> u32 {
        self.maxrate / 2 * 3
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(width: u32, height: u32) -> Vec<(String, u32, u32)> {
        let rungs = EncodingLadder::default().fit((width, height));
        rungs
            .into_iter()
            .map(|rung| (rung.name, rung.width, rung.height))
            .collect()
    }

    fn rung(name: &str, width: u32, height: u32) -> (String, u32, u32) {
        (name.to_owned(), width, height)
    }

    #[test]
    fn full_hd_gets_the_whole_ladder_and_4k_no_more() {
        let ladder = [
            rung("1080p", 1920, 1080),
            rung("720p", 1280, 720),
            rung("360p", 640, 360),
        ];
        assert_eq!(sizes(1920, 1080), ladder);
        assert_eq!(sizes(3840, 2160), ladder);
    }

    #[test]
    fn portrait_is_measured_by_its_short_side() {
        assert_eq!(
            sizes(1080, 1920),
            [
                rung("1080p", 1080, 1920),
                rung("720p", 720, 1280),
                rung("360p", 360, 640)
            ]
        );
    }

    #[test]
    fn a_source_between_rungs_keeps_its_own_size() {
        assert_eq!(
            sizes(854, 480),
            [rung("480p", 854, 480), rung("360p", 640, 360)]
        );
        assert_eq!(
            sizes(1920, 800),
            [rung("720p", 1728, 720), rung("360p", 864, 360)]
        );
    }

    #[test]
    fn a_source_below_every_rung_gets_one_of_its_own_even_size() {
        assert_eq!(sizes(321, 181), [rung("180p", 320, 180)]);
        assert_eq!(sizes(1, 1), [rung("2p", 2, 2)]);
    }

    #[test]
    fn uhd_rungs_are_available_when_asked_for() {
        let rungs = [2160, 1440]
            .into_iter()
            .filter_map(Rung::standard)
            .collect();
        let ladder = EncodingLadder {
            rungs,
            ..EncodingLadder::default()
        };
        assert_eq!(ladder.validate(), Ok(()));
        assert_eq!(ladder.fit((3840, 2160)).len(), 2);
    }

    #[test]
    fn a_wrong_ladder_is_told_what_is_wrong() {
        let with = |change: fn(&mut EncodingLadder)| {
            let mut ladder = EncodingLadder::default();
            change(&mut ladder);
            ladder.validate().unwrap_err().to_string()
        };
        assert_eq!(
            with(|l| l.rungs.clear()),
            "the ladder has no rungs: give at least one"
        );
        assert_eq!(
            with(|l| l.rungs[0].short_side = 361),
            "the rung 361p is wrong: its size must be even"
        );
        assert_eq!(
            with(|l| l.rungs[0].short_side = 360),
            "the ladder has two rungs of 360p: sizes must differ"
        );
        assert!(with(|l| l.preset = "fastest".to_owned()).contains("ultrafast, superfast"));
    }

    proptest! {
        #[test]
        fn every_rung_is_even_not_larger_than_the_source_and_of_its_shape(w in 2_u32..9000, h in 2_u32..9000) {
            let rungs = EncodingLadder::default().fit((w, h));
            prop_assert!(!rungs.is_empty());
            prop_assert!(rungs.windows(2).all(|pair| pair[0].height > pair[1].height));
            for rung in rungs {
                prop_assert!(rung.width % 2 == 0 && rung.height % 2 == 0);
                prop_assert!(rung.width <= w + 1 && rung.height <= h + 1, "{rung:?}");
                // Half a sample of rounding on the long side, one on an odd source's own size.
                let (long, short) = (rung.width.max(rung.height), rung.width.min(rung.height));
                let exact = f64::from(short) * f64::from(w.max(h)) / f64::from(w.min(h));
                let slack = 2.0 + f64::from(w.max(h)) / f64::from(w.min(h));
                prop_assert!((f64::from(long) - exact).abs() <= slack, "{rung:?}");
            }
        }
    }
}
