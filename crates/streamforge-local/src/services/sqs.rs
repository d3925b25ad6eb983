//! SQS: Rustack's, in memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustack_auth::StaticCredentialProvider;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use streamforge_aws::error::AwsError;
use streamforge_aws::resources::{DEAD_LETTER_RETENTION, MAX_RECEIVE_COUNT, VISIBILITY_TIMEOUT};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::REGION;
use super::credentials::KeyPair;

const INTERACTIVE: &str = "streamforge-interactive";
const BULK: &str = "streamforge-bulk";
const DEAD_LETTER: &str = "streamforge-dead-letter";

/// How long to wait when a connection cannot be accepted, which means that no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests may take to end once the queues are gone.
const GRACE: Duration = Duration::from_secs(1);

/// The queues, and the service on them.
pub(super) struct EmbeddedSqs {
    queues: Arc<RustackSqs>,
    service: SqsHttpService<RustackSqsHandler>,
}

/// URLs of the queues.
pub(super) struct QueueUrls {
    pub(super) interactive: String,
    pub(super) bulk: String,
    pub(super) dead_letter: String,
}

impl EmbeddedSqs {
    /// No queues yet; their URLs begin with `address`.
    pub(super) fn new(address: SocketAddr, keys: &KeyPair) -> Self {
        let queues = Arc::new(RustackSqs::new(SqsConfig {
            skip_signature_validation: false,
            default_region: REGION.to_owned(),
            host: address.ip().to_string(),
            port: address.port(),
            ..SqsConfig::default()
        }));
        let keys = [(keys.access_key_id.clone(), keys.secret_access_key.clone())];
        let service = SqsHttpService::new(
            Arc::new(RustackSqsHandler::new(Arc::clone(&queues))),
            SqsHttpConfig {
                skip_signature_validation: false,
                region: REGION.to_owned(),
                credential_provider: Some(Arc::new(StaticCredentialProvider::new(keys))),
            },
        );
        Self { queues, service }
    }

    /// Serves the queues until `stopped` is ready.
    pub(super) async fn serve(self, listener: TcpListener, stopped: impl Future<Output = ()>) {
        let mut stopped = std::pin::pin!(stopped);
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = &mut stopped => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let connection = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .serve_connection(TokioIo::new(stream), self.service.clone());
                    let connection = graceful.watch(connection);
                    connections.spawn(async move {
                        if let Err(err) = connection.await {
                            tracing::debug!(error = %err, "a connection broke: {err}");
                        }
                    });
                }
                Err(err) => {
                    tracing::warn!(error = %err, "cannot accept a connection: {err}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        // Ends the receipts that wait for messages, which nobody will send any more.
        self.queues.shutdown_all().await;
        if tokio::time::timeout(GRACE, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::debug!(connections = connections.len(), "cutting requests short");
        }
    }
}

/// Makes the queues, unless they are there.
pub(super) async fn create_queues(client: &Client) -> Result<QueueUrls, AwsError> {
    const DOING: &str = "making the queues";
    let retention = (
        QueueAttributeName::MessageRetentionPeriod,
        DEAD_LETTER_RETENTION.as_secs().to_string(),
    );
    let dead_letter = create_queue(client, DEAD_LETTER, [retention]).await?;
    let found = client
        .get_queue_attributes()
        .queue_url(&dead_letter)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .map_err(AwsError::unavailable(DOING))?;
    let arn = found
        .attributes()
        .and_then(|attributes| attributes.get(&QueueAttributeName::QueueArn))
        .ok_or_else(|| AwsError::Record {
            doing: DOING,
            why: "the dead-letter queue has no ARN".to_owned(),
        })?;
    let redrive = serde_json::json!({
        "deadLetterTargetArn": arn,
        "maxReceiveCount": MAX_RECEIVE_COUNT,
    });
    let work = [
        (
            QueueAttributeName::VisibilityTimeout,
            VISIBILITY_TIMEOUT.as_secs().to_string(),
        ),
        (QueueAttributeName::RedrivePolicy, redrive.to_string()),
    ];
    Ok(QueueUrls {
        interactive: create_queue(client, INTERACTIVE, work.clone()).await?,
        bulk: create_queue(client, BULK, work).await?,
        dead_letter,
    })
}

async fn create_queue(
    client: &Client,
    name: &str,
    attributes: impl IntoIterator<Item = (QueueAttributeName, String)>,
) -> Result<String, AwsError> {
    const DOING: &str = "making a queue";
    let created = client
        .create_queue()
        .queue_name(name)
        .set_attributes(Some(attributes.into_iter().collect()))
        .send()
        .await
        .map_err(AwsError::unavailable(DOING))?;
    created.queue_url.ok_or(AwsError::Record {
        doing: DOING,
        why: "SQS gave no URL".to_owned(),
    })
}
