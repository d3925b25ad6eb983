//! S3: our own, in a folder.

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, CorsConfiguration, CorsRule,
    ExpirationStatus, LifecycleRule, LifecycleRuleFilter,
};
use streamforge_aws::error::AwsError;
use streamforge_aws::resources::{
    ABORT_MULTIPART_AFTER_DAYS, UPLOAD_CORS_EXPOSED, UPLOAD_CORS_HEADERS, UPLOAD_CORS_MAX_AGE,
    UPLOAD_CORS_METHODS, UPLOAD_CORS_ORIGINS,
};
use streamforge_s3::{Credentials, EmbeddedS3, Options};

use super::credentials::KeyPair;
use super::{REGION, StartError};

/// Opens the store in `folder`; a new one if there is none.
pub(super) async fn open(folder: &Path, keys: &KeyPair) -> Result<EmbeddedS3, StartError> {
    let credentials = Credentials::new(&keys.access_key_id, &keys.secret_access_key);
    let options = Options {
        region: REGION.to_owned(),
        ..Options::new(credentials)
    };
    let opened = EmbeddedS3::open(folder, options).await;
    opened.map_err(|source| StartError::S3 {
        folder: folder.to_owned(),
        source,
    })
}

/// Makes a bucket, unless it is there.
pub(super) async fn create_bucket(client: &Client, bucket: &str) -> Result<(), AwsError> {
    match client.create_bucket().bucket(bucket).send().await {
        Err(err)
            if !err
                .as_service_error()
                .is_some_and(CreateBucketError::is_bucket_already_owned_by_you) =>
        {
            Err(AwsError::unavailable("making a bucket")(err))
        }
        _ => Ok(()),
    }
}

/// Makes the bucket of uploads, unless it is there, and sets its rules.
pub(super) async fn create_upload_bucket(client: &Client, bucket: &str) -> Result<(), AwsError> {
    const DOING: &str = "setting the rules of the upload bucket";
    create_bucket(client, bucket).await?;

    let owned = |texts: &[&str]| Some(texts.iter().map(|&text| text.to_owned()).collect());
    let max_age = i32::try_from(UPLOAD_CORS_MAX_AGE.as_secs()).map_err(AwsError::other(DOING))?;
    let rule = CorsRule::builder()
        .set_allowed_origins(owned(&UPLOAD_CORS_ORIGINS))
        .set_allowed_methods(owned(&UPLOAD_CORS_METHODS))
        .set_allowed_headers(owned(&UPLOAD_CORS_HEADERS))
        .set_expose_headers(owned(&UPLOAD_CORS_EXPOSED))
        .max_age_seconds(max_age)
        .build()
        .map_err(AwsError::other(DOING))?;
    let cors = CorsConfiguration::builder().cors_rules(rule);
    client
        .put_bucket_cors()
        .bucket(bucket)
        .cors_configuration(cors.build().map_err(AwsError::other(DOING))?)
        .send()
        .await
        .map_err(AwsError::unavailable(DOING))?;

    let rule = LifecycleRule::builder()
        .id("abort-multipart-uploads")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder()
                .days_after_initiation(ABORT_MULTIPART_AFTER_DAYS)
                .build(),
        )
        .build()
        .map_err(AwsError::other(DOING))?;
    let lifecycle = BucketLifecycleConfiguration::builder().rules(rule);
    client
        .put_bucket_lifecycle_configuration()
        .bucket(bucket)
        .lifecycle_configuration(lifecycle.build().map_err(AwsError::other(DOING))?)
        .send()
        .await
        .map_err(AwsError::unavailable(DOING))?;
    Ok(())
}
