//! What the checker found, for machines (serde) and for people ([`Display`](fmt::Display)).

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::rule::{Rule, Strength};

/// How many offending places of one rule are listed; of the others only the number is told.
const PLACES_LISTED: usize = 5;
/// How many characters of a playlist's line are quoted.
const LINE_QUOTED: usize = 160;

/// What became of one rule at one place, or in the whole package.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There is nothing in the package to judge the rule by.
    NotApplicable,
    /// The rule holds everywhere.
    Pass,
    /// A SHOULD is broken, or a MUST for a reason its documentation excuses.
    Warn,
    /// A MUST is broken.
    Fail,
}

/// One thing the checker has to say.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The rule it is about.
    pub rule: Rule,
    /// What became of the rule.
    pub verdict: Verdict,
    /// The offending place; `None` for what holds, does not apply, or is about several places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What was got and what is wanted.
    pub message: String,
}

/// A place in a package.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Location {
    /// The resource, as its URI relative to the multivariant playlist.
    pub file: String,
    /// Where in it.
    #[serde(flatten)]
    pub place: Place,
}

/// A place in a resource.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// All of it.
    Whole {},
    /// A line of a playlist.
    Line {
        /// Counted from 1.
        line: usize,
        /// What it says; the start of it, when it is long.
        text: String,
    },
    /// Bytes of a segment.
    Bytes {
        /// From the start of the resource.
        offset: u64,
        /// The box they are, such as `moof/traf/tfdt`; `None` outside of boxes.
        #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
        box_path: Option<&'static str>,
    },
}

impl Location {
    /// All of a resource.
    pub(crate) fn whole(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            place: Place::Whole {},
        }
    }

    /// A line of a playlist.
    pub(crate) fn line(file: &str, line: usize, text: &str) -> Self {
        let text = match text.char_indices().nth(LINE_QUOTED) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        Self {
            file: file.to_owned(),
            place: Place::Line { line, text },
        }
    }

    /// A byte of a resource.
    pub(crate) fn byte(file: &str, offset: u64) -> Self {
        Self {
            file: file.to_owned(),
            place: Place::Bytes {
                offset,
                box_path: None,
            },
        }
    }

    /// A box of a resource.
    pub(crate) fn in_box(file: &str, offset: u64, box_path: &'static str) -> Self {
        Self {
            file: file.to_owned(),
            place: Place::Bytes {
                offset,
                box_path: Some(box_path),
            },
        }
    }
}

impl Location {
    fn printable(mut self) -> Self {
        self.file = printable(self.file);
        if let Place::Line { text, .. } = &mut self.place {
            *text = printable(std::mem::take(text));
        }
        self
    }
}

/// `text` without control characters: playlists come from strangers, and terminals obey them.
fn printable(text: String) -> String {
    if text.contains(char::is_control) {
        text.replace(char::is_control, "\u{fffd}")
    } else {
        text
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match &self.place {
            Place::Whole {} => write!(f, "{file}"),
            Place::Line { line, text } => write!(f, "{file}:{line}: {text}"),
            Place::Bytes {
                offset,
                box_path: None,
            } => write!(f, "{file}: byte {offset}"),
            Place::Bytes {
                offset,
                box_path: Some(path),
            } => write!(f, "{file}: {path} at byte {offset}"),
        }
    }
}

/// How many rules ended with which verdict.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Rules with a MUST that is broken somewhere.
    pub fail: usize,
    /// Rules with nothing worse than a warning.
    pub warn: usize,
    /// Rules that hold everywhere.
    pub pass: usize,
    /// Rules the package gives nothing to judge by.
    pub not_applicable: usize,
}

/// What the checker found in one package.
///
/// Its [`Display`](fmt::Display) is for a terminal: the broken rules first, each with its offending
/// places, a summary as the last line.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Report {
    /// The playlist that was checked.
    pub playlist: String,
    /// How many rules ended with which verdict.
    pub counts: Counts,
    /// The worst verdict first, then in the order of [`Rule::ALL`].
    ///
    /// One for each rule that holds or does not apply; for a broken rule one for each of the first
    /// five offending places, and one that tells the number of the others.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether no MUST is broken.
    pub fn passed(&self) -> bool {
        self.counts.fail == 0
    }

    /// The rules whose worst verdict anywhere is this one.
    pub fn rules(&self, verdict: Verdict) -> impl Iterator<Item = Rule> {
        let by_rule = self.findings.chunk_by(|one, next| one.rule == next.rule);
        by_rule
            .filter(move |of_rule| of_rule.iter().map(|f| f.verdict).max() == Some(verdict))
            .map(|of_rule| of_rule[0].rule)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (verdict, heading) in [(Verdict::Fail, "FAIL"), (Verdict::Warn, "warn")] {
            for rule in self.rules(verdict) {
                writeln!(f, "{heading}  {rule}: {}", rule.sentence())?;
                for finding in self.findings.iter().filter(|f| f.rule == rule) {
                    if let Some(location) = &finding.location {
                        writeln!(f, "        {location}")?;
                    }
                    writeln!(f, "          {}", finding.message)?;
                }
                writeln!(f)?;
            }
        }
        for (verdict, heading) in [
            (Verdict::Pass, "pass"),
            (Verdict::NotApplicable, "not applicable"),
        ] {
            write_ids(f, heading, self.rules(verdict))?;
        }
        let Counts {
            fail,
            warn,
            pass,
            not_applicable,
        } = self.counts;
        let verdict = if self.passed() { "passes" } else { "FAILS" };
        writeln!(
            f,
            "{} {verdict}: {fail} rules failed, {warn} with warnings, {pass} passed, \
             {not_applicable} not applicable.",
            self.playlist
        )
    }
}

/// Rule ids in lines that fit a terminal, the name of the document only where it changes.
fn write_ids(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    rules: impl Iterator<Item = Rule>,
) -> fmt::Result {
    const WIDTH: usize = 80;

    let mut line = format!("{heading}  ");
    let mut document = "";
    for rule in rules {
        let (of, number) = match rule.id().strip_prefix("RFC 8216 ") {
            Some(section) => ("RFC 8216", section),
            None => ("Apple", rule.id().trim_start_matches("Apple ")),
        };
        let word = if of == document {
            format!("{number}, ")
        } else {
            format!("{of} {number}, ")
        };
        document = of;
        if line.len() + word.len() > WIDTH {
            writeln!(f, "{}", line.trim_end())?;
            line = " ".repeat(8);
        }
        line.push_str(&word);
    }
    if document.is_empty() {
        return Ok(());
    }
    writeln!(f, "{}\n", line.trim_end_matches(", "))
}

/// Collects judgements while a package is read.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    tallies: BTreeMap<Rule, Tally>,
}

/// What is known about one rule so far.
#[derive(Debug, Default)]
struct Tally {
    /// Places judged.
    judged: u64,
    /// Places with a worse verdict than a pass.
    broken: u64,
    /// The first of those.
    listed: Vec<Finding>,
    /// Why there is nothing to judge, if that is not plain from the rule.
    reason: Option<&'static str>,
}

impl Findings {
    /// Judges one place: a rule that does not hold there fails or warns, by its strength.
    ///
    /// `problem` tells the place, and what was got and what is wanted; it is only asked when the
    /// rule is broken.
    pub(crate) fn judge(
        &mut self,
        rule: Rule,
        holds: bool,
        problem: impl FnOnce() -> (Location, String),
    ) {
        let broken = match rule.strength() {
            Strength::Must => Verdict::Fail,
            Strength::Should => Verdict::Warn,
        };
        if holds {
            self.hold(rule);
        } else {
            self.record(rule, broken, problem);
        }
    }

    /// Judges one place where a rule holds.
    pub(crate) fn hold(&mut self, rule: Rule) {
        self.tallies.entry(rule).or_default().judged += 1;
    }

    /// Judges one place where a broken MUST is excused.
    pub(crate) fn excuse(&mut self, rule: Rule, problem: impl FnOnce() -> (Location, String)) {
        self.record(rule, Verdict::Warn, problem);
    }

    /// Tells why there is nothing to judge a rule by.
    pub(crate) fn not_applicable(&mut self, rule: Rule, reason: &'static str) {
        self.tallies.entry(rule).or_default().reason = Some(reason);
    }

    /// Notes one place where a rule is broken.
    fn record(
        &mut self,
        rule: Rule,
        verdict: Verdict,
        problem: impl FnOnce() -> (Location, String),
    ) {
        let tally = self.tallies.entry(rule).or_default();
        tally.judged += 1;
        tally.broken += 1;
        if tally.listed.len() < PLACES_LISTED {
            let (location, message) = problem();
            tally.listed.push(Finding {
                rule,
                verdict,
                location: Some(location.printable()),
                message: printable(message),
            });
        }
    }

    /// The report of everything judged.
    pub(crate) fn into_report(mut self, playlist: &str) -> Report {
        let mut counts = Counts::default();
        let mut findings = Vec::new();
        for &rule in Rule::ALL {
            let of_rule = self.tallies.remove(&rule).unwrap_or_default().finish(rule);
            let worst = of_rule.iter().map(|finding| finding.verdict).max();
            *match worst {
                Some(Verdict::Fail) => &mut counts.fail,
                Some(Verdict::Warn) => &mut counts.warn,
                Some(Verdict::Pass) => &mut counts.pass,
                Some(Verdict::NotApplicable) | None => &mut counts.not_applicable,
            } += 1;
            findings.push((worst, of_rule));
        }
        findings.sort_by_key(|(worst, _)| std::cmp::Reverse(*worst));
        Report {
            playlist: playlist.to_owned(),
            counts,
            findings: findings.into_iter().flat_map(|(_, f)| f).collect(),
        }
    }
}

impl Tally {
    fn finish(self, rule: Rule) -> Vec<Finding> {
        let told = |verdict, message| Finding {
            rule,
            verdict,
            location: None,
            message,
        };
        let mut findings = self.listed;
        // A rule may be broken in one place and excused in another: its verdict is the worst.
        let Some(worst) = findings.iter().map(|finding| finding.verdict).max() else {
            return vec![match self.judged {
                0 => {
                    let reason = self
                        .reason
                        .unwrap_or("nothing in the package to judge it by");
                    told(Verdict::NotApplicable, reason.to_owned())
                }
                1 => told(Verdict::Pass, "holds at the 1 place looked at".to_owned()),
                places => told(
                    Verdict::Pass,
                    format!("holds at all {places} places looked at"),
                ),
            }];
        };
        let listed = u64::try_from(findings.len()).expect("at most five are listed");
        if self.broken > listed {
            let more = self.broken - listed;
            findings.push(told(
                worst,
                format!("and {more} more of {} places", self.judged),
            ));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut findings = Findings::default();
        for segment in 0_u64..9 {
            findings.judge(Rule::Apple7_4, segment < 2, || {
                let file = format!("720p/seg_{segment:05}.m4s");
                (
                    Location::in_box(&file, 24, "moof"),
                    "the first picture is not an IDR, want one".to_owned(),
                )
            });
            findings.judge(Rule::Apple7_3, true, || unreachable!("it holds"));
        }
        findings.judge(Rule::Apple7_5, false, || {
            (
                Location::line("720p/index.m3u8", 3, "#EXT-X-TARGETDURATION:4"),
                "got 4 s, want 6 s".to_owned(),
            )
        });
        findings.not_applicable(Rule::Apple2_3, "the package has no audio");
        findings.into_report("master.m3u8")
    }

    #[test]
    fn report_lists_the_first_five_places_and_counts_the_others() {
        let report = report();
        let of_rule: Vec<_> = (report.findings.iter())
            .filter(|finding| finding.rule == Rule::Apple7_4)
            .collect();
        assert_eq!(of_rule.len(), 6);
        assert_eq!(of_rule[5].message, "and 2 more of 9 places");
        assert_eq!(of_rule[5].verdict, Verdict::Fail);
    }

    #[test]
    fn report_counts_each_rule_once() {
        let Counts {
            fail,
            warn,
            pass,
            not_applicable,
        } = report().counts;
        assert_eq!((fail, warn, pass), (1, 1, 1));
        assert_eq!(not_applicable, Rule::ALL.len() - 3);
    }

    #[test]
    fn warnings_alone_pass() {
        let mut findings = Findings::default();
        findings.excuse(Rule::Apple9_9, || {
            (Location::whole("master.m3u8"), "one variant".to_owned())
        });
        assert!(findings.into_report("master.m3u8").passed());
        assert!(!report().passed());
    }

    #[test]
    fn text_tells_broken_rules_first_and_ends_with_a_summary() {
        let text = report().to_string();
        let (broken, rest) = text.split_once("not applicable  ").unwrap();
        insta::assert_snapshot!(broken, @r"
        FAIL  Apple 7.4: Video segments start with an IDR frame.
                720p/seg_00002.m4s: moof at byte 24
                  the first picture is not an IDR, want one
                720p/seg_00003.m4s: moof at byte 24
                  the first picture is not an IDR, want one
                720p/seg_00004.m4s: moof at byte 24
                  the first picture is not an IDR, want one
                720p/seg_00005.m4s: moof at byte 24
                  the first picture is not an IDR, want one
                720p/seg_00006.m4s: moof at byte 24
                  the first picture is not an IDR, want one
                  and 2 more of 9 places

        warn  Apple 7.5: The target duration is 6 seconds.
                720p/index.m3u8:3: #EXT-X-TARGETDURATION:4
                  got 4 s, want 6 s

        pass  Apple 7.3
        ");
        let summary = rest.lines().last().unwrap();
        assert!(
            summary.starts_with("master.m3u8 FAILS: 1 rules failed, 1 with warnings, 1 passed")
        );
        assert!(
            text.lines()
                .all(|line| line.len() <= 80 || line.starts_with("master.m3u8"))
        );
    }

    #[test]
    fn json_names_rules_by_their_numbers() {
        let report = report();
        let finding = serde_json::to_string(&report.findings[0]).unwrap();
        insta::assert_snapshot!(finding, @r#"{"rule":"Apple 7.4","verdict":"fail","location":{"file":"720p/seg_00002.m4s","offset":24,"box":"moof"},"message":"the first picture is not an IDR, want one"}"#);
    }

    #[test]
    fn control_characters_of_a_playlist_do_not_reach_the_terminal() {
        let mut findings = Findings::default();
        findings.judge(Rule::Rfc4_1, false, || {
            let location = Location::line("\u{1b}[2J.m3u8", 1, "\u{1b}[31mred");
            (location, "got \u{7}".to_owned())
        });
        let text = findings.into_report("master.m3u8").to_string();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    }

    #[test]
    fn long_lines_are_quoted_by_their_start() {
        let Place::Line { text, .. } = Location::line("a.m3u8", 1, &"ä".repeat(999)).place else {
            panic!("it is a line");
        };
        assert_eq!(text.chars().count(), LINE_QUOTED + 1);
    }
}
