//! Signs requests that clients send to S3 themselves.
//!
//! The SDK presigns too, but assembles all of a client for each URL, which costs several times the signature, and an upload needs one for
//! each of up to 10 000 parts. So only where a bucket is and who we are comes from the SDK; its own signer,
//! [`aws_sigv4`], is called directly. The tests hold the URLs against the SDK's, byte for byte.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::{Region, SdkConfig};
use aws_sdk_s3::config::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Mutex;

use crate::clients;
use crate::error::AwsError;

/// What the values of a query have percent-encoded: all but the unreserved characters
/// ([`UriEncode`](https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html)).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Credentials are asked for anew so long before they expire.
const EXPIRY_MARGIN: Duration = Duration::from_mins(1);

/// Credentials that tell no expiry are asked for anew after so long, as the SDK's own cache does.
const UNLIMITED_KEPT_FOR: Duration = Duration::from_mins(15);

/// Signs URLs of S3 as clients reach it.
#[derive(Clone, Debug)]
pub struct Presigner {
    s3: aws_sdk_s3::Client,
    region: Option<Region>,
    credentials: Option<SharedCredentialsProvider>,
    identity: Arc<Mutex<Option<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    identity: Identity,
    until: SystemTime,
}

/// What the SDK's configuration lacks for signing.
#[derive(Debug, thiserror::Error)]
enum Lacks {
    #[error("there is no region to sign for")]
    Region,
    #[error("there are no credentials to sign with")]
    Credentials,
}

impl Presigner {
    /// Signs with the credentials and the region of `config`, for S3 at AWS or at `endpoint`, as [`clients::s3`] understands it. In an
    /// embedded or emulated deployment S3 has another name for clients than for us.
    pub fn new(config: &SdkConfig, endpoint: Option<&str>) -> Self {
        Self {
            s3: clients::s3(config, endpoint),
            region: config.region().cloned(),
            credentials: config.credentials_provider(),
            identity: Arc::default(),
        }
    }

    /// What the URLs of a bucket's objects begin with: `https://videos.s3.eu-central-1.amazonaws.com/`, `http://127.0.0.1:9000/videos/`.
    pub(crate) async fn bucket_url(&self, bucket: &str) -> Result<String, AwsError> {
        const DOING: &str = "asking where a bucket is";
        const KEY: &str = "k";
        let expiry =
            PresigningConfig::expires_in(Duration::from_secs(1)).map_err(AwsError::other(DOING))?;
        let object = self.s3.get_object().bucket(bucket).key(KEY);
        let signed = object
            .presigned(expiry)
            .await
            .map_err(AwsError::unavailable(DOING))?;
        let (url, _) = signed.uri().split_once('?').unwrap_or((signed.uri(), ""));
        Ok(url.strip_suffix(KEY).unwrap_or(url).to_owned())
    }

    /// Signs a PUT from `now` on: the whole URL with its signature. `url` and `query` must need no more encoding. The `headers` must be sent
    /// along as they are.
    pub(crate) async fn put(
        &self,
        url: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        now: SystemTime,
        expires_in: Duration,
    ) -> Result<String, AwsError> {
        const DOING: &str = "signing an upload";
        let identity = self.identity(now).await?;
        let region = self.region.as_ref();
        let region = region.ok_or_else(|| AwsError::other(DOING)(Lacks::Region))?;

        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(expires_in);
        // S3 takes paths as they are: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region.as_ref())
            .name("s3")
            .time(now)
            .settings(settings)
            .build()
            .map_err(AwsError::other(DOING))?
            .into();

        let mut signed = with_query(url, query);
        let headers = headers.iter().copied();
        let request = SignableRequest::new(
            "PUT",
            signed.as_str(),
            headers,
            SignableBody::UnsignedPayload,
        )
        .map_err(AwsError::other(DOING))?;
        let (instructions, _) = sign(request, &params)
            .map_err(AwsError::other(DOING))?
            .into_parts();
        for (name, value) in instructions.params() {
            push(&mut signed, name, value);
        }
        Ok(signed)
    }

    /// Who we are, asked for only now and then.
    async fn identity(&self, now: SystemTime) -> Result<Identity, AwsError> {
        const DOING: &str = "asking for credentials to sign with";
        let mut kept = self.identity.lock().await;
        if let Some(kept) = &*kept
            && now < kept.until
        {
            return Ok(kept.identity.clone());
        }
        let provider = self.credentials.as_ref();
        let provider = provider.ok_or_else(|| AwsError::other(DOING)(Lacks::Credentials))?;
        let asked = provider.provide_credentials().await;
        let credentials = asked.map_err(AwsError::other(DOING))?;
        let until = match credentials.expiry() {
            Some(expiry) => expiry.checked_sub(EXPIRY_MARGIN).unwrap_or(now),
            None => now + UNLIMITED_KEPT_FOR,
        };
        let identity = Identity::from(credentials);
        *kept = Some(Kept {
            identity: identity.clone(),
            until,
        });
        Ok(identity)
    }
}

fn with_query(url: &str, query: &[(&str, &str)]) -> String {
    let mut url = url.to_owned();
    for (name, value) in query {
        push(&mut url, name, value);
    }
    url
}

fn push(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(name);
    url.push('=');
    url.extend(utf8_percent_encode(value, RESERVED));
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::credential_fn::provide_credentials_fn;
    use aws_sdk_s3::config::Credentials;
    use proptest::prelude::*;

    use super::*;

    async fn config(session_token: Option<String>, expires: Option<SystemTime>) -> SdkConfig {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", session_token, expires, "test");
        clients::loader()
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(credentials)
            .empty_test_environment()
            .load()
            .await
    }

    proptest! {
        /// The SDK is the one who knows how S3 wants it.
        #[test]
        fn urls_are_those_of_the_sdk(
            endpoint in prop::option::of(Just("http://127.0.0.1:9000")),
            session_token in prop::option::of("[A-Za-z0-9+/=]{1,60}"),
            upload_id in "[!-~]{1,40}",
            part_number in 1..=10_000_i32,
            size_bytes in 1..=5_368_709_120_i64,
            checksum in prop::option::of("[A-Za-z0-9+/]{6}=="),
            expires_in in 1..=604_800_u64,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let config = config(session_token, None).await;
                let (now, expires_in) = (SystemTime::now(), Duration::from_secs(expires_in));
                let theirs = clients::s3(&config, endpoint)
                    .upload_part()
                    .bucket("videos")
                    .key("raw/vid")
                    .upload_id(&upload_id)
                    .part_number(part_number)
                    .content_length(size_bytes)
                    .set_checksum_crc32_c(checksum.clone())
                    .presigned(PresigningConfig::builder().start_time(now).expires_in(expires_in).build().unwrap())
                    .await
                    .unwrap();

                let presigner = Presigner::new(&config, endpoint);
                let url = presigner.bucket_url("videos").await.unwrap() + "raw/vid";
                let query = [("x-id", "UploadPart"), ("partNumber", &part_number.to_string()), ("uploadId", &upload_id)];
                let size_bytes = size_bytes.to_string();
                let mut headers = vec![("content-length", size_bytes.as_str())];
                headers.extend(checksum.as_deref().map(|checksum| ("x-amz-checksum-crc32c", checksum)));
                let ours = presigner.put(&url, &query, &headers, now, expires_in).await.unwrap();

                assert_eq!(ours, theirs.uri());
                let mut told: Vec<_> = theirs.headers().collect();
                told.sort_unstable();
                assert_eq!(headers, told);
            });
        }
    }

    #[tokio::test]
    async fn credentials_are_kept_until_shortly_before_they_expire() {
        let begin = SystemTime::now();
        let minutes = |minutes| begin + Duration::from_mins(minutes);
        let asked = Arc::new(AtomicU32::new(0));
        for (expires, kept_until) in [(Some(minutes(10)), minutes(9)), (None, minutes(15))] {
            let asked = Arc::clone(&asked);
            let mut presigner = Presigner::new(&config(None, None).await, None);
            presigner.credentials = Some(SharedCredentialsProvider::new(provide_credentials_fn({
                let asked = Arc::clone(&asked);
                move || {
                    asked.fetch_add(1, Ordering::Relaxed);
                    ready(Ok(Credentials::new("a", "b", None, expires, "test")))
                }
            })));
            for (now, times) in [
                (begin, 1),
                (kept_until - Duration::from_secs(1), 1),
                (kept_until, 2),
            ] {
                presigner.identity(now).await.unwrap();
                assert_eq!(asked.load(Ordering::Relaxed), times);
            }
            asked.store(0, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn what_lacks_is_named() {
        let all = Presigner::new(&config(None, None).await, None);
        for (presigner, lacks) in [
            (
                Presigner {
                    credentials: None,
                    ..all.clone()
                },
                "there are no credentials",
            ),
            (
                Presigner {
                    region: None,
                    ..all.clone()
                },
                "there is no region",
            ),
        ] {
            let signed = presigner.put("https://a/b", &[], &[], SystemTime::now(), EXPIRY_MARGIN);
            let err = signed.await.unwrap_err().to_string();
            assert!(err.contains(lacks), "{err}");
        }
    }
}
