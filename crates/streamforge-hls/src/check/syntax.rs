//! Rules about the text of any playlist: lines, tags, attributes, version
//! (RFC 8216 §4.1 to §4.3 and §7).

use std::collections::HashSet;

use super::grammar::{self, AttributeGrammar, Requirement, Scope, TagValue};
use super::playlist::{AttributeList, AttributeValue, Content, Line, Playlist, Tag};
use super::report::{Findings, Location};
use super::rule::Rule;

/// Which kind of playlist a text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Media,
    Multivariant,
}

/// Judges the text of a playlist and tells its kind. A playlist that is neither kind, or both,
/// counts as a multivariant playlist if it names any variant.
pub(crate) fn judge(playlist: &Playlist, findings: &mut Findings) -> Kind {
    judge_lines(playlist, findings);
    for (line, tag) in playlist.tags() {
        if let Some(grammar) = grammar::of_tag(tag.name) {
            judge_value(playlist, line, tag, &grammar.value, findings);
        }
    }
    judge_repeats(playlist, findings);
    judge_version(playlist, findings);
    judge_kind(playlist, findings)
}

fn judge_lines(playlist: &Playlist, findings: &mut Findings) {
    let whole = || Location::whole(&playlist.uri);
    findings.judge(Rule::Rfc4_1, !playlist.has_byte_order_mark, || {
        (
            whole(),
            "starts with a byte order mark, want none".to_owned(),
        )
    });
    for line in &playlist.lines {
        let text = line.text.as_str();
        let fault = if playlist.not_utf8_line == Some(line.number) {
            Some("is not UTF-8")
        } else if text.contains(char::is_control) {
            Some("has a control character")
        } else if text.trim() != text && line.content() != Content::Ignored {
            Some("has whitespace at its start or end")
        } else {
            None
        };
        findings.judge(Rule::Rfc4_1, fault.is_none(), || {
            (
                playlist.at(line),
                format!("the line {}", fault.unwrap_or_default()),
            )
        });
    }
    let first = playlist.lines.first();
    let is_m3u = first.is_some_and(|line| line.text.trim_end() == "#EXTM3U");
    findings.judge(Rule::Rfc4_3_1_1, is_m3u, || {
        let location = first.map_or_else(whole, |line| playlist.at(line));
        (location, "want #EXTM3U as the first line".to_owned())
    });
}

fn judge_value(
    playlist: &Playlist,
    line: &Line,
    tag: Tag<'_>,
    grammar: &TagValue,
    findings: &mut Findings,
) {
    let value = tag.value.unwrap_or_default();
    let wanted = match grammar {
        TagValue::Attributes(known) => {
            return judge_attributes(
                playlist,
                line,
                &AttributeList::parse(value),
                known,
                findings,
            );
        }
        TagValue::Nothing if tag.value.is_none() => None,
        TagValue::Nothing => Some("nothing after its name".to_owned()),
        TagValue::Integer if value.parse::<u64>().is_ok() => None,
        TagValue::Integer => Some("a decimal integer".to_owned()),
        TagValue::Decimal => match value.split_once(',') {
            Some((duration, _)) if grammar::is_float(duration) => None,
            _ => Some("a decimal number and a comma".to_owned()),
        },
        TagValue::OneOf(words) if words.contains(&value) => None,
        TagValue::OneOf(words) => Some(words.join(" or ")),
        TagValue::Other => None,
    };
    findings.judge(Rule::Rfc4_3Value, wanted.is_none(), || {
        let wanted = wanted.unwrap_or_default();
        (playlist.at(line), format!("got `{value}`, want {wanted}"))
    });
}

fn judge_attributes(
    playlist: &Playlist,
    line: &Line,
    list: &AttributeList<'_>,
    known: &[AttributeGrammar],
    findings: &mut Findings,
) {
    let at = || playlist.at(line);
    findings.judge(Rule::Rfc4_2, list.faults.is_empty(), || {
        let faults: Vec<_> = list.faults.iter().map(ToString::to_string).collect();
        (at(), faults.join("; "))
    });
    let mut seen = HashSet::new();
    for attribute in &list.attributes {
        let name = attribute.name;
        findings.judge(Rule::Rfc4_2Duplicate, seen.insert(name), || {
            (at(), format!("{name} appears twice"))
        });
        let grammar = known.iter().find(|(known, ..)| *known == name);
        // Names with these starts are for clients' own use and for video layouts to come.
        let is_open = name.starts_with("X-") || name.starts_with("REQ-");
        findings.judge(Rule::Rfc4_2Unknown, grammar.is_some() || is_open, || {
            (at(), format!("no such attribute: {name}"))
        });
        if let Some((_, kind, _)) = grammar {
            let quoted = matches!(attribute.value, AttributeValue::Quoted(_));
            let value = attribute.value.text();
            findings.judge(Rule::Rfc4_2Type, kind.accepts(value, quoted), || {
                let quote = if quoted { "\"" } else { "" };
                let wants = kind.wants();
                (
                    at(),
                    format!("{name} is {quote}{value}{quote}, want {wants}"),
                )
            });
        }
    }
    for (name, ..) in known.iter().filter(|(.., r)| *r == Requirement::Required) {
        findings.judge(Rule::Rfc4_3Required, list.get(name).is_some(), || {
            (at(), format!("{name} is missing"))
        });
    }
}

fn judge_repeats(playlist: &Playlist, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for (line, tag) in playlist.tags() {
        let once = grammar::of_tag(tag.name)
            .is_some_and(|grammar| matches!(grammar.scope, Scope::Either | Scope::Media));
        if !once {
            continue;
        }
        let rule = match tag.name {
            "EXT-X-VERSION" => Rule::Rfc4_3_1_2,
            _ => Rule::Rfc4_3_3,
        };
        findings.judge(rule, seen.insert(tag.name), || {
            (
                playlist.at(line),
                "the tag appears a second time, want it once".to_owned(),
            )
        });
    }
}

/// What a playlist uses that needs a version of at least this number
/// ([RFC 8216 §7](https://www.rfc-editor.org/rfc/rfc8216#section-7)).
fn needed_version(tag: Tag<'_>, is_i_frames_only: bool) -> Option<(u64, &'static str)> {
    let value = tag.value.unwrap_or_default();
    let attribute = |name| AttributeList::parse(value).text(name).unwrap_or_default();
    match tag.name {
        "EXTINF" if value.split(',').next().is_some_and(|d| d.contains('.')) => {
            Some((3, "EXTINF with decimals"))
        }
        "EXT-X-BYTERANGE" => Some((4, "EXT-X-BYTERANGE")),
        "EXT-X-I-FRAMES-ONLY" => Some((4, "EXT-X-I-FRAMES-ONLY")),
        "EXT-X-MAP" if is_i_frames_only => Some((5, "EXT-X-MAP")),
        "EXT-X-MAP" => Some((6, "EXT-X-MAP without EXT-X-I-FRAMES-ONLY")),
        "EXT-X-KEY" if attribute("METHOD") == "SAMPLE-AES" => Some((5, "METHOD=SAMPLE-AES")),
        "EXT-X-KEY" if value.contains("KEYFORMAT") => Some((5, "KEYFORMAT")),
        "EXT-X-KEY" if !attribute("IV").is_empty() => Some((2, "IV")),
        "EXT-X-MEDIA" if attribute("INSTREAM-ID").starts_with("SERVICE") => {
            Some((7, "a SERVICE of INSTREAM-ID"))
        }
        "EXT-X-SKIP" => Some((9, "EXT-X-SKIP")),
        _ => None,
    }
}

fn judge_version(playlist: &Playlist, findings: &mut Findings) {
    let version = playlist.value("EXT-X-VERSION");
    // Without the tag the playlist must do with version 1.
    let version: u64 = version
        .map_or(Some(1), |(_, v)| v.parse().ok())
        .unwrap_or(1);
    let is_i_frames_only = playlist.has_tag("EXT-X-I-FRAMES-ONLY");
    for (line, tag) in playlist.tags() {
        if let Some((needed, what)) = needed_version(tag, is_i_frames_only) {
            findings.judge(Rule::Rfc7, version >= needed, || {
                (
                    playlist.at(line),
                    format!("EXT-X-VERSION is {version}, want at least {needed} for {what}"),
                )
            });
        }
    }
}

fn judge_kind(playlist: &Playlist, findings: &mut Findings) -> Kind {
    let first_of = |scopes: &[Scope]| {
        playlist.tags().find(|(_, tag)| {
            grammar::of_tag(tag.name).is_some_and(|grammar| scopes.contains(&grammar.scope))
        })
    };
    let multivariant = first_of(&[Scope::Multivariant]);
    let media = first_of(&[Scope::Media, Scope::Segment]);
    let problem = match (multivariant, media) {
        (Some((_, of_one)), Some((line, of_other))) => Some((
            playlist.at(line),
            format!(
                "the playlist has both {} and {}",
                of_one.name, of_other.name
            ),
        )),
        (None, None) => Some((
            Location::whole(&playlist.uri),
            "the playlist has tags of neither kind".to_owned(),
        )),
        _ => None,
    };
    findings.judge(Rule::Rfc4_1Kind, problem.is_none(), || {
        problem.expect("only asked when there is one")
    });
    match multivariant {
        Some(_) => Kind::Multivariant,
        None => Kind::Media,
    }
}
