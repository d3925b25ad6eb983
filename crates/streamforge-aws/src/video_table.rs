//! The table: what the service knows. One DynamoDB table, an item for each record.
//!
//! | `pk` | `sk` | holds |
//! | --- | --- | --- |
//! | `VIDEO#{id}` | `META` | [`Video`]; in indexes `by-owner` and `by-change`, and in `by-due` while something is left to do |
//! | | `PLAN` | the [`Plan`] |
//! | | `CHUNK#v00003`, `CHUNK#a00000` | [`TaskState`] of a video or audio job |
//! | | `TASK#ingest`, … | [`TaskState`] of the other tasks |
//! | | `RECORD#v00003` | its [`ChunkRecord`], once done |
//! | | `PROGRESS#v00003` | [`JobProgress`] while it runs; removed by TTL |
//! | | `PUBLISH` | [`PublishState`] |
//! | `UPLOAD#{id}` | `META` | [`Upload`]; in `by-due` |
//! | `CLAIM#{hash}` | `META` | which upload an idempotency key or a fingerprint led to; removed by TTL |
//!
//! Records change by compare and swap: read, decide by a pure function of `streamforge-core`, write if nobody else has written
//! since. So whatever order requests and messages come in, every change was legal from the state it was applied to.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use serde::de::DeserializeOwned;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::{JobProgress, PublishState, QUEUED_CHECK, Task, TaskState};
use streamforge_core::plan::{Job, Plan};
use streamforge_core::record::ChunkRecord;
use streamforge_core::time::Timestamp;
use streamforge_core::upload::{Upload, UploadStatus};
use streamforge_core::video::{Video, VideoStatus};

use crate::error::AwsError;
use crate::resources::{BY_CHANGE, BY_DUE, BY_OWNER, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE};

mod changes;
pub mod item;

use item::{Item, Key};

/// Counts the writes of an item: what compare and swap compares.
const VERSION: &str = "version";

/// Tries of one compare and swap. Each failure means that somebody else succeeded.
const SWAP_ATTEMPTS: u32 = 20;

/// How long the last progress of a job is kept.
const PROGRESS_TTL: Duration = Duration::from_hours(1);

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

    /// Stores a new upload and its video, together or not at all. `false` when one of the ids is taken.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn create(
        &self,
        upload: &Upload,
        video: &Video,
        due: Timestamp,
    ) -> Result<bool, AwsError> {
        const DOING: &str = "storing a new upload";
        let put = |item: Item| {
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(item.0))
                .condition_expression("attribute_not_exists(#pk)")
                .expression_attribute_names("#pk", PARTITION_KEY)
                .build()
                .map_err(AwsError::other(DOING))?;
            Ok::<_, AwsError>(TransactWriteItem::builder().put(put).build())
        };
        let upload = Item::of(&Key::upload(&upload.id), DOING, upload)?
            .version(1)
            .due(Some(due));
        let video = video_item(video, DOING)?.version(1).due(None);
        let sent = self
            .client
            .transact_write_items()
            .transact_items(put(upload)?)
            .transact_items(put(video)?)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(err)
                if err
                    .as_service_error()
                    .is_some_and(TransactWriteItemsError::is_transaction_canceled_exception) =>
            {
                Ok(false)
            }
            Err(err) => Err(AwsError::unavailable(DOING)(err)),
        }
    }

    /// Remembers that `claim` (a hash of an idempotency key or fingerprint) led to `upload`, unless it leads to another one than
    /// `instead_of` already. Returns the upload it leads to now.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn claim(
        &self,
        claim: &str,
        upload: &UploadId,
        instead_of: Option<&UploadId>,
        until: Timestamp,
    ) -> Result<UploadId, AwsError> {
        const DOING: &str = "claiming a key";
        let key = Key::claim(claim);
        let mut put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key.attributes()))
            .item("upload", AttributeValue::S(upload.to_string()))
            .item(
                TTL_ATTRIBUTE,
                AttributeValue::N(until.as_secs().to_string()),
            )
            .expression_attribute_names("#pk", PARTITION_KEY)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put = match instead_of {
            None => put.condition_expression("attribute_not_exists(#pk)"),
            Some(old) => put
                .condition_expression("attribute_not_exists(#pk) OR upload = :old")
                .expression_attribute_values(":old", AttributeValue::S(old.to_string())),
        };
        match put.send().await {
            Ok(_) => Ok(upload.clone()),
            Err(err) => match err.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let found = failed.item().and_then(|item| item.get("upload"));
                    let found = found.and_then(|value| value.as_s().ok());
                    found
                        .and_then(|id| id.parse().ok())
                        .ok_or(AwsError::Contended { doing: DOING })
                }
                _ => Err(AwsError::unavailable(DOING)(err)),
            },
        }
    }

    /// The upload that a claim leads to.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn claimed(&self, claim: &str) -> Result<Option<UploadId>, AwsError> {
        let item = self
            .get_item(&Key::claim(claim), "looking a key up")
            .await?;
        let found = item.as_ref().and_then(|item| item.get("upload"));
        Ok(found
            .and_then(|value| value.as_s().ok())
            .and_then(|id| id.parse().ok()))
    }

    /// Forgets a claim.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn unclaim(&self, claim: &str) -> Result<(), AwsError> {
        self.delete_item(Key::claim(claim).attributes(), "forgetting a key")
            .await
    }

    /// An upload.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn upload(&self, id: &UploadId) -> Result<Option<Upload>, AwsError> {
        self.get(&Key::upload(id), "reading an upload").await
    }

    /// Changes an upload: `change` decides from what is stored. Returns the upload as it is then; none when there is none.
    ///
    /// # Errors
    /// What `change` says, or the table did not answer.
    pub async fn update_upload<E: From<AwsError>>(
        &self,
        id: &UploadId,
        mut change: impl FnMut(&mut Upload) -> Result<Change, E>,
    ) -> Result<Option<Upload>, E> {
        const DOING: &str = "changing an upload";
        let key = Key::upload(id);
        self.swap(&key, DOING, |upload: Option<Upload>, due_now| {
            let Some(before) = upload else {
                return Ok(Swap::Keep(None));
            };
            let mut upload = before.clone();
            let due = match change(&mut upload)? {
                Change::Keep => return Ok(Swap::Keep(Some(before))),
                Change::Amend => due_now,
                Change::Write { due } => due,
            };
            if !before.status.can_become(upload.status) {
                return Ok(Swap::Keep(Some(before)));
            }
            let item = Item::of(&key, DOING, &upload)?.due(due);
            Ok(Swap::Write(item, Some(upload)))
        })
        .await
    }

    /// A video.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn video(&self, id: &VideoId) -> Result<Option<Video>, AwsError> {
        self.get(&Key::video(id), "reading a video").await
    }

    /// Changes a video, as [`update_upload`](Self::update_upload) does an upload. Its revision counts up by itself. A change of
    /// status that [`VideoStatus::can_become`] forbids is not written: the video comes back as it was.
    ///
    /// # Errors
    /// What `change` says, or the table did not answer.
    pub async fn update_video<E: From<AwsError>>(
        &self,
        id: &VideoId,
        now: Timestamp,
        mut change: impl FnMut(&mut Video) -> Result<Change, E>,
    ) -> Result<Option<Video>, E> {
        const DOING: &str = "changing a video";
        self.swap(&Key::video(id), DOING, |video: Option<Video>, due_now| {
            let Some(before) = video else {
                return Ok(Swap::Keep(None));
            };
            let mut video = before.clone();
            let due = match change(&mut video)? {
                Change::Keep => return Ok(Swap::Keep(Some(before))),
                Change::Amend => due_now,
                Change::Write { due } => due,
            };
            if before.status != video.status && !before.status.can_become(video.status) {
                return Ok(Swap::Keep(Some(before)));
            }
            video.revision += 1;
            video.updated_at = now;
            let item = video_item(&video, DOING)?.due(due);
            Ok(Swap::Write(item, Some(video)))
        })
        .await
    }

    /// Changes what its owner says of a video, and nothing else: what is due stays so.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn rename(
        &self,
        id: &VideoId,
        now: Timestamp,
        mut change: impl FnMut(&mut Video),
    ) -> Result<Option<Video>, AwsError> {
        self.update_video(id, now, |video| {
            change(video);
            Ok(Change::Amend)
        })
        .await
    }

    /// Marks a video as deleted, which takes it out of every list; whoever works on it stops within seconds. Its objects and records
    /// are for the worker to remove. Returns the video as it is then; none when there is none.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn delete(&self, id: &VideoId, now: Timestamp) -> Result<Option<Video>, AwsError> {
        self.update_video(id, now, |video| {
            if video.status == VideoStatus::Deleting {
                return Ok(Change::Keep);
            }
            video.status = VideoStatus::Deleting;
            Ok(Change::Write {
                due: Some(now.after(QUEUED_CHECK)),
            })
        })
        .await
    }

    /// A page of an owner's videos, newest first; only those in `status`, if given. At most `limit` are looked at for each page of
    /// the table, so a page may be short although more follow.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn videos(
        &self,
        owner: &str,
        status: Option<VideoStatus>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Video>, AwsError> {
        const DOING: &str = "listing videos";
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_OWNER.name)
            .key_condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", BY_OWNER.partition_key)
            .expression_attribute_values(":owner", AttributeValue::S(owner_key(owner)))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        if let Some(status) = status {
            query = query
                .filter_expression("#status = :status")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(
                    ":status",
                    AttributeValue::S(status.as_str().to_owned()),
                );
        }
        if let Some((owner_sk, id)) = cursor.and_then(|cursor| cursor.split_once('~')) {
            let id: VideoId = id.parse().map_err(AwsError::other(DOING))?;
            let mut start = Key::video(&id).attributes();
            start.insert(
                BY_OWNER.partition_key.to_owned(),
                AttributeValue::S(owner_key(owner)),
            );
            start.insert(
                BY_OWNER.sort_key.to_owned(),
                AttributeValue::S(owner_sk.to_owned()),
            );
            query = query.set_exclusive_start_key(Some(start));
        }
        let found = query.send().await.map_err(AwsError::unavailable(DOING))?;
        let cursor = found.last_evaluated_key.and_then(|key| {
            let sort = key.get(BY_OWNER.sort_key)?.as_s().ok()?;
            let id = key
                .get(PARTITION_KEY)?
                .as_s()
                .ok()?
                .strip_prefix("VIDEO#")?;
            Some(format!("{sort}~{id}"))
        });
        let entries = found.items.unwrap_or_default();
        Ok(Page {
            entries: entries
                .into_iter()
                .map(|entry| item::read(entry, DOING))
                .collect::<Result<_, _>>()?,
            cursor,
        })
    }

    /// Who has to be looked after by `now`, the longest due first, at most `limit`.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Due>, AwsError> {
        const DOING: &str = "asking what is due";
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_DUE.name)
            .key_condition_expression("#pk = :due AND #sk <= :now")
            .expression_attribute_names("#pk", BY_DUE.partition_key)
            .expression_attribute_names("#sk", BY_DUE.sort_key)
            .expression_attribute_values(":due", AttributeValue::S(item::DUE.to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(item::sortable(now)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(AwsError::unavailable(DOING))?;
        let due = |entry: &HashMap<String, AttributeValue>| {
            let key = entry.get(PARTITION_KEY)?.as_s().ok()?;
            match key.split_once('#')? {
                ("VIDEO", id) => Some(Due::Video(id.parse().ok()?)),
                ("UPLOAD", id) => Some(Due::Upload(id.parse().ok()?)),
                _ => None,
            }
        };
        Ok(found.items().iter().filter_map(due).collect())
    }

    /// Stores the plan of a video, once: the first one stays. Returns the one that stays.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn plan_once(&self, video: &VideoId, plan: &Plan) -> Result<Plan, AwsError> {
        const DOING: &str = "storing a plan";
        let key = Key::plan(video);
        let json = serde_json::to_string(plan).map_err(AwsError::other(DOING))?;
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key.attributes()))
            .item("json", AttributeValue::S(json))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", PARTITION_KEY)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(plan.clone()),
            Err(err) if is_condition_failure(&err) => {
                let there = self.plan(video).await?;
                there.ok_or(AwsError::Contended { doing: DOING })
            }
            Err(err) => Err(AwsError::unavailable(DOING)(err)),
        }
    }

    /// The file of an upload is there: completes the upload, and queues its video. Repeating it is harmless. Returns the video as
    /// it is then; none when there is none.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn arrived(
        &self,
        upload: &UploadId,
        now: Timestamp,
    ) -> Result<Option<Video>, AwsError> {
        let upload = self
            .update_upload(upload, |upload| {
                if !upload.status.can_become(UploadStatus::Completed) {
                    return Ok::<_, AwsError>(Change::Keep);
                }
                upload.status = UploadStatus::Completed;
                Ok(Change::Write { due: None })
            })
            .await?;
        let Some(upload) = upload else {
            return Ok(None);
        };
        self.update_video(&upload.video, now, |video| {
            if video.status != VideoStatus::Uploading || upload.status != UploadStatus::Completed {
                return Ok(Change::Keep);
            }
            video.status = VideoStatus::Queued;
            video.has_source = true;
            Ok(Change::Write {
                due: Some(now.after(QUEUED_CHECK)),
            })
        })
        .await
    }

    /// The plan of a video, once it is planned.
    ///
    /// # Errors
    /// The table did not answer, or another version of the program planned it.
    pub async fn plan(&self, video: &VideoId) -> Result<Option<Plan>, AwsError> {
        const DOING: &str = "reading a plan";
        let found = self.get_item(&Key::plan(video), DOING).await?;
        found
            .map(|entry| item::read_json(&entry, DOING))
            .transpose()
    }

    /// Changes where a task is, as [`update_upload`](Self::update_upload) does an upload. One that was never begun is at its
    /// default. Returns what `change` says.
    ///
    /// # Errors
    /// What `change` says, or the table did not answer.
    pub async fn update_task<T, E: From<AwsError>>(
        &self,
        video: &VideoId,
        task: Task,
        mut change: impl FnMut(&mut TaskState) -> Result<T, E>,
    ) -> Result<T, E> {
        const DOING: &str = "changing a task";
        let key = Key::task(video, task);
        self.swap(&key, DOING, |state: Option<TaskState>, _| {
            let before = state.unwrap_or_default();
            let mut state = before.clone();
            let answer = change(&mut state)?;
            if state == before {
                return Ok(Swap::Keep(answer));
            }
            Ok(Swap::Write(Item::of(&key, DOING, &state)?, answer))
        })
        .await
    }

    /// Stores what a job made. Storing it again stores the same.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn put_record(
        &self,
        video: &VideoId,
        job: Job,
        record: &ChunkRecord,
    ) -> Result<(), AwsError> {
        const DOING: &str = "storing what a job made";
        let json = serde_json::to_string(record).map_err(AwsError::other(DOING))?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(Key::record(video, job).attributes()))
            .item("json", AttributeValue::S(json))
            .send()
            .await
            .map_err(AwsError::unavailable(DOING))?;
        Ok(())
    }

    /// What the finished jobs of a video made.
    ///
    /// # Errors
    /// The table did not answer, or another version of the program wrote it.
    pub async fn records(&self, video: &VideoId) -> Result<BTreeMap<Job, ChunkRecord>, AwsError> {
        const DOING: &str = "reading what jobs made";
        let items = self.partition(video, item::RECORD, DOING).await?;
        items
            .into_iter()
            .filter_map(|entry| Some((item::job_of(&entry)?, entry)))
            .map(|(job, entry)| Ok((job, item::read_json(&entry, DOING)?)))
            .collect()
    }

    /// Where the jobs of a video are.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn work(&self, video: &VideoId) -> Result<VideoWork, AwsError> {
        const DOING: &str = "reading the jobs of a video";
        let mut work = VideoWork::default();
        for entry in self.partition(video, item::CHUNK, DOING).await? {
            if let Some(job) = item::job_of(&entry) {
                work.jobs.insert(job, item::read(entry, DOING)?);
            }
        }
        for entry in self.partition(video, item::PROGRESS, DOING).await? {
            if let Some(job) = item::job_of(&entry) {
                work.progress.insert(job, item::read(entry, DOING)?);
            }
        }
        Ok(work)
    }

    /// Says how far a running job is. At most once a second for each job. An attempt that begins anew does not take back what an
    /// earlier one said: it says nothing until it is as far.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn put_progress(
        &self,
        video: &VideoId,
        job: Job,
        progress: &JobProgress,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        const DOING: &str = "storing progress";
        let item = Item::of(&Key::progress(video, job), DOING, progress)?;
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.ttl(now.after(PROGRESS_TTL)).0))
            .condition_expression("attribute_not_exists(#pk) OR frames <= :frames")
            .expression_attribute_names("#pk", PARTITION_KEY)
            .expression_attribute_values(":frames", AttributeValue::N(progress.frames.to_string()))
            .send()
            .await;
        match sent {
            Err(err) if !is_condition_failure(&err) => Err(AwsError::unavailable(DOING)(err)),
            _ => Ok(()),
        }
    }

    /// Counts that a video's playlists have something new to tell.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn want_publish(&self, video: &VideoId) -> Result<(), AwsError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::publish(video).attributes()))
            .update_expression("ADD wanted :one, #version :one")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::None)
            .send()
            .await
            .map_err(AwsError::unavailable("asking for a publish"))?;
        Ok(())
    }

    /// Who publishes a video, and what is wanted.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn publish_state(&self, video: &VideoId) -> Result<PublishState, AwsError> {
        let state = self
            .get(&Key::publish(video), "reading who publishes")
            .await?;
        Ok(state.unwrap_or_default())
    }

    /// Changes who publishes a video: `change` gives `None` when nothing is to be changed.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn update_publish<T>(
        &self,
        video: &VideoId,
        mut change: impl FnMut(&mut PublishState) -> Option<T>,
    ) -> Result<Option<T>, AwsError> {
        const DOING: &str = "changing who publishes";
        let key = Key::publish(video);
        self.swap(&key, DOING, |state: Option<PublishState>, _| {
            let mut state = state.unwrap_or_default();
            let Some(answer) = change(&mut state) else {
                return Ok(Swap::Keep(None));
            };
            Ok(Swap::Write(Item::of(&key, DOING, &state)?, Some(answer)))
        })
        .await
    }

    /// Removes every item of a video, its own record last, and its upload.
    ///
    /// # Errors
    /// The table did not answer; what is left is removed when it is asked again.
    pub async fn purge(&self, video: &VideoId) -> Result<(), AwsError> {
        const DOING: &str = "removing a video's records";
        for prefix in [
            item::CHUNK,
            item::TASK,
            item::PROGRESS,
            item::RECORD,
            item::PLAN,
            item::PUBLISH,
        ] {
            for entry in self.partition(video, prefix, DOING).await? {
                self.delete_item(item::key_of(&entry), DOING).await?;
            }
        }
        if let Some(record) = self.video(video).await? {
            self.delete_item(Key::upload(&record.upload).attributes(), DOING)
                .await?;
        }
        self.delete_item(Key::video(video).attributes(), DOING)
            .await
    }

    /// Removes what a job last said: it is done, or begins anew.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn forget_progress(&self, video: &VideoId, job: Job) -> Result<(), AwsError> {
        self.delete_item(
            Key::progress(video, job).attributes(),
            "forgetting progress",
        )
        .await
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
    let newest_last = format!("{}#{}", item::sortable(video.created_at), video.id);
    Ok(item
        .string(BY_OWNER.partition_key, owner_key(&video.owner))
        .string(BY_OWNER.sort_key, newest_last))
}

fn is_condition_failure<R>(err: &aws_sdk_dynamodb::error::SdkError<PutItemError, R>) -> bool {
    err.as_service_error()
        .is_some_and(PutItemError::is_conditional_check_failed_exception)
}
