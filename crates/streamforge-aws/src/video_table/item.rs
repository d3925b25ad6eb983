//! Keys and attributes of the table's items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::Task;
use streamforge_core::plan::Job;
use streamforge_core::time::Timestamp;

use super::VERSION;
use crate::error::AwsError;
use crate::resources::{BY_DUE, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE};

/// The one partition of the index of what is due.
pub(super) const DUE: &str = "DUE";

/// Sort key of what has only one item.
const META: &str = "META";

pub(super) const PLAN: &str = "PLAN";
pub(super) const PUBLISH: &str = "PUBLISH";
pub(super) const TASK: &str = "TASK#";
pub(super) const CHUNK: &str = "CHUNK#";
pub(super) const RECORD: &str = "RECORD#";
pub(super) const PROGRESS: &str = "PROGRESS#";

/// The key of an item.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pk: String,
    sk: String,
}

impl Key {
    pub(super) fn upload(id: &UploadId) -> Self {
        Self {
            pk: format!("UPLOAD#{id}"),
            sk: META.to_owned(),
        }
    }

    pub(super) fn claim(hash: &str) -> Self {
        Self {
            pk: format!("CLAIM#{hash}"),
            sk: META.to_owned(),
        }
    }

    fn of_video(id: &VideoId, sk: impl Into<String>) -> Self {
        Self {
            pk: format!("VIDEO#{id}"),
            sk: sk.into(),
        }
    }

    pub(super) fn video(id: &VideoId) -> Self {
        Self::of_video(id, META)
    }

    pub(super) fn plan(id: &VideoId) -> Self {
        Self::of_video(id, PLAN)
    }

    pub(super) fn publish(id: &VideoId) -> Self {
        Self::of_video(id, PUBLISH)
    }

    pub(super) fn task(id: &VideoId, task: Task) -> Self {
        let sk = match task {
            Task::Encode(job) => format!("{CHUNK}{}", job_name(job)),
            Task::Ingest => format!("{TASK}ingest"),
            Task::Publish => format!("{TASK}publish"),
            Task::Poster => format!("{TASK}poster"),
            Task::Remove => format!("{TASK}remove"),
        };
        Self::of_video(id, sk)
    }

    pub(super) fn record(id: &VideoId, job: Job) -> Self {
        Self::of_video(id, format!("{RECORD}{}", job_name(job)))
    }

    pub(super) fn progress(id: &VideoId, job: Job) -> Self {
        Self::of_video(id, format!("{PROGRESS}{}", job_name(job)))
    }

    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        let string = |text: &String| AttributeValue::S(text.clone());
        HashMap::from([
            (PARTITION_KEY.to_owned(), string(&self.pk)),
            (SORT_KEY.to_owned(), string(&self.sk)),
        ])
    }
}

/// `v00003`, `a00000`: the sort order is that of the stream.
fn job_name(job: Job) -> String {
    match job {
        Job::Video(index) => format!("v{index:05}"),
        Job::Audio(index) => format!("a{index:05}"),
    }
}

/// The job an item is about.
pub(super) fn job_of(item: &HashMap<String, AttributeValue>) -> Option<Job> {
    let (_, name) = item.get(SORT_KEY)?.as_s().ok()?.split_once('#')?;
    let index = name.get(1..)?.parse().ok()?;
    match name.as_bytes().first()? {
        b'v' => Some(Job::Video(index)),
        b'a' => Some(Job::Audio(index)),
        _ => None,
    }
}

/// The key of an item that was read.
pub(super) fn key_of(item: &HashMap<String, AttributeValue>) -> HashMap<String, AttributeValue> {
    [PARTITION_KEY, SORT_KEY]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())))
        .collect()
}

pub(super) fn version_of(item: &HashMap<String, AttributeValue>) -> u64 {
    let version = item.get(VERSION).and_then(|value| value.as_n().ok());
    version.and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// When somebody has to look after the record of an item.
pub(super) fn due_of(item: &HashMap<String, AttributeValue>) -> Option<Timestamp> {
    let due = item.get(BY_DUE.sort_key)?.as_s().ok()?;
    due.parse().ok().map(Timestamp)
}

/// Thirteen digits sort as numbers do until the year 2286.
pub(super) fn sortable(time: Timestamp) -> String {
    format!("{:013}", time.0)
}

/// An item about to be written.
pub(super) struct Item(pub(super) HashMap<String, AttributeValue>);

impl Item {
    pub(super) fn of(
        key: &Key,
        doing: &'static str,
        record: &impl Serialize,
    ) -> Result<Self, AwsError> {
        let mut item: HashMap<String, AttributeValue> =
            serde_dynamo::to_item(record).map_err(|err| AwsError::Record {
                doing,
                why: err.to_string(),
            })?;
        item.extend(key.attributes());
        Ok(Self(item))
    }

    pub(super) fn string(mut self, name: &str, value: String) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::S(value));
        self
    }

    pub(super) fn version(mut self, version: u64) -> Self {
        let version = AttributeValue::N(version.to_string());
        self.0.insert(VERSION.to_owned(), version);
        self
    }

    pub(super) fn due(self, due: Option<Timestamp>) -> Self {
        match due {
            None => self,
            Some(due) => self
                .string(BY_DUE.partition_key, DUE.to_owned())
                .string(BY_DUE.sort_key, sortable(due)),
        }
    }

    pub(super) fn ttl(mut self, until: Timestamp) -> Self {
        let until = AttributeValue::N(until.as_secs().to_string());
        self.0.insert(TTL_ATTRIBUTE.to_owned(), until);
        self
    }
}

/// An item as the record it holds.
pub(super) fn read<T: DeserializeOwned>(
    item: HashMap<String, AttributeValue>,
    doing: &'static str,
) -> Result<T, AwsError> {
    serde_dynamo::from_item(item).map_err(|err| AwsError::Record {
        doing,
        why: err.to_string(),
    })
}

/// The record in an item's attribute `json`: kept as text where it is large and nobody asks for its parts.
pub(super) fn read_json<T: DeserializeOwned>(
    item: &HashMap<String, AttributeValue>,
    doing: &'static str,
) -> Result<T, AwsError> {
    let json = item.get("json").and_then(|value| value.as_s().ok());
    serde_json::from_str(json.map_or("", String::as_str)).map_err(|err| AwsError::Record {
        doing,
        why: err.to_string(),
    })
}
