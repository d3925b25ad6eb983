//! The work on a video: its plan, its tasks, what they made, who publishes.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use streamforge_core::id::VideoId;
use streamforge_core::job::{JobProgress, PublishState, Task, TaskState};
use streamforge_core::plan::{Job, Plan};
use streamforge_core::record::ChunkRecord;
use streamforge_core::time::Timestamp;

use super::item::{self, Item, Key};
use super::{Swap, VERSION, VideoTable, VideoWork, is_condition_failure};
use crate::error::AwsError;
use crate::resources::PARTITION_KEY;

/// How long the last progress of a job is kept.
const PROGRESS_TTL: Duration = Duration::from_hours(1);

impl VideoTable {
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

    /// What a job made, once it is done.
    ///
    /// # Errors
    /// The table did not answer, or another version of the program wrote it.
    pub async fn record(&self, video: &VideoId, job: Job) -> Result<Option<ChunkRecord>, AwsError> {
        const DOING: &str = "reading what a job made";
        let found = self.get_item(&Key::record(video, job), DOING).await?;
        found
            .map(|entry| item::read_json(&entry, DOING))
            .transpose()
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

    /// Changes who publishes a video. Returns what `change` says.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn update_publish<T>(
        &self,
        video: &VideoId,
        mut change: impl FnMut(&mut PublishState) -> T,
    ) -> Result<T, AwsError> {
        const DOING: &str = "changing who publishes";
        let key = Key::publish(video);
        self.swap(&key, DOING, |state: Option<PublishState>, _| {
            let before = state.unwrap_or_default();
            let mut state = before.clone();
            let answer = change(&mut state);
            if state == before {
                return Ok(Swap::Keep(answer));
            }
            Ok(Swap::Write(Item::of(&key, DOING, &state)?, answer))
        })
        .await
    }
}
