//! Chunks of sound join without a click: a pure tone stays as pure where they join as it is elsewhere.

use std::ops::Range;

use super::transcode;
use crate::media::MediaDir;

/// In Hz; not a whole number of periods in anything.
const TONE: f64 = 997.0;

/// Samples before and after a join that a click would be in: an AAC frame overlaps the one before it and the one after it.
const AROUND: usize = 2048;

/// How much more may be wrong around a join than elsewhere.
const TOLERANCE: f64 = 1.5;

/// Enough bits for a tone to stay one, so that little hides a click.
const LADDER: &str = r#"{
    "preset": "ultrafast",
    "audio_bitrate": 256000,
    "rungs": [{ "short_side": 36, "crf": 30, "maxrate": 100000 }]
}"#;

/// Pictures with as many key frames as seeking to the sound needs.
const VIDEO: &str = "-c:v libx264 -preset ultrafast -crf 40 -g 10 -pix_fmt yuv420p";

const AAC: &str = "aac -b:a 256k";

/// A tone of 25 s: with segments of 1 s, chunks join after 1, 5 and 21 segments.
fn assert_no_click(sample_rate: u32, encoder: &str, file: &str) {
    let media = MediaDir::new();
    media.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=64x36:rate=10:duration=25 \
         -f lavfi -i aevalsrc=0.5*sin(2*PI*{TONE}*t):sample_rate={sample_rate}:duration=25 {VIDEO} \
         -c:a {encoder} {file}"
    ));
    let package = transcode(&media, file, LADDER, &["--segment-secs", "1"]);
    let audio = package.audio();
    media.write("audio.mp4", &audio.bytes);
    let sound = media.sound("audio.mp4");
    assert_eq!(sound.len(), audio.samples() * 1024, "every packet is heard");

    let plan = package.plan.audio.expect("the source has sound");
    let samples_per_segment = plan.grid.segment_ticks();
    let joins: Vec<usize> = plan.chunks[1..]
        .iter()
        .map(|chunk| u64::from(chunk.first_segment) * samples_per_segment)
        .map(|sample| usize::try_from(sample).expect("few samples"))
        .collect();
    assert_eq!(joins.len(), 3);

    // Codecs fade in and out.
    let whole = 2 * AROUND..sound.len() - 4 * AROUND;
    let wrong = residual(&sound, whole.clone());
    let around = |join: &usize| join - AROUND..join + AROUND;
    let elsewhere = whole
        .step_by(2 * AROUND)
        .map(|start| start..start + 2 * AROUND)
        .filter(|window| joins.iter().all(|join| !overlap(window, &around(join))))
        .map(|window| peak(&wrong[window]))
        .fold(0.0, f64::max);
    assert!(elsewhere < 0.02, "the tone is a tone: {elsewhere}");
    for join in &joins {
        let at_join = peak(&wrong[around(join)]);
        assert!(
            at_join <= elsewhere * TOLERANCE,
            "{at_join} is wrong at the join at sample {join}, {elsewhere} elsewhere"
        );
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn peak(samples: &[f64]) -> f64 {
    samples
        .iter()
        .fold(0.0, |most, sample| sample.abs().max(most))
}

/// What is left of `sound` without the tone that fits it best in the samples of `range` (by least squares).
fn residual(sound: &[f64], range: Range<usize>) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 samples")]
    let basis = |sample: usize| (std::f64::consts::TAU * TONE * sample as f64 / 48_000.0).sin_cos();
    let (mut ss, mut sc, mut cc, mut xs, mut xc) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for at in range {
        let (sin, cos) = basis(at);
        ss += sin * sin;
        sc += sin * cos;
        cc += cos * cos;
        xs += sound[at] * sin;
        xc += sound[at] * cos;
    }
    let determinant = ss * cc - sc * sc;
    let (a, b) = (
        (xs * cc - xc * sc) / determinant,
        (xc * ss - xs * sc) / determinant,
    );
    let tone = |at: usize| {
        let (sin, cos) = basis(at);
        a * sin + b * cos
    };
    sound
        .iter()
        .enumerate()
        .map(|(at, sample)| sample - tone(at))
        .collect()
}

#[test]
fn at_48_khz_in_mp4() {
    assert_no_click(48_000, AAC, "tone.mp4");
}

#[test]
fn at_44_1_khz_in_mp4() {
    assert_no_click(44_100, AAC, "tone.mp4");
}

#[test]
fn at_48_khz_in_a_transport_stream() {
    assert_no_click(48_000, AAC, "tone.ts");
}

#[test]
fn at_44_1_khz_in_a_transport_stream() {
    assert_no_click(44_100, AAC, "tone.ts");
}

#[test]
fn at_48_khz_on_the_millisecond_clock_of_matroska() {
    assert_no_click(48_000, AAC, "tone.mkv");
}

#[test]
fn at_44_1_khz_on_the_millisecond_clock_of_matroska() {
    assert_no_click(44_100, AAC, "tone.mkv");
}

#[test]
fn of_mp3_in_matroska() {
    assert_no_click(44_100, "libmp3lame -b:a 256k", "tone.mkv");
}

#[test]
fn of_opus_in_matroska() {
    assert_no_click(48_000, "libopus -b:a 256k", "tone.mkv");
}

#[test]
fn of_pcm_in_avi() {
    assert_no_click(44_100, "pcm_s16le", "tone.avi");
}

#[test]
fn of_ac3_in_a_transport_stream() {
    assert_no_click(48_000, "ac3 -b:a 256k", "tone.ts");
}

#[test]
fn of_flac_in_matroska() {
    assert_no_click(44_100, "flac", "tone.mkv");
}
