//! The multivariant playlist as streams and renditions, and the rules its `EXT-X-STREAM-INF` and
//! `EXT-X-I-FRAME-STREAM-INF` tags alone can break (RFC 8216 §4.3.4.2; Apple 6.1 and 9.1 to 9.20).

use super::clock::Nanos;
use super::format::Format;
use super::playlist::{AttributeList, Content, Playlist};
use super::report::{Findings, Location};
use super::rule::Rule;
use super::uri;

/// A multivariant playlist.
#[derive(Debug)]
pub(crate) struct Multivariant {
    pub(crate) playlist: Playlist,
    pub(crate) variants: Vec<Variant>,
    pub(crate) i_frames: Vec<Stream>,
    pub(crate) renditions: Vec<Rendition>,
}

/// An `EXT-X-STREAM-INF`.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) stream: Stream,
    /// Names of the groups it plays with.
    pub(crate) audio: Option<String>,
    pub(crate) video: Option<String>,
    pub(crate) subtitles: Option<String>,
    pub(crate) closed_captions: Option<String>,
}

/// What `EXT-X-STREAM-INF` and `EXT-X-I-FRAME-STREAM-INF` have in common.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) at: Location,
    /// Of its media playlist, relative to what the multivariant playlist's is; empty when missing.
    pub(crate) uri: String,
    pub(crate) bandwidth: Option<u64>,
    pub(crate) average_bandwidth: Option<u64>,
    /// Empty when there is no `CODECS`.
    pub(crate) codecs: Vec<String>,
    pub(crate) resolution: Option<(u32, u32)>,
    /// Frames in a thousand seconds.
    pub(crate) frame_rate_millihertz: Option<u64>,
    pub(crate) video_range: Option<String>,
}

/// An `EXT-X-MEDIA`.
#[derive(Debug)]
pub(crate) struct Rendition {
    pub(crate) at: Location,
    /// `AUDIO`, `VIDEO`, `SUBTITLES` or `CLOSED-CAPTIONS`.
    pub(crate) kind: String,
    pub(crate) group_id: String,
    pub(crate) name: String,
    /// Of its media playlist; `None` when it has none.
    pub(crate) uri: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) is_default: bool,
    /// What `AUTOSELECT` says, if it is there.
    pub(crate) autoselect: Option<bool>,
    pub(crate) is_forced: bool,
    pub(crate) characteristics: Vec<String>,
}

impl Multivariant {
    pub(crate) fn read(playlist: Playlist, findings: &mut Findings) -> Self {
        let (mut variants, mut i_frames, mut renditions) = (Vec::new(), Vec::new(), Vec::new());
        for (index, line) in playlist.lines.iter().enumerate() {
            let Content::Tag(tag) = line.content() else {
                continue;
            };
            let attributes = AttributeList::parse(tag.value.unwrap_or_default());
            let at = playlist.at(line);
            let resolve = |reference: &str| uri::resolve(&playlist.base, reference);
            match tag.name {
                "EXT-X-STREAM-INF" => {
                    // The URI is the next line; only comments and empty lines may come between.
                    let mut after = playlist.lines[index + 1..]
                        .iter()
                        .map(|line| line.content());
                    let uri = match after.find(|content| *content != Content::Ignored) {
                        Some(Content::Uri(reference)) => Some(resolve(reference)),
                        _ => None,
                    };
                    findings.judge(Rule::Rfc4_3_4_2Uri, uri.is_some(), || {
                        (at.clone(), "no URI follows".to_owned())
                    });
                    variants.push(Variant::read(&attributes, uri.unwrap_or_default(), at));
                }
                "EXT-X-I-FRAME-STREAM-INF" => {
                    let uri = attributes.text("URI").map(resolve).unwrap_or_default();
                    i_frames.push(Stream::read(&attributes, uri, at));
                }
                "EXT-X-MEDIA" => {
                    let uri = attributes.text("URI").map(resolve);
                    renditions.push(Rendition::read(&attributes, uri, at));
                }
                _ => {}
            }
        }
        Self {
            playlist,
            variants,
            i_frames,
            renditions,
        }
    }

    /// The renditions of a group.
    pub(crate) fn group<'a>(
        &'a self,
        kind: &'a str,
        group_id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Rendition> {
        let in_group =
            move |r: &&Rendition| r.kind == kind && Some(r.group_id.as_str()) == group_id;
        self.renditions.iter().filter(in_group)
    }

    /// The variants that have video, as far as they say.
    pub(crate) fn video_variants(&self) -> impl Iterator<Item = &Variant> {
        self.variants
            .iter()
            .filter(|variant| variant.stream.claims_video())
    }
}

impl Variant {
    fn read(attributes: &AttributeList<'_>, uri: String, at: Location) -> Self {
        let text = |name| attributes.text(name).map(str::to_owned);
        Self {
            stream: Stream::read(attributes, uri, at),
            audio: text("AUDIO"),
            video: text("VIDEO"),
            subtitles: text("SUBTITLES"),
            closed_captions: text("CLOSED-CAPTIONS").filter(|group| group != "NONE"),
        }
    }
}

impl Stream {
    fn read(attributes: &AttributeList<'_>, uri: String, at: Location) -> Self {
        let codecs = attributes.text("CODECS").unwrap_or_default();
        let resolution = attributes.text("RESOLUTION").and_then(|text| {
            let (width, height) = text.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        });
        // Decimals are read as of a second, to nine places.
        let frame_rate = attributes.text("FRAME-RATE").and_then(Nanos::parse);
        Self {
            at,
            uri,
            bandwidth: attributes.integer("BANDWIDTH"),
            average_bandwidth: attributes.integer("AVERAGE-BANDWIDTH"),
            codecs: (codecs
                .split(',')
                .map(str::trim)
                .filter(|codec| !codec.is_empty()))
            .map(str::to_owned)
            .collect(),
            resolution,
            frame_rate_millihertz: frame_rate.and_then(|rate| (rate.0 / 1_000_000).try_into().ok()),
            video_range: attributes.text("VIDEO-RANGE").map(str::to_owned),
        }
    }

    /// Whether there is video by what the stream declares; when it declares nothing there may be.
    pub(crate) fn claims_video(&self) -> bool {
        self.resolution.is_some()
            || self.codecs.is_empty()
            || self.codecs.iter().any(|codec| Format::of(codec).is_video())
    }

    /// The shorter side of its pictures, in pixels.
    pub(crate) fn short_side(&self) -> Option<u32> {
        self.resolution.map(|(width, height)| width.min(height))
    }

    pub(crate) fn is_sdr(&self) -> bool {
        self.video_range
            .as_deref()
            .is_none_or(|range| range == "SDR")
    }
}

impl Rendition {
    fn read(attributes: &AttributeList<'_>, uri: Option<String>, at: Location) -> Self {
        let text = |name| attributes.text(name).unwrap_or_default().to_owned();
        let yes = |name| attributes.text(name).map(|value| value == "YES");
        let characteristics = attributes.text("CHARACTERISTICS").unwrap_or_default();
        Self {
            at,
            kind: text("TYPE"),
            group_id: text("GROUP-ID"),
            name: text("NAME"),
            uri,
            language: attributes.text("LANGUAGE").map(str::to_owned),
            is_default: yes("DEFAULT") == Some(true),
            autoselect: yes("AUTOSELECT"),
            is_forced: yes("FORCED") == Some(true),
            characteristics: characteristics.split(',').map(str::to_owned).collect(),
        }
    }
}

/// Judges the streams a multivariant playlist declares.
pub(crate) fn judge(multivariant: &Multivariant, findings: &mut Findings) {
    for variant in &multivariant.variants {
        judge_variant(variant, findings);
        judge_groups(multivariant, variant, findings);
    }
    for stream in &multivariant.i_frames {
        let has_codecs = !stream.codecs.is_empty();
        judge_present(Rule::Apple9_3, has_codecs, "CODECS", stream, findings);
        let has_resolution = stream.resolution.is_some();
        judge_present(
            Rule::Apple9_4,
            has_resolution,
            "RESOLUTION",
            stream,
            findings,
        );
    }
    let whole = || Location::whole(&multivariant.playlist.uri);
    if multivariant.video_variants().next().is_some() {
        findings.judge(Rule::Apple6_1, !multivariant.i_frames.is_empty(), || {
            (whole(), "there is no EXT-X-I-FRAME-STREAM-INF".to_owned())
        });
        let is_independent = multivariant.playlist.has_tag("EXT-X-INDEPENDENT-SEGMENTS");
        findings.judge(Rule::Apple9_11, is_independent, || {
            (whole(), "there is no EXT-X-INDEPENDENT-SEGMENTS".to_owned())
        });
    }
}

fn judge_present(
    rule: Rule,
    is_present: bool,
    attribute: &str,
    stream: &Stream,
    findings: &mut Findings,
) {
    findings.judge(rule, is_present, || {
        (stream.at.clone(), format!("{attribute} is missing"))
    });
}

fn judge_variant(variant: &Variant, findings: &mut Findings) {
    let stream = &variant.stream;
    judge_present(
        Rule::Apple9_1,
        !stream.codecs.is_empty(),
        "CODECS",
        stream,
        findings,
    );
    let has_average = stream.average_bandwidth.is_some();
    judge_present(
        Rule::Apple9_14,
        has_average,
        "AVERAGE-BANDWIDTH",
        stream,
        findings,
    );
    let has_video = stream.claims_video();
    findings.judge(Rule::Apple9_20, has_video, || {
        (stream.at.clone(), "the variant has no video".to_owned())
    });
    if !has_video {
        return;
    }
    let has_resolution = stream.resolution.is_some();
    judge_present(
        Rule::Apple9_2,
        has_resolution,
        "RESOLUTION",
        stream,
        findings,
    );
    let rate = stream.frame_rate_millihertz;
    judge_present(
        Rule::Apple9_15,
        rate.is_some(),
        "FRAME-RATE",
        stream,
        findings,
    );
    if let Some(rate) = rate {
        findings.judge(Rule::Apple1_19, rate <= 60_000, || {
            (
                stream.at.clone(),
                "want a FRAME-RATE of at most 60".to_owned(),
            )
        });
    }
}

/// Judges that the groups a variant names are there.
fn judge_groups(multivariant: &Multivariant, variant: &Variant, findings: &mut Findings) {
    for (kind, group) in [
        ("AUDIO", &variant.audio),
        ("VIDEO", &variant.video),
        ("SUBTITLES", &variant.subtitles),
        ("CLOSED-CAPTIONS", &variant.closed_captions),
    ] {
        let Some(group) = group else {
            continue;
        };
        let is_defined = multivariant.group(kind, Some(group)).next().is_some();
        findings.judge(Rule::Rfc4_3_4_2Group, is_defined, || {
            let message = format!("no EXT-X-MEDIA with TYPE={kind} and GROUP-ID=\"{group}\"");
            (variant.stream.at.clone(), message)
        });
    }
}
