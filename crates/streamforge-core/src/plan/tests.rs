use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::ladder::Rung;
use crate::rate::FrameRate;
use crate::source::{AudioTrack, Color, Container, VideoTrack};

/// 1080p30 from 0 to `end_us`, without sound.
fn source(end_us: i64) -> SourceProfile {
    SourceProfile {
        container: Container::Mov,
        size_bytes: 1 << 20,
        start_us: 0,
        video: VideoTrack {
            stream_index: 0,
            codec: "h264".to_owned(),
            width: 1920,
            height: 1080,
            sample_aspect_ratio: (1, 1),
            turned: false,
            rotation_degrees: None,
            pix_fmt: "yuv420p".to_owned(),
            color: Color::default(),
            interlaced: false,
            rate: FrameRate::new(30, 1).unwrap(),
            constant_rate: true,
            start_us: 0,
            end_us,
            longest_gop_us: Some(8_333_333),
        },
        audio: None,
    }
}

fn with_audio(mut source: SourceProfile, start_us: i64, end_us: i64) -> SourceProfile {
    let codec = "aac".to_owned();
    source.audio = Some(AudioTrack {
        stream_index: 1,
        codec,
        sample_rate: 48_000,
        language: None,
        start_us,
        end_us,
        packet_rate: None,
    });
    source
}

fn plan(source: SourceProfile) -> Plan {
    Plan::new(source, Settings::default(), &Limits::default()).unwrap()
}

fn sizes(chunks: &[Chunk]) -> Vec<u32> {
    chunks.iter().map(|chunk| chunk.segments).collect()
}

#[test]
fn the_first_chunks_are_small_so_that_playback_starts_early() {
    let plan = plan(with_audio(source(120_000_000), 0, 120_000_000));
    assert_eq!(sizes(&plan.chunks), [1, 2, 4, 8, 8, 7]);
    assert_eq!(sizes(&plan.audio.as_ref().unwrap().chunks), [1, 4, 16, 9]);
    assert_eq!(
        plan.jobs()[..4],
        [Job::Video(0), Job::Audio(0), Job::Video(1), Job::Audio(1)]
    );
    assert_eq!(plan.jobs().len(), 10);
}

#[test]
fn the_last_chunk_is_open_ended_and_the_others_are_not() {
    let plan = plan(source(13_000_000));
    let ranges: Vec<_> = plan
        .chunks
        .iter()
        .map(|chunk| plan.frame_range(*chunk))
        .collect();
    assert_eq!(ranges, [(0, Some(120)), (120, Some(360)), (360, None)]);
    assert_eq!(plan.frames, 390);
}

#[test]
fn longer_sound_holds_the_last_picture_to_its_end() {
    let plan = plan(with_audio(source(5_000_000), 0, 13_000_000));
    assert_eq!((plan.frames, plan.held_frames), (390, 240));
    let holds: Vec<bool> = plan
        .chunks
        .iter()
        .map(|chunk| plan.holds_last_picture(*chunk))
        .collect();
    assert_eq!(holds, [false, true, true]);
    assert_eq!(plan.frame_range(plan.chunks[2]), (360, Some(390)));
    // There is nothing to decode after the last picture: the seek goes to it.
    assert_eq!(plan.seek_us(360, 0), plan.seek_us(149, 0));
}

#[test]
fn an_encoders_padding_of_the_sound_holds_nothing() {
    assert_eq!(
        plan(with_audio(source(5_000_000), 0, 5_046_000)).held_frames,
        0
    );
}

#[test]
fn sound_that_starts_early_moves_the_origin_by_whole_frames() {
    let mut late = source(10_500_000);
    late.video.start_us = 500_000;
    late.start_us = -23_000;
    let plan = plan(with_audio(late, -23_000, 10_000_000));
    assert_eq!(plan.origin_us, 500_000 - 533_334); // 16 frames
    assert!(plan.starts_before_first_picture(plan.chunks[0]));
    assert!(!plan.starts_before_first_picture(plan.chunks[1]));
    // Seeking counts from the container's start, which is 10 ms after the origin.
    assert_eq!(plan.seek_us(120, 0), 4_000_000 - 10_334);
    assert_eq!(plan.seek_us(0, 0), 0);
}

#[test]
fn a_container_without_an_index_is_decoded_from_further_back() {
    let attempts = |source| {
        plan(source)
            .attempts()
            .map(|attempt| attempt.preroll_us / 1_000_000)
    };
    assert_eq!(attempts(source(60_000_000)), [0, 10, 30, 600]);
    let mut ts = source(60_000_000);
    ts.container = Container::MpegTs;
    assert_eq!(attempts(ts.clone()), [10, 30, 90, 600]);
    ts.video.longest_gop_us = Some(14_000_000);
    assert_eq!(attempts(ts), [15, 45, 135, 600]);
    let mut fields = source(60_000_000);
    fields.video.interlaced = true;
    assert_eq!(plan(fields).attempts()[0].preroll_us, 133_334);
}

#[test]
fn the_poster_comes_from_the_chunk_with_two_seconds() {
    let place = |end_us, segment_secs| {
        let settings = Settings {
            segment: Duration::from_secs(segment_secs),
            ..Settings::default()
        };
        let plan = Plan::new(source(end_us), settings, &Limits::default()).unwrap();
        plan.poster_place()
    };
    assert_eq!(place(60_000_000, 4), (0, 2));
    assert_eq!(place(60_000_000, 2), (1, 0));
    // Chunk 1 begins at 1 s.
    assert_eq!(place(60_000_000, 1), (1, 1));
    assert_eq!(place(1_200_000, 4), (0, 1));
    assert_eq!(place(30_000, 4), (0, 0));
}

#[test]
fn turned_and_anamorphic_pictures_are_planned_as_they_are_shown() {
    let mut phone = source(4_000_000);
    phone.video.turned = true;
    let upright = plan(phone);
    assert_eq!(
        (upright.rungs[0].width, upright.rungs[0].height),
        (1080, 1920)
    );
    assert_eq!(upright.tile_size(), (90, 160));
    assert_eq!(upright.poster_size(), (720, 1280));

    let mut dvd = source(4_000_000);
    (
        dvd.video.width,
        dvd.video.height,
        dvd.video.sample_aspect_ratio,
    ) = (720, 576, (64, 45));
    assert_eq!(plan(dvd).source.video.display_size(), (1024, 576));
}

#[test]
fn limits_are_refusals() {
    let refused = |source: SourceProfile| {
        Plan::new(source, Settings::default(), &Limits::default()).unwrap_err()
    };
    let mut large = source(4_000_000);
    large.size_bytes = 1 << 50;
    assert!(matches!(refused(large), Refusal::TooLarge { .. }));
    let mut sharp = source(4_000_000);
    sharp.video.width = 100_000;
    assert!(matches!(refused(sharp), Refusal::TooManyPixels { .. }));
    let mut wide = source(4_000_000);
    wide.video.sample_aspect_ratio = (1000, 1);
    assert!(matches!(refused(wide), Refusal::TooManyPixels { .. }));
    assert!(matches!(
        refused(source(13 * 3_600_000_000)),
        Refusal::TooLong { .. }
    ));
    assert!(matches!(
        Limits::default().admit_size(0),
        Err(Refusal::Empty)
    ));
}

#[test]
fn a_plan_survives_being_stored() {
    let plan = plan(with_audio(source(120_000_000), 20_000, 120_000_000));
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);
}

fn rates() -> impl Strategy<Value = FrameRate> {
    prop::sample::select(vec![
        (24_000, 1001),
        (24, 1),
        (25, 1),
        (30_000, 1001),
        (30, 1),
        (50, 1),
        (60_000, 1001),
        (1, 1),
        (67, 4),
    ])
    .prop_map(|(num, den)| FrameRate::new(num, den).unwrap())
}

proptest! {
    #[test]
    fn chunks_cover_every_frame_once(
        rate in rates(),
        start_us in 0_i64..100_000_000_000,
        length_us in 1_i64..8_000_000_000,
        audio in prop::option::of((-3_000_000_i64..3_000_000, -3_000_000_i64..30_000_000)),
        segment_secs in 1_u64..=10,
        most in 0_u32..20,
    ) {
        let mut source = source(start_us + length_us);
        (source.video.start_us, source.video.rate) = (start_us, rate);
        if let Some((early, late)) = audio {
            source = with_audio(source, start_us + early, start_us + length_us + late);
        }
        let settings = Settings { segment: Duration::from_secs(segment_secs), chunk_segments: most, ..Settings::default() };
        let plan = Plan::new(source, settings, &Limits::default()).unwrap();

        let mut next = 0;
        for chunk in &plan.chunks {
            let (from, to) = plan.frame_range(*chunk);
            prop_assert_eq!(from, next);
            prop_assert!(from < plan.frames);
            prop_assert_eq!(to.is_none(), plan.is_last(*chunk) && plan.held_frames == 0);
            next = to.unwrap_or(plan.frames);
        }
        prop_assert_eq!(next, plan.frames);

        if let Some(audio) = &plan.audio {
            let segments: u32 = sizes(&audio.chunks).iter().sum();
            let packets = u64::from(audio.grid.samples_per_segment);
            prop_assert!(u64::from(segments - 1) * packets < audio.packets && audio.packets <= u64::from(segments) * packets);
            // Sound and pictures last equally long, to half a packet.
            let pictures = plan.grid.rate.time_of_us(plan.frames);
            let sound = i64::try_from(audio.packets * 1_024_000_000 / 48_000).unwrap();
            prop_assert!((pictures - sound).abs() <= 10_668 || audio.packets == 1);
        }
    }

    #[test]
    fn a_seek_is_never_later_than_the_frame(
        rate in rates(),
        start_us in 0_i64..100_000_000_000,
        container_lead_us in 0_i64..1_000_000,
        frame in 0_u64..100_000,
        preroll_us in 0_i64..30_000_000,
    ) {
        let mut source = source(start_us + 10_000_000_000);
        (source.video.start_us, source.start_us, source.video.rate) = (start_us, start_us - container_lead_us, rate);
        let plan = plan(source);
        let at = plan.source.start_us + plan.seek_us(frame, preroll_us);
        prop_assert!(at <= (plan.origin_us + rate.time_of_us(frame) - preroll_us).max(plan.source.start_us));
    }
}

#[test]
fn the_ladder_is_configuration() {
    let ladder = crate::ladder::EncodingLadder {
        rungs: vec![Rung::standard(720).unwrap()],
        ..Default::default()
    };
    let settings = Settings {
        ladder,
        ..Settings::default()
    };
    let plan = Plan::new(source(4_000_000), settings, &Limits::default()).unwrap();
    assert_eq!(
        plan.rungs
            .iter()
            .map(|rung| rung.name.as_str())
            .collect::<Vec<_>>(),
        ["720p"]
    );
}
