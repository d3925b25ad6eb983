//! Videos: their records, lists, and what is due.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use streamforge_core::id::VideoId;
use streamforge_core::job::QUEUED_CHECK;
use streamforge_core::time::Timestamp;
use streamforge_core::video::{Video, VideoStatus};

use super::item::{self, Key};
use super::{Change, Due, Page, Swap, VideoTable, newest_last, owner_key, video_item};
use crate::error::AwsError;
use crate::resources::{BY_DUE, BY_OWNER, PARTITION_KEY};

/// Videos that one query looks at when only those in one status are wanted: few of them may be.
const LOOKED_AT: u32 = 500;

impl VideoTable {
    /// A video.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn video(&self, id: &VideoId) -> Result<Option<Video>, AwsError> {
        self.get(&Key::video(id), "reading a video").await
    }

    /// A video, and by when somebody has to look after it.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn video_and_due(
        &self,
        id: &VideoId,
    ) -> Result<Option<(Video, Option<Timestamp>)>, AwsError> {
        const DOING: &str = "reading a video";
        let found = self.get_item(&Key::video(id), DOING).await?;
        let with_due = |entry| {
            let due = item::due_of(&entry);
            Ok((item::read(entry, DOING)?, due))
        };
        found.map(with_due).transpose()
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
        self.delete_if(id, now, |_| true).await
    }

    /// The same, but only a video that is `meant`.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn delete_if(
        &self,
        id: &VideoId,
        now: Timestamp,
        meant: impl Fn(&Video) -> bool,
    ) -> Result<Option<Video>, AwsError> {
        self.update_video(id, now, |video| {
            if video.status == VideoStatus::Deleting || !meant(video) {
                return Ok(Change::Keep);
            }
            video.status = VideoStatus::Deleting;
            Ok(Change::Write {
                due: Some(now.after(QUEUED_CHECK)),
            })
        })
        .await
    }

    /// A page of at most `limit` of an owner's videos, newest first; only those in `status`, if given: then a page may be short although
    /// more follow.
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
        let looked_at = status.map_or(limit, |_| limit.max(LOOKED_AT));
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_OWNER.name)
            .key_condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", BY_OWNER.partition_key)
            .expression_attribute_values(":owner", AttributeValue::S(owner_key(owner)))
            .scan_index_forward(false)
            .limit(i32::try_from(looked_at).unwrap_or(i32::MAX));
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
        let mut cursor = found.last_evaluated_key.and_then(|key| {
            let sort = key.get(BY_OWNER.sort_key)?.as_s().ok()?;
            let id = key
                .get(PARTITION_KEY)?
                .as_s()
                .ok()?
                .strip_prefix("VIDEO#")?;
            Some(format!("{sort}~{id}"))
        });
        let entries = found.items.unwrap_or_default().into_iter();
        let mut entries: Vec<Video> = entries
            .map(|entry| item::read(entry, DOING))
            .collect::<Result<_, _>>()?;
        let limit = limit as usize;
        if entries.len() > limit {
            entries.truncate(limit);
            let last = entries.last();
            cursor = last.map(|video| format!("{}~{}", newest_last(video), video.id));
        }
        Ok(Page { entries, cursor })
    }

    /// Who has to be looked after by `now`, the longest due first.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<Due>, AwsError> {
        const DOING: &str = "asking what is due";
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_DUE.name)
            .key_condition_expression("#pk = :due AND #sk <= :now")
            .expression_attribute_names("#pk", BY_DUE.partition_key)
            .expression_attribute_names("#sk", BY_DUE.sort_key)
            .expression_attribute_values(":due", AttributeValue::S(item::DUE.to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(item::sortable(now)))
            .into_paginator()
            .items()
            .send();
        let mut due = Vec::new();
        while let Some(entry) = pages.next().await {
            due.extend(due_record(&entry.map_err(AwsError::unavailable(DOING))?));
        }
        Ok(due)
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
}

/// The record that an item of the index is about.
fn due_record(item: &HashMap<String, AttributeValue>) -> Option<Due> {
    let key = item.get(PARTITION_KEY)?.as_s().ok()?;
    match key.split_once('#')? {
        ("VIDEO", id) => Some(Due::Video(id.parse().ok()?)),
        ("UPLOAD", id) => Some(Due::Upload(id.parse().ok()?)),
        _ => None,
    }
}
