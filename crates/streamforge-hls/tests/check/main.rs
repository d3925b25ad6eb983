//! The rule checker as its users call it: whole packages in, reports out.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod ffmpeg;
mod fmp4;
mod package;
mod rules;
mod transport_stream;

use std::collections::HashMap;

use package::Package;
use proptest::prelude::*;
use streamforge_hls::check::{Place, Report, Rule, Verdict, check};

fn warnings(report: &Report) -> Vec<Rule> {
    report.rules(Verdict::Warn).collect()
}

#[test]
fn valid_packages_break_no_rule() {
    for mut package in [
        Package::fmp4(),
        Package::fmp4_with_renditions(),
        Package::delivered(),
    ] {
        let report = package.check();
        assert!(report.passed(), "{report}");
        assert_eq!(warnings(&report), [], "{report}");
    }
}

#[test]
fn valid_transport_streams_break_no_must() {
    let report = Package::transport_stream().check();
    assert!(report.passed(), "{report}");
    let of_six_seconds = [Rule::Apple6_2, Rule::Apple6_6];
    assert_eq!(warnings(&report), of_six_seconds, "{report}");
}

#[test]
fn each_resource_is_read_once() {
    for mut package in [Package::fmp4(), Package::transport_stream()] {
        package.check();
        let mut times = HashMap::new();
        for uri in &package.fetched {
            *times.entry(uri.clone()).or_insert(0) += 1;
        }
        // The I-frame playlists name the init segments again.
        times.retain(|uri, times| *times > 1 && !uri.ends_with("init.mp4"));
        assert!(times.is_empty(), "{times:?}");
    }
}

#[test]
fn growing_package_is_judged_by_what_is_there() {
    let mut package = Package::fmp4();
    package.edit_media_playlists("VOD", "EVENT");
    package.remove_last_segment("234p/index.m3u8");
    package.remove_last_segment("360p/iframes.m3u8");
    package.edit_media_playlists("#EXT-X-ENDLIST\n", "");
    // Nobody knows yet what the peak will be: more is promised than was measured.
    for size in ["640x360", "416x234"] {
        let line = ["#EXT-X-STREAM-INF", size];
        package.edit_line(&line, ":BANDWIDTH=", ":BANDWIDTH=9");
        package.edit_line(&line, "AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=9");
    }
    let report = package.check();
    assert!(report.passed(), "{report}");
    let not_applicable: Vec<Rule> = report.rules(Verdict::NotApplicable).collect();
    for rule in [Rule::Apple1_26, Rule::Apple1_27, Rule::Apple8_3] {
        assert!(not_applicable.contains(&rule), "{rule}");
    }
}

#[test]
fn growing_package_may_not_promise_less_than_it_has() {
    let mut package = Package::fmp4();
    package.edit_media_playlists("VOD", "EVENT");
    package.edit_media_playlists("#EXT-X-ENDLIST\n", "");
    let large = ["#EXT-X-STREAM-INF", "640x360"];
    package.edit_line(&large, ":BANDWIDTH=", ":BANDWIDTH=9,X-WAS=");
    let report = package.check();
    assert_eq!(
        report.rules(Verdict::Fail).collect::<Vec<_>>(),
        [Rule::Apple9_13],
        "{report}"
    );
}

#[test]
fn package_without_audio_is_not_asked_for_stereo() {
    let mut package = Package::fmp4();
    package.remove_lines("master.m3u8", |line| line.contains("TYPE=AUDIO"));
    package.edit_all("master.m3u8", ",AUDIO=\"audio\"", "");
    package.edit_all("master.m3u8", ",mp4a.40.2", "");
    for file in package.files.keys().cloned().collect::<Vec<_>>() {
        if file.starts_with("audio/seg") {
            package.files.insert(file, Vec::new());
        }
    }
    package.declare_rates();
    let report = package.check();
    assert!(report.passed(), "{report}");
    let stereo = report
        .findings
        .iter()
        .find(|f| f.rule == Rule::Apple2_3)
        .unwrap();
    assert_eq!(stereo.verdict, Verdict::NotApplicable);
    assert_eq!(stereo.message, "the package has no audio");
}

#[test]
fn media_playlist_can_be_checked_by_itself() {
    let mut package = Package::fmp4();
    let report = check("360p/index.m3u8", &mut package);
    assert!(report.passed(), "{report}");
    assert_eq!(report.playlist, "360p/index.m3u8");
    let i_frames = check("360p/iframes.m3u8", &mut package);
    assert!(i_frames.passed(), "{i_frames}");
}

#[test]
fn finding_tells_the_box_and_where_it_is() {
    let mut package = Package::fmp4();
    package.patch("360p/seg_2.m4s", b"tfdt", 8, &(300_100_u64).to_be_bytes());
    let report = package.check();
    let finding = &report.findings[0];
    assert_eq!(finding.rule, Rule::Apple7_3);
    let location = finding.location.as_ref().unwrap();
    assert_eq!(location.file, "360p/seg_2.m4s");
    let Place::Bytes { offset, box_path } = location.place else {
        panic!("{location:?}");
    };
    assert_eq!(box_path, Some("moof/traf/tfdt"));
    let at = usize::try_from(offset).unwrap();
    assert_eq!(&package.files["360p/seg_2.m4s"][at + 4..at + 8], b"tfdt");
    assert_eq!(
        finding.message,
        "the decode time is 300100, want 300000, where the fragment before it ends (0.004 s off)"
    );
}

#[test]
fn edit_list_moves_the_start_of_a_track() {
    let mut package = Package::fmp4();
    let [large, _] = Package::rungs();
    // Pictures are presented two frames after they are decoded.
    let mut late = large.media;
    late.composition_offset = 2000;
    package.add_track("360p", &late);
    let report = package.check();
    assert!(
        report
            .rules(Verdict::Fail)
            .any(|rule| rule == Rule::Rfc6_2_4Time),
        "{report}"
    );
    late.edit_start = 2000;
    package
        .files
        .insert("360p/init.mp4".to_owned(), late.init());
    let report = package.check();
    assert!(report.passed(), "{report}");
}

#[test]
fn clock_of_a_transport_stream_may_wrap_around() {
    let rungs = Package::transport_stream_rungs().map(|mut rung| {
        // Eight seconds before the 33 bits are full.
        rung.media.next_pts = (1 << 33) - 8 * 90_000;
        rung
    });
    let mut package = Package::of_transport_streams(rungs);
    let mut audio = transport_stream::Writer::audio();
    audio.next_pts = (1 << 33) - 8 * 90_000;
    for number in 0..3 {
        package
            .files
            .insert(format!("audio/seg_{number}.ts"), audio.segment());
    }
    let report = package.check();
    assert!(report.passed(), "{report}");
}

#[test]
fn encrypted_segments_are_counted_but_not_looked_into() {
    let mut package = Package::fmp4();
    let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXT-X-MAP";
    package.edit("audio/index.m3u8", "#EXT-X-MAP", key);
    for number in 0..3 {
        let segment = package
            .files
            .get_mut(&format!("audio/seg_{number}.m4s"))
            .unwrap();
        segment.fill(0xaa);
    }
    let report = package.check();
    assert!(report.passed(), "{report}");
    assert!(
        report
            .rules(Verdict::Pass)
            .any(|rule| rule == Rule::Apple1_27)
    );
}

#[test]
fn redirected_playlist_names_what_is_beside_where_it_came_from() {
    let mut package = Package::delivered();
    let elsewhere = "https://cdn.example/v/index.m3u8".to_owned();
    package
        .deliveries
        .get_mut("audio/index.m3u8")
        .unwrap()
        .redirected_to = Some(elsewhere);
    package.check();
    assert!(
        package
            .fetched
            .contains(&"https://cdn.example/v/seg_0.m4s".to_owned())
    );
}

#[test]
fn discontinuity_starts_a_new_timeline() {
    let mut package = Package::fmp4();
    let [large, small] = Package::rungs();
    let audio = fmp4::Track::audio();
    for (name, track) in [
        ("360p", large.media),
        ("234p", small.media),
        ("audio", audio),
    ] {
        let late = track.segment(u64::from(track.timescale) * 1000);
        package
            .files
            .insert(format!("{name}/seg_2.m4s"), late.bytes);
    }
    let playlists = package.files.keys().filter(|file| file.contains("/i"));
    for file in playlists.cloned().collect::<Vec<_>>() {
        if file.ends_with("m3u8") {
            let text = package.text(&file);
            let (before, after) = text.rsplit_once("seg_1.m4s\n").unwrap();
            let text = format!("{before}seg_1.m4s\n#EXT-X-DISCONTINUITY\n{after}");
            package.add_text(&file, &text);
        }
    }
    let report = package.check();
    assert!(report.passed(), "{report}");
}

#[test]
fn nothing_and_nonsense_fail_without_a_panic() {
    for content in [
        "",
        "\u{0}",
        "#EXTM3U",
        "#EXT-X-STREAM-INF:",
        "<html></html>\n",
    ] {
        let mut package = Package::default();
        package.add_text("master.m3u8", content);
        assert!(!package.check().passed(), "{content:?}");
    }
    assert!(!Package::default().check().passed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_anywhere_never_panics(
        is_transport_stream: bool,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut: Option<(prop::sample::Index, prop::sample::Index)>,
    ) {
        let mut package = if is_transport_stream {
            Package::transport_stream()
        } else {
            Package::fmp4_with_renditions()
        };
        let names: Vec<String> = package.files.keys().cloned().collect();
        for (file, at, byte) in damage {
            let content = package.files.get_mut(file.get(&names)).unwrap();
            *at.get_mut(content) = byte;
        }
        if let Some((file, at)) = cut {
            let content = package.files.get_mut(file.get(&names)).unwrap();
            content.truncate(at.index(content.len()));
        }
        let report = package.check();
        prop_assert!(!report.to_string().is_empty());
    }
}
