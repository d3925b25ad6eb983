//! What lossless encoding leaves out: B-frames, which are decoded before they are shown.

use streamforge_hls::mpegts::{TsStream, inspect};

use super::{assert_one_init_segment, assert_presented_evenly, transcode};
use crate::media::MediaDir;
use crate::package::Package;

/// 13 seconds at 29.97 frames a second: four segments of 120 frames or less, in chunks of 1, 2 and 1.
const FRAMES: usize = 390;

/// Ticks of the 90 kHz clock of transport streams that a frame lasts.
const FRAME_TICKS: u64 = 3003;

/// Where the clock of our transport streams starts: 10 s.
const FIRST_TICK: u64 = 900_000;

/// The ladder's own settings, but for its sizes.
const LADDER: &str = r#"{
    "rungs": [
        { "short_side": 180, "crf": 21, "maxrate": 900000 },
        { "short_side": 120, "crf": 22, "maxrate": 400000 }
    ]
}"#;

fn transcode_lossy(media: &MediaDir, arguments: &[&str]) -> Package {
    // The picture is inverted at every 37th frame: scene cuts, at which an encoder likes to start anew.
    media.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x180:rate=30000/1001,negate=enable='mod(floor(n/37),2)' \
         -f lavfi -i sine=sample_rate=44100 -frames:v {FRAMES} \
         -c:v libx264 -preset ultrafast -crf 23 -pix_fmt yuv420p -c:a aac -shortest source.mp4"
    ));
    transcode(media, "source.mp4", LADDER, arguments)
}

#[test]
fn fragments_join_in_every_rung() {
    let media = MediaDir::new();
    let package = transcode_lossy(&media, &[]);
    assert_eq!(package.plan.rungs.len(), 2);
    for rung in &package.plan.rungs {
        let video = package.video(&rung.name);
        assert_eq!(video.fragments.len(), 4);
        assert_eq!(video.samples(), FRAMES);
        assert_presented_evenly(&video.presentation_times(), &package.plan);
        assert!(
            video.fragments.iter().all(|fragment| {
                let first = fragment.samples[0].composition_offset;
                fragment
                    .samples
                    .iter()
                    .any(|sample| sample.composition_offset != first)
            }),
            "every fragment has B-frames"
        );
    }
    assert_one_init_segment(&package);
    package.audio();
}

#[test]
fn transport_stream_segments_join_in_every_rung() {
    let media = MediaDir::new();
    let package = transcode_lossy(&media, &["--segment-format", "mpegts"]);
    assert_eq!(package.plan.rungs.len(), 2);
    for rung in &package.plan.rungs {
        let playlist = package.playlist(&rung.name);
        assert!(
            playlist.maps.is_empty(),
            "transport streams have no init segments"
        );
        assert_eq!(playlist.segments.len(), 4);
        let mut joined = Vec::new();
        for (start, (extinf, path)) in (0..).step_by(120).zip(&playlist.segments) {
            let segment = std::fs::read(path).expect("the segment is there");
            let found = inspect(&segment).expect("the segment is a transport stream");
            let frames = (FRAMES - start).min(120) as u64;
            let first_pts = FIRST_TICK + start as u64 * FRAME_TICKS;
            assert_eq!(found.stream, TsStream::H264);
            assert!(found.starts_with_idr && found.starts_with_tables);
            assert_eq!(u64::from(found.access_units), frames);
            assert_eq!(found.first_pts, first_pts);
            assert_eq!(found.last_pts, first_pts + (frames - 1) * FRAME_TICKS);
            assert!(found.first_dts < found.first_pts, "there are B-frames");
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52 ticks")]
            let secs = (frames * FRAME_TICKS) as f64 / 90_000.0;
            assert!((extinf - secs).abs() < 1e-3, "EXTINF {extinf}, {secs} s");
            joined.extend(segment);
        }
        media.write("joined.ts", &joined);
        let times = media.packet_times("joined.ts");
        let due: Vec<u64> = (0..FRAMES as u64)
            .map(|frame| FIRST_TICK + frame * FRAME_TICKS)
            .collect();
        assert_eq!(times, due, "when pictures are shown");
        let pictures = media.picture_hashes("joined.ts", "null");
        assert_eq!(pictures.len(), FRAMES, "pictures that can be decoded");
    }
}
