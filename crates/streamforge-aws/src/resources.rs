//! What must exist before the service can work, as data: the embedded start-up makes it, and the template is checked against it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use streamforge_core::job::LEASE;

/// The names of everything one deployment uses.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// The one table.
    pub table: String,
    /// Bucket of uploads: `raw/{video}`.
    pub upload_bucket: String,
    /// Bucket of streams: `v/{video}/…`.
    pub media_bucket: String,
    /// URL of the queue of tasks somebody waits for.
    pub interactive_queue_url: String,
    /// URL of the queue of all other tasks.
    pub bulk_queue_url: String,
    /// URL of the queue where messages end that could not be handled.
    pub dead_letter_queue_url: String,
}

/// Partition key of the table.
pub const PARTITION_KEY: &str = "pk";
/// Sort key of the table.
pub const SORT_KEY: &str = "sk";
/// Attribute with the time after which DynamoDB removes an item, in seconds since 1970.
pub const TTL_ATTRIBUTE: &str = "ttl";

/// A global secondary index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// Partition key, a string.
    pub partition_key: &'static str,
    /// Sort key, a string.
    pub sort_key: &'static str,
}

/// An owner's videos by the time they were announced.
pub const BY_OWNER: Index = Index {
    name: "by-owner",
    partition_key: "owner_pk",
    sort_key: "owner_sk",
};

/// Records that somebody has to look after, by when.
pub const BY_DUE: Index = Index {
    name: "by-due",
    partition_key: "due_pk",
    sort_key: "due_sk",
};

/// An owner's videos by the time they changed last, those that are being removed included.
pub const BY_CHANGE: Index = Index {
    name: "by-change",
    partition_key: "change_pk",
    sort_key: "change_sk",
};

/// Every index.
pub const INDEXES: [Index; 3] = [BY_OWNER, BY_DUE, BY_CHANGE];

/// How long a received message stays hidden: as long as its task is leased. Whoever works longer extends both. On AWS it must be six times the function's timeout
/// ([Lambda with SQS](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)): the template says so itself.
pub const VISIBILITY_TIMEOUT: Duration = LEASE;

/// Receipts of one message before it goes to the dead-letter queue. More than a job's attempts: a message may also come again
/// because another worker is at it.
pub const MAX_RECEIVE_COUNT: u32 = 10;

/// How long a message waits in the dead-letter queue for somebody to look at it: the most there is
/// ([quotas](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html)).
pub const DEAD_LETTER_RETENTION: Duration = Duration::from_hours(14 * 24);

/// Pages of these origins may send files to the upload bucket: any, because it is the presigned URL that permits an upload.
pub const UPLOAD_CORS_ORIGINS: [&str; 1] = ["*"];

/// What these pages may ask for.
pub const UPLOAD_CORS_METHODS: [&str; 3] = ["PUT", "GET", "HEAD"];

/// Request headers they may send.
pub const UPLOAD_CORS_HEADERS: [&str; 1] = ["*"];

/// How long a browser may remember all this, so that not every part asks anew.
pub const UPLOAD_CORS_MAX_AGE: Duration = Duration::from_hours(1);

/// Response headers a browser may read of an upload; without `ETag` many clients cannot resume.
pub const UPLOAD_CORS_EXPOSED: [&str; 2] = ["ETag", "x-amz-checksum-crc32c"];

/// Days after which S3 itself gives up what nobody did: the last net under our own clean-up.
pub const ABORT_MULTIPART_AFTER_DAYS: i32 = 7;

/// Prefix of uploaded files in the upload bucket; the event that starts ingest filters by it.
pub const SOURCE_PREFIX: &str = "raw/";
