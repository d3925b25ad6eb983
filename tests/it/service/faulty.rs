//! A node in this process, with a proxy in front of each of its AWS services.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use streamforge_local::node::{Node, NodeConfig};
use streamforge_local::services::{EmbeddedServices, Endpoints};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::client::Api;
use super::clip::clip;
use super::proxy::{Decide, Fault, Proxy};
use super::stored::Stored;

/// What goes wrong with each service.
pub(crate) struct Faults {
    pub(crate) dynamodb: Box<Decide>,
    pub(crate) s3: Box<Decide>,
    pub(crate) sqs: Box<Decide>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            dynamodb: Box::new(|_| Fault::Pass),
            s3: Box::new(|_| Fault::Pass),
            sqs: Box::new(|_| Fault::Pass),
        }
    }
}

/// A node whose services are behind proxies.
pub(crate) struct Faulty {
    pub(crate) node: Node,
    pub(crate) api: Api,
    _proxies: [Proxy; 3],
    _dir: Arc<TempDir>,
}

pub(crate) async fn free() -> TcpListener {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    TcpListener::bind(any).await.expect("a port is free")
}

impl Faulty {
    pub(crate) async fn start(faults: Faults) -> Self {
        let dir = TempDir::new().expect("there is a folder for temporary files");
        Self::start_on(Arc::new(dir), free().await, faults).await
    }

    /// Starts on what an earlier one left in `dir`, as soon as that is really gone.
    pub(crate) async fn start_on(dir: Arc<TempDir>, listener: TcpListener, faults: Faults) -> Self {
        let begun = Instant::now();
        let mut services = loop {
            match EmbeddedServices::start(dir.path(), free().await).await {
                Ok(services) => break services,
                Err(err) => assert!(begun.elapsed() < Duration::from_secs(10), "{err}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let direct = services.endpoints().clone();
        let proxies = [
            Proxy::start(&direct.dynamodb, faults.dynamodb).await,
            Proxy::start(&direct.s3, faults.s3).await,
            Proxy::start(&direct.sqs, faults.sqs).await,
        ];
        let [dynamodb, s3, sqs] = proxies.each_ref().map(|proxy| proxy.url.clone());
        services.set_endpoints(Endpoints { dynamodb, s3, sqs });
        let config = NodeConfig::new(dir.path());
        let node = Node::serve(config, services, listener).await;
        let node = node.expect("the first requests go through in the end");
        Self {
            api: Api::new(node.url()),
            node,
            _proxies: proxies,
            _dir: dir,
        }
    }

    pub(crate) async fn upload(&self) -> (String, Value) {
        let video = self.api.upload("clip.mp4", clip()).await;
        let settled = self.api.wait_until_settled(&video).await;
        (video, settled)
    }

    pub(crate) async fn assert_same(&self, video: &str, expected: &BTreeMap<String, String>) {
        let stored = Stored::of(self.node.services()).await;
        assert_eq!(&stored.video(video), expected);
        assert_eq!(stored.media.len(), expected.len());
        assert_eq!(stored.unfinished, 0);
    }
}
