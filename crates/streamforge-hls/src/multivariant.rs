//! The multivariant playlist: the variant streams a player chooses from
//! ([RFC 8216 §4.3.4](https://www.rfc-editor.org/rfc/rfc8216#section-4.3.4)).

use std::fmt;

use crate::attribute::QuotedString;

/// The multivariant playlist; its [`Display`](fmt::Display) is the whole `master.m3u8` file.
#[doc(alias = "master playlist")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MultivariantPlaylist {
    /// The audio all variant streams share; `None` when there is none.
    pub audio: Option<Rendition>,
    /// The variant streams. Players begin with the first one they can play.
    pub variants: Vec<VariantStream>,
    /// The I-frame playlists for trick play.
    pub i_frames: Vec<IFrameStream>,
    /// `EXT-X-VERSION`: not below that of any playlist it names.
    pub version: u32,
}

/// One `EXT-X-STREAM-INF` entry ([RFC 8216 §4.3.4.2](https://www.rfc-editor.org/rfc/rfc8216#section-4.3.4.2)).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VariantStream {
    /// Peak segment bit rate of the stream with its audio, in bits a second.
    pub bandwidth: u64,
    /// Average segment bit rate of the stream with its audio, in bits a second.
    pub average_bandwidth: u64,
    /// Every codec of the stream and its audio, as RFC 6381 names, comma-separated.
    pub codecs: String,
    /// Width and height in pixels.
    pub resolution: (u32, u32),
    /// Frames a second as a fraction: numerator, then denominator, which is not zero.
    pub frame_rate: (u32, u32),
    /// [`Rendition::group_id`] of its audio; `None` when it has none.
    pub audio_group: Option<String>,
    /// Where its media playlist is, relative to the multivariant playlist.
    pub uri: String,
}

/// One `EXT-X-I-FRAME-STREAM-INF` entry ([RFC 8216 §4.3.4.3](https://www.rfc-editor.org/rfc/rfc8216#section-4.3.4.3)).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IFrameStream {
    /// Peak bit rate of the I-frames, in bits a second.
    pub bandwidth: u64,
    /// Average bit rate of the I-frames, in bits a second.
    pub average_bandwidth: u64,
    /// The video codec, as an RFC 6381 name.
    pub codecs: String,
    /// Width and height in pixels.
    pub resolution: (u32, u32),
    /// Where its I-frame playlist is, relative to the multivariant playlist.
    pub uri: String,
}

/// One `EXT-X-MEDIA` entry of type `AUDIO` ([RFC 8216 §4.3.4.1](https://www.rfc-editor.org/rfc/rfc8216#section-4.3.4.1)).
///
/// It is written as the default of its group and as one that players may choose by themselves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendition {
    /// What [`VariantStream::audio_group`] names.
    pub group_id: String,
    /// What a player's menu shows.
    pub name: String,
    /// BCP 47 tag of the spoken language; `und` when it is not known.
    pub language: String,
    /// How many audio channels.
    pub channels: u32,
    /// Where its media playlist is, relative to the multivariant playlist.
    pub uri: String,
}

impl fmt::Display for MultivariantPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "#EXTM3U")?;
        writeln!(f, "#EXT-X-VERSION:{}", self.version)?;
        writeln!(f, "#EXT-X-INDEPENDENT-SEGMENTS")?;
        self.audio.iter().try_for_each(|audio| audio.fmt(f))?;
        self.variants
            .iter()
            .try_for_each(|variant| variant.fmt(f))?;
        self.i_frames.iter().try_for_each(|stream| stream.fmt(f))
    }
}

impl fmt::Display for Rendition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID={},NAME={},LANGUAGE={},DEFAULT=YES,AUTOSELECT=YES,\
             CHANNELS=\"{}\",URI={}",
            QuotedString(&self.group_id),
            QuotedString(&self.name),
            QuotedString(&self.language),
            self.channels,
            QuotedString(&self.uri),
        )
    }
}

impl fmt::Display for VariantStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bandwidth,
            average_bandwidth,
            codecs,
            resolution: (width, height),
            ..
        } = self;
        write!(
            f,
            "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AVERAGE-BANDWIDTH={average_bandwidth},\
             CODECS={},RESOLUTION={width}x{height},FRAME-RATE={}",
            QuotedString(codecs),
            FrameRate(self.frame_rate),
        )?;
        if let Some(group) = &self.audio_group {
            write!(f, ",AUDIO={}", QuotedString(group))?;
        }
        writeln!(f, "\n{}", self.uri)
    }
}

impl fmt::Display for IFrameStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bandwidth,
            average_bandwidth,
            codecs,
            resolution: (width, height),
            uri,
        } = self;
        writeln!(
            f,
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={bandwidth},\
             AVERAGE-BANDWIDTH={average_bandwidth},CODECS={},RESOLUTION={width}x{height},URI={}",
            QuotedString(codecs),
            QuotedString(uri),
        )
    }
}

/// `FRAME-RATE`: frames a second, rounded to the three decimals the RFC asks for.
struct FrameRate((u32, u32));

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (numerator, denominator) = self.0;
        let denominator = u64::from(denominator.max(1));
        let thousandths = (u64::from(numerator) * 1000 + denominator / 2) / denominator;
        write!(f, "{}.{:03}", thousandths / 1000, thousandths % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playlist() -> MultivariantPlaylist {
        MultivariantPlaylist {
            audio: Some(Rendition {
                group_id: "audio".to_owned(),
                name: "Original".to_owned(),
                language: "und".to_owned(),
                channels: 2,
                uri: "audio/index.m3u8".to_owned(),
            }),
            variants: vec![VariantStream {
                bandwidth: 3_128_000,
                average_bandwidth: 2_411_000,
                codecs: "avc1.64001f,mp4a.40.2".to_owned(),
                resolution: (1280, 720),
                frame_rate: (30_000, 1001),
                audio_group: Some("audio".to_owned()),
                uri: "720p/index.m3u8".to_owned(),
            }],
            i_frames: vec![IFrameStream {
                bandwidth: 260_000,
                average_bandwidth: 190_000,
                codecs: "avc1.64001f".to_owned(),
                resolution: (1280, 720),
                uri: "720p/iframes.m3u8".to_owned(),
            }],
            version: 7,
        }
    }

    #[test]
    fn variant_stream_names_bandwidths_codecs_resolution_frame_rate_and_audio() {
        insta::assert_snapshot!(playlist(), @r#"
        #EXTM3U
        #EXT-X-VERSION:7
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Original",LANGUAGE="und",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/index.m3u8"
        #EXT-X-STREAM-INF:BANDWIDTH=3128000,AVERAGE-BANDWIDTH=2411000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"
        720p/index.m3u8
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=260000,AVERAGE-BANDWIDTH=190000,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="720p/iframes.m3u8"
        "#);
    }

    #[test]
    fn stream_without_audio_names_no_audio_group() {
        let mut playlist = playlist();
        playlist.audio = None;
        playlist.variants[0].audio_group = None;
        assert!(!playlist.to_string().contains("AUDIO"));
    }

    #[test]
    fn frame_rate_is_rounded_to_three_decimals() {
        let text = |n, d| FrameRate((n, d)).to_string();
        assert_eq!(text(24_000, 1001), "23.976");
        assert_eq!(text(60_000, 1001), "59.940");
        assert_eq!(text(25, 1), "25.000");
        assert_eq!(text(25, 0), "25.000");
    }

    #[test]
    fn rendition_name_cannot_inject_a_tag() {
        let mut playlist = playlist();
        playlist.audio.as_mut().unwrap().name = "a\"\n#EXT-X-ENDLIST".to_owned();
        let text = playlist.to_string();
        assert_eq!(text.lines().count(), 7);
        assert!(text.contains("NAME=\"a#EXT-X-ENDLIST\""));
    }
}
