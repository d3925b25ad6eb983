//! Many clients look at the same things at once: what one has seen a moment ago is shown to all.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use moka::future::Cache;
use streamforge_aws::clock::now;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::STALLED;
use streamforge_core::plan::Plan;
use streamforge_core::time::Timestamp;
use streamforge_core::upload::Upload;
use streamforge_core::video::{Video, VideoStatus};

use crate::problem::Problem;
use crate::videos::view::VideoView;
use crate::{Api, OWNER};

/// How long a look at something is shown.
const FRESH: Duration = Duration::from_millis(400);

/// How long a look at an upload is good for signing URLs: what they are made of never changes, and one of an upload that another
/// instance has ended meanwhile leads nowhere.
const UPLOAD_FRESH: Duration = Duration::from_secs(5);

/// How far back a look at an owner's videos reaches: much further than between two looks, and the index may be behind.
const WINDOW: Duration = Duration::from_secs(15);

/// Videos of one look whose progress is read; of the others clients see what their records say.
const WITH_PROGRESS: usize = 40;

/// How often it is asked which videos are being worked at. Those that begin are noticed at once, because they change.
const AT_WORK_EVERY: Duration = Duration::from_secs(10);

/// A video at work changes at least this often, because the reconciler looks after it.
const AT_WORK_CHANGES: Duration = STALLED.saturating_add(Duration::from_mins(1));

/// Plans kept at hand; they never change.
const PLANS: u64 = 200;

/// What was looked at a moment ago.
#[derive(Clone, Debug)]
pub(crate) struct Looks {
    uploads: Cache<UploadId, Arc<Upload>>,
    videos: Cache<VideoId, Option<Arc<VideoView>>>,
    plans: Cache<VideoId, Arc<Plan>>,
    changes: Cache<(), Arc<Changes>>,
    at_work: Cache<(), Arc<Vec<VideoId>>>,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            uploads: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(UPLOAD_FRESH)
                .build(),
            videos: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(FRESH)
                .build(),
            plans: Cache::new(PLANS),
            changes: Cache::builder().time_to_live(FRESH).build(),
            at_work: Cache::builder().time_to_live(AT_WORK_EVERY).build(),
        }
    }
}

/// The videos of an owner that changed lately or are being worked at.
#[derive(Debug)]
pub(crate) struct Changes {
    /// What changed since then is in it.
    pub(crate) since: Timestamp,
    /// When it was looked.
    pub(crate) at: Timestamp,
    /// In the order of their last changes.
    pub(crate) videos: Vec<Seen>,
}

/// A video as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) id: VideoId,
    /// As clients see it; none when it is deleted.
    pub(crate) view: Option<Arc<VideoView>>,
}

impl Looks {
    /// It has changed: the next look is a new one.
    pub(crate) async fn forget_upload(&self, id: &UploadId) {
        self.uploads.invalidate(id).await;
    }
}

impl Api {
    /// An upload as it was seconds ago: whoever sends parts asks for the URLs of many, one soon after the other.
    pub(crate) async fn look_at_upload(&self, id: &UploadId) -> Result<Arc<Upload>, Problem> {
        let looking = async || {
            let upload = self.table.upload(id).await?;
            upload
                .map(Arc::new)
                .ok_or_else(|| Problem::not_found("upload"))
        };
        shared(&self.looks.uploads, id, || Box::pin(looking())).await
    }

    /// A video, not older than a moment; none when it is deleted.
    pub(crate) async fn look(&self, id: &VideoId) -> Result<Option<Arc<VideoView>>, Problem> {
        let looking = async || {
            let video = self.table.video(id).await?;
            match video.filter(|video| video.status != VideoStatus::Deleting) {
                Some(video) => Ok(Some(Arc::new(self.video_with_progress(&video).await?))),
                None => Ok(None),
            }
        };
        shared(&self.looks.videos, id, || Box::pin(looking())).await
    }

    /// The plan of a video, once it is planned.
    pub(crate) async fn plan(&self, id: &VideoId) -> Result<Option<Arc<Plan>>, Problem> {
        if let Some(plan) = self.looks.plans.get(id).await {
            return Ok(Some(plan));
        }
        let Some(plan) = self.table.plan(id).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.looks.plans.insert(id.clone(), plan.clone()).await;
        Ok(Some(plan))
    }

    /// What happened lately, not older than a moment.
    pub(crate) async fn look_at_changes(&self) -> Result<Arc<Changes>, Problem> {
        let looking = async || {
            let at = now();
            let since = at.before(WINDOW);
            let mut videos = self.changed_since(since).await?;
            let changed: BTreeSet<_> = videos.iter().map(|seen| seen.id.clone()).collect();
            let at_work = self.at_work().await?;
            let others = at_work.iter().filter(|id| !changed.contains(id));
            let others = try_join_all(others.map(async |id| {
                let view = self.look(id).await?;
                let id = id.clone();
                Ok::<_, Problem>(Seen { id, view })
            }));
            // Those that have changed last come last.
            let mut all = others.await?;
            all.append(&mut videos);
            Ok(Arc::new(Changes {
                since,
                at,
                videos: all,
            }))
        };
        shared(&self.looks.changes, &(), || Box::pin(looking())).await
    }

    /// The videos that changed at `since` or later, in the order of their last changes.
    pub(crate) async fn changed_since(&self, since: Timestamp) -> Result<Vec<Seen>, Problem> {
        let changed = self.table.changes(OWNER, since).await?;
        let plain = changed.len().saturating_sub(WITH_PROGRESS);
        try_join_all(changed.iter().enumerate().map(async |(place, video)| {
            let view = match video.status {
                VideoStatus::Deleting => None,
                VideoStatus::Processing | VideoStatus::Failed if place >= plain => {
                    self.look(&video.id).await?
                }
                _ => Some(Arc::new(self.video_view(video, None))),
            };
            let id = video.id.clone();
            Ok(Seen { id, view })
        }))
        .await
    }

    /// The videos that are being worked at, at most as many as progress is read of, those first that wait longest.
    async fn at_work(&self) -> Result<Arc<Vec<VideoId>>, Problem> {
        let looking = async || {
            let since = now().before(AT_WORK_CHANGES);
            let mut videos: Vec<Video> = self.table.changes(OWNER, since).await?;
            videos.retain(|video| video.status == VideoStatus::Processing);
            videos.sort_by_key(|video| video.created_at);
            let ids = videos.into_iter().map(|video| video.id);
            Ok(Arc::new(ids.take(WITH_PROGRESS).collect()))
        };
        shared(&self.looks.at_work, &(), || Box::pin(looking())).await
    }
}

/// What was seen a moment ago, or is seen now. Who asks while somebody looks waits for the same look.
async fn shared<K, V, F>(
    cache: &Cache<K, V>,
    key: &K,
    looking: impl FnOnce() -> Pin<Box<F>>,
) -> Result<V, Problem>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<V, Problem>>,
{
    if let Some(seen) = cache.get(key).await {
        return Ok(seen);
    }
    let seen = cache.try_get_with_by_ref(key, looking()).await;
    seen.map_err(|err: Arc<Problem>| (*err).clone())
}
