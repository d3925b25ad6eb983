//! Uploads in parts.

use futures::future::try_join_all;
use tempfile::tempdir;

use super::*;
use crate::store::upload::{ListedUploads, MIN_PART_BYTES, UploadMarker};

fn large(fill: u8) -> Vec<u8> {
    vec![fill; usize::try_from(MIN_PART_BYTES).unwrap()]
}

#[tokio::test]
async fn parts_become_one_object_in_the_order_of_their_numbers() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut events = store.subscribe(BUCKET, "");
    create_upload(&store, "a", "id").await;
    put_part(&store, "a", "id", 7, b"end").await.unwrap();
    put_part(&store, "a", "id", 2, b"replaced").await.unwrap();
    put_part(&store, "a", "id", 2, &large(2)).await.unwrap();
    put_part(&store, "a", "id", 3, b"left out").await.unwrap();
    let parts = vec![named(2, &large(2)), named(7, b"end")];
    let completed = complete(&store, "a", "id", parts, Condition::None)
        .await
        .unwrap();
    assert!(completed.etag.ends_with("-2"));
    let object = store.object(place("a")).await.unwrap();
    assert_eq!(object.part_count, Some(2));
    assert!(read(&store, &object).await == [large(2), b"end".to_vec()].concat());
    let second = store.part_range(&object, 7).await.unwrap();
    assert_eq!(second, Some(MIN_PART_BYTES..MIN_PART_BYTES + 3));
    assert_eq!(store.part_range(&object, 3).await.unwrap(), None);
    assert_eq!(events.recv().await.unwrap().etag, completed.etag);
    close(store, folder.path());
    assert_eq!(files(folder.path()).len(), 2);
}

#[tokio::test]
async fn an_upload_that_cannot_be_completed_stays_as_it_is() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    create_upload(&store, "a", "id").await;
    put_part(&store, "a", "id", 1, b"small").await.unwrap();
    put_part(&store, "a", "id", 2, b"end").await.unwrap();
    let attempt = |parts| complete(&store, "a", "id", parts, Condition::None);
    let too_small = attempt(vec![named(1, b"small"), named(2, b"end")]).await;
    assert!(matches!(
        too_small,
        Err(StoreError::EntityTooSmall { number: 1, size: 5 })
    ));
    let another = attempt(vec![named(1, b"other")]).await;
    assert!(matches!(
        another,
        Err(StoreError::InvalidPart { number: 1 })
    ));
    let missing = attempt(vec![named(3, b"end")]).await;
    assert!(matches!(
        missing,
        Err(StoreError::InvalidPart { number: 3 })
    ));
    put(&store, "a", b"in the way").await;
    let in_the_way = complete(&store, "a", "id", vec![named(2, b"end")], Condition::Absent).await;
    assert!(matches!(
        in_the_way,
        Err(StoreError::PreconditionFailed { .. })
    ));
    let (_, parts) = store
        .parts(place("a"), "id".to_owned(), 0, 10)
        .await
        .unwrap();
    assert_eq!(parts.len(), 2);
    attempt(vec![named(2, b"end")]).await.unwrap();
    assert_eq!(get(&store, "a").await.unwrap(), b"end");
    close(store, folder.path());
}

#[tokio::test]
async fn completing_again_gets_the_same_answer_until_it_is_forgotten() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    create_upload(&store, "a", "id").await;
    put_part(&store, "a", "id", 1, b"all").await.unwrap();
    let attempt = |bytes| complete(&store, "a", "id", vec![named(1, bytes)], Condition::None);
    let first = attempt(b"all").await.unwrap();
    assert_eq!(attempt(b"all").await.unwrap().etag, first.etag);
    assert!(matches!(
        attempt(b"other").await,
        Err(StoreError::NoSuchUpload)
    ));
    let aborted = store.abort_upload(place("a"), "id".to_owned()).await;
    assert!(matches!(aborted, Err(StoreError::NoSuchUpload)));
    let later = std::time::SystemTime::now() + std::time::Duration::from_hours(1);
    store.forget_completions(later).await.unwrap();
    assert!(matches!(
        attempt(b"all").await,
        Err(StoreError::NoSuchUpload)
    ));
    close(store, folder.path());
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing_not_even_of_a_part_under_way() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    create_upload(&store, "a", "id").await;
    put_part(&store, "a", "id", 1, b"one").await.unwrap();
    let under_way = write(&store, b"two");
    store
        .abort_upload(place("a"), "id".to_owned())
        .await
        .unwrap();
    let late = store.put_part(place("a"), "id".to_owned(), 2, under_way, digests(b"two"));
    assert!(matches!(late.await, Err(StoreError::NoSuchUpload)));
    close(store, folder.path());
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn a_completion_conflicts_with_what_happened_since_the_upload_began() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    put(&store, "a", b"old").await;
    create_upload(&store, "a", "id").await;
    put_part(&store, "a", "id", 1, b"new").await.unwrap();
    store.delete(place("a"), Condition::None).await.unwrap();
    let attempt = |condition| complete(&store, "a", "id", vec![named(1, b"new")], condition);
    let conflict = attempt(Condition::Absent).await;
    assert!(matches!(conflict, Err(StoreError::Conflict)));
    // The index has milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let there = put(&store, "a", b"newer").await;
    let conflict = attempt(Condition::Matches(there.etag)).await;
    assert!(matches!(conflict, Err(StoreError::Conflict)));
    close(store, folder.path());
}

#[tokio::test]
async fn a_copied_part_outlives_its_source() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let source = put(&store, "source", b"0123456789").await;
    create_upload(&store, "a", "id").await;
    let id = "id".to_owned();
    let copy = store.copy_part(
        source.clone(),
        2..6,
        place("a"),
        id.clone(),
        1,
        digests(b"2345"),
    );
    copy.await.unwrap();
    store
        .delete(place("source"), Condition::None)
        .await
        .unwrap();
    let gone = store.copy_part(source, 2..6, place("a"), id, 2, digests(b"2345"));
    assert!(matches!(gone.await, Err(StoreError::NoSuchKey)));
    let completed = complete(&store, "a", "id", vec![named(1, b"2345")], Condition::None);
    completed.await.unwrap();
    assert_eq!(get(&store, "a").await.unwrap(), b"2345");
    close(store, folder.path());
}

#[tokio::test]
async fn ten_thousand_parts_become_one_object() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let bytes = large(5);
    let source = put(&store, "source", &bytes).await;
    create_upload(&store, "a", "id").await;
    let whole = digests(&bytes);
    let copies = (1..=10_000).map(|number| {
        let range = 0..source.size;
        let id = "id".to_owned();
        store.copy_part(source.clone(), range, place("a"), id, number, whole.clone())
    });
    try_join_all(copies).await.unwrap();
    let parts = (1..=10_000).map(|number| NamedPart {
        number,
        md5: whole.md5,
        checksum: None,
    });
    let completed = complete(&store, "a", "id", parts.collect(), Condition::None).await;
    assert!(completed.unwrap().etag.ends_with("-10000"));
    let object = store.object(place("a")).await.unwrap();
    assert_eq!(object.size, 10_000 * MIN_PART_BYTES);
    let middle = 5_000 * MIN_PART_BYTES;
    let reader = store
        .read_object(&object, middle - 2..middle + 2)
        .await
        .unwrap();
    let chunks: Vec<Bytes> = reader.unwrap().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), [5; 4]);
    store
        .delete(place("source"), Condition::None)
        .await
        .unwrap();
    store.delete(place("a"), Condition::None).await.unwrap();
    close(store, folder.path());
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn uploads_are_listed_by_key_and_then_by_age() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    for (key, id) in [
        ("b", "03"),
        ("a", "02"),
        ("b", "01"),
        ("c/1", "04"),
        ("c/2", "05"),
    ] {
        create_upload(&store, key, id).await;
    }
    for limit in 1..=4 {
        let (mut found, mut rolled) = (Vec::new(), Vec::new());
        let mut after = None;
        loop {
            let page = store.list_uploads(ListedUploads {
                bucket: BUCKET.to_owned(),
                prefix: String::new(),
                delimiter: Some("/".to_owned()),
                after,
                limit,
            });
            let page = page.await.unwrap();
            found.extend(
                page.uploads
                    .into_iter()
                    .map(|(key, upload)| (key, upload.id)),
            );
            rolled.extend(page.common_prefixes);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let found: Vec<_> = found
            .iter()
            .map(|(key, id)| (key.as_str(), id.as_str()))
            .collect();
        assert_eq!(found, [("a", "02"), ("b", "01"), ("b", "03")]);
        assert_eq!(rolled, ["c/"]);
    }
    // The upload a page ended with may be gone when the next page is asked for.
    store
        .abort_upload(place("b"), "01".to_owned())
        .await
        .unwrap();
    let rest = store.list_uploads(ListedUploads {
        bucket: BUCKET.to_owned(),
        after: Some(UploadMarker {
            key: "b".to_owned(),
            upload_id: Some("01".to_owned()),
        }),
        limit: 1,
        ..ListedUploads::default()
    });
    assert_eq!(rest.await.unwrap().uploads[0].1.id, "03");
    close(store, folder.path());
}
