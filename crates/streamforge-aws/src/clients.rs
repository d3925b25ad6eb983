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

/// A client of S3. Emulators and the embedded S3 have no names for buckets in DNS: where an endpoint is set, paths are used.
pub fn s3(config: &SdkConfig, has_endpoint: bool) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(has_endpoint);
    aws_sdk_s3::Client::from_conf(config.build())
}
