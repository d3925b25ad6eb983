//! Chunks that independent jobs have encoded join without a seam.
//!
//! Each test makes a source, transcodes it without loss, and holds every decoded picture of the package against those of one
//! pass over the whole source. What is right is known from how the source was made: its rate, its length and the
//! time of its first picture. All but a few sources have 9 seconds and are cut into segments of one second, which makes chunks
//! of 1, 2, 4 and 2 segments; times below are chosen so that what is odd about a source happens where chunks join, at 1, 3 and
//! 7 s.

mod clicks;
mod constant_rate;
mod containers;
mod groups_of_pictures;
mod lossy;
mod pictures;
mod sound;
mod sync;
mod transport_stream;
mod variable_rate;

use std::collections::BTreeSet;

use streamforge_core::plan::{Job, Plan};
use streamforge_core::rate::FrameRate;

use crate::media::MediaDir;
use crate::package::Package;
use crate::program;

/// A ladder of one lossless rung, which is as large as the pictures of the sources.
const LOSSLESS: &str = r#"{
    "preset": "ultrafast",
    "rungs": [{ "short_side": 180, "crf": 0, "maxrate": 50000000 }]
}"#;

/// Nine seconds of moving pictures with a clock in them at 30 frames a second: 270 that all differ.
const PICTURES: &str = "-f lavfi -i testsrc2=size=320x180:rate=30:duration=9";

/// H.264 with B-frames and, at 30 frames a second, only one key frame in nine seconds.
const H264: &str = "-c:v libx264 -preset ultrafast -crf 28 -bf 3 -g 300 -pix_fmt yuv420p";

/// What a package must be, and which pictures must be in it.
struct Expected {
    /// Frame rate.
    rate: (u32, u32),
    /// Frames in all.
    frames: u64,
    /// Width and height.
    size: (u32, u32),
    /// The source's time of the first frame, in microseconds; `None` where it is not known beforehand.
    origin_us: Option<i64>,
    /// The pictures of one pass.
    pass: Pass,
    /// Filters after those that give the pictures their size.
    color: &'static str,
}

/// How one pass over the source makes the pictures that a package must have.
enum Pass {
    /// As they come out of the decoder: the source keeps to its rate, so that each is one frame. Nothing of the plan is used.
    EveryPicture,
    /// The same, through filters.
    Filtered(&'static str),
    /// By their times on the plan's grid.
    OnTheGrid,
}

/// A source of [`PICTURES`].
const EXPECTED: Expected = Expected {
    rate: (30, 1),
    frames: 270,
    size: (320, 180),
    origin_us: Some(0),
    pass: Pass::EveryPicture,
    color: "null",
};

/// Transcodes `source` and proves that the package has every picture that one pass has, and no other.
fn assert_seamless(media: &MediaDir, source: &str, expected: &Expected) -> Package {
    let package = transcode(media, source, LOSSLESS, &["--segment-secs", "1"]);
    let plan = &package.plan;
    let (num, den) = expected.rate;
    assert_eq!(Some(plan.grid.rate), FrameRate::new(num, den), "frame rate");
    if let Some(origin_us) = expected.origin_us {
        assert_eq!(plan.origin_us, origin_us, "time of the first frame");
    }
    assert!(
        plan.chunks.len() >= 3,
        "the source is long enough for joins"
    );
    let [rung] = &plan.rungs[..] else {
        panic!("one rung, not {:?}", plan.rungs);
    };
    assert_eq!((rung.width, rung.height), expected.size, "size");

    let video = package.video(&rung.name);
    assert_eq!(video.samples() as u64, expected.frames, "frames");
    assert_presented_evenly(&video.presentation_times(), plan);
    assert_one_init_segment(&package);

    media.write("joined.mp4", &video.bytes);
    let joined = media.picture_hashes("joined.mp4", "null");
    let one_pass = media.picture_hashes(source, &one_pass(expected, plan));
    assert_eq!(
        one_pass.len() as u64,
        expected.frames,
        "pictures of one pass"
    );
    if matches!(expected.pass, Pass::EveryPicture) {
        let different: BTreeSet<&String> = one_pass.iter().collect();
        assert_eq!(different.len(), one_pass.len(), "different pictures");
    }
    assert_eq!(joined.len(), one_pass.len(), "pictures of the package");
    let wrong: Vec<usize> = (0..joined.len())
        .filter(|frame| joined[*frame] != one_pass[*frame])
        .collect();
    assert!(
        wrong.is_empty(),
        "these frames show something else: {wrong:?}"
    );

    if plan.audio.is_some() {
        assert_sound_lasts_as_long(&package);
    }
    package
}

/// Transcodes `source` by `ladder`, which is JSON.
fn transcode(media: &MediaDir, source: &str, ladder: &str, arguments: &[&str]) -> Package {
    media.write("ladder.json", ladder.as_bytes());
    let ladder = media.path("ladder.json");
    let ladder = ladder.to_str().expect("a path of plain characters");
    let out = media.path("out");
    let arguments = [&["--ladder", ladder], arguments].concat();
    program::transcode(&media.path(source), &out, &arguments);
    Package::open(&out)
}

/// The filters of one pass over the source.
fn one_pass(expected: &Expected, plan: &Plan) -> String {
    let pass = match expected.pass {
        Pass::EveryPicture => "null".to_owned(),
        Pass::Filtered(filters) => filters.to_owned(),
        Pass::OnTheGrid => format!(
            "setpts=PTS-{}/1000000/TB,fps={}:start_time=0,trim=start_pts=0",
            plan.origin_us, plan.grid.rate
        ),
    };
    let (width, height) = expected.size;
    format!(
        "{pass},scale={width}:{height}:flags=bicubic:out_range=tv,{},format=yuv420p",
        expected.color
    )
}

/// The first picture is shown at 0, and each of the others one frame after the one before it.
fn assert_presented_evenly(times: &[i64], plan: &Plan) {
    let step = i64::from(plan.grid.track().ticks_per_sample);
    let even = (0..).map(|frame: i64| frame * step);
    let late = times.iter().zip(even).find(|(time, due)| *time != due);
    assert_eq!(
        late, None,
        "a picture is shown at (this time, instead of that)"
    );
}

/// Every chunk of a track has the same init segment.
fn assert_one_init_segment(package: &Package) {
    let plan = &package.plan;
    let video = plan.chunks.iter().map(|chunk| Job::Video(chunk.index));
    assert_eq!(
        inits(package, video),
        plan.rungs.len(),
        "init segments of the rungs"
    );
    if let Some(audio) = &plan.audio {
        let audio = audio.chunks.iter().map(|chunk| Job::Audio(chunk.index));
        assert_eq!(inits(package, audio), 1, "init segments of the sound");
    }
}

/// How many different init segments the tracks of `jobs` have.
fn inits(package: &Package, jobs: impl Iterator<Item = Job>) -> usize {
    let hashes = jobs.flat_map(|job| {
        let record = package.record(job);
        let made = record
            .tracks
            .into_iter()
            .filter(|track| !track.segments.is_empty());
        made.enumerate()
            .map(|(place, track)| (place, track.init_sha256.expect("CMAF has init segments")))
    });
    hashes.collect::<BTreeSet<_>>().len()
}

/// The sound ends where the pictures do, but for less than one AAC frame.
fn assert_sound_lasts_as_long(package: &Package) {
    let audio = package.audio();
    let (pictures, sound) = (
        package
            .playlist(&package.plan.rungs[0].name)
            .duration_secs(),
        package.playlist("audio").duration_secs(),
    );
    assert!(
        (pictures - sound).abs() < 1024.0 / 48_000.0,
        "{pictures} s of pictures, {sound} s of sound"
    );
    assert_eq!(audio.presentation_times()[0], 0, "the sound starts at 0");
}
