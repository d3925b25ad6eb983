//! The whole service in one process: the API, the edge and the workers, on the embedded services.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper_util::service::TowerToHyperService;
use streamforge_api::{Api, ApiConfig};
use streamforge_aws::clock::now;
use streamforge_aws::job_queue::JobQueue;
use streamforge_aws::media_bucket::MediaBucket;
use streamforge_aws::upload_bucket::UploadBucket;
use streamforge_aws::video_table::VideoTable;
use streamforge_core::job::Lane;
use streamforge_core::limits::Limits;
use streamforge_core::settings::Settings;
use streamforge_ffmpeg::engine::Programs;
use streamforge_ffmpeg::error::FfmpegError;
use streamforge_ffmpeg::guard::ChildLimits;
use streamforge_worker::reconcile::Since;
use streamforge_worker::sources::OpenSources;
use streamforge_worker::{Retention, Worker};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::services::{EmbeddedServices, StartError};
use crate::{edge, pages};

mod site;
mod work;

/// Tasks that somebody waits for, done at once whatever else runs: the first pictures and the first sound of two videos.
const INTERACTIVE_WORKERS: usize = 4;

/// What one FFmpeg may use here; one that hangs is noticed by its silence.
const CHILD_LIMITS: ChildLimits = ChildLimits {
    memory_bytes: 4 << 30,
    cpu: Duration::from_hours(10),
    wall: Duration::from_hours(3),
    silence: Duration::from_mins(2),
};

/// How a node is set up.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Folder of all data.
    pub data: PathBuf,
    /// Where the API, the edge and the pages are served. Port 0 takes a free one.
    pub address: SocketAddr,
    /// Where S3 is served, which browsers send files to. Port 0 takes a free one.
    pub s3_address: SocketAddr,
    /// What clients reach the API, the edge and the pages by, without a path, where that is not their address: `https://videos.example`.
    /// By no other name they answer, so that no page of another site can call them by one.
    pub public_url: Option<String>,
    /// What clients reach S3 by, without a path, where that is not its address: `https://files.example`.
    pub public_s3_url: Option<String>,
    /// Chunks encoded at a time that nobody waits for.
    pub workers: usize,
    /// FFmpeg.
    pub programs: Programs,
    /// What is accepted.
    pub limits: Limits,
    /// What new videos become.
    pub settings: Settings,
    /// How long files are kept.
    pub retention: Retention,
}

impl NodeConfig {
    /// The defaults, with data in `data`: port 8080 on the loopback interface, S3 on 8081.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let workers =
            std::thread::available_parallelism().map_or(2, |n| (n.get() / 2).clamp(2, 16));
        Self {
            data: data.into(),
            address: ([127, 0, 0, 1], 8080).into(),
            s3_address: ([127, 0, 0, 1], 8081).into(),
            public_url: None,
            public_s3_url: None,
            workers,
            programs: Programs::default(),
            limits: Limits::default(),
            settings: Settings::default(),
            retention: Retention::default(),
        }
    }
}

/// A node did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A port cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The wanted address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The services did not start.
    #[error(transparent)]
    Services(#[from] StartError),
    /// FFmpeg cannot be run.
    #[error(transparent)]
    Ffmpeg(#[from] FfmpegError),
}

/// A running node. Dropped without [`shutdown`](Self::shutdown) it stops where it is; what it was at is done after the next start.
pub struct Node {
    services: EmbeddedServices,
    worker: Worker,
    address: SocketAddr,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Node {
    /// Starts everything, and goes on where an earlier run has stopped.
    ///
    /// # Errors
    /// [`NodeError`]: a port is taken, FFmpeg is missing, or the data cannot be used.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        // Before anything is opened: a second start on one machine fails here.
        let listener = listen(config.address).await?;
        let s3_listener = listen(config.s3_address).await?;
        let services = EmbeddedServices::start(&config.data, s3_listener).await?;
        Self::serve(config, services, listener).await
    }

    /// Starts everything on `services` that run already; of `config`, the data and the addresses are theirs.
    ///
    /// # Errors
    /// [`NodeError`]: FFmpeg is missing, or the services do not answer.
    pub async fn serve(
        config: NodeConfig,
        services: EmbeddedServices,
        listener: TcpListener,
    ) -> Result<Self, NodeError> {
        let address = listener.local_addr().map_err(|source| NodeError::Listen {
            address: config.address,
            source,
        })?;
        // Now, and not when the first upload fails.
        let ffmpeg_version = config.programs.version().await?;
        let resources = services.resources();
        let table = VideoTable::new(services.dynamodb(), &resources.table);
        let s3_url = config
            .public_s3_url
            .unwrap_or_else(|| services.endpoints().s3.clone());
        let presigner = services.s3_presigner(&s3_url);
        let uploads = UploadBucket::new(services.s3(), presigner, &resources.upload_bucket);
        let media = MediaBucket::new(services.s3(), &resources.media_bucket);
        let queue = JobQueue::new(services.sqs(), resources);
        let api_config = ApiConfig {
            limits: config.limits.clone(),
            workers: u32::try_from(INTERACTIVE_WORKERS + config.workers).ok(),
            ffmpeg_version: Some(ffmpeg_version),
            ..ApiConfig::default()
        };
        let api = Api::new(table.clone(), uploads.clone(), queue.clone(), api_config);
        let worker = Worker {
            table,
            uploads,
            media: media.clone(),
            queue,
            programs: config.programs,
            child_limits: CHILD_LIMITS,
            limits: config.limits,
            settings: config.settings,
            retention: config.retention,
            sources: OpenSources::default(),
        };

        // Before anybody works: leases are of the dead.
        worker
            .reconcile(Since::Restart, now())
            .await
            .map_err(StartError::from)?;

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let site = site::Site::new(config.public_url);
        let app = Router::new()
            .merge(edge::router(media))
            .merge(pages::router(&s3_url))
            .merge(streamforge_api::router(api))
            .layer(from_fn_with_state(site, site::check));
        let mut told = stopped.clone();
        let until = async move {
            let _ = told.wait_for(|stop| *stop).await;
        };
        let app = TowerToHyperService::new(app);
        tasks.spawn(streamforge_s3::connections::serve(listener, app, until));
        tasks.spawn(work::follow_events(
            worker.clone(),
            services.s3_events(),
            stopped.clone(),
        ));
        tasks.spawn(work::reconcile(worker.clone(), stopped.clone()));
        tasks.spawn(work::sweep(services.sweeper(), stopped.clone()));
        let urgent = work::Urgent::default();
        for (lane, count) in [
            (Lane::Interactive, INTERACTIVE_WORKERS),
            (Lane::Bulk, config.workers),
        ] {
            for place in 0..count {
                tasks.spawn(work::work(
                    worker.clone(),
                    lane,
                    place,
                    urgent.clone(),
                    stopped.clone(),
                ));
            }
        }
        Ok(Self {
            services,
            worker,
            address,
            tasks,
            stop,
        })
    }

    /// Where it is reached: `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Does what messages ask for, and looks after what is due.
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    /// The embedded services, for whoever wants to look behind.
    pub fn services(&self) -> &EmbeddedServices {
        &self.services
    }

    /// Stops: jobs that run are given up and done after the next start.
    pub async fn shutdown(self) {
        let Self {
            services,
            mut tasks,
            stop,
            ..
        } = self;
        let _ = stop.send(true);
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(2), all)
            .await
            .is_err()
        {
            tasks.shutdown().await;
        }
        services.shutdown().await;
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, NodeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| NodeError::Listen { address, source })
}
