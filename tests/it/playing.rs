//! What a player finds beside the segments: poster, storyboard, DASH; and streams of unusual shapes.

use std::path::Path;
use std::process::Command;

use streamforge_core::plan::Job;

use crate::cli::run::Run;
use crate::cli::sandbox::Sandbox;
use crate::package::Package;

/// Makes a stream of a source that FFmpeg's `arguments` make, with more `options` for the transcode.
fn stream(sandbox: &Sandbox, arguments: &str, options: &[&str]) -> Package {
    let source = sandbox.make("source.mp4", arguments);
    let output = sandbox.path("stream");
    Run::through(sandbox.transcode(&source, &output).args(options));
    sandbox.assert_follows_the_rules(&output);
    Package::open(&output)
}

/// Plays `streams` of a package to their end, as a player of FFmpeg's kind does: the checksums of their pictures or packets of
/// sound, stream by stream. Nothing may be complained about.
fn play<const N: usize>(package: &Path, manifest: &str, streams: [&str; N]) -> [Vec<String>; N] {
    let played = Command::new("ffmpeg")
        .current_dir(package)
        .args(["-nostdin", "-v", "error", "-i", manifest])
        .args(streams.iter().flat_map(|stream| ["-map", stream]))
        .args(["-fps_mode", "passthrough", "-f", "framecrc", "-"])
        .output()
        .expect("ffmpeg can be started");
    let complaints = String::from_utf8_lossy(&played.stderr);
    assert!(
        played.status.success() && complaints.is_empty(),
        "{}: {complaints}",
        package.join(manifest).display()
    );
    let listed = String::from_utf8(played.stdout).expect("framecrc is text");
    std::array::from_fn(|stream| {
        let start = format!("{stream},");
        let lines = listed.lines().filter(|line| line.starts_with(&start));
        lines
            .filter_map(|line| Some(line.rsplit(',').next()?.trim().to_owned()))
            .collect()
    })
}

/// Proves that a player gets every picture of the first variant of a package, and its sound, and says how many there are.
pub(crate) fn assert_plays_to_its_end(package: &Path) -> usize {
    let [pictures, sound] = play(package, "master.m3u8", ["0:v:0", "0:a?"]);
    let opened = Package::open(package);
    let video = opened
        .plan
        .chunks
        .iter()
        .map(|chunk| Job::Video(chunk.index));
    let frames: u64 = video.map(|job| opened.record(job).samples()).sum();
    assert_eq!(pictures.len() as u64, frames, "{}", package.display());
    assert_eq!(
        sound.is_empty(),
        opened.plan.audio.is_none(),
        "{}",
        package.display()
    );
    pictures.len()
}

/// Brightness of the whole picture at `path`, from 0 to 255.
fn brightness(path: &Path) -> u8 {
    let picture = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args([
            "-vf",
            "scale=1:1:flags=area",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "gray",
            "-",
        ])
        .output()
        .expect("ffmpeg can be started");
    *picture
        .stdout
        .first()
        .unwrap_or_else(|| panic!("no picture in {}", path.display()))
}

const CODECS: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// A tenth brighter with each second, over a pattern that is never blank.
fn clock(secs: u32) -> String {
    format!(
        "-f lavfi -i nullsrc=size=320x180:rate=25:duration={secs} \
         -vf geq=lum='16+20*floor(T)+8*mod(X+Y,2)':cb=128:cr=128 {CODECS}"
    )
}

#[test]
fn the_poster_is_the_picture_at_two_seconds() {
    // Where segments are short, 2 s is not in the first chunk.
    for segment_secs in ["4", "2", "1"] {
        let sandbox = Sandbox::new();
        stream(&sandbox, &clock(6), &["--segment-secs", segment_secs]);
        let poster = brightness(&sandbox.path("stream/thumbs/poster.jpg"));
        // 16 + 2 × 20 + 4 of the video range, made full range.
        assert!(
            (40..62).contains(&poster),
            "{poster} at {segment_secs} s a segment"
        );
    }
}

#[test]
fn the_poster_of_a_video_that_fades_in_shows_something() {
    let sandbox = Sandbox::new();
    let fade = format!(
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=12 -vf drawbox=enable='lt(t,7)':color=black:t=fill -g 25 {CODECS}"
    );
    stream(&sandbox, &fade, &[]);
    assert!(brightness(&sandbox.path("stream/thumbs/poster.jpg")) > 40);
}

#[test]
fn a_black_video_has_a_black_poster() {
    let sandbox = Sandbox::new();
    stream(
        &sandbox,
        &format!("-f lavfi -i color=black:size=320x180:rate=25:duration=3 {CODECS}"),
        &[],
    );
    assert!(brightness(&sandbox.path("stream/thumbs/poster.jpg")) < 20);
}

#[test]
fn every_tile_of_the_storyboard_shows_the_start_of_its_cue() {
    let sandbox = Sandbox::new();
    stream(&sandbox, &clock(9), &["--segment-secs", "2"]);
    let track = std::fs::read_to_string(sandbox.path("stream/storyboard/storyboard.vtt")).unwrap();
    let tiles: Vec<(&str, &str)> = track
        .lines()
        .filter_map(|line| line.split_once("#xywh="))
        .collect();
    assert_eq!(tiles.len(), 5, "{track}");
    let cues: Vec<&str> = track.lines().filter(|line| line.contains("-->")).collect();
    assert_eq!(cues[1], "00:00:02.000 --> 00:00:04.000");
    assert_eq!(cues[4], "00:00:08.000 --> 00:00:09.000");
    for (segment, (sheet, place)) in (0_u8..).zip(tiles) {
        let place: Vec<&str> = place.split(',').collect();
        let [x, y, width, height] = place[..] else {
            panic!("{place:?}")
        };
        let tile = sandbox.path("tile.png");
        let cut = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-i"])
            .arg(sandbox.path("stream/storyboard").join(sheet))
            .args(["-vf", &format!("crop={width}:{height}:{x}:{y}")])
            .arg(&tile)
            .status();
        assert!(cut.unwrap().success());
        let (got, second) = (i32::from(brightness(&tile)), i32::from(2 * segment));
        let wanted = (20 * second + 4) * 255 / 219;
        assert!(
            (got - wanted).abs() < 12,
            "tile at {second} s: {got}, not {wanted}"
        );
    }
}

#[test]
fn hls_and_dash_players_see_and_hear_the_same() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 9);
    let output = sandbox.path("stream");
    Run::through(&mut sandbox.transcode(&source, &output));
    // One at a time: FFmpeg ends a DASH presentation when the first of its streams ends.
    for (stream, len) in [("0:v:0", 225), ("0:a:0", 422)] {
        let [dash] = play(&output, "manifest.mpd", [stream]);
        let [hls] = play(&output, "master.m3u8", [stream]);
        assert_eq!(dash.len(), len, "{stream}");
        assert_eq!(dash, hls, "{stream}");
    }
}

#[test]
fn transport_streams_play_to_their_end_without_a_dash_manifest() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 9);
    let output = sandbox.path("stream");
    let mut command = sandbox.transcode(&source, &output);
    Run::through(command.args(["--segment-format", "mpegts", "--segment-secs", "2"]));
    sandbox.assert_follows_the_rules(&output);
    assert_eq!(assert_plays_to_its_end(&output), 225);
    assert!(
        !output.join("manifest.mpd").exists(),
        "DASH players want MP4"
    );
    assert!(
        !output.join("180p/init.mp4").exists(),
        "transport streams describe themselves"
    );
}

#[test]
fn streams_of_unusual_shapes_follow_the_rules() {
    for (arguments, options, frames, size) in [
        (
            "-f lavfi -i testsrc2=size=320x180:rate=25:duration=0.04",
            &[][..],
            1,
            (320, 180),
        ),
        (
            "-f lavfi -i testsrc2=size=320x180:rate=1:duration=30",
            &[],
            30,
            (320, 180),
        ),
        (
            "-f lavfi -i testsrc2=size=180x320:rate=25:duration=5",
            &["--segment-secs", "6"],
            125,
            (180, 320),
        ),
        (
            "-f lavfi -i testsrc2=size=322x182:rate=10:duration=5",
            &["--segment-secs", "1"],
            50,
            (318, 180),
        ),
    ] {
        let sandbox = Sandbox::new();
        let package = stream(&sandbox, &format!("{arguments} {CODECS}"), options);
        let rung = &package.plan.rungs[0];
        assert_eq!(package.video(&rung.name).samples(), frames, "{arguments}");
        assert_eq!(assert_plays_to_its_end(&sandbox.path("stream")), frames);
        assert_eq!((rung.width, rung.height), size, "{arguments}");
    }
}

#[test]
fn large_rungs_are_made_when_asked_for_and_the_source_is_large_enough() {
    let sandbox = Sandbox::new();
    let source = sandbox.make(
        "source.mp4",
        &format!("-f lavfi -i testsrc2=size=2560x1440:rate=5:duration=1 {CODECS}"),
    );
    let output = sandbox.path("stream");
    let mut command = sandbox.streamforge();
    command
        .args(["transcode", "--json", "--rungs", "2160p,1440p,360p", "-o"])
        .arg(&output)
        .arg(source);
    let run = Run::through(&mut command);
    assert_eq!(
        run.the("planned")["rungs"],
        serde_json::json!(["1440p", "360p"])
    );
    sandbox.assert_follows_the_rules(&output);
    assert_plays_to_its_end(&output);
}
