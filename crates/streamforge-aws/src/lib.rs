//! AWS as StreamForge uses it: one table, two buckets, two queues. Each adapter is a concrete type that speaks our words and
//! translates the SDK's errors into ours; nothing here decides anything about videos.
//!
//! The same code runs against AWS, an emulator and the services that `streamforge up` embeds: only endpoints and credentials
//! differ, and those come from [`clients::load`].
//!
//! # Layout
//! - [`clients`]: the SDK's clients. [`clock`]: what time it is. [`resources`]: what there must be, as data. [`origin`]: what the work at hand
//!   came of.
//! - [`video_table`]: DynamoDB. [`upload_bucket`], [`media_bucket`]: S3. [`presigner`]: what clients may ask S3 for themselves. [`job_queue`]:
//!   SQS.
//! - [`object_source`]: an uploaded file as the engine reads it.

pub mod clients;
pub mod clock;
pub mod error;
pub mod job_queue;
pub mod media_bucket;
pub mod object_source;
pub mod origin;
pub mod presigner;
pub mod resources;
pub mod upload_bucket;
pub mod video_table;
