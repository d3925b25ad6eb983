//! SQS: Rustack's, in memory.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::response::Response;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::dispatch::dispatch_operation;
use rustack_sqs_http::response::error_to_response;
use rustack_sqs_http::router::resolve_operation;
use streamforge_aws::error::AwsError;
use streamforge_aws::resources::{DEAD_LETTER_RETENTION, MAX_RECEIVE_COUNT, VISIBILITY_TIMEOUT};
use tokio::net::TcpListener;

use super::credentials::KeyPair;
use super::{REGION, aws_json};

const INTERACTIVE: &str = "streamforge-interactive";
const BULK: &str = "streamforge-bulk";
const DEAD_LETTER: &str = "streamforge-dead-letter";

/// The queues.
pub(super) struct EmbeddedSqs(Arc<RustackSqs>);

/// URLs of the queues.
pub(super) struct QueueUrls {
    pub(super) interactive: String,
    pub(super) bulk: String,
    pub(super) dead_letter: String,
}

impl EmbeddedSqs {
    /// No queues yet; their URLs begin with `address`.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self(Arc::new(RustackSqs::new(SqsConfig {
            default_region: REGION.to_owned(),
            host: address.ip().to_string(),
            port: address.port(),
            ..SqsConfig::default()
        })))
    }

    /// Serves the queues until `stopped` is ready.
    pub(super) async fn serve(
        self,
        listener: TcpListener,
        keys: KeyPair,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) {
        let queues = self.0;
        let handler = Arc::new(RustackSqsHandler::new(Arc::clone(&queues)));
        let answer = move |headers, body| answer(Arc::clone(&handler), headers, body);
        let stopped = async move {
            stopped.await;
            // Ends the receipts that wait for messages, which nobody will send any more.
            queues.shutdown_all().await;
        };
        aws_json::serve(listener, &keys, answer, stopped).await;
    }
}

async fn answer(handler: Arc<RustackSqsHandler>, headers: HeaderMap, body: Bytes) -> Response {
    let answered = match resolve_operation(&headers) {
        Ok(operation) => dispatch_operation(&*handler, operation, body).await,
        Err(err) => Err(err),
    };
    // The id is for who operates a fleet of servers.
    let response = answered.unwrap_or_else(|err| error_to_response(&err, "local"));
    response.map(Body::new)
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
