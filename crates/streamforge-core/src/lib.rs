//! What StreamForge decides, without doing any of it: no I/O, no clock, no environment.
//!
//! A [`source::SourceProfile`] (what a file is) and [`settings::Settings`] (what is wanted) become a
//! [`plan::Plan`]: the rungs, the frame grid and the chunks. Every job derives its command from the plan alone, so
//! jobs can run anywhere, in any order and more than once. What a job made is judged by [`acceptance`], kept as a
//! [`record::ChunkRecord`], and all records together become the playlists in [`package`].
//!
//! # Layout
//! - [`rate`], [`timing`]: frame rates, and how one is read from timestamps that lie.
//! - [`source`], [`limits`], [`refusal`]: what a source is, and why one is turned away.
//! - [`ladder`], [`settings`]: what to encode.
//! - [`grid`], [`plan`]: when every frame is shown, and which job encodes it.
//! - [`acceptance`], [`record`]: what a job must have made, and what is kept of it.
//! - [`layout`], [`objects`], [`package`]: where objects live, which there must be, and the playlists that name them.
//! - [`id`], [`time`], [`upload`], [`video`], [`job`]: the records of the service, and the states they go through; [`origin`]: what asked
//!   for them.
//!
//! ```
//! use streamforge_core::{grid::FrameGrid, rate::FrameRate};
//! use std::time::Duration;
//!
//! let ntsc = FrameRate::new(30_000, 1001).expect("both are above zero");
//! let grid = FrameGrid::new(ntsc, Duration::from_secs(4));
//! assert_eq!(grid.frames_per_segment, 120);
//! assert_eq!(grid.track().segment_ticks(), 120_120); // 4.004 s, exactly, in ticks of 1/30000 s
//! ```

pub mod acceptance;
pub mod grid;
pub mod id;
pub mod job;
pub mod ladder;
pub mod layout;
pub mod limits;
pub mod objects;
pub mod origin;
pub mod package;
pub mod plan;
pub mod rate;
pub mod record;
pub mod refusal;
pub mod settings;
pub mod source;
pub mod time;
pub mod timing;
pub mod upload;
pub mod video;
