//! `MediaBucket` against the embedded S3.

use bytes::Bytes;
use streamforge_aws::media_bucket::{MediaBucket, NewText};
use streamforge_core::id::VideoId;
use streamforge_core::layout::ObjectPath;
use streamforge_core::settings::SegmentFormat;

use crate::Node;

const PLAYLIST: &str = "720p/index.m3u8";

fn bucket(node: &Node) -> MediaBucket {
    MediaBucket::new(node.services.s3(), &node.services.resources().media_bucket)
}

fn playlist(text: &str, reach: u64) -> NewText<'_> {
    NewText {
        path: PLAYLIST,
        content_type: "application/vnd.apple.mpegurl",
        cache_control: "max-age=1",
        reach,
        text,
    }
}

#[tokio::test]
async fn a_segment_is_read_back_whole_or_by_range_with_its_headers() {
    let node = Node::start().await;
    let bucket = bucket(&node);
    let video = VideoId::from_random(1);
    let path = ObjectPath::MediaSegment("720p", 42, SegmentFormat::Cmaf);
    let bytes = Bytes::from_static(b"0123456789");
    bucket.put(&video, &path, bytes.clone()).await.unwrap();

    let key = MediaBucket::key(&video, &path.to_string());
    let whole = bucket.get(&key, None).await.unwrap().unwrap();
    assert_eq!(whole.content_type(), Some("video/iso.segment"));
    assert_eq!(whole.cache_control(), Some(path.cache_control(true)));
    assert_eq!(whole.body.collect().await.unwrap().into_bytes(), bytes);

    let range = Some("bytes=2-4".to_owned());
    let part = bucket.get(&key, range).await.unwrap().unwrap();
    assert_eq!(part.content_range(), Some("bytes 2-4/10"));
    assert_eq!(&part.body.collect().await.unwrap().to_vec(), b"234");

    let nothing = bucket.get("v/nothing", None).await.unwrap();
    assert!(nothing.is_none());
}

#[tokio::test]
async fn a_playlist_is_written_only_over_the_one_its_writer_knows() {
    let node = Node::start().await;
    let bucket = bucket(&node);
    let video = VideoId::from_random(1);
    assert_eq!(bucket.text(&video, PLAYLIST).await.unwrap(), None);

    assert!(
        bucket
            .put_text(&video, &playlist("one", 1), None)
            .await
            .unwrap()
    );
    let one = bucket.text(&video, PLAYLIST).await.unwrap().unwrap();
    assert_eq!(one.reach, 1);
    // Two who both believe that there is none, or that it is the first.
    assert!(
        !bucket
            .put_text(&video, &playlist("other", 1), None)
            .await
            .unwrap()
    );
    assert!(
        bucket
            .put_text(&video, &playlist("two", 2), Some(&one))
            .await
            .unwrap()
    );
    assert!(
        !bucket
            .put_text(&video, &playlist("late", 3), Some(&one))
            .await
            .unwrap()
    );

    let two = bucket.text(&video, PLAYLIST).await.unwrap().unwrap();
    assert_eq!(two.reach, 2);
    let stored = bucket.read(&video, PLAYLIST).await.unwrap();
    assert_eq!(stored, Some((two.clone(), Bytes::from_static(b"two"))));

    bucket.delete_all(&video).await.unwrap();
    assert!(
        !bucket
            .put_text(&video, &playlist("three", 3), Some(&two))
            .await
            .unwrap(),
        "a removed playlist does not come back"
    );
    assert_eq!(bucket.text(&video, PLAYLIST).await.unwrap(), None);
}

#[tokio::test]
async fn of_many_first_writers_of_a_playlist_one_wins() {
    let node = Node::start().await;
    let bucket = bucket(&node);
    let video = VideoId::from_random(1);
    let writers = (0..8).map(|writer| {
        let (bucket, video) = (bucket.clone(), video.clone());
        tokio::spawn(async move {
            let text = writer.to_string();
            bucket
                .put_text(&video, &playlist(&text, writer), None)
                .await
        })
    });
    let mut winners = 0;
    for writer in writers.collect::<Vec<_>>() {
        winners += u32::from(writer.await.unwrap().unwrap());
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn a_video_is_listed_and_removed_whole_and_its_neighbour_stays() {
    let node = Node::start().await;
    let bucket = bucket(&node);
    let (video, neighbour) = (VideoId::from_random(1), VideoId::from_random(2));
    // More than one page of a listing and one batch of a removal have.
    let put = |video: &VideoId, segment| {
        let (bucket, video) = (bucket.clone(), video.clone());
        async move {
            let path = ObjectPath::MediaSegment("720p", segment, SegmentFormat::Cmaf);
            bucket.put(&video, &path, Bytes::from_static(b"abc")).await
        }
    };
    for segments in (0..1010).collect::<Vec<_>>().chunks(32) {
        let all = segments.iter().map(|segment| put(&video, *segment));
        futures::future::try_join_all(all).await.unwrap();
    }
    put(&neighbour, 0).await.unwrap();
    assert!(
        bucket
            .put_text(&video, &playlist("text", 1), None)
            .await
            .unwrap()
    );

    let listed = bucket.list(&video).await.unwrap();
    assert_eq!(listed.len(), 1011);
    assert_eq!(listed["720p/seg_01009.m4s"], 3);
    assert_eq!(listed[PLAYLIST], 4);

    bucket.delete_all(&video).await.unwrap();
    assert!(bucket.list(&video).await.unwrap().is_empty());
    assert_eq!(bucket.list(&neighbour).await.unwrap().len(), 1);
    // Again, as a second message asks.
    bucket.delete_all(&video).await.unwrap();
}
