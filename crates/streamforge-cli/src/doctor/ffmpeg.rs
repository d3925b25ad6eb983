//! Whether FFmpeg is there and can do what is asked of it.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use streamforge_ffmpeg::engine::Programs;
use tokio::process::Command;

use super::{Finding, Verdict};

/// The oldest FFmpeg that knows every option we use, such as `-fps_mode`.
const OLDEST: (u32, u32) = (5, 1);

/// Encoders of every job.
const ENCODERS: [&str; 3] = ["libx264", "aac", "mjpeg"];

/// Filters that some job of every video uses.
const FILTERS: [&str; 17] = [
    "aformat",
    "apad",
    "aresample",
    "asetpts",
    "atrim",
    "bwdif",
    "format",
    "fps",
    "scale",
    "select",
    "setpts",
    "setsar",
    "split",
    "tile",
    "tpad",
    "transpose",
    "trim",
];

/// Filters that only videos of high dynamic range need.
const HDR_FILTERS: [&str; 2] = ["tonemap", "zscale"];

/// Programs that FFmpeg is run by.
const WRAPPERS: [&str; 2] = ["setpriv", "prlimit"];

/// Longest time that a program may take to tell of itself.
const PATIENCE: Duration = Duration::from_secs(20);

const INSTALL: &str = "sudo apt-get install ffmpeg";

pub(super) async fn look() -> Vec<Finding> {
    let mut findings = vec![
        version("ffmpeg").await,
        version("ffprobe").await,
        wrappers().await,
    ];
    let is_there = findings.iter().all(|one| one.verdict != Verdict::Broken);
    // As the service runs it: confined, without what is set for this user.
    if is_there && let Err(err) = Programs::default().version().await {
        findings.push(Finding::broken(
            format!("the service cannot run this FFmpeg: {err}"),
            format!("use the distribution's: {INSTALL}"),
        ));
    }
    // One that is not there lacks nothing else.
    if let (Ok(encoders), Ok(filters)) = (
        ask("ffmpeg", &["-hide_banner", "-encoders"]).await,
        ask("ffmpeg", &["-hide_banner", "-filters"]).await,
    ) {
        findings.extend(abilities(&encoders, &filters));
    }
    findings
}

/// Takes what a program writes to its standard output, or says why there is nothing.
async fn ask(program: &str, arguments: &[&str]) -> Result<String, String> {
    let ran = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = tokio::time::timeout(PATIENCE, ran);
    match ran.await {
        Err(_) => Err(format!("{program} does not answer")),
        Ok(Err(err)) if err.kind() == ErrorKind::NotFound => {
            Err(format!("{program} was not found"))
        }
        Ok(Err(err)) => Err(format!("{program} cannot be run: {err}")),
        Ok(Ok(ran)) if !ran.status.success() => Err(format!("{program} fails: {}", ran.status)),
        Ok(Ok(ran)) => Ok(String::from_utf8_lossy(&ran.stdout).into_owned()),
    }
}

async fn version(program: &str) -> Finding {
    match ask(program, &["-version"]).await {
        Ok(said) => judge_version(program, &said),
        Err(why) => Finding::broken(why, INSTALL),
    }
}

/// `ffmpeg version 5.1.9-0+deb12u1 Copyright …`; builds of the development branch have names such as `N-109542-g8a9f8e2b8f`.
fn judge_version(program: &str, said: &str) -> Finding {
    let version = said.split_whitespace().nth(2).unwrap_or("of no version");
    let mut numbers = version
        .trim_start_matches('n')
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    let major = numbers.next().and_then(Result::ok);
    let minor = numbers.next().and_then(Result::ok).unwrap_or(0);
    match major {
        Some(major) if (major, minor) < OLDEST => Finding::broken(
            format!(
                "{program} {version} is too old: {}.{} is needed",
                OLDEST.0, OLDEST.1
            ),
            "install a newer one, which Debian 12, Ubuntu 24.04 and https://ffmpeg.org/download.html have",
        ),
        _ => Finding::good(format!("{program} {version}")),
    }
}

async fn wrappers() -> Finding {
    for program in WRAPPERS {
        if let Err(why) = ask(program, &["--version"]).await {
            return Finding::broken(why, "sudo apt-get install util-linux");
        }
    }
    Finding::good("setpriv and prlimit, which keep FFmpeg on a leash")
}

fn abilities(encoders: &str, filters: &str) -> Vec<Finding> {
    let lacks = |listed: &str, wanted: &[&str]| {
        // Flags, name, description.
        let names: Vec<&str> = listed
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        let lacking = wanted.iter().filter(|name| !names.contains(name));
        lacking.copied().collect::<Vec<_>>().join(", ")
    };
    let broken = |what: &str, lacking: &str| {
        let what = format!("this FFmpeg was built without {what}: {lacking}");
        Finding::broken(what, format!("use the distribution's: {INSTALL}"))
    };
    let mut findings = Vec::new();
    for (what, lacking) in [
        ("encoders", lacks(encoders, &ENCODERS)),
        ("filters", lacks(filters, &FILTERS)),
    ] {
        findings.push(if lacking.is_empty() {
            Finding::good(format!("the {what} that are needed"))
        } else {
            broken(what, &lacking)
        });
    }
    let lacking = lacks(filters, &HDR_FILTERS);
    if !lacking.is_empty() {
        findings.push(Finding::poor(
            format!(
                "videos of high dynamic range will fail: this FFmpeg was built without {lacking}"
            ),
            format!("use the distribution's: {INSTALL}"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_every_shape_are_judged() {
        for (version, good) in [
            ("5.1.9-0+deb12u1", true),
            ("7.1", true),
            ("10.0", true),
            ("n6.0-12-gabc", true),
            ("N-109542-g8a9f8e2b8f", true),
            ("2024-05-02-git-71669f2ad5-full_build", true),
            ("5.0.1", false),
            ("4.4.2-0ubuntu0.22.04.1", false),
        ] {
            let said = format!("ffmpeg version {version} Copyright (c) 2000-2022");
            let finding = judge_version("ffmpeg", &said);
            assert_eq!(finding.verdict == Verdict::Good, good, "{finding}");
            assert!(finding.what.contains(version), "{finding}");
        }
    }

    #[test]
    fn what_a_build_lacks_is_named() {
        let encoders = " V....D mjpeg   MJPEG\n A....D aac   AAC\n V....D libx264rgb libx264 RGB\n";
        let filters = FILTERS.map(|name| format!(" T.C {name}  V->V  {name}\n"));
        let filters = filters.concat();
        let findings = abilities(encoders, &filters);
        let said: Vec<(Verdict, &str)> = findings
            .iter()
            .map(|finding| (finding.verdict, finding.what.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (
                    Verdict::Broken,
                    "this FFmpeg was built without encoders: libx264"
                ),
                (Verdict::Good, "the filters that are needed"),
                (
                    Verdict::Poor,
                    "videos of high dynamic range will fail: this FFmpeg was built without tonemap, zscale"
                ),
            ]
        );
    }
}
