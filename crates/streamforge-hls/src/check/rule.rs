//! The table of rules: what each one says, how strong it is, and where it is written down.

use std::fmt;

use serde::{Serialize, Serializer};

/// Whether breaking a rule fails a package ([RFC 2119](https://www.rfc-editor.org/rfc/rfc2119)).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Strength {
    /// MUST, MUST NOT, SHALL NOT, REQUIRED: a broken rule is a [`Fail`](super::Verdict::Fail).
    Must,
    /// SHOULD, SHOULD NOT, RECOMMENDED: a broken rule is a [`Warn`](super::Verdict::Warn).
    Should,
}

/// Declares [`Rule`]. The first line of a rule's doc comment is the sentence users read; lines
/// after it say where the checker departs from the text and why.
macro_rules! rules {
    ($(
        #[doc = $sentence:literal]
        $(#[doc = $note:literal])*
        $rule:ident = $id:literal, $strength:ident;
    )+) => {
        /// A rule the checker knows.
        ///
        /// `Apple` rules are those of the [HLS authoring specification for Apple
        /// devices](https://developer.apple.com/documentation/http-live-streaming/hls-authoring-specification-for-apple-devices),
        /// by its numbering; the others are sections of
        /// [RFC 8216](https://www.rfc-editor.org/rfc/rfc8216), with a word in parentheses where one
        /// section holds several rules.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Rule {
            $(
                #[doc = $sentence]
                $(#[doc = $note])*
                $rule,
            )+
        }

        impl Rule {
            /// Every rule, in the order of the two documents.
            pub const ALL: &[Self] = &[$(Self::$rule),+];

            /// What people quote: `Apple 7.4`, `RFC 8216 4.3.3.1`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$rule => $id,)+ }
            }

            /// Whether breaking it fails a package.
            pub const fn strength(self) -> Strength {
                match self { $(Self::$rule => Strength::$strength,)+ }
            }

            /// What it asks for, as one sentence.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$rule => $sentence.trim_ascii(),)+ }
            }
        }
    };
}

rules! {
    // RFC 8216, the text of playlists.

    /// A presentation that has ended contains at least one media segment.
    Rfc2 = "RFC 8216 2", Must;
    /// An MPEG-TS segment is whole packets, among them a PAT, a PMT and what they name.
    Rfc3_2 = "RFC 8216 3.2", Must;
    /// The first two packets of an MPEG-TS segment are a PAT and a PMT.
    Rfc3_2First = "RFC 8216 3.2 (first)", Should;
    /// An fMP4 init segment has a `moov`, and a segment `moof` boxes with a `tfdt` and their samples.
    Rfc3_3 = "RFC 8216 3.3", Must;
    /// A playlist is told by a path ending in .m3u8 or .m3u, or by its Content-Type.
    Rfc4 = "RFC 8216 4", Must;
    /// A playlist is UTF-8 without a byte order mark, control characters or stray whitespace.
    Rfc4_1 = "RFC 8216 4.1", Must;
    /// A playlist is either a media playlist or a multivariant playlist, not both.
    Rfc4_1Kind = "RFC 8216 4.1 (kind)", Must;
    /// An attribute list is NAME=value pairs with commas between them.
    Rfc4_2 = "RFC 8216 4.2", Must;
    /// No attribute appears twice in one list.
    Rfc4_2Duplicate = "RFC 8216 4.2 (duplicate)", Must;
    /// The value of an attribute has the type the attribute is defined with.
    Rfc4_2Type = "RFC 8216 4.2 (type)", Must;
    /// An attribute is one that its tag is defined with.
    ///
    /// Players must ignore attributes they do not know, so it is no fault to have one; it is
    /// reported as a warning because it is nearly always a slip of the pen. `X-` names are free.
    Rfc4_2Unknown = "RFC 8216 4.2 (unknown)", Should;
    /// The attributes a tag requires are there.
    Rfc4_3Required = "RFC 8216 4.3 (required)", Must;
    /// The value of a tag has the form the tag is defined with.
    Rfc4_3Value = "RFC 8216 4.3 (value)", Must;
    /// The first line is #EXTM3U.
    Rfc4_3_1_1 = "RFC 8216 4.3.1.1", Must;
    /// There is at most one EXT-X-VERSION.
    Rfc4_3_1_2 = "RFC 8216 4.3.1.2", Must;
    /// Every segment has an EXTINF, and every EXTINF a segment.
    Rfc4_3_2_1 = "RFC 8216 4.3.2.1", Must;
    /// A byte range lies inside its resource, and one without an offset follows another range of it.
    Rfc4_3_2_2 = "RFC 8216 4.3.2.2", Must;
    /// A tag that describes the whole playlist appears at most once.
    Rfc4_3_3 = "RFC 8216 4.3.3", Must;
    /// A media playlist has an EXT-X-TARGETDURATION.
    Rfc4_3_3_1 = "RFC 8216 4.3.3.1", Must;
    /// No EXTINF, rounded to the nearest second, is above the target duration.
    Rfc4_3_3_1Extinf = "RFC 8216 4.3.3.1 (EXTINF)", Must;
    /// EXT-X-MEDIA-SEQUENCE comes before the first segment.
    Rfc4_3_3_2 = "RFC 8216 4.3.3.2", Must;
    /// EXT-X-ENDLIST comes after the last segment.
    ///
    /// The RFC lets the tag stand anywhere; it is a warning because people who read a playlist, and
    /// players that read it line by line, take it for the end.
    Rfc4_3_3_4 = "RFC 8216 4.3.3.4", Should;
    /// An entry of an I-frame playlist is one I-frame and lasts until the next one.
    Rfc4_3_3_6 = "RFC 8216 4.3.3.6", Must;
    /// A rendition has a URI where its type has media of its own, and its flags agree.
    Rfc4_3_4_1 = "RFC 8216 4.3.4.1", Must;
    /// Renditions of one group have names of their own and at most one DEFAULT.
    Rfc4_3_4_1_1 = "RFC 8216 4.3.4.1.1", Must;
    /// An EXT-X-STREAM-INF is followed by the URI of its media playlist.
    Rfc4_3_4_2Uri = "RFC 8216 4.3.4.2 (URI)", Must;
    /// A group a variant names is one that an EXT-X-MEDIA of that type defines.
    Rfc4_3_4_2Group = "RFC 8216 4.3.4.2 (group)", Must;
    /// CODECS names exactly the formats in the segments.
    Rfc4_3_4_2Codecs = "RFC 8216 4.3.4.2 (CODECS)", Must;
    /// RESOLUTION is the size of the pictures.
    Rfc4_3_4_2Resolution = "RFC 8216 4.3.4.2 (RESOLUTION)", Must;
    /// FRAME-RATE is the highest frame rate, rounded to three decimals.
    ///
    /// Rates are taken from whole segments, so 0.05 % is allowed for clocks too coarse for the rate;
    /// 29.97 is still told from 30.
    Rfc4_3_4_2FrameRate = "RFC 8216 4.3.4.2 (FRAME-RATE)", Must;
    /// Every resource a playlist names is there.
    Rfc6_2_1 = "RFC 8216 6.2.1", Must;
    /// A playlist with the last segment of a presentation has an EXT-X-ENDLIST.
    Rfc6_2_1End = "RFC 8216 6.2.1 (ENDLIST)", Must;
    /// If any media playlist has an EXT-X-PLAYLIST-TYPE, all have the same.
    Rfc6_2_4Type = "RFC 8216 6.2.4 (PLAYLIST-TYPE)", Must;
    /// Matching content has matching timestamps: all playlists start at the same media time.
    Rfc6_2_4Time = "RFC 8216 6.2.4 (timestamps)", Must;
    /// EXT-X-VERSION is high enough for what the playlist uses.
    Rfc7 = "RFC 8216 7", Must;

    // Apple, video.

    /// All video is H.264, HEVC, Dolby Vision or AV1.
    Apple1_1 = "Apple 1.1", Must;
    /// H.264 is in fMP4 or in an MPEG transport stream.
    Apple1_2 = "Apple 1.2", Must;
    /// Some H.264 variant is at most High Profile, Level 4.1.
    Apple1_3a = "Apple 1.3a", Should;
    /// H.264 is at most High Profile, Level 5.2.
    Apple1_3b = "Apple 1.3b", Must;
    /// H.264 is High Profile rather than Main or Baseline.
    Apple1_4 = "Apple 1.4", Should;
    /// HEVC is in fMP4.
    Apple1_5 = "Apple 1.5", Must;
    /// HEVC is at most Main 10 Profile, Level 5.1, High Tier.
    Apple1_6b = "Apple 1.6b", Must;
    /// Parameter sets are in the sample description: avc1, hvc1, dvh1 rather than avc3, hev1, dvhe.
    Apple1_10 = "Apple 1.10", Should;
    /// No H.264 level is higher than size, frame rate and bit rate need.
    Apple1_11 = "Apple 1.11", Should;
    /// Some video is H.264.
    Apple1_12 = "Apple 1.12", Should;
    /// Key frames come at least every two seconds.
    ///
    /// Judged by the sync flags of fMP4 samples. Half a second more is allowed, for segments that
    /// are not a multiple of two seconds.
    Apple1_13 = "Apple 1.13", Should;
    /// No frame rate is above 60.
    Apple1_19 = "Apple 1.19", Must;
    /// There is an SDR variant.
    Apple1_24 = "Apple 1.24", Must;
    /// The average segment bit rate is within 10 % of AVERAGE-BANDWIDTH (VOD).
    Apple1_26 = "Apple 1.26", Must;
    /// The peak segment bit rate is within 10 % of BANDWIDTH (VOD).
    Apple1_27 = "Apple 1.27", Must;
    /// The peak bit rate is at most twice the average (VOD).
    Apple1_30 = "Apple 1.30", Should;
    /// The first variant is the one whose average is nearest to 2000 kbit/s.
    Apple1_32 = "Apple 1.32", Should;
    /// All variants have the same aspect ratio.
    ///
    /// Two pixels are allowed, because sizes are rounded to even ones.
    Apple1_33 = "Apple 1.33", Should;
    /// Where there is UHD, some UHD variant is at most 15 Mbit/s.
    Apple1_34 = "Apple 1.34", Should;
    /// AV1 is at most Level 6.2.
    Apple1_37 = "Apple 1.37", Must;

    // Apple, audio.

    /// There is stereo audio in AAC, HE-AAC v1 or HE-AAC v2.
    ///
    /// Not applicable to a package without any audio: silence is the source's, not a defect of
    /// packaging. Mono AAC, which plays wherever stereo does, is a warning.
    Apple2_3 = "Apple 2.3", Must;
    /// HE-AAC is not used above 64 kbit/s.
    Apple2_4 = "Apple 2.4", Should;
    /// Stereo AAC is 32 to 160 kbit/s.
    ///
    /// A tenth more is allowed for what the container adds.
    Apple2_9 = "Apple 2.9", Should;
    /// The channel layout changes only at an EXT-X-DISCONTINUITY.
    Apple2_11 = "Apple 2.11", Must;
    /// Audio description is marked CHARACTERISTICS="public.accessibility.describes-video".
    ///
    /// Only its name can tell that a rendition is audio description, so an unmarked one is a
    /// warning.
    Apple2_12 = "Apple 2.12", Must;
    /// Audio description has AUTOSELECT=YES.
    Apple2_13 = "Apple 2.13", Must;
    /// The name of audio description says so.
    Apple2_14 = "Apple 2.14", Should;
    /// Alternative audio lasts as long as the content.
    Apple2_15 = "Apple 2.15", Must;
    /// No segment has more than one audio stream.
    Apple2_17 = "Apple 2.17", Must;
    /// Audio description has a LANGUAGE.
    Apple2_27 = "Apple 2.27", Must;

    // Apple, accessibility and subtitles. Not having captions is no defect of packaging, so all of
    // these apply only to what is declared.

    /// Closed captions are declared with a LANGUAGE.
    Apple4_4 = "Apple 4.4", Must;
    /// Subtitles for the deaf and hard of hearing have both characteristics that mark them.
    Apple4_5 = "Apple 4.5", Must;
    /// Subtitles for the deaf and hard of hearing have AUTOSELECT=YES.
    Apple4_6 = "Apple 4.6", Must;
    /// Subtitles have a LANGUAGE.
    Apple4_7 = "Apple 4.7", Must;
    /// Subtitles are `WebVTT` or IMSC1 in fMP4.
    Apple5_2 = "Apple 5.2", Must;
    /// `WebVTT` segments have an X-TIMESTAMP-MAP.
    Apple5_3 = "Apple 5.3", Must;
    /// Subtitle playlists span the whole content.
    Apple5_5 = "Apple 5.5", Must;
    /// CODECS names the kind of subtitles.
    Apple5_10 = "Apple 5.10", Should;
    /// Forced subtitles have AUTOSELECT=YES.
    Apple5_11 = "Apple 5.11", Should;

    // Apple, trick play.

    /// There are I-frame playlists (EXT-X-I-FRAME-STREAM-INF).
    Apple6_1 = "Apple 6.1", Must;
    /// Some I-frame playlist has a frame a second.
    Apple6_2 = "Apple 6.2", Should;
    /// There are several I-frame playlists with different bit rates.
    ///
    /// Not applicable where there is one variant: there is only one size to choose.
    Apple6_6 = "Apple 6.6", Should;
    /// I-frame playlists have the EXT-X-I-FRAMES-ONLY tag.
    Apple6_8 = "Apple 6.8", Must;
    /// BANDWIDTH of an I-frame playlist is its peak segment bit rate.
    ///
    /// 10 % is allowed, as for variants.
    Apple6_9 = "Apple 6.9", Must;
    /// An I-frame of fMP4 comes with its `moof`.
    Apple6_10 = "Apple 6.10", Must;
    /// Some trick play is H.264.
    Apple6_14 = "Apple 6.14", Should;
    /// There is SDR trick play.
    Apple6_16 = "Apple 6.16", Must;

    // Apple, segments.

    /// Media is continuous across segments.
    ///
    /// Judged by the presentation times of MPEG-TS; what it means for fMP4 is 7.3.
    Apple7_1 = "Apple 7.1", Must;
    /// MPEG-TS continuity counters are sequential, also from segment to segment.
    Apple7_2 = "Apple 7.2", Must;
    /// The `tfdt` of a fragment is the one before it plus the duration of its samples.
    Apple7_3 = "Apple 7.3", Must;
    /// Video segments start with an IDR frame.
    ///
    /// Read from the NAL units of H.264; for other codecs the sync flag of the sample is believed.
    Apple7_4 = "Apple 7.4", Must;
    /// The target duration is 6 seconds.
    Apple7_5 = "Apple 7.5", Should;
    /// Segments last about 6 seconds.
    ///
    /// One second either way is allowed, and any length for the last segment.
    Apple7_6 = "Apple 7.6", Should;
    /// No segment is more than half a second longer than the target duration.
    Apple7_7 = "Apple 7.7", Must;

    // Apple, media playlists.

    /// EXTINF durations of any run of segments sum to their real duration within one video frame.
    Apple8_1 = "Apple 8.1", Must;
    /// Audio and video playlists have the same target duration.
    Apple8_2 = "Apple 8.2", Must;
    /// Audio and video playlists last equally long.
    ///
    /// One frame is allowed, the longer of a video and an audio frame. Judged when all have ended.
    Apple8_3 = "Apple 8.3", Must;
    /// A playlist that will not change has the EXT-X-PLAYLIST-TYPE VOD, or EVENT if it was one.
    Apple8_6 = "Apple 8.6", Must;
    /// All VOD playlists cover the same media time.
    ///
    /// One frame is allowed, the longer of a video and an audio frame.
    Apple8_7 = "Apple 8.7", Must;
    /// A playlist that only grows has the EXT-X-PLAYLIST-TYPE EVENT.
    ///
    /// One without type and end is a warning, because it may just as well be live.
    Apple8_8 = "Apple 8.8", Must;
    /// Audio that CODECS promises is in the variant itself or in an EXT-X-MEDIA group it names.
    Apple8_9 = "Apple 8.9", Must;
    /// Every EXT-X-MEDIA but those of TYPE=VIDEO has a LANGUAGE.
    Apple8_10 = "Apple 8.10", Must;
    /// A change of encoding (codec, size, timescale) is marked by an EXT-X-DISCONTINUITY.
    Apple8_13 = "Apple 8.13", Must;
    /// A change of frame rate is marked by an EXT-X-DISCONTINUITY.
    Apple8_14 = "Apple 8.14", Must;
    /// All playlists have discontinuities at the same points in time.
    Apple8_15 = "Apple 8.15", Must;
    /// No request is answered by an HTTP redirect.
    Apple8_18 = "Apple 8.18", Must;
    /// fMP4 segments come after an EXT-X-MAP.
    Apple8_20 = "Apple 8.20", Must;
    /// All playlists have segment boundaries at the same points in time.
    ///
    /// One frame is allowed, the longer of a video and an audio frame.
    Apple8_22 = "Apple 8.22", Should;

    // Apple, the multivariant playlist.

    /// EXT-X-STREAM-INF has CODECS.
    Apple9_1 = "Apple 9.1", Must;
    /// EXT-X-STREAM-INF of video has RESOLUTION.
    Apple9_2 = "Apple 9.2", Must;
    /// EXT-X-I-FRAME-STREAM-INF has CODECS.
    Apple9_3 = "Apple 9.3", Must;
    /// EXT-X-I-FRAME-STREAM-INF has RESOLUTION.
    Apple9_4 = "Apple 9.4", Must;
    /// Video and audio are separate streams.
    Apple9_5 = "Apple 9.5", Should;
    /// There are several variants of the video.
    ///
    /// A single one whose short side is below 480 pixels is a warning: a smaller one would serve
    /// nobody, and a larger one would invent pixels the source does not have.
    Apple9_9 = "Apple 9.9", Must;
    /// HD content has two variants of the highest resolution.
    Apple9_10 = "Apple 9.10", Should;
    /// EXT-X-INDEPENDENT-SEGMENTS is in the multivariant playlist.
    Apple9_11 = "Apple 9.11", Should;
    /// EXT-X-INDEPENDENT-SEGMENTS is in the multivariant playlist or in every video playlist.
    Apple9_12 = "Apple 9.12", Must;
    /// BANDWIDTH is not below the largest sum of peak segment bit rates of what plays together.
    ///
    /// The text wants it equal. Too much is left to 1.27, which allows 10 %; of too little 0.1 % is
    /// allowed, for the rounding of EXTINF. This is the one rule about rates that also holds for a
    /// playlist still growing.
    Apple9_13 = "Apple 9.13", Must;
    /// EXT-X-STREAM-INF has AVERAGE-BANDWIDTH.
    Apple9_14 = "Apple 9.14", Must;
    /// EXT-X-STREAM-INF of video has FRAME-RATE.
    Apple9_15 = "Apple 9.15", Must;
    /// HDR variants have a VIDEO-RANGE.
    ///
    /// HDR is told by the colour box (`colr`) or by a Dolby Vision codec.
    Apple9_16 = "Apple 9.16", Must;
    /// No variant is audio only.
    ///
    /// A MUST of tvOS alone, so a warning here.
    Apple9_20 = "Apple 9.20", Should;

    // Apple, delivery and privacy; judged only when a server was asked.

    /// Playlists are delivered with gzip content-encoding.
    Apple10_1 = "Apple 10.1", Must;
    /// Resources have the recommended MIME types.
    Apple10_4 = "Apple 10.4", Should;
    /// The multivariant playlist is delivered over TLS.
    Apple11_1 = "Apple 11.1", Should;
    /// Media playlists are delivered over TLS.
    Apple11_2 = "Apple 11.2", Should;
    /// Media segments are delivered over TLS.
    Apple11_3 = "Apple 11.3", Should;
}

impl Rule {
    /// Where the rule is written down.
    pub fn link(self) -> String {
        match self.id().strip_prefix("RFC 8216 ") {
            Some(section) => {
                let section = section.split(' ').next().unwrap_or(section);
                format!("https://www.rfc-editor.org/rfc/rfc8216#section-{section}")
            }
            None => "https://developer.apple.com/documentation/http-live-streaming/\
                     hls-authoring-specification-for-apple-devices"
                .to_owned(),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// As its [`id`](Rule::id).
impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_rules_have_the_same_id() {
        let ids: HashSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
    }

    #[test]
    fn every_rule_says_what_it_wants_in_one_sentence() {
        for rule in Rule::ALL {
            let sentence = rule.sentence();
            assert!(
                sentence.ends_with('.') && sentence.len() < 110,
                "{rule}: {sentence}"
            );
        }
    }

    #[test]
    fn rule_links_to_its_section() {
        assert_eq!(
            Rule::Rfc4_3_3_1Extinf.link(),
            "https://www.rfc-editor.org/rfc/rfc8216#section-4.3.3.1"
        );
        assert!(
            Rule::Apple7_4
                .link()
                .contains("hls-authoring-specification")
        );
    }
}
