use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::limits::Limits;
use crate::objects::mended;
use crate::plan::Chunk;
use crate::record::TrackRecord;
use crate::settings::Settings;

/// 29.97 fps, 480p, 10 s, with sound: three video chunks and two of audio.
fn plan() -> Plan {
    let source = serde_json::from_value(serde_json::json!({
        "container": "mov", "size_bytes": 1000, "start_us": 0,
        "video": {
            "stream_index": 0, "codec": "h264", "width": 854, "height": 480, "sample_aspect_ratio": [1, 1],
            "turned": false, "pix_fmt": "yuv420p",
            "color": { "full_range": false, "space": null, "primaries": null, "transfer": null },
            "interlaced": false, "rate": [30_000, 1001], "constant_rate": true,
            "start_us": 0, "end_us": 14_014_000, "longest_gop_us": null,
        },
        "audio": { "stream_index": 1, "codec": "aac", "sample_rate": 48_000, "packet_rate": null, "language": "deu", "start_us": 0, "end_us": 14_010_000 },
    }));
    Plan::new(source.unwrap(), Settings::default(), &Limits::default()).unwrap()
}

fn track(init: &str, samples: &[u32], bytes: u64) -> TrackRecord {
    let segments = samples.iter().zip(0..).map(|(samples, i)| SegmentRecord {
        samples: *samples,
        bytes: bytes + i * 1000,
        i_frame_bytes: bytes / 10,
    });
    TrackRecord {
        codec: init.to_owned(),
        init_sha256: Some(init.to_owned()),
        segments: segments.collect(),
    }
}

/// What every job makes when all goes well.
fn all(plan: &Plan) -> BTreeMap<Job, ChunkRecord> {
    let counts = |grid: TrackGrid, chunk: &Chunk, total: u64| -> Vec<u32> {
        let per_segment = u64::from(grid.samples_per_segment);
        let segments = chunk.first_segment..chunk.first_segment + chunk.segments;
        segments
            .map(|s| u32::try_from((total - u64::from(s) * per_segment).min(per_segment)).unwrap())
            .collect()
    };
    let mut records = BTreeMap::new();
    for chunk in &plan.chunks {
        let samples = counts(plan.grid.track(), chunk, plan.frames);
        let tracks = vec![
            track("avc1.64001f", &samples, 600_000),
            track("avc1.64001e", &samples, 400_000),
        ];
        records.insert(Job::Video(chunk.index), ChunkRecord { tracks });
    }
    let audio = plan.audio.as_ref().unwrap();
    for chunk in &audio.chunks {
        let samples = counts(audio.grid, chunk, audio.packets);
        records.insert(
            Job::Audio(chunk.index),
            ChunkRecord {
                tracks: vec![track("mp4a.40.2", &samples, 64_000)],
            },
        );
    }
    records
}

fn text<'a>(published: &'a Published, path: &str) -> &'a str {
    &published
        .texts
        .iter()
        .find(|text| text.path == path)
        .unwrap_or_else(|| panic!("no {path}"))
        .text
}

#[test]
fn a_finished_package_is_vod_with_measured_bit_rates() {
    let plan = plan();
    let published = publish(&plan, &all(&plan)).unwrap();
    assert!(published.complete);
    assert_eq!(published.frames, 420);
    insta::assert_snapshot!(text(&published, "master.m3u8"), @r#"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-INDEPENDENT-SEGMENTS
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/index.m3u8"
    #EXT-X-STREAM-INF:BANDWIDTH=2572426,AVERAGE-BANDWIDTH=1518462,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=854x480,FRAME-RATE=29.970,AUDIO="audio"
    480p/index.m3u8
    #EXT-X-STREAM-INF:BANDWIDTH=1773225,AVERAGE-BANDWIDTH=1061776,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=29.970,AUDIO="audio"
    360p/index.m3u8
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=239761,AVERAGE-BANDWIDTH=137006,CODECS="avc1.64001f",RESOLUTION=854x480,URI="480p/iframes.m3u8"
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=159841,AVERAGE-BANDWIDTH=91338,CODECS="avc1.64001e",RESOLUTION=640x360,URI="360p/iframes.m3u8"
    "#);
    insta::assert_snapshot!(text(&published, "480p/index.m3u8"), @r#"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-TARGETDURATION:4
    #EXT-X-MEDIA-SEQUENCE:0
    #EXT-X-PLAYLIST-TYPE:VOD
    #EXT-X-MAP:URI="init.mp4"
    #EXTINF:4.004000,
    seg_00000.m4s
    #EXTINF:4.004000,
    seg_00001.m4s
    #EXTINF:4.004000,
    seg_00002.m4s
    #EXTINF:2.002000,
    seg_00003.m4s
    #EXT-X-ENDLIST
    "#);
    insta::assert_snapshot!(text(&published, "360p/iframes.m3u8"), @r#"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-TARGETDURATION:4
    #EXT-X-MEDIA-SEQUENCE:0
    #EXT-X-PLAYLIST-TYPE:VOD
    #EXT-X-I-FRAMES-ONLY
    #EXT-X-MAP:URI="init.mp4"
    #EXTINF:4.004000,
    #EXT-X-BYTERANGE:40000@0
    seg_00000.m4s
    #EXTINF:4.004000,
    #EXT-X-BYTERANGE:40000@0
    seg_00001.m4s
    #EXTINF:4.004000,
    #EXT-X-BYTERANGE:40000@0
    seg_00002.m4s
    #EXTINF:2.002000,
    #EXT-X-BYTERANGE:40000@0
    seg_00003.m4s
    #EXT-X-ENDLIST
    "#);
    insta::assert_snapshot!(text(&published, "storyboard/storyboard.vtt"), @"
    WEBVTT

    00:00:00.000 --> 00:00:04.004
    sheet_0.jpg#xywh=0,0,160,88

    00:00:04.004 --> 00:00:08.008
    sheet_1.jpg#xywh=0,0,160,88

    00:00:08.008 --> 00:00:12.012
    sheet_1.jpg#xywh=160,0,160,88

    00:00:12.012 --> 00:00:14.014
    sheet_2.jpg#xywh=0,0,160,88
    ");
    assert!(text(&published, "manifest.mpd").contains(r#"id="480p""#));
    assert_eq!(
        published.texts.last().unwrap().path,
        "master.m3u8",
        "what it names comes first"
    );
}

#[test]
fn the_first_segments_play_while_the_rest_is_encoded() {
    let plan = plan();
    let mut records = all(&plan);
    records.retain(|job, _| matches!(job, Job::Video(0 | 2) | Job::Audio(0)));
    let published = publish(&plan, &records).unwrap();
    assert!(!published.complete);
    insta::assert_snapshot!(text(&published, "480p/index.m3u8"), @r#"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-TARGETDURATION:4
    #EXT-X-MEDIA-SEQUENCE:0
    #EXT-X-PLAYLIST-TYPE:EVENT
    #EXT-X-START:TIME-OFFSET=0
    #EXT-X-MAP:URI="init.mp4"
    #EXTINF:4.004000,
    seg_00000.m4s
    "#);
    // Until the end is known, a tenth more than the encoders are held to is promised.
    assert!(
        text(&published, "master.m3u8").contains("BANDWIDTH=1637702,AVERAGE-BANDWIDTH=1637702"),
        "{}",
        text(&published, "master.m3u8")
    );
    assert!(
        published
            .texts
            .iter()
            .all(|text| text.path != "manifest.mpd")
    );
}

#[test]
fn nothing_is_published_before_pictures_and_sound_can_play() {
    let plan = plan();
    for job in [Job::Video(0), Job::Audio(0)] {
        let mut records = all(&plan);
        records.remove(&job);
        assert_eq!(publish(&plan, &records).unwrap().texts, []);
    }
}

#[test]
fn a_source_that_ends_early_ends_the_stream_and_its_sound() {
    let plan = plan();
    let mut records = all(&plan);
    let Some(second) = records.get_mut(&Job::Video(1)) else {
        panic!("no second chunk")
    };
    for track in &mut second.tracks {
        track.segments.truncate(1);
        track.segments[0].samples = 7;
    }
    let Some(third) = records.get_mut(&Job::Video(2)) else {
        panic!("no third chunk")
    };
    third
        .tracks
        .iter_mut()
        .for_each(|track| track.segments.clear());
    let published = publish(&plan, &records).unwrap();
    assert!(published.complete);
    assert_eq!(published.frames, 127);
    assert_eq!(
        text(&published, "audio/index.m3u8")
            .matches("#EXTINF")
            .count(),
        2
    );
}

#[test]
fn pictures_missing_inside_are_an_error() {
    let plan = plan();
    let mut records = all(&plan);
    let Some(second) = records.get_mut(&Job::Video(1)) else {
        panic!("no second chunk")
    };
    second
        .tracks
        .iter_mut()
        .for_each(|track| track.segments.truncate(1));
    let hole = publish(&plan, &records).unwrap_err();
    assert_eq!(
        hole.to_string(),
        "nothing could be decoded from 8.008s on, though there is more from 12.012s on"
    );
}

#[test]
fn chunks_of_different_encoders_are_an_error() {
    let plan = plan();
    let mut records = all(&plan);
    records.get_mut(&Job::Video(1)).unwrap().tracks[1].init_sha256 = Some("other".to_owned());
    assert_eq!(
        publish(&plan, &records),
        Err(PublishError::InitDiffers {
            track: "360p".to_owned()
        })
    );
}

#[test]
fn of_a_chunk_that_is_made_again_what_was_kept_is_told_as_before() {
    let plan = plan();
    let job = Job::Video(1);
    let former = &all(&plan)[&job];
    let mut made = former.clone();
    let segments = made.tracks.iter_mut().flat_map(|track| &mut track.segments);
    segments.for_each(|segment| segment.bytes += 1);

    let kept = [ObjectPath::MediaSegment("360p", 2, plan.format())];
    let mut expected = made.clone();
    expected.tracks[1].segments[1] = former.tracks[1].segments[1];
    let mend = |made: &ChunkRecord, kept: &[ObjectPath<'_>]| {
        mended(&plan, job, former, made.clone(), kept)
    };
    assert_eq!(mend(&made, &kept), Ok(expected));

    made.tracks[0].init_sha256 = Some("other".to_owned());
    assert_eq!(
        mend(&made, &kept),
        Err(PublishError::InitDiffers {
            track: "480p".to_owned()
        })
    );
    assert_eq!(mend(&made, &[]), Ok(made));
}

#[test]
fn transport_streams_have_no_map_and_no_dash() {
    let mut plan = plan();
    plan.settings.segment_format = SegmentFormat::MpegTs;
    let mut records = all(&plan);
    records
        .values_mut()
        .flat_map(|record| &mut record.tracks)
        .for_each(|track| track.init_sha256 = None);
    let published = publish(&plan, &records).unwrap();
    assert!(text(&published, "480p/index.m3u8").contains("seg_00000.ts"));
    assert!(
        published
            .texts
            .iter()
            .all(|text| !text.text.contains("EXT-X-MAP") && text.path != "manifest.mpd")
    );
}

#[test]
fn the_peak_is_that_of_runs_near_the_target_duration() {
    // A last segment of a tenth of a second may be as dense as it likes.
    let rates = BitRates::measure(&[(500_000, 4000), (400_000, 4000), (90_000, 100)], 1000, 4);
    assert_eq!(
        rates,
        BitRates {
            peak: 1_000_000,
            average: 977_778
        }
    );
    // But with the segment before it, it makes a run that counts.
    let rates = BitRates::measure(
        &[(500_000, 4000), (300_000, 2000), (300_000, 2000)],
        1000,
        4,
    );
    assert_eq!(rates.peak, 1_200_000);
    assert_eq!(BitRates::measure(&[(1000, 100)], 1000, 4).peak, 80_000);
}

proptest! {
    /// Jobs finish in any order, and twice.
    #[test]
    fn playlists_only_ever_grow(
        order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(),
        ends_in_chunk in 0..4_u32,
    ) {
        let plan = plan();
        let mut done = all(&plan);
        // The source may end early, which nobody knows before the chunk it ends in is done.
        for (job, record) in &mut done {
            let Job::Video(chunk) = *job else { continue };
            for track in &mut record.tracks {
                match chunk.cmp(&ends_in_chunk) {
                    Ordering::Less => (),
                    Ordering::Equal => {
                        track.segments.truncate(1);
                        track.segments[0].samples = 7;
                    }
                    Ordering::Greater => track.segments.clear(),
                }
            }
        }
        let jobs: Vec<&Job> = done.keys().collect();
        prop_assert_eq!(jobs.len(), order.len());
        let mut records = BTreeMap::new();
        let mut before: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for place in order {
            records.insert(*jobs[place], done[jobs[place]].clone());
            let published = publish(&plan, &records).unwrap();
            prop_assert_eq!(&published, &publish(&plan, &records).unwrap());
            for playlist in published.texts.iter().filter(|text| text.path.ends_with("index.m3u8")) {
                let now: Vec<String> = playlist.text.lines().filter(|l| l.starts_with("seg_")).map(str::to_owned).collect();
                let earlier = before.insert(playlist.path.clone(), now.clone()).unwrap_or_default();
                prop_assert!(now.starts_with(&earlier));
                prop_assert_eq!(playlist.text.contains("#EXT-X-ENDLIST"), published.complete);
            }
        }
        prop_assert!(!before.is_empty());
    }
}
