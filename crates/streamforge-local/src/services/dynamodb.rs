//! DynamoDB: Dynoxide's, in one `SQLite` file.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus,
};
use dynoxide::Database;
use streamforge_aws::error::AwsError;
use streamforge_aws::resources::{INDEXES, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE};
use tokio::net::TcpListener;

use super::StartError;

/// The open database.
#[derive(Clone)]
pub(super) struct EmbeddedDynamoDb(Database);

impl EmbeddedDynamoDb {
    /// Opens the database in the file `path`; a new one if there is none.
    pub(super) async fn open(path: &Path) -> Result<Self, StartError> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || {
            let failed = |why: String| StartError::DynamoDb {
                path: path.clone(),
                why,
            };
            let name = path
                .to_str()
                .ok_or_else(|| failed("the path is not UTF-8".to_owned()))?;
            let database = Database::new(name).map_err(|err| failed(err.to_string()))?;
            Ok(Self(database))
        })
        .await
        .expect("opening a database does not panic")
    }

    /// Serves the database until `stopped` is ready and requests under way have ended.
    pub(super) fn serve<F>(
        &self,
        listener: TcpListener,
        stopped: F,
    ) -> impl Future<Output = ()> + Send + use<F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let serving = Box::pin(dynoxide::server::serve_with_shutdown(
            listener,
            self.0.clone(),
            stopped,
        ));
        async move {
            if let Err(err) = serving.await {
                tracing::error!(error = %err, "the embedded DynamoDB stopped: {err}");
            }
        }
    }

    /// Removes items whose time is up. Returns how many.
    pub(super) async fn sweep(&self) -> Result<usize, String> {
        let database = self.0.clone();
        tokio::task::spawn_blocking(move || database.sweep_ttl())
            .await
            .expect("sweeping does not panic")
            .map_err(|err| err.to_string())
    }
}

/// Makes the table with its indexes and its TTL, unless it is there.
pub(super) async fn create_table(client: &Client, table: &str) -> Result<(), AwsError> {
    const DOING: &str = "making the table";
    let mut create = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(PARTITION_KEY, SORT_KEY)?));
    for name in [PARTITION_KEY, SORT_KEY].into_iter().chain(
        INDEXES
            .iter()
            .flat_map(|index| [index.partition_key, index.sort_key]),
    ) {
        let definition = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(AwsError::other(DOING))?;
        create = create.attribute_definitions(definition);
    }
    for index in INDEXES {
        let all = Projection::builder().projection_type(ProjectionType::All);
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(key_schema(index.partition_key, index.sort_key)?))
            .projection(all.build())
            .build()
            .map_err(AwsError::other(DOING))?;
        create = create.global_secondary_indexes(index);
    }
    match create.send().await {
        Ok(_) => {}
        Err(err)
            if err
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) => {}
        Err(err) => return Err(AwsError::unavailable(DOING)(err)),
    }
    enable_ttl(client, table).await
}

fn key_schema(partition_key: &str, sort_key: &str) -> Result<Vec<KeySchemaElement>, AwsError> {
    [(partition_key, KeyType::Hash), (sort_key, KeyType::Range)]
        .into_iter()
        .map(|(name, kind)| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .map_err(AwsError::other("making the table"))
        })
        .collect()
}

/// Asks first: enabling it again is an error.
async fn enable_ttl(client: &Client, table: &str) -> Result<(), AwsError> {
    const DOING: &str = "enabling the table's TTL";
    let found = client
        .describe_time_to_live()
        .table_name(table)
        .send()
        .await
        .map_err(AwsError::unavailable(DOING))?;
    let status = found
        .time_to_live_description
        .and_then(|description| description.time_to_live_status);
    if status == Some(TimeToLiveStatus::Enabled) {
        return Ok(());
    }
    let ttl = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(TTL_ATTRIBUTE)
        .build()
        .map_err(AwsError::other(DOING))?;
    client
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(ttl)
        .send()
        .await
        .map_err(AwsError::unavailable(DOING))?;
    Ok(())
}
