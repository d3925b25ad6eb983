//! Real files of every kind: each becomes a stream that follows the rules and plays to its end, or is refused for its reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::run::Run;
use crate::cli::sandbox::Sandbox;
use crate::package::Package;
use crate::playing::assert_plays_to_its_end;

/// No file takes longer to be refused.
const REFUSED_WITHIN: Duration = Duration::from_mins(1);

/// Files that take minutes in anything but one small rung.
const LONG: &str = "long";

/// One row of the manifest.
pub(crate) struct Sample {
    pub(crate) name: String,
    kind: String,
    pub(crate) verdict: String,
    pub(crate) path: PathBuf,
}

/// The files of `../shared/samples` beside the repository that `wanted` chooses; none, with a message, where there are none.
pub(crate) fn samples(wanted: impl Fn(&Sample) -> bool) -> Vec<Sample> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let Ok(manifest) = fs::read_to_string(dir.join("manifest.tsv")) else {
        eprintln!("skipped: there is no ../shared/samples beside the repository");
        return Vec::new();
    };
    let rows = manifest.lines().skip(1).map(|row| {
        let mut fields = row.split('\t').map(str::to_owned);
        let mut field = || fields.next().expect("a row has three fields and more");
        let (name, kind, verdict) = (field(), field(), field());
        let path = dir.join(&name);
        Sample {
            name,
            kind,
            verdict,
            path,
        }
    });
    let chosen: Vec<Sample> = rows.filter(wanted).collect();
    assert!(!chosen.is_empty(), "the manifest has none of these");
    chosen
}

impl Sample {
    fn is_accepted(&self) -> bool {
        self.verdict == "accept"
    }

    /// The codes that its refusal may have.
    pub(crate) fn refusals(&self) -> &'static [&'static str] {
        match self.kind.as_str() {
            "audio-only" | "subs-only" => &["no_video_track"],
            "cmaf-segment" | "svg" | "wrong-ext" => &["not_video"],
            "ssrf" => &["not_video", "no_video_track"],
            "corrupt" | "fuzz" => &["malformed"],
            "encrypted" => &["encrypted"],
            "hdr-dv" => &["unsupported_codec"],
            "unsupported" => &["unsupported_codec", "no_video_track"],
            "zero" => &["empty", "malformed"],
            _ => &["malformed", "unsupported_codec", "no_video_track"],
        }
    }
}

/// Transcodes `sample` into the rungs `sizes`, or those of the default ladder, and proves that it ends as it must.
fn try_out(sample: &Sample, sizes: Option<&[u32]>) {
    let sandbox = Sandbox::new();
    let output = sandbox.path("stream");
    let mut command = sandbox.streamforge();
    command.args(["transcode", "--json", "-o"]).arg(&output);
    if let Some(sizes) = sizes {
        command.arg("--ladder").arg(sandbox.ladder(sizes));
    }
    let run = Run::of(command.arg("--").arg(&sample.path));
    sandbox.assert_nothing_left_behind();
    match run.status.code() {
        Some(0) => {
            assert!(
                !sample.verdict.starts_with("refuse"),
                "{}: {run:#?}",
                sample.name
            );
            sandbox.assert_follows_the_rules(&output);
            let frames = assert_plays_to_its_end(&output);
            let package = Package::open(&output);
            for rung in &package.plan.rungs {
                assert_eq!(
                    package.video(&rung.name).samples(),
                    frames,
                    "{}",
                    sample.name
                );
            }
        }
        Some(3) => {
            assert!(!sample.is_accepted(), "{}: {run:#?}", sample.name);
            let refused = run.the("refused");
            let code = refused["code"].as_str().expect("a code is a string");
            assert!(
                sample.refusals().contains(&code),
                "{} ({}): {refused}",
                sample.name,
                sample.kind
            );
            assert!(
                run.elapsed < REFUSED_WITHIN,
                "{}: {:?}",
                sample.name,
                run.elapsed
            );
            assert!(!output.exists(), "{} left a folder", sample.name);
        }
        _ => panic!("{}: {run:#?}", sample.name),
    }
}

fn try_out_all(wanted: impl Fn(&Sample) -> bool, sizes: Option<&[u32]>) {
    for sample in samples(wanted) {
        eprintln!("{} ({})", sample.name, sample.kind);
        try_out(&sample, sizes);
    }
}

/// Whether it is the test's turn: its part of three, so that they can run side by side.
fn part(sample: &Sample, part: usize) -> bool {
    sample.is_accepted()
        && sample.kind != LONG
        && sample.name.bytes().map(usize::from).sum::<usize>() % 3 == part
}

#[test]
fn samples_to_accept_become_streams_first_part() {
    try_out_all(|sample| part(sample, 0), Some(&[360, 180]));
}

#[test]
fn samples_to_accept_become_streams_second_part() {
    try_out_all(|sample| part(sample, 1), Some(&[360, 180]));
}

#[test]
fn samples_to_accept_become_streams_third_part() {
    try_out_all(|sample| part(sample, 2), Some(&[360, 180]));
}

#[test]
fn samples_become_streams_by_the_default_ladder() {
    // All of about a second: full range upside down, HDR10, six channels of sound, 15 and 60 frames a second.
    let names = [
        "androidx_pixel7_videoOnly.mp4",
        "androidx_hdr10-video-with-sdr-container.mp4",
        "androidx_bbb_1080p60_vp8.webm",
        "androidx_15fps_720p.mp4",
        "moviepy_bbb_432_433.webm",
    ];
    try_out_all(|sample| names.contains(&sample.name.as_str()), None);
}

#[test]
fn long_samples_become_streams() {
    try_out_all(|sample| sample.kind == LONG, Some(&[120]));
}

#[test]
fn samples_to_refuse_are_refused_for_their_reason() {
    try_out_all(|sample| sample.verdict.starts_with("refuse"), Some(&[180]));
}

#[test]
fn doubtful_samples_end_one_way_or_the_other() {
    try_out_all(|sample| sample.verdict == "either", Some(&[360, 180]));
}
