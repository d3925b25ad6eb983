//! Transport streams, read as a segment and cut into segments. What the segmenter makes must join,
//! whatever it was made of.

#![no_main]

use libfuzzer_sys::fuzz_target;
use streamforge_hls::mpegts::{Cut, Segmenter, inspect};

fuzz_target!(|data: &[u8]| {
    let _ = inspect(data);

    let mut segmenter = Segmenter::new(Cut::EveryAccessUnits(2));
    let (first, second) = data.split_at(data.len() / 2);
    let mut segments = Vec::new();
    for bytes in [first, second] {
        match segmenter.push(bytes) {
            Ok(more) => segments.extend(more),
            Err(_) => return,
        }
    }
    segments.extend(segmenter.finish().ok().flatten());
    for segment in segments {
        assert!(segment.summary.starts_with_tables);
        for counters in segment.summary.continuity {
            assert!(counters.continuous && (counters.first, counters.last) == (0, 15));
        }
    }
});
