//! Packages made by somebody else: `ffmpeg`'s HLS muxer, with B-frames, edit lists and muxed audio.
//! They break rules that `ffmpeg` does not care for, but none about segments and time.

use std::path::Path;
use std::process::Command;

use streamforge_hls::check::{Fetch, FetchError, Fetched, Report, Rule, Verdict, check};
use streamforge_hls::media_playlist::ByteRange;
use tempfile::TempDir;

/// A folder, for packages that do not try to leave it.
struct Folder<'a>(&'a Path);

impl Fetch for Folder<'_> {
    fn fetch(&mut self, uri: &str, range: Option<ByteRange>) -> Result<Fetched, FetchError> {
        let bytes = std::fs::read(self.0.join(uri)).map_err(|_| FetchError::NotFound)?;
        let bytes = match range {
            Some(ByteRange { length, offset }) => {
                let start = usize::try_from(offset).unwrap();
                bytes[start..start + usize::try_from(length).unwrap()].to_vec()
            }
            None => bytes,
        };
        Ok(Fetched {
            bytes,
            delivery: None,
        })
    }
}

/// Two sizes of video and their audio, each in files of its own.
const SEPARATE: &[&str] = &[
    "-map",
    "0:v",
    "-map",
    "0:v",
    "-map",
    "1:a",
    "-s:v:1",
    "160x90",
    "-var_stream_map",
    "v:0,agroup:a v:1,agroup:a a:0,agroup:a",
];

/// Encodes eleven seconds with B-frames into HLS, with these arguments more, and checks the result.
fn package(streams: &[&str], arguments: &str) -> Report {
    let dir = TempDir::new().unwrap();
    let output = Command::new("ffmpeg")
        .current_dir(&dir)
        .args("-hide_banner -nostdin -loglevel error -t 11".split(' '))
        .args("-f lavfi -i testsrc2=s=320x180:r=30000/1001".split(' '))
        .args("-f lavfi -t 11 -i sine=r=44100".split(' '))
        .args("-c:v libx264 -preset veryfast -bf 2 -g 60 -keyint_min 60".split(' '))
        .args("-sc_threshold 0 -c:a aac -f hls -hls_time 4 -hls_playlist_type vod".split(' '))
        .args("-master_pl_name master.m3u8".split(' '))
        .args(streams)
        .args(arguments.split(' '))
        .output()
        .expect("ffmpeg is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg {arguments}: {said}");
    check("master.m3u8", &mut Folder(dir.path()))
}

/// The broken MUSTs, but for those that `ffmpeg` breaks in the multivariant playlist.
fn broken(report: &Report) -> Vec<Rule> {
    let of_ffmpeg = [
        Rule::Apple1_26,
        Rule::Apple1_27,
        Rule::Apple6_1,
        Rule::Apple8_10,
        Rule::Apple9_12,
        Rule::Apple9_13,
        Rule::Apple9_14,
        Rule::Apple9_15,
    ];
    let broken = report.rules(Verdict::Fail);
    broken.filter(|rule| !of_ffmpeg.contains(rule)).collect()
}

fn hold(report: &Report, rules: &[Rule]) {
    for rule in rules {
        assert!(
            report.rules(Verdict::Pass).any(|r| r == *rule),
            "{rule}\n{report}"
        );
    }
}

#[test]
fn fmp4_with_audio_and_video_in_one_file_can_be_judged() {
    let report = package(&[], "-hls_segment_type fmp4 index.m3u8");
    assert_eq!(broken(&report), [], "{report}");
    hold(
        &report,
        &[
            Rule::Rfc3_3,
            Rule::Rfc4_3_4_2Codecs,
            Rule::Rfc4_3_4_2Resolution,
            Rule::Apple2_3,
            Rule::Apple7_3,
            Rule::Apple7_4,
            Rule::Apple8_1,
        ],
    );
    assert!(
        report
            .rules(Verdict::Warn)
            .any(|rule| rule == Rule::Apple9_5)
    );
}

#[test]
fn fmp4_with_separate_audio_can_be_judged() {
    let report = package(
        SEPARATE,
        "-hls_segment_type fmp4 -hls_segment_filename %v_%d.m4s %v.m3u8",
    );
    assert_eq!(broken(&report), [], "{report}");
    hold(
        &report,
        &[
            Rule::Rfc6_2_4Time,
            Rule::Apple7_3,
            Rule::Apple8_3,
            Rule::Apple8_7,
        ],
    );
}

#[test]
fn transport_streams_can_be_judged() {
    let report = package(SEPARATE, "-hls_segment_filename %v_%d.ts %v.m3u8");
    assert_eq!(broken(&report), [], "{report}");
    hold(
        &report,
        &[
            Rule::Rfc3_2,
            Rule::Rfc4_3_4_2Codecs,
            Rule::Rfc6_2_4Time,
            Rule::Apple7_1,
            Rule::Apple7_2,
            Rule::Apple7_4,
            Rule::Apple8_1,
            Rule::Apple8_3,
        ],
    );
}
