//! A source on its way to a profile: its first bytes, and what ffprobe said of it, which repeats what is in the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use streamforge_core::source::Container;
use streamforge_ffmpeg::probe::{Packets, Streams, interpret};
use streamforge_ffmpeg::sniff::sniff;

fuzz_target!(|data: &[u8]| {
    let _ = sniff(data);

    let (json, lines) = data.split_at(data.iter().position(|byte| *byte == 0).unwrap_or(data.len()));
    let Ok(streams) = serde_json::from_slice::<Streams>(json) else { return };
    let mut packets = Packets::new(true);
    packets.push(lines);
    let _ = (streams.both_ends(), streams.must_be_read_whole(&packets));
    if let Ok(profile) = interpret(Container::Mov, 1, &streams, &packets) {
        let rate = profile.video.rate.as_f64();
        assert!((0.99..60.1).contains(&rate), "{rate}");
    }
});
