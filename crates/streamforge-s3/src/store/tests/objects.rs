//! Objects that came in one piece.

use std::time::Duration;

use futures::future::join_all;
use tempfile::tempdir;

use super::*;
use crate::store::index::Transaction;
use crate::store::listing::From;

#[tokio::test]
async fn an_object_is_what_was_put_there_last_and_leaves_nothing_of_the_one_before() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    put(&store, "a", b"first").await;
    let last = put(&store, "a", b"second").await;
    assert_eq!(get(&store, "a").await.unwrap(), b"second");
    assert_eq!(last.etag, "a9f0e61a137d86aa9db53465e0801612");
    put(&store, "empty", b"").await;
    assert_eq!(get(&store, "empty").await.unwrap(), b"");
    close(store, folder.path());
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test]
async fn of_many_who_put_where_nothing_is_one_succeeds() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let bodies: Vec<_> = (0..20).map(|number| format!("body {number}")).collect();
    let puts = bodies
        .iter()
        .map(|body| put_if(&store, "a", body.as_bytes(), Condition::Absent));
    let results = join_all(puts).await;
    let winners: Vec<_> = results.iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(
        store.object(place("a")).await.unwrap().etag,
        winners[0].etag
    );
    close(store, folder.path());
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test]
async fn an_object_is_replaced_only_while_it_is_the_one_that_was_named() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let first = put(&store, "a", b"first").await;
    let on_first = || Condition::Matches(first.etag.clone());
    put_if(&store, "a", b"second", on_first()).await.unwrap();
    let refused = put_if(&store, "a", b"third", on_first()).await;
    assert!(matches!(
        refused,
        Err(StoreError::PreconditionFailed { .. })
    ));
    let refused = store.delete(place("a"), on_first()).await;
    assert!(matches!(
        refused,
        Err(StoreError::PreconditionFailed { .. })
    ));
    let absent = put_if(&store, "b", b"", on_first()).await;
    assert!(matches!(absent, Err(StoreError::NoSuchKey)));
    assert_eq!(get(&store, "a").await.unwrap(), b"second");
    close(store, folder.path());
}

#[tokio::test]
async fn who_reads_an_object_reads_all_of_it_though_it_is_deleted_meanwhile() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(2_000_000).collect();
    let object = put(&store, "a", &bytes).await;
    // The copy has the same blob, and is deleted last.
    let whole = digests(&bytes);
    let copied = store.copy(object.clone(), place("b"), whole, Headers::default());
    copied.await.unwrap();
    let mut reader = store
        .read_object(&object, 0..object.size)
        .await
        .unwrap()
        .unwrap();
    let mut read = reader.try_next().await.unwrap().unwrap().to_vec();
    store.delete(place("a"), Condition::None).await.unwrap();
    store.delete(place("b"), Condition::None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(files(folder.path()).len(), 1);
    while let Some(chunk) = reader.try_next().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    assert!(read == bytes);
    let gone = store.read_object(&object, 0..object.size).await.unwrap();
    assert!(gone.is_none());
    close(store, folder.path());
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn a_range_is_read_from_the_extents_it_crosses() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let object = put(&store, "a", b"0123456789").await;
    for (range, expected) in [
        (0..10, "0123456789"),
        (3..7, "3456"),
        (9..10, "9"),
        (4..4, ""),
    ] {
        let reader = store.read_object(&object, range.clone()).await.unwrap();
        let chunks: Vec<Bytes> = reader.unwrap().try_collect().await.unwrap();
        assert_eq!(chunks.concat(), expected.as_bytes(), "{range:?}");
    }
    close(store, folder.path());
}

#[tokio::test]
async fn a_page_ends_where_the_next_one_begins() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let keys = ["a", "b/1", "b/2", "b/é", "c", "d/1", "e"];
    for key in keys {
        put(&store, key, b"x").await;
    }
    for limit in 1..=keys.len() {
        let mut from = Some(From::default());
        let (mut found, mut rolled) = (Vec::new(), Vec::new());
        while let Some(begin) = from {
            let page = store.list(Listed {
                bucket: BUCKET.to_owned(),
                prefix: String::new(),
                delimiter: Some("/".to_owned()),
                from: begin,
                limit,
            });
            let page = page.await.unwrap();
            assert!(page.objects.len() + page.common_prefixes.len() <= limit);
            found.extend(page.objects.into_iter().map(|(key, _)| key));
            rolled.extend(page.common_prefixes);
            from = page.next;
        }
        assert_eq!(found, ["a", "c", "e"]);
        assert_eq!(rolled, ["b/", "d/"]);
    }
    close(store, folder.path());
}

#[tokio::test]
async fn a_bucket_goes_only_when_it_has_no_objects() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    put(&store, "a", b"a").await;
    create_upload(&store, "b", "id").await;
    put_part(&store, "b", "id", 1, b"part").await.unwrap();
    let refused = store.delete_bucket(BUCKET.to_owned()).await;
    assert!(matches!(refused, Err(StoreError::BucketNotEmpty)));
    store.delete(place("a"), Condition::None).await.unwrap();
    store.delete_bucket(BUCKET.to_owned()).await.unwrap();
    let gone = store.bucket(BUCKET.to_owned()).await;
    assert!(matches!(gone, Err(StoreError::NoSuchBucket)));
    close(store, folder.path());
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn what_a_crash_leaves_behind_is_gone_when_the_store_is_opened() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    put(&store, "a", b"kept").await;
    write(&store, b"never got a row").unwrap().keep();
    drop(Arc::into_inner(store).unwrap());
    std::fs::create_dir(folder.path().join("blobs/00000007")).unwrap();
    std::fs::write(folder.path().join("blobs/00000007/000000007123"), "orphan").unwrap();
    assert_eq!(files(folder.path()).len(), 3);
    let store = open(folder.path()).await;
    assert_eq!(get(&store, "a").await.unwrap(), b"kept");
    assert_eq!(files(folder.path()).len(), 1);
    // Its number may be used again.
    put(&store, "b", b"new").await;
    assert_eq!(get(&store, "b").await.unwrap(), b"new");
    close(store, folder.path());
}

#[tokio::test]
async fn a_store_is_open_once() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let second = Store::open(folder.path(), 0).map(|_| ());
    assert!(matches!(second, Err(StoreError::InUse)));
    close(store, folder.path());
    open(folder.path()).await;
}

#[tokio::test]
async fn it_can_be_opened_again_although_a_child_has_its_files() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    // As between `fork` and `exec`.
    let inherited = store.lock.file.try_clone().unwrap();
    close(store, folder.path());
    open(folder.path()).await;
    drop(inherited);
}

#[tokio::test]
async fn it_is_closed_when_the_last_user_has_ended_and_can_be_opened_then() {
    let folder = tempdir().unwrap();
    for _ in 0..100 {
        let store = open(folder.path()).await;
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let user = Arc::clone(&store);
        // As one that reads ahead for a client that is gone.
        let reading = std::thread::spawn(move || {
            let _ = ended.recv();
            drop(user);
        });
        let mut closed = std::pin::pin!(store.closed());
        assert!(futures::poll!(&mut closed).is_pending());
        drop(end);
        closed.await;
        drop(Store::open(folder.path(), 0).unwrap());
        reading.join().unwrap();
    }
}

#[tokio::test]
async fn what_is_read_keeps_it_from_being_opened_by_another() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    put(&store, "a", b"bytes").await;
    let object = store.object(place("a")).await.unwrap();
    let reading = store.read_object(&object, 0..5).await.unwrap().unwrap();
    drop(store);
    // The blob may be removed only when it is read, and its number must not be another's by then.
    let second = Store::open(folder.path(), 0).map(|_| ());
    assert!(matches!(second, Err(StoreError::InUse)));
    drop(reading);
    open(folder.path()).await;
}

#[tokio::test]
async fn blobs_are_not_taken_for_orphans_where_the_index_is_gone() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    put(&store, "a", b"kept").await;
    close(store, folder.path());
    let index = folder.path().join("index.sqlite");
    std::fs::rename(&index, folder.path().join("elsewhere")).unwrap();
    let refused = Store::open(folder.path(), 0).map(|_| ());
    assert!(matches!(refused, Err(StoreError::NoIndex)));
    std::fs::write(&index, "").unwrap();
    let refused = Store::open(folder.path(), 0).map(|_| ());
    assert!(matches!(refused, Err(StoreError::NoIndex)));
    std::fs::rename(folder.path().join("elsewhere"), &index).unwrap();
    let store = open(folder.path()).await;
    assert_eq!(get(&store, "a").await.unwrap(), b"kept");
}

#[tokio::test]
async fn a_full_disk_takes_nothing_more_and_gives_and_deletes_what_it_has() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    put(&store, "a", b"kept").await;
    drop(Arc::into_inner(store).unwrap());
    let store = Arc::new(Store::open(folder.path(), u64::MAX).unwrap());
    let refused = store.create_blob().unwrap_err();
    assert!(matches!(StoreError::from(refused), StoreError::Full));
    assert_eq!(get(&store, "a").await.unwrap(), b"kept");
    store.delete(place("a"), Condition::None).await.unwrap();
    assert_eq!(get(&store, "a").await, None);
    close(store, folder.path());
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn an_index_that_cannot_grow_has_what_it_acknowledged_and_nothing_else() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let limit = |tx: &mut Transaction<'_>| {
        let pages: i64 = tx.pragma_query_value(None, "page_count", |row| row.get(0))?;
        Ok(tx.pragma_update(None, "max_page_count", pages + 10)?)
    };
    store.index.write(limit).await.unwrap();
    let puts = (0..200).map(|number| {
        let store = &store;
        async move {
            // Where there is no room for a long key there may be for a short one.
            let key = format!("{number:03}").repeat(if number % 2 == 0 { 300 } else { 1 });
            let done = put_if(store, &key, key.as_bytes(), Condition::None).await;
            (key, done)
        }
    });
    let results = join_all(puts).await;
    let acknowledged: Vec<_> = results
        .iter()
        .filter(|(_, done)| done.is_ok())
        .map(|(key, _)| key)
        .collect();
    assert!(!acknowledged.is_empty() && acknowledged.len() < results.len());
    let listing = list(&store).await;
    let there: Vec<_> = listing.objects.iter().map(|(key, _)| key).collect();
    assert_eq!(there, acknowledged);
    for key in there {
        assert_eq!(get(&store, key).await.unwrap(), key.as_bytes());
    }
    close(store, folder.path());
}

#[tokio::test]
async fn of_two_events_of_a_key_the_later_has_the_larger_sequencer() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut events = store.subscribe(BUCKET, "a");
    put(&store, "a", b"1").await;
    let first = events.recv().await.unwrap();
    drop(Arc::into_inner(store).unwrap());
    let store = open(folder.path()).await;
    let mut events = store.subscribe(BUCKET, "a");
    put(&store, "b", b"1").await;
    let refused = put_if(&store, "a", b"2", Condition::Absent).await;
    refused.unwrap_err();
    put(&store, "a", b"22").await;
    let second = events.recv().await.unwrap();
    assert_eq!((second.key.as_str(), second.size), ("a", 2));
    assert!(second.sequencer > first.sequencer);
    assert!(events.try_recv().is_err());
    close(store, folder.path());
}
