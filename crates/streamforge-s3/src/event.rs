//! Notifications of new objects, as S3 sends them.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// A new object is there, whole and durable.
///
/// Events live in memory: what is not received when the process ends is lost. Whoever must not miss an
/// object also lists the bucket now and then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectEvent {
    /// What made the object.
    pub kind: EventKind,
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, as it is: not URL-encoded, as it would be in a message from S3.
    pub key: String,
    /// Bytes of the object.
    pub size: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Sixteen hexadecimal digits: of two events of one key the later has the larger one, as strings too.
    pub sequencer: String,
}

/// What made an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// `PutObject`.
    Put,
    /// `CompleteMultipartUpload`.
    CompleteMultipartUpload,
    /// `CopyObject`.
    Copy,
}

/// The name S3 gives the event: `ObjectCreated:Put`.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html>
impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Put => "ObjectCreated:Put",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Copy => "ObjectCreated:Copy",
        })
    }
}

/// Who wants to know of which objects.
#[derive(Debug, Default)]
pub(crate) struct Subscribers(Mutex<Vec<Subscriber>>);

#[derive(Debug)]
struct Subscriber {
    bucket: String,
    prefix: String,
    events: UnboundedSender<ObjectEvent>,
}

impl Subscribers {
    pub(crate) fn subscribe(&self, bucket: &str, prefix: &str) -> UnboundedReceiver<ObjectEvent> {
        let (events, receiver) = mpsc::unbounded_channel();
        self.lock().push(Subscriber {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            events,
        });
        receiver
    }

    pub(crate) fn publish(&self, event: &ObjectEvent) {
        self.lock().retain(|subscriber| {
            let wanted =
                subscriber.bucket == event.bucket && event.key.starts_with(&subscriber.prefix);
            if wanted {
                subscriber.events.send(event.clone()).is_ok()
            } else {
                !subscriber.events.is_closed()
            }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Subscriber>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bucket: &str, key: &str) -> ObjectEvent {
        ObjectEvent {
            kind: EventKind::Put,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            size: 1,
            etag: "c4ca4238a0b923820dcc509a6f75849b".to_owned(),
            sequencer: "0000000000000001".to_owned(),
        }
    }

    #[test]
    fn a_subscriber_hears_of_its_bucket_and_prefix_only() {
        let subscribers = Subscribers::default();
        let mut events = subscribers.subscribe("uploads", "raw/");
        for (bucket, key) in [
            ("uploads", "raw/a"),
            ("uploads", "temp/a"),
            ("media", "raw/a"),
            ("uploads", "raw/b"),
        ] {
            subscribers.publish(&event(bucket, key));
        }
        assert_eq!(events.try_recv(), Ok(event("uploads", "raw/a")));
        assert_eq!(events.try_recv(), Ok(event("uploads", "raw/b")));
        assert!(events.try_recv().is_err());
    }

    #[test]
    fn a_subscriber_that_went_away_is_forgotten() {
        let subscribers = Subscribers::default();
        drop(subscribers.subscribe("uploads", ""));
        subscribers.publish(&event("media", "a"));
        assert!(subscribers.lock().is_empty());
    }
}
