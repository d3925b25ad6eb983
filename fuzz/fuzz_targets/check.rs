//! The rule checker on whole packages. A line of the input that ends in `====` ends one file;
//! the files are, in this order, the multivariant playlist, a media playlist, an init segment and a
//! segment, and whatever a playlist names is the one of its kind.

#![no_main]

use libfuzzer_sys::fuzz_target;
use streamforge_hls::check::{Fetch, FetchError, Fetched, check};
use streamforge_hls::media_playlist::ByteRange;

/// Requests in one run: a playlist of a few bytes can name a segment over and over.
const REQUESTS: usize = 64;

struct Package<'a> {
    files: Vec<&'a [u8]>,
    requests: usize,
}

impl Fetch for Package<'_> {
    fn fetch(&mut self, uri: &str, range: Option<ByteRange>) -> Result<Fetched, FetchError> {
        self.requests += 1;
        if self.requests > REQUESTS {
            return Err(FetchError::NotFound);
        }
        let index = match uri {
            "master.m3u8" => 0,
            _ if uri.ends_with("m3u8") => 1,
            _ if uri.ends_with("mp4") => 2,
            _ => 3,
        };
        let file = self.files.get(index).ok_or(FetchError::NotFound)?;
        let range = range.map_or(0..file.len(), |ByteRange { length, offset }| {
            let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(file.len());
            at(offset)..at(offset.saturating_add(length))
        });
        Ok(Fetched {
            bytes: file[range].to_vec(),
            delivery: None,
        })
    }
}

fuzz_target!(|data: &[u8]| {
    let mut files = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(5).position(|window| window == b"====\n") {
        files.push(&rest[..at]);
        rest = &rest[at + 5..];
    }
    files.push(rest);
    let report = check("master.m3u8", &mut Package { files, requests: 0 });
    // Every rule is told of, and the text holds no control character of the input.
    assert!(!report.findings.is_empty());
    let text = report.to_string();
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
});
