//! An owner's videos as feeds, limits and health look at them: by when they changed, and how many are under way.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use streamforge_core::time::Timestamp;
use streamforge_core::video::{Video, VideoStatus};

use super::{VideoTable, item, owner_key};
use crate::error::AwsError;
use crate::resources::{BY_CHANGE, BY_OWNER, Index};

/// Pages of an index that are counted at most: each is a megabyte of records.
const COUNTED_PAGES: usize = 4;

impl VideoTable {
    /// The videos of an owner that changed at `since` or later, in the order of their last changes; also those that are being removed.
    /// The index is some moments behind the records.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn changes(&self, owner: &str, since: Timestamp) -> Result<Vec<Video>, AwsError> {
        const DOING: &str = "asking what changed";
        let mut changed = Vec::new();
        let mut start = None;
        loop {
            let found = self
                .since(BY_CHANGE, owner, since)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(AwsError::unavailable(DOING))?;
            for entry in found.items.unwrap_or_default() {
                changed.push(item::read(entry, DOING)?);
            }
            start = found.last_evaluated_key;
            if start.is_none() {
                return Ok(changed);
            }
        }
    }

    /// The videos of an owner that changed last, the newest change first; at most `limit`.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn changed_last(&self, owner: &str, limit: u32) -> Result<Vec<Video>, AwsError> {
        const DOING: &str = "asking what changed last";
        let found = self
            .since(BY_CHANGE, owner, Timestamp(0))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(AwsError::unavailable(DOING))?;
        let entries = found.items.unwrap_or_default().into_iter();
        entries.map(|entry| item::read(entry, DOING)).collect()
    }

    /// How many videos of an owner, announced at `since` or later, are still being uploaded. Counts no further than `enough`, and
    /// looks at some thousand videos at most.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn count_uploading(
        &self,
        owner: &str,
        since: Timestamp,
        enough: u32,
    ) -> Result<u32, AwsError> {
        const DOING: &str = "counting unfinished uploads";
        let uploading = AttributeValue::S(VideoStatus::Uploading.as_str().to_owned());
        let mut counted = 0;
        let mut start: Option<HashMap<String, AttributeValue>> = None;
        for _ in 0..COUNTED_PAGES {
            let found = self
                .since(BY_OWNER, owner, since)
                .select(Select::Count)
                .filter_expression("#status = :uploading")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":uploading", uploading.clone())
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(AwsError::unavailable(DOING))?;
            counted += u32::try_from(found.count).unwrap_or(0);
            start = found.last_evaluated_key;
            if start.is_none() || counted >= enough {
                break;
            }
        }
        Ok(counted.min(enough))
    }

    /// Asks for an owner's entries in an index by time, from `since` on.
    fn since(&self, index: Index, owner: &str, since: Timestamp) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(index.name)
            .key_condition_expression("#pk = :owner AND #sk >= :since")
            .expression_attribute_names("#pk", index.partition_key)
            .expression_attribute_names("#sk", index.sort_key)
            .expression_attribute_values(":owner", AttributeValue::S(owner_key(owner)))
            .expression_attribute_values(":since", AttributeValue::S(item::sortable(since)))
    }
}
