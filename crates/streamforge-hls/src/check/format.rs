//! Codec names ([RFC 6381](https://www.rfc-editor.org/rfc/rfc6381)).

/// What a codec name says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    H264(H264),
    /// Any profile HEVC names; the profile number, and the level times 30.
    Hevc {
        profile: u32,
        level: u32,
    },
    DolbyVision,
    /// `seq_level_idx`: 18 is Level 6.2.
    Av1 {
        level: u32,
    },
    OtherVideo,
    AacLc,
    HeAac,
    HeAacV2,
    OtherAudio,
    WebVtt,
    Imsc1,
    Unknown,
}

/// The three bytes after `avc1.`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct H264 {
    pub(crate) profile: u8,
    /// The level times 10.
    pub(crate) level: u8,
}

impl H264 {
    const BASELINE: u8 = 66;
    const MAIN: u8 = 77;
    const EXTENDED: u8 = 88;
    pub(crate) const HIGH: u8 = 100;

    /// Whether the profile is High or less.
    pub(crate) fn is_at_most_high(self) -> bool {
        matches!(
            self.profile,
            Self::BASELINE | Self::MAIN | Self::EXTENDED | Self::HIGH
        )
    }
}

impl Format {
    pub(crate) fn of(codec: &str) -> Self {
        let mut parts = codec.trim().split('.');
        let kind = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        match kind {
            "avc1" | "avc3" => match rest
                .first()
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            {
                Some(bytes) => {
                    let [_, profile, _, level] = bytes.to_be_bytes();
                    Self::H264(H264 { profile, level })
                }
                None => Self::H264(H264 {
                    profile: 0,
                    level: 0,
                }),
            },
            "hvc1" | "hev1" => Self::Hevc {
                profile: number(rest.first().map(|p| p.trim_start_matches(['A', 'B', 'C']))),
                level: number(
                    rest.get(2)
                        .map(|level| level.trim_start_matches(['L', 'H'])),
                ),
            },
            "dvh1" | "dvhe" | "dvav" | "dva1" | "dav1" => Self::DolbyVision,
            "av01" => Self::Av1 {
                level: number(rest.get(1).map(|level| level.trim_end_matches(['M', 'H']))),
            },
            "vp08" | "vp09" | "vp8" | "vp9" | "mjpg" | "mp4v" => Self::OtherVideo,
            "mp4a" => match rest[..] {
                ["40", "2"] => Self::AacLc,
                ["40", "5"] => Self::HeAac,
                ["40", "29"] => Self::HeAacV2,
                _ => Self::OtherAudio,
            },
            "ac-3" | "ec-3" | "fLaC" | "alac" | "Opus" | "opus" | "mp3" => Self::OtherAudio,
            "wvtt" => Self::WebVtt,
            "stpp" => Self::Imsc1,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn is_video(self) -> bool {
        matches!(
            self,
            Self::H264(_)
                | Self::Hevc { .. }
                | Self::DolbyVision
                | Self::Av1 { .. }
                | Self::OtherVideo
        )
    }

    pub(crate) fn is_audio(self) -> bool {
        matches!(
            self,
            Self::AacLc | Self::HeAac | Self::HeAacV2 | Self::OtherAudio
        )
    }

    pub(crate) fn is_aac(self) -> bool {
        matches!(self, Self::AacLc | Self::HeAac | Self::HeAacV2)
    }
}

/// The number of a part of a codec name; 0, which breaks no rule, when there is none.
fn number(text: Option<&str>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_format_profile_and_level() {
        let h264 = |profile, level| Format::H264(H264 { profile, level });
        assert_eq!(Format::of("avc1.64001f"), h264(H264::HIGH, 31));
        assert_eq!(Format::of("avc3.4d4028"), h264(H264::MAIN, 40));
        assert_eq!(
            Format::of("hvc1.2.4.L153.B0"),
            Format::Hevc {
                profile: 2,
                level: 153
            }
        );
        assert_eq!(Format::of("av01.0.19M.08"), Format::Av1 { level: 19 });
        assert_eq!(Format::of("mp4a.40.2"), Format::AacLc);
        assert_eq!(Format::of("mp4a.40.29"), Format::HeAacV2);
        assert_eq!(Format::of("stpp.ttml.im1t"), Format::Imsc1);
        assert_eq!(Format::of(""), Format::Unknown);
    }
}
