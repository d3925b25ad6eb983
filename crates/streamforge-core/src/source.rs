//! What a source is, as far as planning needs to know.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rate::FrameRate;

/// The file formats we open: each is one FFmpeg demuxer, and no other may run.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// MP4, `QuickTime`, 3GP and their fragmented forms (ISO/IEC 14496-12).
    Mov,
    /// Matroska and `WebM`.
    Matroska,
    /// MPEG-2 transport stream.
    MpegTs,
    /// MPEG program stream.
    MpegPs,
    /// Audio Video Interleave.
    Avi,
    /// Flash video.
    Flv,
    /// Ogg.
    Ogg,
    /// Advanced Systems Format (WMV).
    Asf,
}

impl Container {
    /// Every container, for tests that must hold for each.
    pub const ALL: [Self; 8] = [
        Self::Mov,
        Self::Matroska,
        Self::MpegTs,
        Self::MpegPs,
        Self::Avi,
        Self::Flv,
        Self::Ogg,
        Self::Asf,
    ];

    /// The name of FFmpeg's demuxer, as `-f` and `-format_whitelist` take it.
    pub const fn demuxer(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::MpegTs => "mpegts",
            Self::MpegPs => "mpeg",
            Self::Avi => "avi",
            Self::Flv => "flv",
            Self::Ogg => "ogg",
            Self::Asf => "asf",
        }
    }

    /// Whether FFmpeg seeks to the key frame at or before a time by an index.
    ///
    /// Without one it guesses by bisection and may land after the time asked for, so a job must seek earlier
    /// ([`crate::plan::Plan::attempts`]).
    pub const fn has_index(self) -> bool {
        matches!(self, Self::Mov | Self::Matroska | Self::Avi)
    }
}

/// A source that can become a stream. Times are microseconds on the source's own clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceProfile {
    /// The file format, decided by its first bytes.
    pub container: Container,
    /// Size of the source, in bytes.
    pub size_bytes: u64,
    /// Where FFmpeg says the container starts; its `-ss` counts from here.
    pub start_us: i64,
    /// The pictures.
    pub video: VideoTrack,
    /// The sound, if there is any.
    pub audio: Option<AudioTrack>,
}

impl SourceProfile {
    /// From the first picture or sound to the end of the last.
    pub fn duration(&self) -> Duration {
        let audio = self.audio.as_ref();
        let start = audio.map_or(self.video.start_us, |a| a.start_us.min(self.video.start_us));
        let end = audio.map_or(self.video.end_us, |a| a.end_us.max(self.video.end_us));
        Duration::from_micros(u64::try_from(end.saturating_sub(start)).unwrap_or(0))
    }
}

/// The video stream to encode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoTrack {
    /// FFmpeg's index of the stream in the file.
    pub stream_index: u32,
    /// FFmpeg's name of the codec, such as `h264`.
    pub codec: String,
    /// Width as coded, before rotation and sample aspect ratio.
    pub width: u32,
    /// Height as coded.
    pub height: u32,
    /// Shape of a sample, width over height; `(1, 1)` when square or not said.
    pub sample_aspect_ratio: (u32, u32),
    /// Whether the picture is shown turned by a quarter or three quarters.
    pub turned: bool,
    /// By how many degrees the file has the pictures turned, 0 also where it has them flipped; none: they are shown as they are.
    #[serde(default = "unknown")]
    pub rotation_degrees: Option<i64>,
    /// FFmpeg's name of the sample format, such as `yuv420p10le`.
    pub pix_fmt: String,
    /// What the sample values mean.
    pub color: Color,
    /// Whether pictures are two fields.
    pub interlaced: bool,
    /// Frame rate, as measured on the packets.
    pub rate: FrameRate,
    /// Whether the frames keep to that rate.
    pub constant_rate: bool,
    /// When the first picture is shown.
    pub start_us: i64,
    /// When the last picture ends.
    pub end_us: i64,
    /// The longest distance between key frames that the probe saw; `None` when it saw fewer than two.
    pub longest_gop_us: Option<i64>,
}

/// The rotation in plans that were made before it was asked: perhaps there is one.
#[expect(clippy::unnecessary_wraps, reason = "serde wants what the field holds")]
fn unknown() -> Option<i64> {
    Some(0)
}

impl VideoTrack {
    /// Width and height as shown: square samples, turned upright.
    pub fn display_size(&self) -> (u32, u32) {
        let (num, den) = self.sample_aspect_ratio;
        let wide =
            (u64::from(self.width) * u64::from(num) + u64::from(den) / 2) / u64::from(den.max(1));
        let wide = u32::try_from(wide).unwrap_or(u32::MAX).max(1);
        if self.turned {
            (self.height, wide)
        } else {
            (wide, self.height)
        }
    }
}

/// Colour as the stream declares it, in FFmpeg's words; `None` where it says nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Color {
    /// Whether samples use the full range (`pc`, `yuvj…`) rather than the video range.
    pub full_range: bool,
    /// `color_space`: the matrix, such as `bt709`.
    pub space: Option<String>,
    /// `color_primaries`.
    pub primaries: Option<String>,
    /// `color_transfer`, such as `smpte2084` (PQ) or `arib-std-b67` (HLG).
    pub transfer: Option<String>,
}

impl Color {
    /// Whether it is high dynamic range, which must be tone-mapped to be shown by everything.
    pub fn is_hdr(&self) -> bool {
        matches!(self.transfer.as_deref(), Some("smpte2084" | "arib-std-b67"))
    }
}

/// The audio stream to encode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AudioTrack {
    /// FFmpeg's index of the stream in the file.
    pub stream_index: u32,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// In hertz.
    pub sample_rate: u32,
    /// Its language as the file tags it (ISO 639-2), if it does.
    pub language: Option<String>,
    /// When the first sample is heard.
    pub start_us: i64,
    /// When the last sample ends.
    pub end_us: i64,
    /// Packets in a second, if all last equally long: then the place of a packet tells its time better than a container that
    /// rounds it.
    pub packet_rate: Option<FrameRate>,
}
