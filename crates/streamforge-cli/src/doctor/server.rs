//! Whether a running service answers, and takes files.

use std::time::{Duration, SystemTime};

use headers::{Date, HeaderMapExt};
use reqwest::Method;
use reqwest::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderName, ORIGIN,
};
use serde_json::json;
use streamforge_aws::resources::{
    UPLOAD_CORS_EXPOSED, UPLOAD_CORS_HEADERS, UPLOAD_CORS_METHODS, UPLOAD_CORS_ORIGINS,
};
use url::Url;

use super::Finding;
use crate::client::types::{Health, NewUpload, PartChecksum};
use crate::client::{Client, ClientError, root_cause};

/// A byte, and its CRC-32C.
const PROBE: &[u8] = b"?";

/// What the doctor's own upload is found again by, should it not have been given up.
const FINGERPRINT: &str = "streamforge-doctor";

/// Clocks that differ by more make signed URLs too early or too late; S3 takes 15 minutes at most.
const MOST_SKEW: Duration = Duration::from_mins(1);

/// The header of a part's checksum.
const CHECKSUM_HEADER: &str = "x-amz-checksum-crc32c";

/// How long S3 may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn look(server: Url) -> Vec<Finding> {
    let look_at_it = "look at what it writes, or start it again: streamforge up";
    let client = match Client::new(server) {
        Ok(client) => client,
        Err(err) => return vec![Finding::broken(err.to_string(), "install ca-certificates")],
    };
    let server = client.server();
    let (health, head) = match client.health().await {
        Ok(answer) => answer,
        Err(err @ ClientError::Unreachable { .. }) => {
            let what = err.to_string();
            return vec![Finding::broken(what, "streamforge up")];
        }
        Err(err) => return vec![Finding::broken(err.to_string(), look_at_it)],
    };
    let mut findings = vec![judge_health(&server, &health)];
    findings.extend(judge_clock(&server, &head, SystemTime::now()));
    match storage(&client, &server).await {
        Ok(found) => findings.extend(found),
        Err(err) => {
            let what = format!("{server} takes no uploads: {err}");
            findings.push(Finding::broken(what, look_at_it));
        }
    }
    findings
}

fn judge_health(server: &str, health: &Health) -> Finding {
    let waiting = health.interactive_waiting + health.bulk_waiting;
    let what = format!(
        "{server} is StreamForge {}: {waiting} tasks wait, {} are being done",
        health.version, health.in_flight
    );
    if health.dead_letters == 0 {
        return Finding::good(what);
    }
    Finding::poor(
        format!("{what}, {} were given up", health.dead_letters),
        format!("see which videos failed: streamforge status --server {server}"),
    )
}

fn judge_clock(whose: &str, head: &HeaderMap, now: SystemTime) -> Option<Finding> {
    let theirs = SystemTime::from(head.typed_get::<Date>()?);
    let (skew, how) = match now.duration_since(theirs) {
        Ok(behind) => (behind, "behind"),
        Err(ahead) => (ahead.duration(), "ahead"),
    };
    Some(if skew > MOST_SKEW {
        let secs = skew.as_secs();
        Finding::broken(
            format!(
                "the clock of {whose} is {secs} s {how} that of this machine: signed URLs will be refused"
            ),
            "sudo timedatectl set-ntp true, on the machine whose clock is wrong",
        )
    } else {
        Finding::good(format!("the clocks of {whose} and of this machine agree"))
    })
}

/// Announces a file, sends nothing, and asks the storage what a browser would ask.
async fn storage(client: &Client, server: &str) -> Result<Vec<Finding>, ClientError> {
    let new = NewUpload {
        file_name: "streamforge doctor",
        size_bytes: PROBE.len() as u64,
        title: None,
        visibility: None,
        fingerprint: FINGERPRINT,
    };
    let (upload, _) = client.announce(&new).await?;
    let named = PartChecksum {
        part_number: 1,
        checksum_crc32c: "AAAAAA==",
    };
    let url = client.part_url(&upload.id, &named).await;
    let findings = match &url {
        Ok(part) => preflight(client, &part.url, server).await,
        Err(_) => Vec::new(),
    };
    client.give_up(&upload.id).await?;
    url.map(|_| findings)
}

/// Asks as a browser does before a page sends a part.
async fn preflight(client: &Client, url: &str, page: &str) -> Vec<Finding> {
    let Ok(mut url) = Url::parse(url) else {
        let what = "the URLs of parts are none";
        return vec![Finding::broken(what, "streamforge up --public-url URL")];
    };
    // The rest is a secret, and is not asked about.
    url.set_query(None);
    let storage = url.origin().ascii_serialization();
    let asked = client
        .http()
        .request(Method::OPTIONS, url.clone())
        .timeout(PATIENCE)
        .header(ORIGIN, page)
        .header(ACCESS_CONTROL_REQUEST_METHOD, "PUT")
        .header(ACCESS_CONTROL_REQUEST_HEADERS, CHECKSUM_HEADER)
        .send();
    let answered = match asked.await {
        Ok(answered) => answered,
        Err(err) => {
            let why = root_cause(&err);
            return vec![Finding::broken(
                format!(
                    "files are to be sent to {storage}, which cannot be reached from here ({why})"
                ),
                "tell the service what clients reach it by: streamforge up --public-url URL",
            )];
        }
    };
    let mut findings = vec![Finding::good(format!(
        "{storage} answers, where files are sent"
    ))];
    let bucket = url.path_segments().and_then(|mut path| path.next());
    findings.push(judge_cors(
        answered.headers(),
        page,
        bucket.unwrap_or_default(),
    ));
    findings.extend(judge_clock(&storage, answered.headers(), SystemTime::now()));
    findings
}

fn judge_cors(head: &HeaderMap, page: &str, bucket: &str) -> Finding {
    let has = |name: HeaderName, wanted: &str| {
        let values = head.get_all(name).into_iter();
        let mut words = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        words.any(|word| word.trim() == "*" || word.trim().eq_ignore_ascii_case(wanted))
    };
    let lacking = [
        (
            ACCESS_CONTROL_ALLOW_ORIGIN,
            page,
            "pages of its own may not send files",
        ),
        (ACCESS_CONTROL_ALLOW_METHODS, "PUT", "pages may not use PUT"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            CHECKSUM_HEADER,
            "pages may not send checksums",
        ),
        (
            ACCESS_CONTROL_EXPOSE_HEADERS,
            "ETag",
            "pages may not read the ETag",
        ),
    ]
    .into_iter()
    .find(|(name, wanted, _)| !has(name.clone(), wanted));
    match lacking {
        None => Finding::good("its bucket lets web pages send files and read their ETag (CORS)"),
        Some((_, _, what)) => {
            let rules = json!({ "CORSRules": [{
                "AllowedOrigins": UPLOAD_CORS_ORIGINS,
                "AllowedMethods": UPLOAD_CORS_METHODS,
                "AllowedHeaders": UPLOAD_CORS_HEADERS,
                "ExposeHeaders": UPLOAD_CORS_EXPOSED,
            }] });
            Finding::broken(
                format!("its bucket has other rules for web pages (CORS): {what}"),
                format!(
                    "start `streamforge up` again, which sets them, or on AWS: \
                     aws s3api put-bucket-cors --bucket {bucket} --cors-configuration '{rules}'"
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn head(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let lines = lines.iter();
        lines
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn each_rule_for_pages_is_missed() {
        let page = "http://127.0.0.1:8080";
        let rules = [
            (ACCESS_CONTROL_ALLOW_ORIGIN, page),
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, PUT"),
            (ACCESS_CONTROL_ALLOW_HEADERS, "X-Amz-Checksum-CRC32C"),
            (ACCESS_CONTROL_EXPOSE_HEADERS, "x-amz-request-id, ETag"),
        ];
        let all = judge_cors(&head(&rules), page, "uploads");
        assert_eq!(all.verdict, Verdict::Good, "{all}");
        for missing in 0..rules.len() {
            let mut some = rules.to_vec();
            some.remove(missing);
            let finding = judge_cors(&head(&some), page, "uploads");
            assert_eq!(finding.verdict, Verdict::Broken, "{finding}");
            let mend = finding.mend.unwrap();
            assert!(
                mend.contains("--bucket uploads") && mend.contains("ETag"),
                "{mend}"
            );
        }
        let other = [(ACCESS_CONTROL_ALLOW_ORIGIN, "https://other.example")];
        assert_eq!(judge_cors(&head(&other), page, "").verdict, Verdict::Broken);
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let theirs = head(&[(reqwest::header::DATE, "Sat, 21 Nov 2026 08:00:00 GMT")]);
        let date = SystemTime::from(theirs.typed_get::<Date>().unwrap());
        let judge = |now| judge_clock("here", &theirs, now).unwrap();
        assert_eq!(judge(date + Duration::from_secs(30)).verdict, Verdict::Good);
        let behind = judge(date + Duration::from_secs(90));
        assert_eq!(behind.verdict, Verdict::Broken);
        assert!(behind.what.contains("90 s behind"), "{behind}");
        assert!(
            judge(date - Duration::from_mins(20))
                .what
                .contains("1200 s ahead")
        );
        assert!(judge_clock("here", &HeaderMap::new(), date).is_none());
    }
}
