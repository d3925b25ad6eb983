//! The package while jobs run: at every moment it plays from its start, and it only grows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::package_files::{assert_published_is_there, playlists};
use super::run::Running;
use super::sandbox::Sandbox;

/// What a playlist says of its segments, one text each: all lines up to the URI.
fn entries(playlist: &str) -> Vec<String> {
    let mut entries = Vec::new();
    let mut entry = String::new();
    let lines = playlist
        .lines()
        .skip_while(|line| !line.starts_with("#EXTINF"));
    for line in lines.filter(|line| *line != "#EXT-X-ENDLIST") {
        entry += line;
        entry += "\n";
        if !line.starts_with('#') {
            entries.push(std::mem::take(&mut entry));
        }
    }
    entries
}

/// The media playlists among `playlists`, and what they say.
fn media_playlists(package: &Path) -> BTreeMap<PathBuf, String> {
    let mut playlists = playlists(package);
    playlists.retain(|path, text| {
        path.extension()
            .is_some_and(|extension| extension == "m3u8")
            && text.contains("#EXTINF")
    });
    playlists
}

/// Decodes what there is of a growing stream, from its first segment on, and counts the frames.
fn frames_from_the_start(playlist: &Path, frames: usize) -> usize {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-live_start_index", "0", "-i"]);
    ffmpeg
        .arg(playlist)
        .args(["-map", "0:v:0", "-frames:v", &frames.to_string()]);
    let ran = ffmpeg
        .args(["-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg is installed");
    assert!(
        ran.status.success() && ran.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let listed = String::from_utf8(ran.stdout).expect("framemd5 is text");
    listed.lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn a_package_plays_from_its_first_segment_and_follows_the_rules_while_it_grows() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 40);
    let output = sandbox.path("out");
    let mut command = sandbox.transcode(&source, &output);
    let mut running = Running::start(command.args(["--segment-secs", "1", "--jobs", "1"]));
    assert!(running.wait_for("playable"));

    let mut before: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let mut lengths = Vec::new();
    let mut ended = false;
    while !ended {
        // Asked first: what is looked at then belongs to the end.
        ended = running.has_ended();
        let now = media_playlists(&output);
        assert_published_is_there(&output);
        for (path, text) in &now {
            let (path, entries) = (path.clone(), entries(text));
            let grown = before
                .get(&path)
                .is_none_or(|before| entries.starts_with(before));
            assert!(grown, "{} was {before:?} and is\n{text}", path.display());
            let is_vod = text.contains("#EXT-X-PLAYLIST-TYPE:VOD\n");
            assert_eq!(is_vod, text.contains("#EXT-X-ENDLIST"), "{text}");
            if !is_vod {
                assert!(text.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n"), "{text}");
                assert!(text.contains("#EXT-X-START:TIME-OFFSET=0\n"), "{text}");
            }
            assert!(
                is_vod || !ended,
                "{} is not finished at the end",
                path.display()
            );
            before.insert(path, entries);
        }
        let rung = output.join("180p/index.m3u8");
        let segments = before[&rung].len();
        if lengths.last() != Some(&segments) {
            lengths.push(segments);
            assert_eq!(
                frames_from_the_start(&output.join("master.m3u8"), segments * 25),
                segments * 25
            );
        }
        sandbox.assert_follows_the_rules(&output);
    }
    assert!(running.end().status.success());
    // Chunks of 1, 2, 4 and then 8 segments: several of these states must have been seen.
    assert!(
        lengths.len() >= 4 && lengths.first() < Some(&8),
        "{lengths:?}"
    );
    assert_eq!(lengths.last(), Some(&40), "{lengths:?}");
}
