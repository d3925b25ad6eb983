//! Operations on buckets.

use s3s::dto::{
    AbortIncompleteMultipartUpload, Bucket, CORSRule, CreateBucketInput, CreateBucketOutput,
    DeleteBucketCorsInput, DeleteBucketCorsOutput, DeleteBucketInput, DeleteBucketLifecycleInput,
    DeleteBucketLifecycleOutput, DeleteBucketOutput, ExpirationStatus, GetBucketCorsInput,
    GetBucketCorsOutput, GetBucketLifecycleConfigurationInput,
    GetBucketLifecycleConfigurationOutput, GetBucketLocationInput, GetBucketLocationOutput,
    HeadBucketInput, HeadBucketOutput, LifecycleExpiration, LifecycleRuleFilter, ListBucketsInput,
    ListBucketsOutput, PutBucketCorsInput, PutBucketCorsOutput,
    PutBucketLifecycleConfigurationInput, PutBucketLifecycleConfigurationOutput,
};
use s3s::{S3Request, S3Response, S3Result, dto, s3_error};

use super::error::{invalid_argument, not_implemented};
use super::{Api, owner};
use crate::cors::CorsRule;
use crate::lifecycle::LifecycleRule;

/// Methods a CORS rule can allow.
const CORS_METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];

/// Most rules of a bucket's CORS configuration.
const MAX_CORS_RULES: usize = 100;

/// Most rules of a bucket's lifecycle configuration.
const MAX_LIFECYCLE_RULES: usize = 1000;

impl Api {
    pub(super) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = request.input.bucket;
        let location = format!("/{bucket}");
        self.store.create_bucket(bucket).await?;
        Ok(S3Response::new(CreateBucketOutput {
            location: Some(location),
        }))
    }

    pub(super) async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.store.bucket(request.input.bucket).await?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.region.clone()),
            ..HeadBucketOutput::default()
        }))
    }

    pub(super) async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let prefix = request.input.prefix.unwrap_or_default();
        let buckets = self.store.buckets().await?;
        let buckets = buckets
            .into_iter()
            .filter(|bucket| bucket.name.starts_with(&prefix))
            .map(|bucket| Bucket {
                name: Some(bucket.name),
                creation_date: Some(bucket.created.into()),
                bucket_region: Some(self.region.clone()),
            });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            owner: Some(owner()),
            ..ListBucketsOutput::default()
        }))
    }

    pub(super) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.store.delete_bucket(request.input.bucket).await?;
        Ok(S3Response::new(DeleteBucketOutput {}))
    }

    pub(super) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.store.bucket(request.input.bucket).await?;
        // The first region has no name here.
        let location = (self.region != "us-east-1").then(|| self.region.clone().into());
        Ok(S3Response::new(GetBucketLocationOutput {
            location_constraint: location,
        }))
    }

    pub(super) async fn get_bucket_cors(
        &self,
        request: S3Request<GetBucketCorsInput>,
    ) -> S3Result<S3Response<GetBucketCorsOutput>> {
        let bucket = self.store.bucket(request.input.bucket).await?;
        let rules = bucket.cors.ok_or_else(|| {
            s3_error!(
                NoSuchCORSConfiguration,
                "The CORS configuration does not exist"
            )
        })?;
        Ok(S3Response::new(GetBucketCorsOutput {
            cors_rules: Some(rules.into_iter().map(cors_output).collect()),
        }))
    }

    pub(super) async fn put_bucket_cors(
        &self,
        request: S3Request<PutBucketCorsInput>,
    ) -> S3Result<S3Response<PutBucketCorsOutput>> {
        let rules = request.input.cors_configuration.cors_rules;
        if rules.is_empty() || rules.len() > MAX_CORS_RULES {
            return Err(s3_error!(MalformedXML));
        }
        let rules = rules.into_iter().map(cors_rule).collect::<S3Result<_>>()?;
        let bucket = request.input.bucket;
        self.store.set_cors(bucket, Some(rules)).await?;
        Ok(S3Response::new(PutBucketCorsOutput {}))
    }

    pub(super) async fn delete_bucket_cors(
        &self,
        request: S3Request<DeleteBucketCorsInput>,
    ) -> S3Result<S3Response<DeleteBucketCorsOutput>> {
        self.store.set_cors(request.input.bucket, None).await?;
        Ok(S3Response::new(DeleteBucketCorsOutput {}))
    }

    pub(super) async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        let bucket = self.store.bucket(request.input.bucket).await?;
        let rules = bucket.lifecycle.ok_or_else(|| {
            s3_error!(
                NoSuchLifecycleConfiguration,
                "The lifecycle configuration does not exist"
            )
        })?;
        Ok(S3Response::new(GetBucketLifecycleConfigurationOutput {
            rules: Some(rules.into_iter().map(lifecycle_output).collect()),
            ..GetBucketLifecycleConfigurationOutput::default()
        }))
    }

    pub(super) async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
        let rules = request.input.lifecycle_configuration;
        let rules = rules.map(|rules| rules.rules).unwrap_or_default();
        if rules.is_empty() || rules.len() > MAX_LIFECYCLE_RULES {
            return Err(s3_error!(MalformedXML));
        }
        let rules = rules
            .into_iter()
            .map(lifecycle_rule)
            .collect::<S3Result<_>>()?;
        let bucket = request.input.bucket;
        self.store.set_lifecycle(bucket, Some(rules)).await?;
        Ok(S3Response::new(
            PutBucketLifecycleConfigurationOutput::default(),
        ))
    }

    pub(super) async fn delete_bucket_lifecycle(
        &self,
        request: S3Request<DeleteBucketLifecycleInput>,
    ) -> S3Result<S3Response<DeleteBucketLifecycleOutput>> {
        self.store.set_lifecycle(request.input.bucket, None).await?;
        Ok(S3Response::new(DeleteBucketLifecycleOutput {}))
    }
}

fn cors_rule(rule: CORSRule) -> S3Result<CorsRule> {
    let unknown = rule
        .allowed_methods
        .iter()
        .find(|method| !CORS_METHODS.contains(&method.as_str()));
    if let Some(method) = unknown {
        return Err(s3_error!(
            InvalidRequest,
            "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
        ));
    }
    if rule.allowed_origins.is_empty() || rule.allowed_methods.is_empty() {
        return Err(s3_error!(MalformedXML));
    }
    let allowed_headers = rule.allowed_headers.unwrap_or_default();
    let patterns = rule.allowed_origins.iter().chain(&allowed_headers);
    for pattern in patterns {
        if pattern.matches('*').count() > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "{pattern} can not have more than one wildcard."
            ));
        }
    }
    Ok(CorsRule {
        id: rule.id,
        allowed_origins: rule.allowed_origins,
        allowed_methods: rule.allowed_methods,
        allowed_headers,
        expose_headers: rule.expose_headers.unwrap_or_default(),
        max_age_secs: rule.max_age_seconds,
    })
}

fn cors_output(rule: CorsRule) -> CORSRule {
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    CORSRule {
        id: rule.id,
        allowed_origins: rule.allowed_origins,
        allowed_methods: rule.allowed_methods,
        allowed_headers: some(rule.allowed_headers),
        expose_headers: some(rule.expose_headers),
        max_age_seconds: rule.max_age_secs,
    }
}

/// A rule that we apply: what else a rule can say is refused, for nobody would do it.
fn lifecycle_rule(rule: dto::LifecycleRule) -> S3Result<LifecycleRule> {
    if rule.transitions.is_some()
        || rule.noncurrent_version_expiration.is_some()
        || rule.noncurrent_version_transitions.is_some()
    {
        return Err(not_implemented("transitions and noncurrent versions"));
    }
    let prefix = match rule.filter {
        None => rule.prefix,
        Some(filter)
            if filter.and.is_some()
                || filter.tag.is_some()
                || filter.object_size_greater_than.is_some()
                || filter.object_size_less_than.is_some() =>
        {
            return Err(not_implemented("filters other than a prefix"));
        }
        Some(filter) => filter.prefix,
    };
    let expiration_days = match rule.expiration {
        None => None,
        Some(LifecycleExpiration {
            days: Some(days),
            date: None,
            expired_object_delete_marker: None,
        }) => Some(positive_days(days)?),
        Some(_) => return Err(not_implemented("expiration other than after days")),
    };
    let abort_upload_days = rule
        .abort_incomplete_multipart_upload
        .and_then(|abort| abort.days_after_initiation)
        .map(positive_days)
        .transpose()?;
    if expiration_days.is_none() && abort_upload_days.is_none() {
        return Err(s3_error!(
            InvalidRequest,
            "At least one action needs to be specified in a rule."
        ));
    }
    Ok(LifecycleRule {
        id: rule.id,
        enabled: rule.status.as_str() == ExpirationStatus::ENABLED,
        prefix: prefix.unwrap_or_default(),
        expiration_days,
        abort_upload_days,
    })
}

fn positive_days(days: i32) -> S3Result<u16> {
    u16::try_from(days)
        .ok()
        .filter(|days| *days > 0)
        .ok_or_else(|| invalid_argument("'Days' must be a positive integer below 65536"))
}

fn lifecycle_output(rule: LifecycleRule) -> dto::LifecycleRule {
    let status = if rule.enabled {
        ExpirationStatus::ENABLED
    } else {
        ExpirationStatus::DISABLED
    };
    dto::LifecycleRule {
        id: rule.id,
        status: ExpirationStatus::from_static(status),
        filter: Some(LifecycleRuleFilter {
            prefix: Some(rule.prefix),
            ..LifecycleRuleFilter::default()
        }),
        expiration: rule.expiration_days.map(|days| LifecycleExpiration {
            days: Some(days.into()),
            ..LifecycleExpiration::default()
        }),
        abort_incomplete_multipart_upload: rule.abort_upload_days.map(|days| {
            AbortIncompleteMultipartUpload {
                days_after_initiation: Some(days.into()),
            }
        }),
        noncurrent_version_expiration: None,
        noncurrent_version_transitions: None,
        prefix: None,
        transitions: None,
    }
}
