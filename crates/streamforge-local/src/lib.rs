//! StreamForge on one machine, without an account anywhere.
//!
//! # Layout
//! - [`services`]: the AWS services it needs, embedded: S3 and DynamoDB on disk, SQS in memory, each with its real protocol.
//! - [`edge`]: streams to viewers, as a CDN would deliver them.
//! - [`pages`]: the web app.
//! - [`node`]: all of it in one process: the API, the edge, the pages, and workers fed by S3's events and SQS's messages.
//!
//! Everything speaks to the services through `streamforge-aws`, with the same code as on AWS.
//!
//! ```no_run
//! use streamforge_aws::video_table::VideoTable;
//! use streamforge_local::services::EmbeddedServices;
//! use tokio::net::TcpListener;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let s3_listener = TcpListener::bind("127.0.0.1:9000").await?;
//! let services = EmbeddedServices::start("data".as_ref(), s3_listener).await?;
//! let videos = VideoTable::new(services.dynamodb(), &services.resources().table);
//! # services.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod edge;
pub mod node;
pub mod pages;
pub mod services;
