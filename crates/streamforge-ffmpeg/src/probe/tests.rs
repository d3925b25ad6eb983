use proptest::prelude::*;
use serde_json::{Value, json};
use streamforge_core::refusal::RefusalCode;

use super::*;

fn video(index: u32) -> Value {
    json!({
        "index": index, "codec_type": "video", "codec_name": "h264", "codec_tag_string": "avc1",
        "width": 640, "height": 360, "pix_fmt": "yuv420p", "r_frame_rate": "30/1", "avg_frame_rate": "30/1",
        "start_time": "0.000000", "disposition": { "default": 1 },
    })
}

fn audio(index: u32) -> Value {
    json!({
        "index": index, "codec_type": "audio", "codec_name": "aac", "codec_tag_string": "mp4a",
        "sample_rate": "48000", "disposition": { "default": 1 }, "tags": { "language": "eng" },
    })
}

/// `value` with some fields replaced.
fn but(mut value: Value, fields: &Value) -> Value {
    for (key, field) in fields.as_object().unwrap() {
        value[key] = field.clone();
    }
    value
}

fn streams(streams: &[Value], duration: &str) -> Streams {
    let format = json!({ "start_time": "0.000000", "duration": duration });
    serde_json::from_value(json!({ "streams": streams, "format": format })).unwrap()
}

/// Lines of ffprobe for `seconds` seconds of 30 fps video from `from` on.
fn frames(stream: u32, from: u32, seconds: u32) -> String {
    let line = |n: u32| {
        let us = u64::from(n) * 1_000_000 / 30;
        let flags = if n.is_multiple_of(60) { "K_" } else { "__" };
        format!(
            "{stream},{}.{:06},N/A,0.033333,{flags}\n",
            us / 1_000_000,
            us % 1_000_000
        )
    };
    let lines: Vec<String> = (from * 30..(from + seconds) * 30).map(line).collect();
    lines.concat()
}

/// Lines of ffprobe for thirty packets of a tenth of a second, each made of its seconds and milliseconds by `line`.
fn tenths(line: impl Fn(u32, u32) -> String) -> String {
    let lines: Vec<String> = (0..30).map(|n| line(n / 10, n % 10 * 100)).collect();
    lines.concat()
}

fn packets(lines: &str, whole: bool) -> Packets {
    let mut packets = Packets::new(whole);
    lines
        .as_bytes()
        .chunks(37)
        .for_each(|bytes| packets.push(bytes));
    packets
}

fn profile(list: &[Value], lines: &str) -> Result<SourceProfile, Refusal> {
    interpret(
        Container::Mov,
        1000,
        &streams(list, "4.0"),
        &packets(lines, true),
    )
}

fn refused(list: &[Value], lines: &str) -> RefusalCode {
    profile(list, lines).unwrap_err().code()
}

#[test]
fn a_usual_file_becomes_a_profile() {
    let lines = format!(
        "{}1,-0.021333,-0.021333,0.021333,KD,side_data,Skip Samples\n\n1,0.000000,0.000000,4.000000,K_\n",
        frames(0, 0, 4)
    );
    let profile = profile(&[video(0), audio(1)], &lines).unwrap();
    assert_eq!(
        (profile.video.start_us, profile.video.end_us),
        (0, 3_999_999)
    );
    assert_eq!(
        (profile.video.rate.num(), profile.video.constant_rate),
        (30, true)
    );
    assert_eq!(profile.video.longest_gop_us, Some(2_000_000));
    let audio = profile.audio.unwrap();
    assert_eq!(
        (audio.start_us, audio.end_us, audio.language.as_deref()),
        (0, 4_000_000, Some("eng"))
    );
}

#[test]
fn the_last_picture_is_shown_for_a_frame_even_if_its_packet_does_not_say() {
    let bare = tenths(|s, ms| format!("0,{s}.{ms:03},N/A,N/A,__\n"));
    assert_eq!(profile(&[video(0)], &bare).unwrap().video.end_us, 3_000_000);
}

#[test]
fn pictures_come_later_than_their_decode_times() {
    let decode_times = tenths(|s, ms| format!("0,N/A,{s}.{ms:03},0.100,__\n"));
    let reordered = but(video(0), &json!({ "has_b_frames": 2 }));
    assert_eq!(
        profile(&[reordered], &decode_times).unwrap().video.end_us,
        3_200_000
    );
}

#[test]
fn files_without_pictures_are_refused_in_their_own_words() {
    let cover = but(video(0), &json!({ "disposition": { "attached_pic": 1 } }));
    let words = |list: &[Value]| profile(list, "").unwrap_err().to_string();
    assert!(words(&[audio(0)]).starts_with("the file holds only audio but no video"));
    assert!(
        words(&[cover, audio(1)]).starts_with("the file holds only audio with a cover picture")
    );
    assert!(words(&[json!({ "index": 0, "codec_type": "subtitle" })]).contains("only subtitles"));
    assert_eq!(refused(&[audio(0)], ""), RefusalCode::NoVideoTrack);
    assert_eq!(refused(&[], ""), RefusalCode::Malformed);
}

#[test]
fn what_cannot_be_decoded_is_refused_by_its_reason() {
    let pictures = frames(0, 0, 1);
    let unknown = but(
        video(0),
        &json!({ "codec_name": "unknown", "codec_tag_string": "vvc1", "pix_fmt": null }),
    );
    assert_eq!(
        refused(&[unknown], &pictures),
        RefusalCode::UnsupportedCodec
    );
    assert_eq!(refused(&[video(0)], ""), RefusalCode::Malformed);
    let broken = but(video(0), &json!({ "pix_fmt": "unknown" }));
    assert_eq!(
        refused(std::slice::from_ref(&broken), &pictures),
        RefusalCode::Malformed
    );
    let secret = "0,0.000000,0.000000,0.033333,K_,side_data,Encryption info\n";
    assert_eq!(refused(&[broken], secret), RefusalCode::Encrypted);
}

#[test]
fn sound_that_cannot_be_decoded_is_refused_but_an_empty_track_is_none() {
    let ac4 = but(
        audio(1),
        &json!({ "codec_name": "unknown", "codec_tag_string": "ac-4" }),
    );
    let heard = format!("{}1,0.000000,0.000000,0.021333,K_\n", frames(0, 0, 1));
    assert_eq!(
        refused(&[video(0), ac4.clone()], &heard),
        RefusalCode::UnsupportedCodec
    );
    assert_eq!(
        profile(&[video(0), ac4.clone()], &frames(0, 0, 1))
            .unwrap()
            .audio,
        None
    );
    let both = format!("{heard}2,0.000000,0.000000,0.021333,K_\n");
    assert_eq!(
        profile(&[video(0), ac4, audio(2)], &both)
            .unwrap()
            .audio
            .unwrap()
            .stream_index,
        2
    );
}

#[test]
fn the_default_of_several_video_tracks_is_taken() {
    let second = but(
        video(1),
        &json!({ "disposition": { "default": 0 }, "width": 1280, "height": 720 }),
    );
    let lines = format!("{}{}", frames(0, 0, 1), frames(1, 0, 1));
    assert_eq!(
        profile(&[video(0), second.clone()], &lines)
            .unwrap()
            .video
            .stream_index,
        0
    );
    // But not if it has no pictures.
    assert_eq!(
        profile(&[video(0), second], &frames(1, 0, 1))
            .unwrap()
            .video
            .stream_index,
        1
    );
}

#[test]
fn turned_anamorphic_and_fielded_pictures_are_seen() {
    let side_data =
        |degrees: i64| json!([{ "side_data_type": "Display Matrix", "rotation": degrees }]);
    for (degrees, turned) in [
        (90, true),
        (-90, true),
        (270, true),
        (180, false),
        (0, false),
        (i64::MIN, false),
    ] {
        let list = [but(
            video(0),
            &json!({ "side_data_list": side_data(degrees) }),
        )];
        assert_eq!(
            profile(&list, &frames(0, 0, 1)).unwrap().video.turned,
            turned,
            "{degrees}°"
        );
    }
    let dvd = but(
        video(0),
        &json!({ "sample_aspect_ratio": "64:45", "field_order": "tt" }),
    );
    let dvd = profile(&[dvd], &frames(0, 0, 1)).unwrap().video;
    assert_eq!((dvd.sample_aspect_ratio, dvd.interlaced), ((64, 45), true));
    let odd = but(video(0), &json!({ "sample_aspect_ratio": "0:1" }));
    assert_eq!(
        profile(&[odd], &frames(0, 0, 1))
            .unwrap()
            .video
            .sample_aspect_ratio,
        (1, 1)
    );
}

#[test]
fn fields_in_packets_of_their_own_are_frames_at_half_the_rate() {
    let fields = but(
        video(0),
        &json!({ "field_order": "tb", "avg_frame_rate": "15/1" }),
    );
    assert_eq!(
        profile(&[fields], &frames(0, 0, 2))
            .unwrap()
            .video
            .rate
            .num(),
        15
    );
}

#[test]
fn a_short_file_is_read_whole_and_a_long_one_at_both_ends() {
    assert_eq!(streams(&[video(0)], "16.0").both_ends().argument(), "%");
    assert_eq!(streams(&[video(0)], "N/A").both_ends().argument(), "%+10");
    assert_eq!(
        streams(&[video(0)], "3600.5").both_ends().argument(),
        "%+10,3594%"
    );
}

#[test]
fn a_guess_of_the_length_serves_when_it_is_nearly_right() {
    let wanted = streams(&[video(0)], "3600.5").both_ends();
    for (guess, serves) in [
        ("3598.9", false),
        ("3600.0", true),
        ("3601.9", true),
        ("3602.0", false),
    ] {
        let guess = Intervals::guess(micros(guess).unwrap());
        assert_eq!(guess.serve(wanted), serves, "{guess:?}");
    }
    let short = Intervals::guess(6_000_000);
    assert!(short.serve(streams(&[video(0)], "6.1").both_ends()));
    assert!(!short.serve(wanted));
    assert!(!short.serve(streams(&[video(0)], "N/A").both_ends()));
}

#[test]
fn an_honest_container_is_believed_and_a_liar_read_to_the_end() {
    let honest = streams(&[video(0)], "60.0");
    let ends = format!("{}{}", frames(0, 0, 20), frames(0, 40, 20));
    assert!(!honest.must_be_read_whole(&packets(&ends, false)));
    assert!(
        honest.must_be_read_whole(&packets(&frames(0, 0, 20), false)),
        "nothing at the end"
    );
    assert!(streams(&[video(0)], "9999.0").must_be_read_whole(&packets(&ends, false)));
    assert!(streams(&[video(0)], "N/A").must_be_read_whole(&packets(&ends, false)));
}

#[test]
fn a_shorter_track_ends_where_its_own_header_says() {
    let sound = but(
        audio(1),
        &json!({ "start_time": "0.000000", "duration": "25.000000" }),
    );
    let lines = format!(
        "{}1,0.000000,0.000000,20.000000,K_\n{}",
        frames(0, 0, 20),
        frames(0, 40, 20)
    );
    let list = streams(&[video(0), sound], "60.0");
    let ends = packets(&lines, false);
    assert!(!list.must_be_read_whole(&ends));
    let profile = interpret(Container::Mov, 1000, &list, &ends).unwrap();
    assert_eq!(profile.audio.unwrap().end_us, 25_000_000);
    // Without that header, only reading all of it tells.
    assert!(streams(&[video(0), audio(1)], "60.0").must_be_read_whole(&ends));
}

#[test]
fn a_file_of_many_streams_and_endless_lines_costs_little() {
    let mut packets = Packets::new(true);
    (0..10_000).for_each(|stream| packets.push(format!("{stream},0.0,0.0,0.1,K_\n").as_bytes()));
    (0..10_000).for_each(|_| packets.push(&[b'1'; 1000]));
    assert_eq!(
        (packets.streams.len(), packets.line.len()),
        (MAX_STREAMS, 5000)
    );
}

#[test]
fn decimals_become_microseconds() {
    let cases = [
        ("1.5", Some(1_500_000)),
        ("-0.023220", Some(-23_220)),
        ("7", Some(7_000_000)),
        ("N/A", None),
        ("", None),
    ];
    for (text, us) in cases {
        assert_eq!(micros(text), us, "{text:?}");
    }
    assert_eq!(micros("99999999999999.0"), None);
    assert_eq!(micros("-99999999999.0"), None, "three thousand years");
}

proptest! {
    #[test]
    fn foreign_lines_never_panic(lines in "([0-9]{1,3},(-?[0-9]{1,20}(\\.[0-9]{0,9})?|N/A|é),?.{0,20}\n){0,20}") {
        let packets = packets(&lines, true);
        let _ = interpret(Container::Mov, 1, &streams(&[video(0), audio(1)], "4.0"), &packets);
    }
}
