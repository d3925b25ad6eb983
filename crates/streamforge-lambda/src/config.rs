//! What functions read from their environment: once, when they start.

use std::num::ParseIntError;
use std::time::Duration;

use streamforge_aws::clients;
use streamforge_aws::presigner::Presigner;
use streamforge_aws::resources::Resources;
#[cfg(feature = "worker")]
use streamforge_core::ladder::{EncodingLadder, Rung};
use streamforge_core::limits::Limits;
#[cfg(feature = "worker")]
use streamforge_ffmpeg::{engine::Programs, guard::ChildLimits};

/// What of a function's memory is ours, and not FFmpeg's: segments on their way to S3, and the SDK.
#[cfg(feature = "worker")]
const OWN_MEMORY_BYTES: u64 = 384 << 20;

/// The environment does not say what it must.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A variable without which nothing works.
    #[error("the environment variable {name} must be set")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A variable that should be a whole number.
    #[error("the environment variable {name} must be a whole number, not {value:?}: {source}")]
    NotANumber {
        /// Its name.
        name: &'static str,
        /// What it is.
        value: String,
        /// What does not fit.
        source: ParseIntError,
    },
    /// `RUNGS` names something else than rungs, or one of them twice.
    #[error(
        "the environment variable RUNGS must name some of 2160p, 1440p, 1080p, 720p and 360p, each once, not {value:?}"
    )]
    NotRungs {
        /// What it is.
        value: String,
    },
}

/// The configuration of a function. What is empty counts as not set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `TABLE_NAME`, `UPLOAD_BUCKET`, `MEDIA_BUCKET`, `INTERACTIVE_QUEUE_URL`, `BULK_QUEUE_URL`, `DEAD_LETTER_QUEUE_URL`: what the function
    /// works on. Each must be set.
    pub resources: Resources,
    /// `AWS_ENDPOINT_URL_S3`, or `AWS_ENDPOINT_URL`: where S3 is, when it is not AWS's.
    pub s3_endpoint: Option<String>,
    /// `UPLOAD_ENDPOINT_URL`: where S3 is for clients, when that is elsewhere than for us.
    pub upload_endpoint: Option<String>,
    /// `MEDIA_URL`: where streams are delivered, `https://cdn.example`. By default on the host of the API.
    pub media_url: String,
    /// `MAX_SOURCE_BYTES`, `MAX_SOURCE_SECS`, `MAX_SOURCE_PIXELS`: what is accepted.
    pub limits: Limits,
    /// `PRESIGN_EXPIRY_SECS`: how long a presigned URL works.
    pub presign_expiry: Option<Duration>,
    /// `UPLOAD_EXPIRY_SECS`: how long an upload waits for somebody to come back to it.
    pub upload_expiry: Option<Duration>,
    /// `READY_SOURCE_RETENTION_SECS`: how long a source is kept once its stream is ready.
    pub ready_source_retention: Option<Duration>,
    /// `FAILED_SOURCE_RETENTION_SECS`: how long a source is kept whose video failed.
    pub failed_source_retention: Option<Duration>,
    /// `RUNGS`: what new videos are encoded to, `1080p,720p,360p`.
    #[cfg(feature = "worker")]
    pub ladder: EncodingLadder,
    /// `FFMPEG`, `FFPROBE`: the programs, by name or path.
    #[cfg(feature = "worker")]
    pub programs: Programs,
    /// What one FFmpeg may use: all of `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, which Lambda sets in MB, but what we need. It then fails by itself
    /// before Lambda ends us both.
    #[cfg(feature = "worker")]
    pub child_limits: ChildLimits,
}

/// The SDK's clients.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Of DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Of S3.
    pub s3: aws_sdk_s3::Client,
    /// Signs URLs of S3 as clients reach it.
    pub s3_presigner: Presigner,
    /// Of SQS.
    pub sqs: aws_sdk_sqs::Client,
}

impl Config {
    /// Reads the variables.
    ///
    /// # Errors
    /// Names the first one that is missing or makes no sense.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars(var);
        let limits = Limits::default();
        Ok(Self {
            resources: Resources {
                table: vars.required("TABLE_NAME")?,
                upload_bucket: vars.required("UPLOAD_BUCKET")?,
                media_bucket: vars.required("MEDIA_BUCKET")?,
                interactive_queue_url: vars.required("INTERACTIVE_QUEUE_URL")?,
                bulk_queue_url: vars.required("BULK_QUEUE_URL")?,
                dead_letter_queue_url: vars.required("DEAD_LETTER_QUEUE_URL")?,
            },
            s3_endpoint: vars
                .text("AWS_ENDPOINT_URL_S3")
                .or_else(|| vars.text("AWS_ENDPOINT_URL")),
            upload_endpoint: vars.text("UPLOAD_ENDPOINT_URL"),
            media_url: vars.text("MEDIA_URL").unwrap_or_default(),
            limits: Limits {
                max_bytes: vars.number("MAX_SOURCE_BYTES")?.unwrap_or(limits.max_bytes),
                max_duration: vars.secs("MAX_SOURCE_SECS")?.unwrap_or(limits.max_duration),
                max_pixels: vars
                    .number("MAX_SOURCE_PIXELS")?
                    .unwrap_or(limits.max_pixels),
            },
            presign_expiry: vars.secs("PRESIGN_EXPIRY_SECS")?,
            upload_expiry: vars.secs("UPLOAD_EXPIRY_SECS")?,
            ready_source_retention: vars.secs("READY_SOURCE_RETENTION_SECS")?,
            failed_source_retention: vars.secs("FAILED_SOURCE_RETENTION_SECS")?,
            #[cfg(feature = "worker")]
            ladder: vars.ladder()?,
            #[cfg(feature = "worker")]
            programs: vars.programs(),
            #[cfg(feature = "worker")]
            child_limits: vars.child_limits()?,
        })
    }

    /// Clients with the function's own credentials, of AWS or of what `AWS_ENDPOINT_URL` leads to.
    pub async fn clients(&self) -> Clients {
        let sdk = clients::load().await;
        let s3_endpoint = self.s3_endpoint.as_deref();
        let upload_endpoint = self.upload_endpoint.as_deref().or(s3_endpoint);
        Clients {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            s3: clients::s3(&sdk, s3_endpoint),
            s3_presigner: Presigner::new(&sdk, upload_endpoint),
            sqs: aws_sdk_sqs::Client::new(&sdk),
        }
    }

    /// The API on these clients.
    #[cfg(feature = "api")]
    pub fn api(&self, clients: Clients) -> streamforge_api::Api {
        use streamforge_api::{Api, ApiConfig};

        let Adapters {
            table,
            uploads,
            queue,
            ..
        } = Adapters::new(&self.resources, clients);
        let mut config = ApiConfig {
            limits: self.limits.clone(),
            media_url: self.media_url.clone(),
            ..ApiConfig::default()
        };
        if let Some(expiry) = self.presign_expiry {
            config.presign_expiry = expiry;
        }
        if let Some(expiry) = self.upload_expiry {
            config.upload_expiry = expiry;
        }
        Api::new(table, uploads, queue, config)
    }

    /// The worker on these clients.
    #[cfg(feature = "worker")]
    pub fn worker(&self, clients: Clients) -> streamforge_worker::Worker {
        use streamforge_core::settings::Settings;
        use streamforge_worker::sources::OpenSources;
        use streamforge_worker::{Retention, Worker};

        let Adapters {
            table,
            uploads,
            media,
            queue,
        } = Adapters::new(&self.resources, clients);
        let default = Retention::default();
        let retention = Retention {
            ready_source: self.ready_source_retention.unwrap_or(default.ready_source),
            failed_source: self
                .failed_source_retention
                .unwrap_or(default.failed_source),
        };
        Worker {
            table,
            uploads,
            media,
            queue,
            programs: self.programs.clone(),
            child_limits: self.child_limits.clone(),
            limits: self.limits.clone(),
            settings: Settings {
                ladder: self.ladder.clone(),
                ..Settings::default()
            },
            retention,
            sources: OpenSources::default(),
        }
    }
}

/// What the API and the worker both stand on.
#[cfg(any(feature = "api", feature = "worker"))]
struct Adapters {
    table: streamforge_aws::video_table::VideoTable,
    uploads: streamforge_aws::upload_bucket::UploadBucket,
    media: streamforge_aws::media_bucket::MediaBucket,
    queue: streamforge_aws::job_queue::JobQueue,
}

#[cfg(any(feature = "api", feature = "worker"))]
impl Adapters {
    fn new(resources: &Resources, clients: Clients) -> Self {
        use streamforge_aws::{job_queue, media_bucket, upload_bucket, video_table};

        let Clients {
            dynamodb,
            s3,
            s3_presigner,
            sqs,
        } = clients;
        let upload_bucket = &resources.upload_bucket;
        Self {
            table: video_table::VideoTable::new(dynamodb, &resources.table),
            uploads: upload_bucket::UploadBucket::new(s3.clone(), s3_presigner, upload_bucket),
            media: media_bucket::MediaBucket::new(s3, &resources.media_bucket),
            queue: job_queue::JobQueue::new(sqs, resources),
        }
    }
}

/// The environment.
struct Vars<F>(F);

impl<F: Fn(&str) -> Option<String>> Vars<F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.text(name).ok_or(ConfigError::Missing { name })
    }

    fn number(&self, name: &'static str) -> Result<Option<u64>, ConfigError> {
        let parse = |value: String| {
            let parsed = value.parse();
            parsed.map_err(|source| ConfigError::NotANumber {
                name,
                value,
                source,
            })
        };
        self.text(name).map(parse).transpose()
    }

    fn secs(&self, name: &'static str) -> Result<Option<Duration>, ConfigError> {
        Ok(self.number(name)?.map(Duration::from_secs))
    }

    #[cfg(feature = "worker")]
    fn ladder(&self) -> Result<EncodingLadder, ConfigError> {
        let default = EncodingLadder::default();
        let Some(value) = self.text("RUNGS") else {
            return Ok(default);
        };
        let rung = |name: &str| {
            let short_side = name.strip_suffix('p')?.parse().ok()?;
            Rung::standard(short_side)
        };
        let rungs: Option<Vec<Rung>> = value.split(',').map(rung).collect();
        let ladder = rungs.map(|rungs| EncodingLadder { rungs, ..default });
        ladder
            .filter(|ladder| ladder.validate().is_ok())
            .ok_or(ConfigError::NotRungs { value })
    }

    #[cfg(feature = "worker")]
    fn programs(&self) -> Programs {
        let default = Programs::default();
        Programs {
            ffmpeg: self.text("FFMPEG").map_or(default.ffmpeg, Into::into),
            ffprobe: self.text("FFPROBE").map_or(default.ffprobe, Into::into),
        }
    }

    #[cfg(feature = "worker")]
    fn child_limits(&self) -> Result<ChildLimits, ConfigError> {
        let default = ChildLimits::default();
        let of_function = self.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?;
        let left = of_function.map(|mb| (mb << 20).saturating_sub(OWN_MEMORY_BYTES));
        Ok(ChildLimits {
            memory_bytes: left.unwrap_or(default.memory_bytes),
            ..default
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: [(&str, &str); 6] = [
        ("TABLE_NAME", "videos"),
        ("UPLOAD_BUCKET", "uploads"),
        ("MEDIA_BUCKET", "media"),
        ("INTERACTIVE_QUEUE_URL", "https://sqs.example/1/interactive"),
        ("BULK_QUEUE_URL", "https://sqs.example/1/bulk"),
        ("DEAD_LETTER_QUEUE_URL", "https://sqs.example/1/dead"),
    ];

    fn config(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_vars(|name| {
            // The last one counts.
            let found = vars.iter().rfind(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn with(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        config(&[&REQUIRED, more].concat())
    }

    #[test]
    fn each_missing_or_empty_name_is_told() {
        for (left_out, (name, _)) in REQUIRED.into_iter().enumerate() {
            let mut vars = REQUIRED.to_vec();
            vars.remove(left_out);
            for incomplete in [config(&vars), with(&[(name, "")])] {
                assert_eq!(incomplete.err(), Some(ConfigError::Missing { name }));
            }
        }
        let missing = config(&[]).unwrap_err().to_string();
        assert_eq!(missing, "the environment variable TABLE_NAME must be set");
    }

    #[test]
    fn everything_else_has_a_default() {
        let config = with(&[]).unwrap();
        assert_eq!(
            config.resources.bulk_queue_url,
            "https://sqs.example/1/bulk"
        );
        assert_eq!(config.limits, Limits::default());
        assert_eq!((config.s3_endpoint, config.upload_endpoint), (None, None));
        assert_eq!(config.media_url, "");
        assert_eq!(config.child_limits, ChildLimits::default());
        assert_eq!(config.ladder, EncodingLadder::default());
    }

    #[test]
    fn rungs_are_taken_out_of_those_that_are_known() {
        let config = with(&[("RUNGS", "1440p,360p")]).unwrap();
        let sizes = config.ladder.rungs.iter().map(|rung| rung.short_side);
        assert_eq!(sizes.collect::<Vec<_>>(), [1440, 360]);
        for wrong in ["4k", "1080", "720p,720p", "1080p;720p"] {
            let value = wrong.to_owned();
            let err = with(&[("RUNGS", wrong)]).err();
            assert_eq!(err, Some(ConfigError::NotRungs { value }));
        }
    }

    #[test]
    fn a_variable_that_is_no_number_is_told_with_its_value() {
        let err = with(&[("MAX_SOURCE_SECS", "2h")]).unwrap_err();
        insta::assert_snapshot!(err, @r#"the environment variable MAX_SOURCE_SECS must be a whole number, not "2h": invalid digit found in string"#);
    }

    #[test]
    fn limits_and_times_are_taken_over() {
        let config = with(&[
            ("MAX_SOURCE_BYTES", "1000"),
            ("MAX_SOURCE_SECS", "7200"),
            ("UPLOAD_EXPIRY_SECS", "60"),
            ("FFMPEG", "/opt/bin/ffmpeg"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048"),
        ])
        .unwrap();
        assert_eq!(config.limits.max_bytes, 1000);
        assert_eq!(config.limits.max_duration, Duration::from_hours(2));
        assert_eq!(config.upload_expiry, Some(Duration::from_mins(1)));
        assert_eq!(config.programs.ffmpeg.to_str(), Some("/opt/bin/ffmpeg"));
        assert_eq!(config.child_limits.memory_bytes, (2048 - 384) << 20);
    }

    fn s3_endpoint(vars: &[(&str, &str)]) -> Option<String> {
        with(vars).unwrap().s3_endpoint
    }

    #[test]
    fn the_endpoint_of_s3_goes_before_that_of_all_services() {
        let all = ("AWS_ENDPOINT_URL", "http://emulator:4566");
        let s3 = ("AWS_ENDPOINT_URL_S3", "http://s3:9000");
        assert_eq!(s3_endpoint(&[all]).as_deref(), Some(all.1));
        assert_eq!(s3_endpoint(&[all, s3]).as_deref(), Some(s3.1));
        assert_eq!(s3_endpoint(&[("AWS_ENDPOINT_URL", "")]), None);
    }
}
