//! Boxes, init segments and fragments. Where the input starts with an init segment, what follows
//! is read as fragments of its track.

#![no_main]

use libfuzzer_sys::fuzz_target;
use streamforge_hls::isobmff::{InitMedia, InitSegment, boxes, first_sample_is_idr, fragments};

fuzz_target!(|data: &[u8]| {
    let read: usize = boxes(data)
        .map_while(Result::ok)
        .map(|found| found.size)
        .sum();
    assert!(read <= data.len());

    let init = InitSegment::parse(data).unwrap_or(InitSegment {
        track_id: 1,
        timescale: 30_000,
        codec: String::new(),
        media: InitMedia::Other,
        has_edit_list: false,
        default_sample_duration: 0,
        default_sample_size: 0,
        default_sample_flags: 0,
    });
    for fragment in fragments(data, &init).unwrap_or_default() {
        assert!(fragment.data_offset <= fragment.end && fragment.end <= data.len());
        assert!(fragment.samples.len() <= data.len());
        let _ = (fragment.duration(), fragment.first_presentation_time());
        let _ = first_sample_is_idr(data, &fragment);
    }
});
