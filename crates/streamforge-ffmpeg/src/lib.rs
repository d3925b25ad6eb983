//! FFmpeg as StreamForge uses it: its command lines, its processes, and what comes out of their pipes.
//!
//! FFmpeg is a large program that reads files made by strangers, so it is kept apart: it sees nothing but one loopback URL
//! ([`source_server`]), may use only the demuxer that [`sniff`] chose, and runs under [`guard`]. What it writes is cut into
//! segments in memory and counted against the plan's grid before anybody may use it ([`engine`]).
//!
//! This crate does not know where sources come from (a [`byte_source::ByteSource`]) nor where segments go (a channel).
//!
//! ```no_run
//! use std::sync::Arc;
//! use streamforge_core::{limits::Limits, plan::{Job, Plan}, settings::Settings};
//! use streamforge_ffmpeg::{byte_source::FileSource, engine::{Engine, Programs}, guard::ChildLimits};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let source = Arc::new(FileSource::open("film.mp4")?);
//! let limits = Limits::default();
//! let engine = Engine::open(source, Programs::default(), &limits, ChildLimits::default()).await?;
//! let plan = Plan::new(engine.probe().await?, Settings::default(), &limits)?;
//! let (out, mut outputs) = tokio::sync::mpsc::channel(4);
//! let print = async { while let Some(output) = outputs.recv().await { println!("{output:?}") } };
//! let encode = async move { engine.run(&plan, Job::Video(0), 0, &out).await };
//! let (finished, ()) = tokio::join!(encode, print);
//! println!("{} segments", finished?.record.segments());
//! # Ok(())
//! # }
//! ```

pub mod argv;
pub mod byte_source;
pub mod engine;
pub mod error;
pub mod guard;
pub mod input;
mod jpeg;
mod movie_header;
pub mod probe;
pub mod sniff;
pub mod source_server;
pub mod splitter;
mod track;
