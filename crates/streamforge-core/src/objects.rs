//! What a finished job must have left in the video's folder.

use crate::layout::ObjectPath;
use crate::package::PublishError;
use crate::plan::{Job, Plan};
use crate::record::ChunkRecord;

/// One object, and what is known of its content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MadeObject<'a> {
    /// Where it is.
    pub path: ObjectPath<'a>,
    /// How to know it again.
    pub content: Content<'a>,
}

/// What is known of an object's content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content<'a> {
    /// Its size in bytes.
    Bytes(u64),
    /// Its SHA-256, in hexadecimal.
    Sha256(&'a str),
    /// Nothing.
    Unknown,
}

/// Every object that `job` made according to its `record`; `None` when the plan has no such job.
///
/// Every chunk of a track makes the same init segment: it counts as the first one's, without which nothing plays.
pub fn made_by<'a>(
    plan: &'a Plan,
    job: Job,
    record: &'a ChunkRecord,
) -> Option<Vec<MadeObject<'a>>> {
    let chunk = plan.chunk(job)?;
    let mut objects = Vec::new();
    for (name, track) in plan.tracks(job).into_iter().zip(&record.tracks) {
        if let Some(sha256) = track.init_sha256.as_deref().filter(|_| chunk.index == 0) {
            objects.push(MadeObject {
                path: ObjectPath::InitSegment(name),
                content: Content::Sha256(sha256),
            });
        }
        let segments = (chunk.first_segment..).zip(&track.segments);
        objects.extend(segments.map(|(segment, made)| MadeObject {
            path: ObjectPath::MediaSegment(name, segment, plan.format()),
            content: Content::Bytes(made.bytes),
        }));
    }
    if matches!(job, Job::Video(_)) && record.segments() > 0 {
        objects.push(MadeObject {
            path: ObjectPath::StoryboardSheet(chunk.index),
            content: Content::Unknown,
        });
    }
    Some(objects)
}

/// The record of a job that was done again while some of its objects were `kept`: of these it tells what the `former` record does.
///
/// # Errors
/// [`PublishError::InitDiffers`]: what was made now does not fit what was kept.
pub fn mended(
    plan: &Plan,
    job: Job,
    former: &ChunkRecord,
    mut made: ChunkRecord,
    kept: &[ObjectPath<'_>],
) -> Result<ChunkRecord, PublishError> {
    let first_segment = plan.chunk(job).map_or(0, |chunk| chunk.first_segment);
    let tracks = made.tracks.iter_mut().zip(&former.tracks);
    for (name, (made, former)) in plan.tracks(job).into_iter().zip(tracks) {
        if !kept.is_empty() && !made.fits(former) {
            return Err(PublishError::InitDiffers {
                track: name.to_owned(),
            });
        }
        let segments = made.segments.iter_mut().zip(&former.segments);
        for (segment, (made, former)) in (first_segment..).zip(segments) {
            if kept.contains(&ObjectPath::MediaSegment(name, segment, plan.format())) {
                *made = *former;
            }
        }
    }
    Ok(made)
}
