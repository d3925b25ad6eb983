//! The SDK's clients, made once for each process.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// A call that has not answered by then is tried again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Tries of one call, with the SDK's own backoff in between.
const MAX_ATTEMPTS: u32 = 4;

/// Region, endpoints and credentials as every AWS tool finds them: environment, profile, instance or function role.
///
/// `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_S3` (and `_DYNAMODB`, `_SQS`) lead to an emulator.
pub async fn load() -> SdkConfig {
    loader().load().await
}

/// How [`load`] begins; for who sets endpoints and credentials by hand.
pub fn loader() -> aws_config::ConfigLoader {
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .build(),
        )
}

/// A client of S3: of AWS or of what `endpoint` says. What answers at an endpoint has no names in DNS for its buckets: they go into
/// the path.
pub fn s3(config: &SdkConfig, endpoint: Option<&str>) -> aws_sdk_s3::Client {
    let mut config = aws_sdk_s3::config::Builder::from(config);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint).force_path_style(true);
    }
    aws_sdk_s3::Client::from_conf(config.build())
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_sdk_s3::config::Credentials;
    use aws_sdk_s3::presigning::PresigningConfig;

    use super::*;

    async fn signed_url(endpoint: Option<&str>) -> String {
        let config = loader()
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(Credentials::new(
                "AKIDEXAMPLE",
                "secret",
                None,
                None,
                "test",
            ))
            .empty_test_environment()
            .load()
            .await;
        let object = s3(&config, endpoint).get_object().bucket("videos").key("a");
        let expiry = PresigningConfig::expires_in(Duration::from_mins(1)).unwrap();
        object.presigned(expiry).await.unwrap().uri().to_owned()
    }

    #[tokio::test]
    async fn buckets_have_names_at_aws_and_paths_at_endpoints() {
        let at_aws = signed_url(None).await;
        let begin = "https://videos.s3.eu-central-1.amazonaws.com/a?";
        assert!(at_aws.starts_with(begin), "{at_aws}");
        let at_endpoint = signed_url(Some("http://127.0.0.1:9000")).await;
        let begin = "http://127.0.0.1:9000/videos/a?";
        assert!(at_endpoint.starts_with(begin), "{at_endpoint}");
    }
}
