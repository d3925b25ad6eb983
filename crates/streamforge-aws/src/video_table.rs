//! The table: what the service knows. One DynamoDB table, an item for each record.
//!
//! | `pk` | `sk` | holds |
//! | --- | --- | --- |
//! | `VIDEO#{id}` | `META` | [`Video`]; in indexes `by-owner` and `by-change`, and in `by-due` while something is left to do |
//! | | `PLAN` | the [`Plan`](streamforge_core::plan::Plan) |
//! | | `CHUNK#v00003`, `CHUNK#a00000` | [`TaskState`] of a video or audio job |
//! | | `TASK#ingest`, … | [`TaskState`] of the other tasks |
//! | | `RECORD#v00003` | its [`ChunkRecord`](streamforge_core::record::ChunkRecord), once done |
//! | | `PROGRESS#v00003` | [`JobProgress`] while it runs; removed by TTL |
//! | | `PUBLISH` | [`PublishState`](streamforge_core::job::PublishState) |
//! | `UPLOAD#{id}` | `META` | [`Upload`](streamforge_core::upload::Upload); in `by-due` |
//! | `CLAIM#{hash}` | `META` | which upload an idempotency key or a fingerprint led to; removed by TTL |
//!
//! Records change by compare and swap: read, decide by a pure function of `streamforge-core`, write if nobody else has written
//! since. So whatever order requests and messages come in, every change was legal from the state it was applied to.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::{JobProgress, TaskState};
use streamforge_core::plan::Job;
use streamforge_core::time::Timestamp;
use streamforge_core::video::{Video, VideoStatus};

use crate::error::AwsError;
use crate::resources::{BY_CHANGE, BY_OWNER, PARTITION_KEY, SORT_KEY};

mod changes;
pub mod item;
mod uploads;
mod videos;
mod work;

use item::{Item, Key};

/// Counts the writes of an item: what compare and swap compares.
const VERSION: &str = "version";

/// Tries of one compare and swap. Each failure means that somebody else succeeded.
const SWAP_ATTEMPTS: u32 = 20;

/// Something due: who has to be looked after.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Due {
    /// This upload.
    Upload(UploadId),
    /// This video.
    Video(VideoId),
}

/// A page of a list, and where the next one begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Opaque; none on the last page.
    pub cursor: Option<String>,
}

/// Everything the playlists and the progress of one video depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoWork {
    /// Its jobs that were ever begun.
    pub jobs: BTreeMap<Job, TaskState>,
    /// What running jobs last said.
    pub progress: BTreeMap<Job, JobProgress>,
}

/// What is to become of a record that was looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It stays as it is.
    Keep,
    /// It is written as it is now, and what is due stays so.
    Amend,
    /// It is written as it is now.
    Write {
        /// By when somebody has to look after it; none when nothing is left to do.
        due: Option<Timestamp>,
    },
}

/// What compare and swap is to do, and what it answers.
enum Swap<T> {
    Keep(T),
    Write(Item, T),
}

/// The table.
#[derive(Clone, Debug)]
pub struct VideoTable {
    client: Client,
    table: String,
}

impl VideoTable {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    async fn delete_item(
        &self,
        key: HashMap<String, AttributeValue>,
        doing: &'static str,
    ) -> Result<(), AwsError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .send()
            .await
            .map_err(AwsError::unavailable(doing))?;
        Ok(())
    }

    async fn get_item(
        &self,
        key: &Key,
        doing: &'static str,
    ) -> Result<Option<HashMap<String, AttributeValue>>, AwsError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(AwsError::unavailable(doing))?;
        Ok(found.item)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        key: &Key,
        doing: &'static str,
    ) -> Result<Option<T>, AwsError> {
        let found = self.get_item(key, doing).await?;
        found.map(|entry| item::read(entry, doing)).transpose()
    }

    /// Every item of a video whose sort key begins with `prefix`.
    async fn partition(
        &self,
        video: &VideoId,
        prefix: &str,
        doing: &'static str,
    ) -> Result<Vec<HashMap<String, AttributeValue>>, AwsError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                .expression_attribute_names("#pk", PARTITION_KEY)
                .expression_attribute_names("#sk", SORT_KEY)
                .expression_attribute_values(":pk", AttributeValue::S(format!("VIDEO#{video}")))
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(AwsError::unavailable(doing))?;
            items.extend(found.items.unwrap_or_default());
            start = found.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Compare and swap: `decide` makes the next item from the present one, or leaves it as it is; it may be asked several times.
    /// Returns its last answer.
    async fn swap<R: DeserializeOwned, T, E: From<AwsError>>(
        &self,
        key: &Key,
        doing: &'static str,
        mut decide: impl FnMut(Option<R>, Option<Timestamp>) -> Result<Swap<T>, E>,
    ) -> Result<T, E> {
        for attempt in 0..SWAP_ATTEMPTS {
            let present = self.get_item(key, doing).await?;
            let version = present.as_ref().map(item::version_of);
            let due = present.as_ref().and_then(item::due_of);
            let record = present
                .map(|entry| item::read::<R>(entry, doing))
                .transpose()?;
            let (next, answer) = match decide(record, due)? {
                Swap::Keep(answer) => return Ok(answer),
                Swap::Write(next, answer) => (next, answer),
            };
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(next.version(version.unwrap_or(0) + 1).0));
            let put = match version {
                None => put
                    .condition_expression("attribute_not_exists(#pk)")
                    .expression_attribute_names("#pk", PARTITION_KEY),
                Some(version) => put
                    .condition_expression("#version = :version")
                    .expression_attribute_names("#version", VERSION)
                    .expression_attribute_values(
                        ":version",
                        AttributeValue::N(version.to_string()),
                    ),
            };
            match put.send().await {
                Ok(_) => return Ok(answer),
                Err(err) if is_condition_failure(&err) => {
                    // Whoever was first needs a moment to be done with it.
                    tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 5)).await;
                }
                Err(err) => return Err(AwsError::unavailable(doing)(err).into()),
            }
        }
        Err(AwsError::Contended { doing }.into())
    }
}

fn owner_key(owner: &str) -> String {
    format!("OWNER#{owner}")
}

fn video_item(video: &Video, doing: &'static str) -> Result<Item, AwsError> {
    let newest_change_last = format!("{}#{}", item::sortable(video.updated_at), video.id);
    let item = Item::of(&Key::video(&video.id), doing, video)?
        .string(BY_CHANGE.partition_key, owner_key(&video.owner))
        .string(BY_CHANGE.sort_key, newest_change_last);
    if video.status == VideoStatus::Deleting {
        // Out of its owner's list at once.
        return Ok(item);
    }
    Ok(item
        .string(BY_OWNER.partition_key, owner_key(&video.owner))
        .string(BY_OWNER.sort_key, newest_last(video)))
}

/// What an owner's videos are listed by.
fn newest_last(video: &Video) -> String {
    format!("{}#{}", item::sortable(video.created_at), video.id)
}

fn is_condition_failure<R>(err: &aws_sdk_dynamodb::error::SdkError<PutItemError, R>) -> bool {
    err.as_service_error()
        .is_some_and(PutItemError::is_conditional_check_failed_exception)
}
