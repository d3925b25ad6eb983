//! The AWS services of one node: S3 and DynamoDB on disk, SQS in memory, each on a port of its own.
//!
//! | service | kept in |
//! | --- | --- |
//! | S3 | `s3/` |
//! | DynamoDB | `dynamodb.sqlite` |
//! | SQS | memory: queues are empty after a start |
//!
//! All of them answer only who signs with the keys in `credentials.json`.
//! What is lost with the queues is found again by what is due in the table.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_config::{Region, SdkConfig};
use streamforge_aws::clients;
use streamforge_aws::error::AwsError;
use streamforge_aws::presigner::Presigner;
use streamforge_aws::resources::{Resources, SOURCE_PREFIX};
use streamforge_s3::{EmbeddedS3, ObjectEvent};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc::UnboundedReceiver, watch};
use tokio::task::JoinSet;

use self::credentials::KeyPair;
use self::dynamodb::EmbeddedDynamoDb;
use self::sqs::EmbeddedSqs;

mod aws_json;
mod credentials;
mod dynamodb;
mod s3;
mod sqs;

/// The region everything is in.
const REGION: &str = "us-east-1";

const TABLE: &str = "streamforge";
const UPLOAD_BUCKET: &str = "streamforge-uploads";
const MEDIA_BUCKET: &str = "streamforge-media";

/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

/// How long requests under way may take to end. S3 cuts its own short after ten seconds.
const GRACE: Duration = Duration::from_secs(12);

/// The services did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The folder of the data cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of the credentials holds something else.
    #[error("{} does not hold credentials: {why}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// There is no port to serve on.
    #[error("cannot listen on the loopback interface: {0}")]
    Listen(#[source] io::Error),
    /// The objects cannot be opened.
    #[error("cannot open the embedded S3 in {}: {source}", folder.display())]
    S3 {
        /// Its folder.
        folder: PathBuf,
        /// What is wrong with it.
        source: streamforge_s3::Error,
    },
    /// The records cannot be opened.
    #[error("cannot open the embedded DynamoDB in {}: {why}", path.display())]
    DynamoDb {
        /// The file.
        path: PathBuf,
        /// What the database said.
        why: String,
    },
    /// A table, bucket or queue cannot be made.
    #[error("cannot prepare the embedded services: {0}")]
    Resources(#[from] AwsError),
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// Multipart uploads that nobody completed.
    pub uploads: usize,
    /// Items of the table whose time was up.
    pub items: usize,
}

/// A sweep did not get through; the next one goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// In S3.
    #[error("cannot sweep the embedded S3: {0}")]
    S3(#[source] streamforge_s3::Error),
    /// In DynamoDB.
    #[error("cannot sweep the embedded DynamoDB: {0}")]
    DynamoDb(String),
}

/// The running services. Dropped without [`shutdown`](Self::shutdown), they stop in the middle of what they do.
pub struct EmbeddedServices {
    resources: Resources,
    sdk_config: SdkConfig,
    endpoints: Endpoints,
    s3: EmbeddedS3,
    dynamodb: EmbeddedDynamoDb,
    servers: JoinSet<()>,
    /// Closed to tell the servers to stop.
    stop: watch::Sender<()>,
}

/// Where the services answer: `http://127.0.0.1:8081`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoints {
    /// DynamoDB.
    pub dynamodb: String,
    /// S3.
    pub s3: String,
    /// SQS.
    pub sqs: String,
}

impl EmbeddedServices {
    /// Starts the services on what is in the folder `data`, which only one process can have open, and makes what
    /// [`streamforge_aws::resources`] describes unless it is there. S3 is served on `s3_listener`, which browsers must reach;
    /// the others on free ports of the loopback interface.
    ///
    /// # Errors
    /// [`StartError`]: the data cannot be read or written, or no port is free.
    pub async fn start(data: &Path, s3_listener: TcpListener) -> Result<Self, StartError> {
        let in_data = |source| StartError::Data {
            path: data.to_owned(),
            source,
        };
        tokio::fs::create_dir_all(data).await.map_err(in_data)?;
        let keys = KeyPair::load_or_create(&data.join("credentials.json")).await?;
        // First, for its lock: the others do not notice a second process.
        let s3 = s3::open(&data.join("s3"), &keys).await?;
        let dynamodb = EmbeddedDynamoDb::open(&data.join("dynamodb.sqlite")).await?;

        let s3_address = s3_listener.local_addr().map_err(StartError::Listen)?;
        let (dynamodb_listener, dynamodb_address) = loopback().map_err(StartError::Listen)?;
        let (sqs_listener, sqs_address) = loopback().map_err(StartError::Listen)?;
        let sqs = EmbeddedSqs::new(sqs_address);

        let (stop, stopped) = watch::channel(());
        let mut servers = JoinSet::new();
        servers.spawn(s3.serve(s3_listener, closed(stopped.clone())));
        let serving = dynamodb.clone();
        servers.spawn(serving.serve(dynamodb_listener, keys.clone(), closed(stopped.clone())));
        servers.spawn(sqs.serve(sqs_listener, keys.clone(), closed(stopped)));

        let sdk_config = sdk_config(&keys).await;
        let endpoints = Endpoints {
            dynamodb: endpoint(dynamodb_address),
            s3: endpoint(s3_address),
            sqs: endpoint(sqs_address),
        };
        let table = endpoints.dynamodb(&sdk_config);
        dynamodb.remove_half_made(TABLE).await?;
        dynamodb::create_table(&table, TABLE).await?;
        let buckets = endpoints.s3(&sdk_config);
        s3::create_upload_bucket(&buckets, UPLOAD_BUCKET).await?;
        s3::create_bucket(&buckets, MEDIA_BUCKET).await?;
        let queues = sqs::create_queues(&endpoints.sqs(&sdk_config)).await?;
        Ok(Self {
            resources: Resources {
                table: TABLE.to_owned(),
                upload_bucket: UPLOAD_BUCKET.to_owned(),
                media_bucket: MEDIA_BUCKET.to_owned(),
                interactive_queue_url: queues.interactive,
                bulk_queue_url: queues.bulk,
                dead_letter_queue_url: queues.dead_letter,
            },
            sdk_config,
            endpoints,
            s3,
            dynamodb,
            servers,
            stop,
        })
    }

    /// The names of what was made.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Region and credentials, without endpoints: those are in the clients.
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.sdk_config
    }

    /// Where the services answer.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Sends the clients made from now on elsewhere: to what stands in front of the services.
    pub fn set_endpoints(&mut self, endpoints: Endpoints) {
        self.endpoints = endpoints;
    }

    /// A client of the embedded DynamoDB.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.endpoints.dynamodb(&self.sdk_config)
    }

    /// A client of the embedded S3.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        self.endpoints.s3(&self.sdk_config)
    }

    /// Signs for `public_url` (`https://media.example`, without a path), by which others reach the listener that S3 was given.
    pub fn s3_presigner(&self, public_url: &str) -> Presigner {
        Presigner::new(&self.sdk_config, Some(public_url))
    }

    /// A client of the embedded SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        self.endpoints.sqs(&self.sdk_config)
    }

    /// The uploaded files that arrive from now on, as S3 would announce them.
    pub fn s3_events(&self) -> UnboundedReceiver<ObjectEvent> {
        self.s3.subscribe(UPLOAD_BUCKET, SOURCE_PREFIX)
    }

    /// Removes what AWS removes by itself. It must be gone before [`shutdown`](Self::shutdown), which waits for it.
    pub fn sweeper(&self) -> Sweeper {
        Sweeper {
            s3: self.s3.clone(),
            dynamodb: self.dynamodb.clone(),
        }
    }

    /// Stops the services once the requests under way have ended, or after some seconds. Then the data can be opened again.
    pub async fn shutdown(self) {
        let Self {
            mut servers,
            stop,
            s3,
            ..
        } = self;
        drop(stop);
        let all = async { while servers.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            tracing::warn!("cutting the embedded services short");
            servers.shutdown().await;
        }
        if tokio::time::timeout(GRACE, s3.close()).await.is_err() {
            tracing::warn!("the embedded S3 is still at something");
        }
    }
}

/// Removes what AWS removes by itself.
pub struct Sweeper {
    s3: EmbeddedS3,
    dynamodb: EmbeddedDynamoDb,
}

impl Sweeper {
    /// Gives multipart uploads up that are too old at `now`, and removes items whose time was up by this machine's clock. To be called
    /// hourly or so.
    ///
    /// # Errors
    /// [`SweepError`]: a disk could not be read or written.
    pub async fn sweep(&self, now: SystemTime) -> Result<Swept, SweepError> {
        let swept = self.s3.sweep(now).await.map_err(SweepError::S3)?;
        let items = self.dynamodb.sweep().await.map_err(SweepError::DynamoDb)?;
        Ok(Swept {
            uploads: swept.uploads,
            items,
        })
    }
}

impl Endpoints {
    fn dynamodb(&self, config: &SdkConfig) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(config);
        aws_sdk_dynamodb::Client::from_conf(config.endpoint_url(&self.dynamodb).build())
    }

    fn s3(&self, config: &SdkConfig) -> aws_sdk_s3::Client {
        clients::s3(config, Some(&self.s3))
    }

    fn sqs(&self, config: &SdkConfig) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::config::Builder::from(config);
        aws_sdk_sqs::Client::from_conf(config.endpoint_url(&self.sqs).build())
    }
}

/// What every client here has in common. Nothing of it comes from the user's own AWS configuration.
async fn sdk_config(keys: &KeyPair) -> SdkConfig {
    clients::loader()
        .region(Region::from_static(REGION))
        .credentials_provider(keys.for_sdk())
        .use_fips(false)
        .use_dual_stack(false)
        .load()
        .await
}

/// How this process reaches what listens on `address`.
fn endpoint(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    if ip.is_unspecified() {
        // It listens everywhere.
        format!("http://{}:{port}", Ipv4Addr::LOCALHOST)
    } else {
        format!("http://{address}")
    }
}

/// A listener on a free port of the loopback interface.
fn loopback() -> io::Result<(TcpListener, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    // Linux hands it on to the connections that are accepted. Without it the kernel may hold back the end of an answer for 40 ms.
    socket.set_nodelay(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Ready when the other end is closed.
async fn closed(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}
