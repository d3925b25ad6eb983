//! Sending the parts of one file straight to S3.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::StatusCode;
use reqwest::header::CONTENT_LENGTH;
use tokio::time::timeout;

use super::local_file::LocalFile;
use crate::client::types::{PartChecksum, Upload};
use crate::client::{Backoff, Client, root_cause};
use crate::exit::Failure;

/// A part of which S3 takes nothing for so long is sent anew.
const STALLED: Duration = Duration::from_mins(2);

/// So is one about which S3 says nothing for so long once it is sent: the last megabytes may still lie in this machine then, which a
/// slow line takes minutes for.
const UNANSWERED: Duration = Duration::from_mins(10);

/// Longest answer of S3 that is looked at.
const MAX_SAID_CHARS: usize = 300;

/// One file on its way.
#[derive(Debug)]
pub(super) struct Transfer<'a> {
    pub(super) client: &'a Client,
    pub(super) file: &'a LocalFile,
    pub(super) upload: &'a Upload,
    /// Bytes that S3 has or that are being sent.
    pub(super) bytes: Arc<AtomicU64>,
}

/// Why parts did not get to S3.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsent {
    /// What was sent is of no use to anybody.
    #[error("the file changed while it was being uploaded: upload it again once it is finished")]
    FileChanged,
    /// Another run may go on with what was sent.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<Unsent> for Failure {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::FileChanged => Self::Other(unsent.to_string()),
            Unsent::Failed(failure) => failure,
        }
    }
}

/// Why a try did not get a part to S3.
enum Lost {
    /// The next one may.
    Again(String),
    /// No other will.
    ForGood(Failure),
}

impl Transfer<'_> {
    /// Takes the checksum of each of `parts` and sends those that are also `missing`, `parallel` at a time.
    ///
    /// # Errors
    /// The file cannot be read or has changed, or S3 or the server refuse or stay away.
    pub(super) async fn send(
        &self,
        parts: impl IntoIterator<Item = u32>,
        missing: &BTreeSet<u32>,
        parallel: usize,
    ) -> Result<BTreeMap<u32, String>, Unsent> {
        stream::iter(parts)
            .map(|part| async move {
                let checksum = if missing.contains(&part) {
                    self.send_part(part).await?
                } else {
                    self.checksum(part).await?
                };
                Ok((part, checksum))
            })
            .buffer_unordered(parallel)
            .try_collect()
            .await
    }

    /// The bytes of a part.
    pub(super) fn range(&self, part: u32) -> Range<u64> {
        let size = self.upload.part_size_bytes;
        let start = u64::from(part.saturating_sub(1)) * size;
        start..(start + size).min(self.file.size_bytes())
    }

    async fn checksum(&self, part: u32) -> Result<String, Unsent> {
        let checksum = self.file.crc32c(self.range(part)).await;
        if self.file.has_changed().unwrap_or(false) {
            return Err(Unsent::FileChanged);
        }
        checksum.map_err(|err| Failure::Other(err.to_string()).into())
    }

    async fn send_part(&self, part: u32) -> Result<String, Unsent> {
        let mut backoff = Backoff::default();
        loop {
            let checksum = self.checksum(part).await?;
            // The URL is asked for anew each time: it may have expired, and it names the checksum.
            let why = match self.try_part(part, &checksum).await {
                Ok(()) => return Ok(checksum),
                Err(Lost::Again(why)) => why,
                Err(Lost::ForGood(failure)) => return Err(failure.into()),
            };
            let why = format!("part {part} of {} was not taken: {why}", self.upload.parts);
            let waited = backoff.wait(&why).await;
            waited.map_err(|()| Failure::Other(why))?;
        }
    }

    async fn try_part(&self, part: u32, checksum: &str) -> Result<(), Lost> {
        let named = PartChecksum {
            part_number: part,
            checksum_crc32c: checksum,
        };
        let to = self.client.part_url(&self.upload.id, &named).await;
        let to = to.map_err(|err| Lost::ForGood(err.into()))?;
        let range = self.range(part);
        let len = range.end - range.start;
        let taken = Arc::new(AtomicU64::new(0));
        let counters = [Arc::clone(&taken), Arc::clone(&self.bytes)];
        let mut request = self
            .client
            .http()
            .put(to.url)
            .header(CONTENT_LENGTH, len)
            .body(self.file.body(range, counters));
        for (name, value) in to.headers {
            request = request.header(name, value);
        }
        let patience = |taken| if taken < len { STALLED } else { UNANSWERED };
        let sent = unless_stalled(&taken, patience, async {
            let response = request.send().await?;
            let status = response.status();
            Ok::<_, reqwest::Error>((status, response.text().await.unwrap_or_default()))
        });
        let lost = match sent.await {
            Some(Ok((status, _))) if status.is_success() => return Ok(()),
            Some(Ok((status, said))) => refused(status, &said),
            Some(Err(err)) => Lost::Again(root_cause(&err)),
            None => Lost::Again("the connection stood still for minutes".to_owned()),
        };
        let taken = taken.load(Ordering::Relaxed);
        self.bytes.fetch_sub(taken, Ordering::Relaxed);
        Err(lost)
    }
}

/// What follows from an answer of S3 that is no success
/// ([error responses](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html)).
fn refused(status: StatusCode, said: &str) -> Lost {
    let element = |name: &str| {
        let (_, text) = said.split_once(&format!("<{name}>"))?;
        let (text, _) = text.split_once("</")?;
        Some(text.chars().take(MAX_SAID_CHARS).collect::<String>())
    };
    let code = element("Code").unwrap_or_default();
    let message = element("Message").unwrap_or_else(|| "it gave no reason".to_owned());
    let why = format!("S3 answered {} {code} ({message})", status.as_u16());
    match status.as_u16() {
        404 if code == "NoSuchUpload" => Lost::ForGood(Failure::Other(
            "the upload was completed or given up by somebody else meanwhile: look with `streamforge status`"
                .to_owned(),
        )),
        // 400 is a damaged or cut body, 403 an expired URL; the rest is of the moment.
        400 | 403 | 408 | 409 | 429 | 500.. => Lost::Again(why),
        _ => Lost::ForGood(Failure::Other(why)),
    }
}

/// Gives `work` up once `counter` has stood still for as long as `patience` has with where it stands.
async fn unless_stalled<T>(
    counter: &AtomicU64,
    patience: impl Fn(u64) -> Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    let mut before = counter.load(Ordering::Relaxed);
    loop {
        if let Ok(done) = timeout(patience(before), &mut work).await {
            return Some(done);
        }
        let now = counter.load(Ordering::Relaxed);
        if now == before {
            return None;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_stands_still_is_given_up() {
        let limit = Duration::from_millis(100);
        let counter = AtomicU64::new(0);
        let slow = async {
            for _ in 0..10 {
                tokio::time::sleep(limit / 4).await;
                counter.fetch_add(1, Ordering::Relaxed);
            }
        };
        let patience = |_| limit;
        assert_eq!(unless_stalled(&counter, patience, slow).await, Some(()));
        let stuck = std::future::pending::<()>();
        assert_eq!(unless_stalled(&counter, patience, stuck).await, None);
        // What is sent in whole is waited for longer.
        let patience = |sent| if sent < 10 { limit } else { 10 * limit };
        let answer = tokio::time::sleep(3 * limit);
        assert_eq!(unless_stalled(&counter, patience, answer).await, Some(()));
    }

    #[test]
    fn an_answer_of_s3_is_told_and_decides_whether_the_part_is_sent_again() {
        let text = "<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>";
        let Lost::Again(why) = refused(StatusCode::SERVICE_UNAVAILABLE, text) else {
            panic!("it is of the moment");
        };
        assert_eq!(why, "S3 answered 503 SlowDown (Reduce your rate)");
        let Lost::ForGood(failure) = refused(
            StatusCode::NOT_FOUND,
            "<Error><Code>NoSuchUpload</Code></Error>",
        ) else {
            panic!("there is nothing to send to");
        };
        assert!(failure.to_string().contains("somebody else"), "{failure}");
        // A wrong address, perhaps.
        let Lost::ForGood(failure) = refused(StatusCode::NOT_FOUND, "<html>") else {
            panic!("it will not come");
        };
        assert!(failure.to_string().contains("answered 404"), "{failure}");
        for (status, again) in [
            (400, true),
            (403, true),
            (404, false),
            (405, false),
            (500, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                matches!(refused(status, ""), Lost::Again(_)),
                again,
                "{status}"
            );
        }
    }
}
