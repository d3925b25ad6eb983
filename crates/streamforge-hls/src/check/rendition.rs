//! Rules about `EXT-X-MEDIA`: audio description, captions, subtitles
//! (RFC 8216 §4.3.4.1; Apple 2.12 to 2.14, 2.27, 4, 5.10, 5.11 and 8.10).

use std::collections::HashSet;

use super::format::Format;
use super::multivariant::{Multivariant, Rendition};
use super::report::Findings;
use super::rule::Rule;

const DESCRIBES_VIDEO: &str = "public.accessibility.describes-video";
const TRANSCRIBES_DIALOG: &str = "public.accessibility.transcribes-spoken-dialog";
const DESCRIBES_SOUND: &str = "public.accessibility.describes-music-and-sound";

/// Judges the renditions a multivariant playlist declares.
pub(crate) fn judge(multivariant: &Multivariant, findings: &mut Findings) {
    let mut names = HashSet::new();
    let mut defaults = HashSet::new();
    for rendition in &multivariant.renditions {
        let at = || rendition.at.clone();
        let group = (rendition.kind.as_str(), rendition.group_id.as_str());
        let is_new = names.insert((group, rendition.name.as_str()));
        findings.judge(Rule::Rfc4_3_4_1_1, is_new, || {
            (
                at(),
                "the group has another rendition of this NAME".to_owned(),
            )
        });
        if rendition.is_default {
            findings.judge(Rule::Rfc4_3_4_1_1, defaults.insert(group), || {
                (
                    at(),
                    "the group has another rendition with DEFAULT=YES".to_owned(),
                )
            });
        }
        judge_attributes(rendition, findings);
        match rendition.kind.as_str() {
            "AUDIO" => judge_audio(rendition, findings),
            "SUBTITLES" => judge_subtitles(rendition, findings),
            "CLOSED-CAPTIONS" => judge_language(Rule::Apple4_4, rendition, findings),
            _ => {}
        }
    }
    judge_subtitle_codecs(multivariant, findings);
}

fn judge_attributes(rendition: &Rendition, findings: &mut Findings) {
    let fault = match rendition.kind.as_str() {
        "CLOSED-CAPTIONS" if rendition.uri.is_some() => Some("closed captions have no URI"),
        "SUBTITLES" if rendition.uri.is_none() => Some("subtitles must have a URI"),
        _ if rendition.is_default && rendition.autoselect == Some(false) => {
            Some("DEFAULT=YES and AUTOSELECT=NO disagree")
        }
        _ => None,
    };
    findings.judge(Rule::Rfc4_3_4_1, fault.is_none(), || {
        (rendition.at.clone(), fault.unwrap_or_default().to_owned())
    });
    if rendition.kind != "VIDEO" {
        judge_language(Rule::Apple8_10, rendition, findings);
    }
}

fn judge_language(rule: Rule, rendition: &Rendition, findings: &mut Findings) {
    findings.judge(rule, rendition.language.is_some(), || {
        (rendition.at.clone(), "LANGUAGE is missing".to_owned())
    });
}

fn judge_autoselect(rule: Rule, rendition: &Rendition, findings: &mut Findings) {
    findings.judge(rule, rendition.autoselect == Some(true), || {
        (rendition.at.clone(), "want AUTOSELECT=YES".to_owned())
    });
}

/// Judges audio that describes the video for those who cannot see it.
fn judge_audio(rendition: &Rendition, findings: &mut Findings) {
    let name = rendition.name.to_lowercase();
    let says_so = ["descri", "dvs"].iter().any(|word| name.contains(word));
    if rendition.has_characteristic(DESCRIBES_VIDEO) {
        findings.hold(Rule::Apple2_12);
        judge_autoselect(Rule::Apple2_13, rendition, findings);
        judge_language(Rule::Apple2_27, rendition, findings);
        findings.judge(Rule::Apple2_14, says_so, || {
            let message = "its NAME does not tell that it is audio description";
            (rendition.at.clone(), message.to_owned())
        });
    } else if says_so {
        findings.excuse(Rule::Apple2_12, || {
            let message = format!("by its NAME it is, want CHARACTERISTICS=\"{DESCRIBES_VIDEO}\"");
            (rendition.at.clone(), message)
        });
    }
}

fn judge_subtitles(rendition: &Rendition, findings: &mut Findings) {
    judge_language(Rule::Apple4_7, rendition, findings);
    if rendition.is_forced {
        judge_autoselect(Rule::Apple5_11, rendition, findings);
    }
    let marks = [TRANSCRIBES_DIALOG, DESCRIBES_SOUND];
    let marked = marks
        .iter()
        .filter(|mark| rendition.has_characteristic(mark))
        .count();
    if marked > 0 {
        findings.judge(Rule::Apple4_5, marked == marks.len(), || {
            let message = format!("want CHARACTERISTICS=\"{}\"", marks.join(","));
            (rendition.at.clone(), message)
        });
        judge_autoselect(Rule::Apple4_6, rendition, findings);
    }
}

fn judge_subtitle_codecs(multivariant: &Multivariant, findings: &mut Findings) {
    for variant in multivariant
        .variants
        .iter()
        .filter(|v| v.subtitles.is_some())
    {
        let stream = &variant.stream;
        let formats = || stream.codecs.iter().map(|codec| Format::of(codec));
        let is_named = formats().any(|f| matches!(f, Format::WebVtt | Format::Imsc1));
        findings.judge(Rule::Apple5_10, is_named, || {
            (
                stream.at.clone(),
                "want wvtt or stpp.ttml.im1t in CODECS".to_owned(),
            )
        });
    }
}

impl Rendition {
    fn has_characteristic(&self, wanted: &str) -> bool {
        self.characteristics.iter().any(|has| has.trim() == wanted)
    }
}
