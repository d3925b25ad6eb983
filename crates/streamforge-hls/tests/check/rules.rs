//! Every rule, broken once in a package that breaks no other.

use std::collections::BTreeSet;

use streamforge_hls::check::{Delivery, Report, Rule, Verdict};

use crate::fmp4::{Track, bx};
use crate::package::{Package, Rung};

/// One way to break a rule.
struct Case {
    rule: Rule,
    /// Rules that cannot but break with it.
    also: &'static [Rule],
    /// A package that is valid.
    base: fn() -> Package,
    break_it: fn(&mut Package),
}

const fn case(
    rule: Rule,
    also: &'static [Rule],
    base: fn() -> Package,
    break_it: fn(&mut Package),
) -> Case {
    Case {
        rule,
        also,
        base,
        break_it,
    }
}

const MASTER: &str = "master.m3u8";
const LARGE: &[&str] = &["#EXT-X-STREAM-INF", "640x360"];
const SMALL: &[&str] = &["#EXT-X-STREAM-INF", "416x234"];
const LARGE_I_FRAMES: &[&str] = &["#EXT-X-I-FRAME-STREAM-INF", "640x360"];
const AUDIO: &[&str] = &["NAME=\"Original\""];
const DESCRIBED: &[&str] = &["NAME=\"Audio description\""];
const SUBTITLES: &[&str] = &["NAME=\"English\""];

/// Changes what a server says when it delivers the resources whose URI ends in `end`.
fn deliver(package: &mut Package, end: &str, change: fn(&mut Delivery)) {
    for (_, delivery) in package
        .deliveries
        .iter_mut()
        .filter(|(uri, _)| uri.ends_with(end))
    {
        change(delivery);
    }
}

/// The package of [`Package::fmp4`] with its larger rung in another codec.
fn with_codec(kind: [u8; 4], configuration: &[u8], codec: &str) -> Package {
    let [large, small] = Package::rungs();
    let large = Rung {
        codec: codec.to_owned(),
        media: large.media.with_codec(kind, configuration),
        ..large
    };
    Package::of_tracks(&[large, small], &Track::audio())
}

/// The package of [`Package::fmp4`] with another larger rung.
fn with_large(large: Rung<Track>) -> Package {
    let [_, small] = Package::rungs();
    Package::of_tracks(&[large, small], &Track::audio())
}

/// Text of playlists.
const PLAYLIST_CASES: &[Case] = &[
    case(Rule::Rfc2, &[Rule::Apple8_3], Package::fmp4, |p| {
        p.remove_lines("234p/index.m3u8", |line| {
            !line.starts_with("#EXT-X") && line != "#EXTM3U"
        });
    }),
    case(Rule::Rfc4, &[], Package::fmp4, |p| {
        let playlist = p.text("234p/index.m3u8");
        p.add_text("234p/index.txt", &playlist);
        p.edit(MASTER, "234p/index.m3u8", "234p/index.txt");
    }),
    case(Rule::Rfc4_1, &[], Package::fmp4, |p| {
        p.edit("audio/index.m3u8", "#EXTM3U", "\u{feff}#EXTM3U");
    }),
    case(Rule::Rfc4_1, &[], Package::fmp4, |p| {
        p.edit("audio/index.m3u8", "seg_1.m4s", "seg_1.m4s ");
    }),
    case(Rule::Rfc4_1, &[], Package::fmp4, |p| {
        p.edit(MASTER, "Original", "Origin\u{7}al");
    }),
    case(Rule::Rfc4_1Kind, &[], Package::fmp4, |p| {
        p.edit(
            MASTER,
            "#EXT-X-VERSION:7",
            "#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6",
        );
    }),
    case(Rule::Rfc4_2, &[], Package::fmp4, |p| {
        p.edit_line(AUDIO, "NAME", ",NAME");
    }),
    case(Rule::Rfc4_2Duplicate, &[], Package::fmp4, |p| {
        p.edit_line(AUDIO, ",NAME=", ",LANGUAGE=\"en\",NAME=");
    }),
    case(Rule::Rfc4_2Type, &[], Package::fmp4, |p| {
        p.edit_line(LARGE, "25.000", "\"25.000\"");
    }),
    case(Rule::Rfc4_2Unknown, &[], Package::fmp4, |p| {
        p.edit_line(LARGE, "CODECS", "COLOR=RED,CODECS");
    }),
    case(Rule::Rfc4_3Required, &[], Package::fmp4, |p| {
        p.remove_attribute(AUDIO, "NAME");
    }),
    case(Rule::Rfc4_3Value, &[], Package::fmp4, |p| {
        p.edit("audio/index.m3u8", "SEQUENCE:0", "SEQUENCE:x");
    }),
    case(Rule::Rfc4_3_1_1, &[], Package::fmp4, |p| {
        p.edit("234p/index.m3u8", "#EXTM3U\n", "");
    }),
    case(Rule::Rfc4_3_1_2, &[], Package::fmp4, |p| {
        p.edit("234p/index.m3u8", "#EXTINF", "#EXT-X-VERSION:7\n#EXTINF");
    }),
    case(
        Rule::Rfc4_3_2_1,
        &[
            Rule::Apple1_27,
            Rule::Apple7_6,
            Rule::Apple8_1,
            Rule::Apple8_22,
            Rule::Apple9_13,
        ],
        Package::fmp4,
        |p| p.edit("234p/index.m3u8", "#EXTINF:6.000000,\n", ""),
    ),
    case(Rule::Rfc4_3_2_2, &[], Package::fmp4, |p| {
        p.edit(
            "audio/index.m3u8",
            "seg_1",
            "#EXT-X-BYTERANGE:99999999@0\nseg_1",
        );
    }),
    case(Rule::Rfc4_3_2_2, &[], Package::fmp4, |p| {
        p.edit("audio/index.m3u8", "seg_1", "#EXT-X-BYTERANGE:100\nseg_1");
    }),
    case(Rule::Rfc4_3_3, &[], Package::fmp4, |p| {
        p.edit(
            "234p/index.m3u8",
            "#EXTINF",
            "#EXT-X-TARGETDURATION:6\n#EXTINF",
        );
    }),
    case(Rule::Rfc4_3_3_1, &[], Package::fmp4, |p| {
        p.edit("234p/index.m3u8", "#EXT-X-TARGETDURATION:6\n", "");
    }),
    case(
        Rule::Rfc4_3_3_1Extinf,
        &[Rule::Apple8_1, Rule::Apple8_22],
        Package::fmp4,
        |p| p.edit("234p/index.m3u8", "#EXTINF:6.000000", "#EXTINF:6.500000"),
    ),
    case(Rule::Rfc4_3_3_2, &[], Package::fmp4, |p| {
        p.edit("234p/index.m3u8", "#EXT-X-MEDIA-SEQUENCE:0\n", "");
        p.edit(
            "234p/index.m3u8",
            "seg_0.m4s\n",
            "seg_0.m4s\n#EXT-X-MEDIA-SEQUENCE:0\n",
        );
    }),
    case(Rule::Rfc4_3_3_4, &[], Package::fmp4, |p| {
        p.edit("234p/index.m3u8", "#EXT-X-ENDLIST\n", "");
        p.edit("234p/index.m3u8", "#EXTINF", "#EXT-X-ENDLIST\n#EXTINF");
    }),
    case(Rule::Rfc4_3_4_1, &[], Package::fmp4, |p| {
        p.edit_line(AUDIO, "SELECT=YES", "SELECT=NO");
    }),
    case(
        Rule::Rfc4_3_4_1_1,
        &[Rule::Apple2_14],
        Package::fmp4_with_renditions,
        |p| {
            p.edit_line(DESCRIBED, "Audio description", "Original");
        },
    ),
    case(Rule::Rfc4_3_4_2Uri, &[], Package::fmp4, |p| {
        p.edit(MASTER, "234p/index.m3u8\n", "");
    }),
    case(
        Rule::Rfc4_3_4_2Group,
        &[Rule::Rfc4_3_4_2Codecs, Rule::Apple1_26, Rule::Apple1_27],
        Package::fmp4,
        |p| p.edit_line(LARGE, "AUDIO=\"audio\"", "AUDIO=\"other\""),
    ),
    case(Rule::Rfc4_3_4_2Codecs, &[], Package::fmp4, |p| {
        p.edit_line(LARGE, "64001e", "64000d");
    }),
    case(Rule::Rfc4_3_4_2Resolution, &[], Package::fmp4, |p| {
        p.edit_line(LARGE, "x360", "x362");
    }),
    case(Rule::Rfc4_3_4_2FrameRate, &[], Package::fmp4, |p| {
        p.edit_line(LARGE, "25.000", "24.975");
    }),
    case(Rule::Rfc6_2_1, &[], Package::fmp4, |p| {
        drop(p.files.remove("234p/seg_1.m4s"));
    }),
    case(Rule::Rfc6_2_1, &[], Package::fmp4, |p| {
        drop(p.files.remove("234p/iframes.m3u8"));
    }),
    case(Rule::Rfc6_2_1, &[], Package::fmp4, |p| {
        p.edit("audio/index.m3u8", "seg_1", "../../seg_1");
    }),
    case(Rule::Rfc6_2_1End, &[], Package::fmp4, |p| {
        p.edit("audio/index.m3u8", "#EXT-X-ENDLIST\n", "");
    }),
    case(Rule::Rfc6_2_4Type, &[], Package::fmp4, |p| {
        p.edit("audio/index.m3u8", "VOD", "EVENT");
    }),
    case(Rule::Rfc6_2_4Time, &[], Package::fmp4, |p| {
        p.add_track_from("audio", &Track::audio(), 48_000);
        p.edit_media_playlists("VOD", "EVENT");
    }),
    case(Rule::Rfc7, &[], Package::fmp4, |p| {
        p.edit("234p/index.m3u8", "VERSION:7", "VERSION:5");
    }),
];

/// What video and audio are.
const FORMAT_CASES: &[Case] = &[
    case(Rule::Apple1_1, &[], Package::fmp4, |p| {
        *p = with_codec(*b"vp09", &[], "vp09");
    }),
    case(Rule::Apple1_2, &[], Package::fmp4, |p| {
        p.patch("360p/seg_1.m4s", b"styp", 0, b"junk");
    }),
    case(Rule::Apple1_3a, &[Rule::Apple1_11], Package::fmp4, |p| {
        let large = Package::rung("360p", (640, 360), 0x2a, 800);
        let small = Package::rung("234p", (416, 234), 0x2a, 400);
        *p = Package::of_tracks(&[large, small], &Track::audio());
    }),
    case(Rule::Apple1_3b, &[Rule::Apple1_11], Package::fmp4, |p| {
        *p = with_large(Package::rung("360p", (640, 360), 0x3d, 800));
    }),
    case(Rule::Apple1_4, &[], Package::fmp4, |p| {
        let main_profile = bx(*b"avcC", &[1, 0x4d, 0, 0x1e, 0xff, 0xe0, 0]);
        *p = with_codec(*b"avc1", &main_profile, "avc1.4d001e");
    }),
    case(Rule::Apple1_5, &[], Package::transport_stream, |p| {
        let [mut large, small] = Package::transport_stream_rungs();
        large.media.stream_type = 0x24;
        "hvc1.1.6.L93.B0".clone_into(&mut large.codec);
        *p = Package::of_transport_streams([large, small]);
    }),
    case(Rule::Apple1_6b, &[], Package::fmp4, |p| {
        let level_5_2 = [1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 156];
        *p = with_codec(*b"hvc1", &bx(*b"hvcC", &level_5_2), "hvc1.1.6.L156.B0");
    }),
    case(Rule::Apple1_10, &[], Package::fmp4, |p| {
        let configuration = bx(*b"avcC", &[1, 0x64, 0, 0x1e, 0xff, 0xe0, 0]);
        *p = with_codec(*b"avc3", &configuration, "avc3.64001e");
    }),
    case(Rule::Apple1_11, &[], Package::fmp4, |p| {
        *p = with_large(Package::rung("360p", (640, 360), 0x1f, 800));
    }),
    case(Rule::Apple1_12, &[Rule::Apple6_14], Package::fmp4, |p| {
        let rungs = Package::rungs().map(|rung| Rung {
            codec: "av01".to_owned(),
            media: rung.media.with_codec(*b"av01", &[]),
            ..rung
        });
        *p = Package::of_tracks(&rungs, &Track::audio());
    }),
    case(Rule::Apple1_13, &[Rule::Apple6_2], Package::fmp4, |p| {
        // One fragment of six seconds, with an IDR only at its start.
        let rungs = Package::rungs().map(|mut rung| {
            rung.media.lengthen_fragment(150);
            rung.media.fragments = 1;
            rung
        });
        *p = Package::of_tracks(&rungs, &Track::audio());
    }),
    case(
        Rule::Apple1_19,
        &[Rule::Rfc4_3_4_2FrameRate],
        Package::fmp4,
        |p| {
            p.edit_line(LARGE, "25.000", "75.000");
        },
    ),
    case(
        Rule::Apple1_19,
        &[Rule::Rfc4_3_4_2FrameRate],
        Package::fmp4,
        |p| {
            let mut large = Package::rung("360p", (640, 360), 0x1e, 800);
            large.media.sample_duration = 250;
            large.media.lengthen_fragment(100);
            *p = with_large(large);
            // What is declared is allowed, so it is not what is there.
            p.edit_line(LARGE, "25.000", "60.000");
        },
    ),
    case(Rule::Apple1_24, &[], Package::fmp4, |p| {
        p.edit_all(
            MASTER,
            "AUDIO=\"audio\"\n",
            "AUDIO=\"audio\",VIDEO-RANGE=PQ\n",
        );
    }),
    case(Rule::Apple1_26, &[], Package::fmp4, |p| {
        p.edit_line(SMALL, "AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=9");
    }),
    case(Rule::Apple1_27, &[], Package::fmp4, |p| {
        p.edit_line(LARGE, ":BANDWIDTH=", ":BANDWIDTH=9");
    }),
    case(Rule::Apple1_30, &[], Package::fmp4, |p| {
        let filler = bx(*b"free", &[0; 400_000]);
        p.files.get_mut("360p/seg_1.m4s").unwrap().extend(filler);
        p.declare_rates();
    }),
    case(Rule::Apple1_32, &[], Package::fmp4, |p| {
        let [large, small] = Package::rungs();
        *p = Package::of_tracks(&[small, large], &Track::audio());
    }),
    case(Rule::Apple1_33, &[], Package::fmp4, |p| {
        *p = with_large(Package::rung("360p", (480, 360), 0x15, 800));
    }),
    case(
        Rule::Apple1_34,
        &[Rule::Apple1_27, Rule::Apple9_10],
        Package::fmp4,
        |p| {
            *p = with_large(Package::rung("2160p", (3840, 2160), 0x33, 800));
            p.edit_line(
                &["#EXT-X-STREAM-INF", "3840x2160"],
                ":BANDWIDTH=",
                ":BANDWIDTH=16000000,X-WAS=",
            );
        },
    ),
    case(Rule::Apple1_37, &[], Package::fmp4, |p| {
        *p = with_codec(*b"av01", &bx(*b"av1C", &[0x81, 19, 0, 0]), "av01.0.19M.08");
    }),
    case(Rule::Apple2_3, &[], Package::fmp4, |p| {
        p.patch("audio/init.mp4", b"mp4a", 0, b"ac-3");
        p.edit_all(MASTER, "mp4a.40.2", "ac-3");
    }),
    case(Rule::Apple2_3, &[], Package::fmp4, |p| {
        *p = Package::of_tracks(&Package::rungs(), &Track::audio_of(2, 1));
    }),
    case(Rule::Apple2_4, &[], Package::fmp4, |p| {
        *p = Package::of_tracks(&Package::rungs(), &Track::audio_of(5, 2));
        p.edit_all(MASTER, "mp4a.40.2", "mp4a.40.5");
    }),
    case(Rule::Apple2_9, &[], Package::fmp4, |p| {
        let mut audio = Track::audio();
        audio.fragment = vec![vec![0x21; 500]; 300];
        *p = Package::of_tracks(&Package::rungs(), &audio);
    }),
    case(Rule::Apple2_11, &[], Package::fmp4, |p| {
        p.files
            .insert("audio/mono.mp4".to_owned(), Track::audio_of(2, 1).init());
        p.edit(
            "audio/index.m3u8",
            "seg_0.m4s\n",
            "seg_0.m4s\n#EXT-X-MAP:URI=\"mono.mp4\"\n",
        );
    }),
    case(Rule::Apple2_17, &[], Package::fmp4, |p| {
        p.files.insert(
            "audio/init.mp4".to_owned(),
            Track::audio().init_with_tracks(2),
        );
    }),
];

/// Audio description, captions, subtitles.
const RENDITION_CASES: &[Case] = &[
    case(Rule::Apple2_12, &[], Package::fmp4_with_renditions, |p| {
        p.remove_attribute(DESCRIBED, "CHARACTERISTICS");
    }),
    case(Rule::Apple2_13, &[], Package::fmp4_with_renditions, |p| {
        p.remove_attribute(DESCRIBED, "AUTOSELECT");
    }),
    case(Rule::Apple2_14, &[], Package::fmp4_with_renditions, |p| {
        p.edit_line(DESCRIBED, "Audio description", "English");
    }),
    case(
        Rule::Apple2_15,
        &[Rule::Apple8_3, Rule::Apple8_7],
        Package::fmp4_with_renditions,
        |p| {
            p.remove_last_segment("described/index.m3u8");
        },
    ),
    case(
        Rule::Apple2_27,
        &[Rule::Apple8_10],
        Package::fmp4_with_renditions,
        |p| {
            p.remove_attribute(DESCRIBED, "LANGUAGE");
        },
    ),
    case(
        Rule::Apple4_4,
        &[Rule::Apple8_10],
        Package::fmp4_with_renditions,
        |p| {
            p.remove_attribute(&["NAME=\"CC\""], "LANGUAGE");
        },
    ),
    case(Rule::Apple4_5, &[], Package::fmp4_with_renditions, |p| {
        p.edit_line(
            SUBTITLES,
            ",public.accessibility.describes-music-and-sound",
            "",
        );
    }),
    case(Rule::Apple4_6, &[], Package::fmp4_with_renditions, |p| {
        p.remove_attribute(SUBTITLES, "AUTOSELECT");
    }),
    case(
        Rule::Apple4_7,
        &[Rule::Apple8_10],
        Package::fmp4_with_renditions,
        |p| {
            p.remove_attribute(SUBTITLES, "LANGUAGE");
        },
    ),
    case(Rule::Apple5_2, &[], Package::fmp4_with_renditions, |p| {
        for number in 0..3 {
            p.files
                .insert(format!("subtitles/{number}.vtt"), vec![0xff, 0xf1, 0, 0]);
        }
    }),
    case(Rule::Apple5_3, &[], Package::fmp4_with_renditions, |p| {
        p.edit("subtitles/1.vtt", "X-TIMESTAMP-MAP", "NOTE");
    }),
    case(Rule::Apple5_5, &[], Package::fmp4_with_renditions, |p| {
        p.remove_last_segment("subtitles/index.m3u8");
    }),
    case(Rule::Apple5_10, &[], Package::fmp4_with_renditions, |p| {
        p.edit_all(MASTER, ",wvtt", "");
    }),
    case(Rule::Apple5_11, &[], Package::fmp4_with_renditions, |p| {
        p.remove_attribute(&["NAME=\"Forced\""], "AUTOSELECT");
    }),
    case(Rule::Rfc4_3_4_1, &[], Package::fmp4_with_renditions, |p| {
        p.edit_line(&["NAME=\"CC\""], "LANGUAGE", "URI=\"cc.m3u8\",LANGUAGE");
    }),
];

/// I-frame playlists.
const TRICK_PLAY_CASES: &[Case] = &[
    case(Rule::Rfc4_3_3_6, &[], Package::fmp4, |p| {
        // A byte more than the first I-frame has.
        let length = p.number_after("360p/iframes.m3u8", "BYTERANGE:");
        let (from, to) = (format!(":{length}@"), format!(":{}@", length + 1));
        p.edit("360p/iframes.m3u8", &from, &to);
    }),
    case(Rule::Rfc4_3_3_6, &[Rule::Apple8_7], Package::fmp4, |p| {
        p.edit("360p/iframes.m3u8", "#EXTINF:1.0", "#EXTINF:1.5");
    }),
    case(
        Rule::Rfc4_3_2_2,
        &[Rule::Apple6_10, Rule::Apple6_9],
        Package::fmp4,
        |p| {
            p.edit(
                "360p/iframes.m3u8",
                "#EXT-X-BYTERANGE:",
                "#EXT-X-BYTERANGE:9",
            );
            p.edit("360p/iframes.m3u8", "@20", "@99999");
        },
    ),
    case(Rule::Apple6_1, &[], Package::fmp4, |p| {
        p.remove_lines(MASTER, |line| line.contains("I-FRAME"));
    }),
    case(Rule::Apple6_2, &[], Package::fmp4, |p| {
        // An IDR only every two seconds.
        let rungs = Package::rungs().map(|mut rung| {
            rung.media.lengthen_fragment(50);
            rung.media.fragments = 3;
            rung
        });
        *p = Package::of_tracks(&rungs, &Track::audio());
    }),
    case(Rule::Apple6_6, &[], Package::fmp4, |p| {
        *p = with_large(Package::rung("360p", (640, 360), 0x1e, 400));
    }),
    case(Rule::Apple6_8, &[], Package::fmp4, |p| {
        p.edit("360p/iframes.m3u8", "#EXT-X-I-FRAMES-ONLY\n", "");
    }),
    case(Rule::Apple6_9, &[], Package::fmp4, |p| {
        p.edit_line(LARGE_I_FRAMES, ":BANDWIDTH=", ":BANDWIDTH=9");
    }),
    case(Rule::Apple6_10, &[], Package::fmp4, |p| {
        // The moof of the first I-frame starts after the 20 bytes of the styp.
        p.edit("360p/iframes.m3u8", "@20", "@28");
    }),
    case(
        Rule::Apple6_14,
        &[Rule::Rfc4_3_4_2Codecs],
        Package::fmp4,
        |p| {
            for mark in ["640x360", "416x234"] {
                p.edit_line(&["I-FRAME-STREAM", mark], "avc1.6400", "av01.0.0");
            }
        },
    ),
    case(Rule::Apple6_16, &[], Package::fmp4, |p| {
        p.edit_all(MASTER, "/iframes.m3u8\"", "/iframes.m3u8\",VIDEO-RANGE=PQ");
    }),
];

/// Segments, and the time in them.
const SEGMENT_CASES: &[Case] = &[
    case(
        Rule::Rfc3_2First,
        &[Rule::Rfc4_3_3_6],
        Package::transport_stream,
        |p| {
            // A packet of nothing before the tables.
            let segment = p.files.get_mut("360p/seg_1.ts").unwrap();
            let empty = [&[0x47, 0x1f, 0xff, 0x10][..], &[0xff; 184]].concat();
            segment.splice(0..0, empty);
            p.declare_rates();
        },
    ),
    case(Rule::Rfc3_2, &[], Package::transport_stream, |p| {
        let segment = p.files.get_mut("360p/seg_2.ts").unwrap();
        segment.truncate(segment.len() - 1);
    }),
    case(Rule::Rfc3_3, &[], Package::fmp4, |p| {
        let segment = p.files.get_mut("360p/seg_2.m4s").unwrap();
        segment.truncate(segment.len() - 1);
    }),
    case(Rule::Rfc3_3, &[], Package::fmp4, |p| {
        p.patch("audio/init.mp4", b"moov", 0, b"free");
    }),
    case(Rule::Apple7_1, &[], Package::transport_stream, |p| {
        // One picture is missing before the second segment.
        let [mut large, small] = Package::transport_stream_rungs();
        let first = large.media.segment();
        large.media.next_pts += 3600;
        let rest = [large.media.segment(), large.media.segment()];
        *p = Package::of_transport_streams([large, small]);
        for (number, segment) in [first].into_iter().chain(rest).enumerate() {
            p.files.insert(format!("360p/seg_{number}.ts"), segment);
        }
    }),
    case(Rule::Apple7_2, &[], Package::transport_stream, |p| {
        // Every 188 bytes a packet; the low four bits of the fourth byte count.
        p.files.get_mut("360p/seg_1.ts").unwrap()[50 * 188 + 3] ^= 0x08;
    }),
    case(Rule::Apple7_2, &[], Package::transport_stream, |p| {
        let [mut large, _] = Package::transport_stream_rungs();
        p.files
            .insert("360p/seg_0.ts".to_owned(), large.media.segment());
        let mut second = large.media.segment();
        for packet in second.chunks_mut(188).skip(2) {
            packet[3] = 0x30 | (packet[3] + 1) & 0x0f;
        }
        p.files.insert("360p/seg_1.ts".to_owned(), second);
        let mut third = large.media.segment();
        for packet in third.chunks_mut(188).skip(2) {
            packet[3] = 0x30 | (packet[3] + 1) & 0x0f;
        }
        p.files.insert("360p/seg_2.ts".to_owned(), third);
    }),
    case(Rule::Apple7_3, &[], Package::fmp4, |p| {
        // 100 ticks, 4 ms, too late.
        p.patch("360p/seg_2.m4s", b"tfdt", 8, &(300_100_u64).to_be_bytes());
    }),
    case(Rule::Apple7_4, &[Rule::Rfc4_3_3_6], Package::fmp4, |p| {
        p.patch("234p/seg_1.m4s", b"mdat", 8, &[0x41]);
    }),
    case(
        Rule::Apple7_4,
        &[Rule::Rfc4_3_3_6],
        Package::transport_stream,
        |p| {
            p.patch("234p/seg_1.ts", &[0, 0, 1, 0x65], 3, &[0x41]);
        },
    ),
    case(Rule::Apple7_5, &[], Package::fmp4, |p| {
        p.edit_media_playlists("DURATION:6", "DURATION:7");
    }),
    case(Rule::Apple7_6, &[], Package::fmp4, |p| {
        let rungs = Package::rungs().map(|mut rung| {
            rung.media.fragments = 4;
            rung
        });
        let mut audio = Track::audio();
        audio.fragment.truncate(200);
        *p = Package::of_tracks(&rungs, &audio);
    }),
    case(
        Rule::Apple7_7,
        &[Rule::Rfc4_3_3_1Extinf, Rule::Apple8_1, Rule::Apple8_22],
        Package::fmp4,
        |p| p.edit("234p/index.m3u8", "#EXTINF:6.000000", "#EXTINF:6.600000"),
    ),
    case(Rule::Apple8_13, &[], Package::fmp4, |p| {
        p.files.insert(
            "360p/wider.mp4".to_owned(),
            Track::video(642, 360, 0x1e, 800).init(),
        );
        p.edit(
            "360p/index.m3u8",
            "seg_0.m4s\n",
            "seg_0.m4s\n#EXT-X-MAP:URI=\"wider.mp4\"\n",
        );
    }),
    case(Rule::Apple8_14, &[Rule::Apple6_1], Package::fmp4, |p| {
        let mut twice = Track::video(640, 360, 0x1e, 800);
        twice.sample_duration = 500;
        twice.lengthen_fragment(50);
        p.files
            .insert("360p/seg_2.m4s".to_owned(), twice.segment(300_000).bytes);
        p.edit_line(LARGE, "25.000", "50.000");
        p.remove_lines(MASTER, |line| line.contains("I-FRAME"));
        p.declare_rates();
    }),
];

/// Media playlists, by themselves and with each other.
const TIMELINE_CASES: &[Case] = &[
    case(Rule::Apple8_1, &[Rule::Apple8_22], Package::fmp4, |p| {
        p.edit("234p/index.m3u8", "#EXTINF:6.000000", "#EXTINF:6.050000");
    }),
    case(Rule::Apple8_2, &[Rule::Apple7_5], Package::fmp4, |p| {
        p.edit("audio/index.m3u8", "DURATION:6", "DURATION:7");
    }),
    case(Rule::Apple8_3, &[], Package::fmp4, |p| {
        p.remove_last_segment("audio/index.m3u8");
        p.edit_media_playlists("VOD", "EVENT");
    }),
    case(Rule::Apple8_6, &[], Package::fmp4, |p| {
        p.edit_media_playlists("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
    }),
    case(Rule::Apple8_7, &[Rule::Apple8_3], Package::fmp4, |p| {
        p.remove_last_segment("audio/index.m3u8");
    }),
    case(Rule::Apple8_8, &[], Package::fmp4, |p| {
        p.edit_media_playlists("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
        p.edit_media_playlists("#EXT-X-ENDLIST\n", "");
    }),
    case(
        Rule::Apple8_9,
        &[Rule::Rfc4_3_4_2Codecs, Rule::Apple1_26, Rule::Apple1_27],
        Package::fmp4,
        |p| p.remove_attribute(LARGE, "AUDIO"),
    ),
    case(Rule::Apple8_10, &[], Package::fmp4, |p| {
        p.remove_attribute(AUDIO, "LANGUAGE");
    }),
    case(Rule::Apple8_15, &[], Package::fmp4, |p| {
        p.edit(
            "360p/index.m3u8",
            "seg_0.m4s\n",
            "seg_0.m4s\n#EXT-X-DISCONTINUITY\n",
        );
    }),
    case(Rule::Apple8_20, &[], Package::fmp4, |p| {
        p.edit("234p/index.m3u8", "#EXT-X-MAP:URI=\"init.mp4\"\n", "");
    }),
    case(Rule::Apple8_22, &[], Package::fmp4, |p| {
        // Three segments of 5.5 s and one of 1.5 s.
        let mut audio = Track::audio();
        audio.fragment.truncate(275);
        let ticks = audio.segment_ticks();
        let mut playlist = p.text("audio/index.m3u8").replace("#EXT-X-ENDLIST\n", "");
        playlist = playlist.replace("#EXTINF:6.0", "#EXTINF:5.5");
        for number in 0..3 {
            let segment = audio.segment(number * ticks);
            p.files
                .insert(format!("audio/seg_{number}.m4s"), segment.bytes);
        }
        audio.fragment.truncate(75);
        p.files
            .insert("audio/last.m4s".to_owned(), audio.segment(3 * ticks).bytes);
        p.add_text(
            "audio/index.m3u8",
            &(playlist + "#EXTINF:1.5,\nlast.m4s\n#EXT-X-ENDLIST\n"),
        );
    }),
];

/// The multivariant playlist.
const MULTIVARIANT_CASES: &[Case] = &[
    case(Rule::Apple9_1, &[], Package::fmp4, |p| {
        p.remove_attribute(LARGE, "CODECS");
    }),
    case(Rule::Apple9_2, &[], Package::fmp4, |p| {
        p.remove_attribute(LARGE, "RESOLUTION");
    }),
    case(Rule::Apple9_3, &[], Package::fmp4, |p| {
        p.remove_attribute(LARGE_I_FRAMES, "CODECS");
    }),
    case(Rule::Apple9_4, &[], Package::fmp4, |p| {
        p.remove_attribute(LARGE_I_FRAMES, "RESOLUTION");
    }),
    case(Rule::Apple9_5, &[], Package::transport_stream, |p| {
        let [mut large, small] = Package::transport_stream_rungs();
        large.media.is_muxed = true;
        *p = Package::of_transport_streams([large, small]);
    }),
    case(Rule::Apple9_9, &[], Package::fmp4, |p| {
        p.remove_lines(MASTER, |line| {
            line.contains("416x234") || line.starts_with("234p")
        });
    }),
    case(Rule::Apple9_9, &[], Package::fmp4, |p| {
        *p = with_large(Package::rung("480p", (854, 480), 0x1e, 800));
        p.remove_lines(MASTER, |line| {
            line.contains("416x234") || line.starts_with("234p")
        });
    }),
    case(Rule::Apple9_10, &[], Package::fmp4, |p| {
        *p = with_large(Package::rung("720p", (1280, 720), 0x1f, 800));
    }),
    case(Rule::Apple9_11, &[], Package::fmp4, |p| {
        p.edit(MASTER, "#EXT-X-INDEPENDENT-SEGMENTS\n", "");
        p.edit_media_playlists(
            "#EXT-X-VERSION:7\n",
            "#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n",
        );
    }),
    case(Rule::Apple9_12, &[Rule::Apple9_11], Package::fmp4, |p| {
        p.edit(MASTER, "#EXT-X-INDEPENDENT-SEGMENTS\n", "");
    }),
    case(Rule::Apple9_13, &[], Package::fmp4, |p| {
        // A fiftieth too little, which 1.27 allows.
        let bandwidth = p.number_after(MASTER, "#EXT-X-STREAM-INF:BANDWIDTH=");
        let less = bandwidth * 49 / 50;
        p.edit_line(
            LARGE,
            &format!(":BANDWIDTH={bandwidth}"),
            &format!(":BANDWIDTH={less}"),
        );
    }),
    case(Rule::Apple9_14, &[], Package::fmp4, |p| {
        p.remove_attribute(LARGE, "AVERAGE-BANDWIDTH");
    }),
    case(Rule::Apple9_15, &[], Package::fmp4, |p| {
        p.remove_attribute(LARGE, "FRAME-RATE");
    }),
    case(Rule::Apple9_16, &[], Package::fmp4, |p| {
        p.patch("360p/init.mp4", b"nclx", 6, &[0, 16]);
    }),
    case(Rule::Apple9_20, &[], Package::fmp4, |p| {
        let rate = p.files["audio/seg_0.m4s"].len() * 8 / 6;
        let stream = format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={rate},AVERAGE-BANDWIDTH={rate},CODECS=\"mp4a.40.2\"\n\
             audio/index.m3u8\n"
        );
        p.add_text(MASTER, &(p.text(MASTER) + &stream));
    }),
];

/// Delivery by a server.
const DELIVERY_CASES: &[Case] = &[
    case(Rule::Apple8_18, &[], Package::delivered, |p| {
        deliver(p, "seg_1.m4s", |d| {
            d.redirected_to = Some("https://cdn.example/seg".to_owned());
        });
    }),
    case(Rule::Apple10_1, &[], Package::delivered, |p| {
        deliver(p, "master.m3u8", |d| d.content_encoding = None);
    }),
    case(Rule::Apple10_4, &[], Package::delivered, |p| {
        deliver(p, ".m4s", |d| {
            d.content_type = Some("text/plain".to_owned());
        });
    }),
    case(Rule::Apple11_1, &[], Package::delivered, |p| {
        deliver(p, "master.m3u8", |d| d.tls = false);
    }),
    case(Rule::Apple11_2, &[], Package::delivered, |p| {
        deliver(p, "index.m3u8", |d| d.tls = false);
    }),
    case(Rule::Apple11_3, &[], Package::delivered, |p| {
        deliver(p, ".m4s", |d| d.tls = false);
    }),
];

const CASES: &[&[Case]] = &[
    PLAYLIST_CASES,
    FORMAT_CASES,
    RENDITION_CASES,
    TRICK_PLAY_CASES,
    SEGMENT_CASES,
    TIMELINE_CASES,
    MULTIVARIANT_CASES,
    DELIVERY_CASES,
];

fn broken(report: &Report) -> BTreeSet<Rule> {
    report
        .rules(Verdict::Fail)
        .chain(report.rules(Verdict::Warn))
        .collect()
}

#[test]
fn each_rule_breaks_when_it_is_broken_and_no_other_does() {
    let mut wrong = Vec::new();
    for case in CASES.iter().copied().flatten() {
        let mut package = (case.base)();
        let before = broken(&package.check());
        (case.break_it)(&mut package);
        let report = package.check();
        let got: BTreeSet<Rule> = broken(&report).difference(&before).copied().collect();
        let wanted: BTreeSet<Rule> = case.also.iter().copied().chain([case.rule]).collect();
        if got != wanted {
            let rule = case.rule;
            wrong.push(format!("{rule}: got {got:?}, want {wanted:?}\n{report}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_has_a_case() {
    let tried: BTreeSet<Rule> = CASES
        .iter()
        .copied()
        .flatten()
        .map(|case| case.rule)
        .collect();
    let untried: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| !tried.contains(rule))
        .collect();
    assert!(untried.is_empty(), "{untried:?}");
}
