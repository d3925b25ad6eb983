//! An MPEG-DASH manifest over the same CMAF segments the HLS playlists name
//! (ISO/IEC 23009-1, profile `urn:mpeg:dash:profile:isoff-live:2011`).

use std::fmt;

use crate::media_playlist::Ticks;

/// A static presentation of one period; its [`Display`](fmt::Display) is the whole `.mpd` file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DashManifest {
    /// How long the presentation is.
    pub duration: Ticks,
    /// Seconds of media a player should have before it starts (`@minBufferTime`).
    pub min_buffer_secs: u32,
    /// The tracks. All video tracks show the same and switch seamlessly; likewise all audio tracks.
    pub tracks: Vec<DashTrack>,
}

/// One track, written as a `Representation`.
///
/// Its files are `{id}/init.mp4` and `{id}/seg_00000.m4s`, `{id}/seg_00001.m4s` and so on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DashTrack {
    /// `@id`, which is also the folder of its files. It holds no whitespace.
    pub id: String,
    /// `@mimeType`: `video/mp4` or `audio/mp4`.
    pub mime: String,
    /// `@codecs`: the RFC 6381 name.
    pub codecs: String,
    /// `@bandwidth`, in bits a second.
    pub bandwidth: u64,
    /// What it shows or plays.
    pub media: DashMedia,
    /// Units of `segment_durations` in a second.
    pub timescale: u32,
    /// The durations of the segments; the first one starts at 0.
    pub segment_durations: Vec<u64>,
}

/// What a [`DashTrack`] shows or plays.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DashMedia {
    /// Pictures, square-pixelled.
    Video {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Frames a second as a fraction: numerator, then denominator.
        frame_rate: (u32, u32),
    },
    /// Sound.
    Audio {
        /// Samples a second.
        sample_rate: u32,
        /// How many channels.
        channels: u32,
        /// BCP 47 tag of the spoken language; `und` when it is not known.
        language: String,
    },
}

impl fmt::Display for DashManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(
            f,
            r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT{}S" minBufferTime="PT{}S">"#,
            self.duration, self.min_buffer_secs,
        )?;
        writeln!(f, r#"  <Period id="0" start="PT0S">"#)?;
        let (video, audio): (Vec<_>, Vec<_>) = self
            .tracks
            .iter()
            .partition(|track| matches!(track.media, DashMedia::Video { .. }));
        write_adaptation_set(f, "video", &video)?;
        write_adaptation_set(f, "audio", &audio)?;
        writeln!(f, "  </Period>")?;
        writeln!(f, "</MPD>")
    }
}

/// Writes the set of tracks a player may switch between; nothing when there are none.
fn write_adaptation_set(
    f: &mut fmt::Formatter<'_>,
    content_type: &str,
    tracks: &[&DashTrack],
) -> fmt::Result {
    let Some(first) = tracks.first() else {
        return Ok(());
    };
    write!(f, r#"    <AdaptationSet contentType="{content_type}""#)?;
    if let DashMedia::Audio { language, .. } = &first.media {
        write!(f, r#" lang="{}""#, Escaped(language))?;
    }
    writeln!(f, r#" segmentAlignment="true" startWithSAP="1">"#)?;
    for track in tracks {
        write!(f, "{track}")?;
    }
    writeln!(f, "    </AdaptationSet>")
}

impl fmt::Display for DashTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"      <Representation id="{}" mimeType="{}" codecs="{}" bandwidth="{}""#,
            Escaped(&self.id),
            Escaped(&self.mime),
            Escaped(&self.codecs),
            self.bandwidth,
        )?;
        match &self.media {
            DashMedia::Video {
                width,
                height,
                frame_rate: (numerator, denominator),
            } => {
                write!(f, r#" width="{width}" height="{height}" sar="1:1""#)?;
                match denominator {
                    1 => writeln!(f, r#" frameRate="{numerator}">"#)?,
                    _ => writeln!(f, r#" frameRate="{numerator}/{denominator}">"#)?,
                }
            }
            DashMedia::Audio {
                sample_rate,
                channels,
                ..
            } => {
                writeln!(f, r#" audioSamplingRate="{sample_rate}">"#)?;
                writeln!(
                    f,
                    r#"        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="{channels}"/>"#,
                )?;
            }
        }
        writeln!(
            f,
            r#"        <SegmentTemplate timescale="{}" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/seg_$Number%05d$.m4s" startNumber="0">"#,
            self.timescale,
        )?;
        writeln!(f, "          <SegmentTimeline>")?;
        for (index, run) in self.segment_durations.chunk_by(|a, b| a == b).enumerate() {
            // Only the first run says where it starts: the others follow without a gap.
            let start = if index == 0 { r#" t="0""# } else { "" };
            write!(f, r#"            <S{start} d="{}""#, run[0])?;
            if run.len() > 1 {
                write!(f, r#" r="{}""#, run.len() - 1)?;
            }
            writeln!(f, "/>")?;
        }
        writeln!(f, "          </SegmentTimeline>")?;
        writeln!(f, "        </SegmentTemplate>")?;
        writeln!(f, "      </Representation>")
    }
}

/// Text inside a double-quoted XML attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '"' => f.write_str("&quot;"),
            _ => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn video(id: &str, segment_durations: Vec<u64>) -> DashTrack {
        DashTrack {
            id: id.to_owned(),
            mime: "video/mp4".to_owned(),
            codecs: "avc1.64001f".to_owned(),
            bandwidth: 3_000_000,
            media: DashMedia::Video {
                width: 1280,
                height: 720,
                frame_rate: (30_000, 1001),
            },
            timescale: 30_000,
            segment_durations,
        }
    }

    fn audio(language: &str) -> DashTrack {
        DashTrack {
            id: "audio".to_owned(),
            mime: "audio/mp4".to_owned(),
            codecs: "mp4a.40.2".to_owned(),
            bandwidth: 130_000,
            media: DashMedia::Audio {
                sample_rate: 48_000,
                channels: 2,
                language: language.to_owned(),
            },
            timescale: 48_000,
            segment_durations: vec![192_512, 191_488],
        }
    }

    fn manifest(tracks: Vec<DashTrack>) -> DashManifest {
        DashManifest {
            duration: Ticks {
                ticks: 290_290,
                timescale: 30_000,
            },
            min_buffer_secs: 4,
            tracks,
        }
    }

    #[test]
    fn manifest_shares_one_set_for_all_video_and_another_for_audio() {
        let durations = vec![120_120, 120_120, 50_050];
        let mut small = video("360p", durations.clone());
        small.media = DashMedia::Video {
            width: 640,
            height: 360,
            frame_rate: (30, 1),
        };
        let manifest = manifest(vec![video("720p", durations), audio("en"), small]);
        insta::assert_snapshot!(manifest, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT9.676333S" minBufferTime="PT4S">
          <Period id="0" start="PT0S">
            <AdaptationSet contentType="video" segmentAlignment="true" startWithSAP="1">
              <Representation id="720p" mimeType="video/mp4" codecs="avc1.64001f" bandwidth="3000000" width="1280" height="720" sar="1:1" frameRate="30000/1001">
                <SegmentTemplate timescale="30000" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/seg_$Number%05d$.m4s" startNumber="0">
                  <SegmentTimeline>
                    <S t="0" d="120120" r="1"/>
                    <S d="50050"/>
                  </SegmentTimeline>
                </SegmentTemplate>
              </Representation>
              <Representation id="360p" mimeType="video/mp4" codecs="avc1.64001f" bandwidth="3000000" width="640" height="360" sar="1:1" frameRate="30">
                <SegmentTemplate timescale="30000" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/seg_$Number%05d$.m4s" startNumber="0">
                  <SegmentTimeline>
                    <S t="0" d="120120" r="1"/>
                    <S d="50050"/>
                  </SegmentTimeline>
                </SegmentTemplate>
              </Representation>
            </AdaptationSet>
            <AdaptationSet contentType="audio" lang="en" segmentAlignment="true" startWithSAP="1">
              <Representation id="audio" mimeType="audio/mp4" codecs="mp4a.40.2" bandwidth="130000" audioSamplingRate="48000">
                <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
                <SegmentTemplate timescale="48000" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/seg_$Number%05d$.m4s" startNumber="0">
                  <SegmentTimeline>
                    <S t="0" d="192512"/>
                    <S d="191488"/>
                  </SegmentTimeline>
                </SegmentTemplate>
              </Representation>
            </AdaptationSet>
          </Period>
        </MPD>
        "#);
    }

    #[test]
    fn manifest_without_audio_has_no_audio_set() {
        let text = manifest(vec![video("720p", vec![120_120])]).to_string();
        assert_eq!(text.matches("<AdaptationSet ").count(), 1);
    }

    #[test]
    fn attribute_values_are_escaped() {
        let text = manifest(vec![audio("\"><&")]).to_string();
        assert!(text.contains(r#"lang="&quot;>&lt;&amp;""#), "{text}");
    }

    proptest! {
        #[test]
        fn timeline_runs_add_up_to_the_segments(
            durations in prop::collection::vec(1_u64..4, 0..40),
        ) {
            let text = manifest(vec![video("720p", durations.clone())]).to_string();
            let attribute = |line: &str, name: &str| -> Option<u64> {
                let start = line.find(&format!(" {name}=\""))? + name.len() + 3;
                line[start..].split('"').next()?.parse().ok()
            };
            let mut read = Vec::new();
            for line in text.lines().filter(|line| line.trim_start().starts_with("<S ")) {
                let duration = attribute(line, "d").unwrap();
                let repeats = attribute(line, "r").unwrap_or(0);
                read.extend((0..=repeats).map(|_| duration));
            }
            prop_assert_eq!(read, durations);
        }
    }
}
