//! Compressed texts.

use std::io::Read as _;

use flate2::read::GzDecoder;
use reqwest::StatusCode;

use crate::{Edge, IMMUTABLE, PLAYLIST, SEGMENT};

const TEXT: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-VERSION:7\n#EXT-X-VERSION:7\n";
const GZIP: (&str, &str) = ("accept-encoding", "gzip, deflate, br");

fn decompressed(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn texts_are_compressed_for_who_takes_it_however_small() {
    let edge = Edge::start().await;
    for (path, content_type) in [
        ("master.m3u8", "application/vnd.apple.mpegurl"),
        ("manifest.mpd", "application/dash+xml"),
        ("storyboard/storyboard.vtt", "text/vtt"),
    ] {
        for text in [TEXT, "", "\n"] {
            let content = text.as_bytes().to_vec();
            edge.put(path, content_type, "no-cache", content).await;

            let compressed = edge.get(path, &[GZIP]).await;
            assert_eq!(compressed.header("content-encoding"), Some("gzip"));
            assert_eq!(compressed.header("content-type"), Some(content_type));
            assert_eq!(compressed.header("vary"), Some("Accept-Encoding"));
            assert_eq!(decompressed(&compressed.body), text);

            let plain = [("accept-encoding", "br, gzip;q=0")];
            let plain = edge.get(path, &plain).await;
            assert_eq!(plain.header("content-encoding"), None);
            assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
            assert_eq!(plain.body, text);
        }
    }
}

#[tokio::test]
async fn media_are_not_compressed() {
    let edge = Edge::start().await;
    edge.put_segment(&[0; 1000]).await;
    let poster = vec![0; 1000];
    edge.put("poster.jpg", "image/jpeg", IMMUTABLE, poster)
        .await;
    for path in [SEGMENT, "poster.jpg"] {
        let answer = edge.get(path, &[GZIP]).await;
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.header("vary"), None);
        assert_eq!(answer.body.len(), 1000);
    }
}

#[tokio::test]
async fn each_form_has_its_own_tag_and_either_is_known_again() {
    let edge = Edge::start().await;
    let etag = edge.put_playlist(TEXT).await;
    let weak = format!("W/{etag}");
    let compressed = edge.get(PLAYLIST, &[GZIP]).await;
    assert_eq!(compressed.header("etag"), Some(&*weak));
    let plain = edge.get(PLAYLIST, &[]).await;
    assert_eq!(plain.header("etag"), Some(&*etag));
    for known in [&etag, &weak] {
        let known = ("if-none-match", known.as_str());
        let compressed = edge.get(PLAYLIST, &[known, GZIP]).await;
        assert_eq!(compressed.status, StatusCode::NOT_MODIFIED);
        assert_eq!(compressed.header("etag"), Some(&*weak));
        assert_eq!(compressed.header("vary"), Some("Accept-Encoding"));
        let plain = edge.get(PLAYLIST, &[known]).await;
        assert_eq!(plain.status, StatusCode::NOT_MODIFIED);
        assert_eq!(plain.header("etag"), Some(&*etag));
    }
}

#[tokio::test]
async fn ranges_are_of_the_plain_text() {
    let edge = Edge::start().await;
    let etag = edge.put_playlist(TEXT).await;
    let range = ("range", "bytes=1-6");
    let part = edge.get(PLAYLIST, &[GZIP, range]).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.body, "EXTM3U");
    assert_eq!(part.header("content-encoding"), None);
    assert_eq!(part.header("etag"), Some(&*etag));
    // Parts of both forms do not make one.
    let weak = format!("W/{etag}");
    let request = [GZIP, range, ("if-range", &*weak)];
    let whole = edge.get(PLAYLIST, &request).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(whole.body, TEXT);
}
