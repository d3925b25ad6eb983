//! `WebVTT` segments (Apple 5.3).

use super::SegmentFile;
use crate::check::report::Findings;
use crate::check::rule::Rule;

/// Judges the header of a `WebVTT` segment: the lines up to the first empty one.
pub(super) fn judge(file: &SegmentFile<'_>, findings: &mut Findings) {
    let text = String::from_utf8_lossy(file.bytes);
    let mut header = text.lines().take_while(|line| !line.is_empty());
    let has_map = header.any(|line| line.starts_with("X-TIMESTAMP-MAP="));
    findings.judge(Rule::Apple5_3, has_map, || {
        (
            file.whole(),
            "want an X-TIMESTAMP-MAP in its header".to_owned(),
        )
    });
}
