//! Sources that are open: the jobs of one video share one, so that its index is read once and not by each of them.
//!
//! The index of two hours is 8 MB. Jobs follow each other closely, within a node as within a warm function, so a source stays open for a
//! moment after its last job; not longer, because what is open keeps answers of S3 under way.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use streamforge_core::id::VideoId;
use streamforge_ffmpeg::engine::Engine;

/// How long a source stays open for the next job.
const LINGER: Duration = Duration::from_secs(5);

/// Every source that is open.
#[derive(Clone, Debug, Default)]
pub struct OpenSources {
    /// Few at a time: one for each video that is being encoded here.
    open: Arc<Mutex<Vec<Open>>>,
}

/// One of them.
#[derive(Debug)]
struct Open {
    video: VideoId,
    /// Tags the content: an object in its place is another source.
    etag: String,
    engine: Weak<Engine>,
}

impl OpenSources {
    /// The source of `video`, if somebody has this content of it open.
    pub(crate) fn get(&self, video: &VideoId, etag: &str) -> Option<Arc<Engine>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open
            .iter()
            .find(|open| open.video == *video && open.etag == etag);
        found.and_then(|open| open.engine.upgrade())
    }

    /// Shares `engine` with whoever asks for it while it is in use, and for a moment longer.
    pub(crate) fn share(&self, video: &VideoId, etag: &str, engine: &Arc<Engine>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|open| open.engine.strong_count() > 0);
        open.push(Open {
            video: video.clone(),
            etag: etag.to_owned(),
            engine: Arc::downgrade(engine),
        });
    }
}

/// Keeps `engine` open for a moment after whoever holds it now.
pub(crate) fn linger(engine: Arc<Engine>) {
    tokio::spawn(hold(engine, LINGER));
}

async fn hold(engine: Arc<Engine>, time: Duration) {
    tokio::time::sleep(time).await;
    drop(engine);
}

#[cfg(test)]
mod tests {
    use std::io;

    use bytes::Bytes;
    use futures::future::BoxFuture;
    use streamforge_core::limits::Limits;
    use streamforge_ffmpeg::byte_source::ByteSource;
    use streamforge_ffmpeg::engine::Programs;
    use streamforge_ffmpeg::guard::ChildLimits;

    use super::*;

    /// The beginning of an MP4 file.
    struct Head;

    impl Head {
        const BYTES: &[u8] = b"\0\0\0\x14ftypisom\0\0\0\0mp42\0\0\0\x08mdat";
    }

    impl ByteSource for Head {
        fn size(&self) -> u64 {
            Self::BYTES.len() as u64
        }

        fn read(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Bytes>> {
            let offset = usize::try_from(offset).expect("it is short");
            Box::pin(async move { Ok(Bytes::from_static(&Self::BYTES[offset..offset + len])) })
        }
    }

    async fn engine() -> Arc<Engine> {
        let limits = Limits::default();
        let programs = Programs::default();
        let opened = Engine::open(Arc::new(Head), programs, &limits, ChildLimits::default());
        Arc::new(opened.await.expect("it looks like a video"))
    }

    #[tokio::test]
    async fn a_source_is_shared_while_somebody_reads_it() {
        let sources = OpenSources::default();
        let (video, other): (VideoId, VideoId) = (VideoId::from_random(1), VideoId::from_random(2));
        let first = engine().await;
        sources.share(&video, "\"a\"", &first);

        let second = sources.get(&video, "\"a\"").expect("it is open");
        assert!(Arc::ptr_eq(&first, &second));
        assert!(sources.get(&other, "\"a\"").is_none());
        assert!(
            sources.get(&video, "\"b\"").is_none(),
            "another file in its place"
        );

        drop((first, second));
        assert!(sources.get(&video, "\"a\"").is_none(), "nobody reads it");
    }

    #[tokio::test]
    async fn a_source_stays_open_for_a_moment() {
        let sources = OpenSources::default();
        let video = VideoId::from_random(1);
        let only = engine().await;
        sources.share(&video, "\"a\"", &only);

        let held = tokio::spawn(hold(only, Duration::from_millis(20)));
        assert!(sources.get(&video, "\"a\"").is_some());
        held.await.expect("it only waits");
        assert!(sources.get(&video, "\"a\"").is_none());
    }
}
