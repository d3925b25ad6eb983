//! Any sequence of operations leaves the store as it leaves a few maps in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::store::upload::MIN_PART_BYTES;

const KEYS: [&str; 4] = ["a", "a/b", "b", "ü"];

#[derive(Clone, Copy, Debug)]
struct Key(usize);

impl Key {
    fn name(self) -> &'static str {
        KEYS[self.0]
    }
}

/// Bytes that differ from those of other seeds.
#[derive(Clone, Copy, Debug)]
struct Body {
    seed: u8,
    size: usize,
}

impl Body {
    fn bytes(self) -> Vec<u8> {
        let cycle = (0..=u8::MAX).cycle();
        cycle.take(self.size).map(|byte| byte ^ self.seed).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(Key, Body),
    PutIfAbsent(Key, Body),
    Delete(Key),
    Copy(Key, Key),
    Create(Key),
    /// Parts and completions are of one of the uploads there are, counted round.
    Part(usize, u16, Body),
    CopyPart(usize, u16, Key),
    /// Names the parts whose bits are set.
    Complete(usize, u8),
    Abort(usize),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || (0..KEYS.len()).prop_map(Key);
    let body = || (any::<u8>(), 0..3000_usize).prop_map(|(seed, size)| Body { seed, size });
    let large = usize::try_from(MIN_PART_BYTES).unwrap();
    let part = prop_oneof![
        body(),
        any::<u8>().prop_map(move |seed| Body { seed, size: large }),
    ];
    let step = prop_oneof![
        (key(), body()).prop_map(|(key, body)| Step::Put(key, body)),
        (key(), body()).prop_map(|(key, body)| Step::PutIfAbsent(key, body)),
        key().prop_map(Step::Delete),
        (key(), key()).prop_map(|(from, to)| Step::Copy(from, to)),
        key().prop_map(Step::Create),
        (0..8_usize, 1..4_u16, part).prop_map(|(at, number, body)| Step::Part(at, number, body)),
        (0..8_usize, 1..4_u16, key()).prop_map(|(at, number, key)| Step::CopyPart(at, number, key)),
        (0..8_usize, 1..8_u8).prop_map(|(at, bits)| Step::Complete(at, bits)),
        (0..8_usize).prop_map(Step::Abort),
        Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..30)
}

#[derive(Clone, Debug, Default)]
struct ModelUpload {
    key: &'static str,
    id: String,
    parts: BTreeMap<u16, Vec<u8>>,
}

struct World {
    folder: TempDir,
    store: Option<Arc<Store>>,
    objects: BTreeMap<String, Vec<u8>>,
    uploads: Vec<ModelUpload>,
    created: usize,
}

impl World {
    async fn new() -> Self {
        let folder = tempdir().unwrap();
        Self {
            store: Some(open(folder.path()).await),
            folder,
            objects: BTreeMap::new(),
            uploads: Vec::new(),
            created: 0,
        }
    }

    fn store(&self) -> &Arc<Store> {
        self.store.as_ref().unwrap()
    }

    /// One of the uploads there are.
    fn upload(&self, at: usize) -> Option<usize> {
        at.checked_rem(self.uploads.len())
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Put(key, body) => {
                put(self.store(), key.name(), &body.bytes()).await;
                self.objects.insert(key.name().to_owned(), body.bytes());
            }
            Step::PutIfAbsent(key, body) => {
                let put = put_if(self.store(), key.name(), &body.bytes(), Condition::Absent).await;
                let there = self.objects.contains_key(key.name());
                assert_eq!(put.is_err(), there);
                self.objects
                    .entry(key.name().to_owned())
                    .or_insert(body.bytes());
            }
            Step::Delete(key) => {
                let deleted = self.store().delete(place(key.name()), Condition::None);
                deleted.await.unwrap();
                self.objects.remove(key.name());
            }
            Step::Copy(from, to) => {
                let Some(bytes) = self.objects.get(from.name()).cloned() else {
                    return;
                };
                let source = self.store().object(place(from.name())).await.unwrap();
                let to_place = place(to.name());
                let copied =
                    self.store()
                        .copy(source, to_place, digests(&bytes), Headers::default());
                copied.await.unwrap();
                self.objects.insert(to.name().to_owned(), bytes);
            }
            Step::Create(key) => {
                self.created += 1;
                let id = format!("{:04}", self.created);
                create_upload(self.store(), key.name(), &id).await;
                self.uploads.push(ModelUpload {
                    key: key.name(),
                    id,
                    parts: BTreeMap::new(),
                });
            }
            Step::Part(at, number, body) => {
                let Some(at) = self.upload(at) else { return };
                let ModelUpload { key, id, .. } = &self.uploads[at];
                let part = put_part(self.store(), key, id, number, &body.bytes()).await;
                part.unwrap();
                self.uploads[at].parts.insert(number, body.bytes());
            }
            Step::CopyPart(at, number, from) => self.copy_part(at, number, from).await,
            Step::Complete(at, bits) => self.complete(at, bits).await,
            Step::Abort(at) => {
                let Some(at) = self.upload(at) else { return };
                let ModelUpload { key, id, .. } = self.uploads.remove(at);
                self.store().abort_upload(place(key), id).await.unwrap();
            }
            Step::Reopen => {
                close(self.store.take().unwrap(), self.folder.path());
                self.store = Some(open(self.folder.path()).await);
            }
        }
    }

    /// Copies the second half of an object into a part.
    async fn copy_part(&mut self, at: usize, number: u16, from: Key) {
        let Some(at) = self.upload(at) else { return };
        let Some(bytes) = self.objects.get(from.name()) else {
            return;
        };
        let half = bytes[bytes.len() / 2..].to_vec();
        let source = self.store().object(place(from.name())).await.unwrap();
        let range = source.size / 2..source.size;
        let digested = self
            .store()
            .digest(&source, range.clone(), Algorithm::default());
        assert_eq!(digested.await.unwrap(), digests(&half));
        let ModelUpload { key, id, .. } = &self.uploads[at];
        let copied = self.store().copy_part(
            source,
            range,
            place(key),
            id.clone(),
            number,
            digests(&half),
        );
        copied.await.unwrap();
        self.uploads[at].parts.insert(number, half);
    }

    async fn complete(&mut self, at: usize, bits: u8) {
        let Some(at) = self.upload(at) else { return };
        let upload = self.uploads[at].clone();
        let chosen: Vec<_> = (1..4_u16)
            .filter(|number| bits >> (number - 1) & 1 == 1)
            .collect();
        let parts: Option<Vec<_>> = chosen
            .iter()
            .map(|number| upload.parts.get(number))
            .collect();
        let named_parts = chosen.iter().map(|number| {
            let bytes = upload.parts.get(number);
            named(*number, bytes.map_or(&b"never sent"[..], Vec::as_slice))
        });
        let condition = Condition::None;
        let completed = complete(
            self.store(),
            upload.key,
            &upload.id,
            named_parts.collect(),
            condition,
        )
        .await;
        let possible = parts.filter(|parts| {
            let (_, all_but_last) = parts.split_last().unwrap();
            all_but_last
                .iter()
                .all(|part| part.len() as u64 >= MIN_PART_BYTES)
        });
        assert_eq!(completed.is_ok(), possible.is_some(), "{completed:?}");
        if let Some(parts) = possible {
            let whole = parts.into_iter().flatten().copied().collect();
            self.objects.insert(upload.key.to_owned(), whole);
            self.uploads.remove(at);
        }
    }

    async fn check(&self) {
        let listing = list(self.store()).await;
        let keys: Vec<_> = listing.objects.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, self.objects.keys().collect::<Vec<_>>());
        for (key, object) in &listing.objects {
            assert!(
                read(self.store(), object).await == self.objects[key],
                "{key}"
            );
        }
        for upload in &self.uploads {
            let stored = self
                .store()
                .parts(place(upload.key), upload.id.clone(), 0, 10)
                .await;
            let (_, stored) = stored.unwrap();
            let stored: Vec<_> = stored.iter().map(|part| (part.number, part.size)).collect();
            let sizes = upload
                .parts
                .iter()
                .map(|(number, part)| (*number, part.len() as u64));
            assert_eq!(stored, sizes.collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_store_does_what_maps_in_memory_do(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.unwrap().block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            world.check().await;
            close(world.store.take().unwrap(), world.folder.path());
        });
    }
}
