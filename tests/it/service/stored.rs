//! What a server that does not run has stored.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};
use streamforge_local::services::EmbeddedServices;
use tokio::net::TcpListener;

/// Everything in both buckets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Stored {
    /// Key and SHA-256 of each object of the media bucket.
    pub(crate) media: BTreeMap<String, String>,
    /// Keys in the bucket of uploads.
    pub(crate) sources: Vec<String>,
    /// Multipart uploads that were neither completed nor aborted.
    pub(crate) unfinished: usize,
}

impl Stored {
    /// Looks into the folder `data`, which no server may have open.
    pub(crate) async fn read(data: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let services = EmbeddedServices::start(data, listener.expect("a port is free"))
            .await
            .expect("the data can be opened");
        let stored = Self::of(&services).await;
        services.shutdown().await;
        stored
    }

    /// Asks S3.
    pub(crate) async fn of(services: &EmbeddedServices) -> Self {
        let (s3, resources) = (services.s3(), services.resources());
        let keys = async |bucket: &str| {
            let mut pages = s3.list_objects_v2().bucket(bucket).into_paginator().send();
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                let objects = page.expect("S3 answers").contents.unwrap_or_default();
                keys.extend(objects.into_iter().filter_map(|object| object.key));
            }
            keys
        };
        let mut media = BTreeMap::new();
        for key in keys(&resources.media_bucket).await {
            let object = s3.get_object().bucket(&resources.media_bucket).key(&key);
            let body = object.send().await.expect("it is listed").body;
            let bytes = body.collect().await.expect("it can be read").into_bytes();
            media.insert(key, format!("{:x}", Sha256::digest(bytes)));
        }
        let bucket = &resources.upload_bucket;
        let unfinished = s3.list_multipart_uploads().bucket(bucket).send().await;
        Self {
            media,
            sources: keys(bucket).await,
            unfinished: unfinished.expect("S3 answers").uploads().len(),
        }
    }

    /// The objects of one video, by their paths under its folder.
    pub(crate) fn video(&self, id: &str) -> BTreeMap<String, String> {
        let prefix = format!("v/{id}/");
        let objects = self.media.iter().filter_map(|(key, hash)| {
            let path = key.strip_prefix(&prefix)?;
            Some((path.to_owned(), hash.clone()))
        });
        objects.collect()
    }
}
