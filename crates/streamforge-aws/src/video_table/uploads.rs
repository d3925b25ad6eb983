//! Uploads, and what leads to them.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use streamforge_core::id::UploadId;
use streamforge_core::job::QUEUED_CHECK;
use streamforge_core::time::Timestamp;
use streamforge_core::upload::{Upload, UploadStatus};
use streamforge_core::video::{Video, VideoStatus};

use super::item::{Item, Key};
use super::{Change, Swap, VideoTable, video_item};
use crate::error::AwsError;
use crate::resources::{PARTITION_KEY, TTL_ATTRIBUTE};

impl VideoTable {
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

    /// The file of an upload is there: queues its video, and completes the upload. Repeating it is harmless, and when it was broken
    /// off in between, the upload is still due. Returns the video as it is then; none when there is none.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn arrived(
        &self,
        upload: &UploadId,
        now: Timestamp,
    ) -> Result<Option<Video>, AwsError> {
        let Some(record) = self.upload(upload).await? else {
            return Ok(None);
        };
        if !record.status.can_become(UploadStatus::Completed) {
            return self.video(&record.video).await;
        }
        let video = self
            .update_video(&record.video, now, |video| {
                if video.status != VideoStatus::Uploading {
                    return Ok::<_, AwsError>(Change::Keep);
                }
                video.status = VideoStatus::Queued;
                video.queued_at = Some(now);
                video.has_source = true;
                Ok(Change::Write {
                    due: Some(now.after(QUEUED_CHECK)),
                })
            })
            .await?;
        self.update_upload(upload, |upload| {
            if upload.status == UploadStatus::Completed {
                return Ok::<_, AwsError>(Change::Keep);
            }
            upload.status = UploadStatus::Completed;
            Ok(Change::Write { due: None })
        })
        .await?;
        Ok(video)
    }
}
