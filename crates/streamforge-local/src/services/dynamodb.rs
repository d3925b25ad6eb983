//! DynamoDB: Dynoxide's, in one `SQLite` file. Served here and not by Dynoxide's own server, which checks no signatures and lets the
//! pages of every origin in.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus,
};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use streamforge_aws::error::AwsError;
use streamforge_aws::resources::{INDEXES, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE};
use tokio::net::TcpListener;

use super::credentials::KeyPair;
use super::{StartError, aws_json};

/// What names of operations begin with.
const TARGET_PREFIX: &str = "DynamoDB_20120810.";

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

    /// Removes a table whose making was cut short, which is no transaction: an index may be missing. Enabling TTL is its last step, so
    /// before that nothing was stored.
    pub(super) async fn remove_half_made(&self, table: &str) -> Result<(), AwsError> {
        const DOING: &str = "removing a table whose making was cut short";
        let Self(database) = self.clone();
        let request = json!({ "TableName": table }).to_string();
        let removing = move || {
            let ask = |operation| {
                let answer = call(&database, operation, request.as_bytes());
                let answer = answer.expect("it is an operation on tables")?;
                serde_json::from_str::<Value>(&answer)
                    .map_err(|err| DynoxideError::InternalServerError(err.to_string()))
            };
            let ttl = match ask("DescribeTimeToLive") {
                Err(DynoxideError::ResourceNotFoundException(_)) => return Ok(()),
                answer => answer?,
            };
            let is_made = ttl["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED";
            // All the same nothing that is stored is ever removed.
            let is_used = ask("Scan").is_ok_and(|found| found["Count"] != 0);
            if !is_made && !is_used {
                // No client may.
                with_json(request.as_bytes(), |request| database.delete_table(request))?;
            }
            Ok(())
        };
        let removed: Result<(), DynoxideError> = tokio::task::spawn_blocking(removing)
            .await
            .expect("asking does not panic");
        removed.map_err(AwsError::other(DOING))
    }

    /// Serves the database until `stopped` is ready and requests under way have ended.
    pub(super) async fn serve(
        self,
        listener: TcpListener,
        keys: KeyPair,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) {
        let answer = move |headers, body| answer(self.0.clone(), headers, body);
        aws_json::serve(listener, &keys, answer, stopped).await;
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

async fn answer(database: Database, headers: HeaderMap, body: Bytes) -> Response {
    // It waits for the disk.
    let called = tokio::task::spawn_blocking(move || {
        aws_json::operation(&headers, TARGET_PREFIX)
            .and_then(|operation| call(&database, operation, &body))
    })
    .await;
    match called {
        Ok(Some(Ok(json))) => aws_json::response(StatusCode::OK, json),
        Ok(Some(Err(err))) => {
            let status = StatusCode::from_u16(err.status_code());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            aws_json::response(status, err.to_json())
        }
        Ok(None) => aws_json::error("UnknownOperationException", "there is no such operation"),
        Err(err) => {
            tracing::error!(error = %err, "the embedded DynamoDB failed: {err}");
            let err = DynoxideError::InternalServerError("internal error".to_owned());
            aws_json::response(StatusCode::INTERNAL_SERVER_ERROR, err.to_json())
        }
    }
}

/// The operations on tables and items; `None` for any other.
fn call(db: &Database, operation: &str, body: &[u8]) -> Option<Result<String, DynoxideError>> {
    Some(match operation {
        "CreateTable" => with_json(body, |request| db.create_table(request)),
        "DescribeTable" => with_json(body, |request| db.describe_table(request)),
        "ListTables" => with_json(body, |request| db.list_tables(request)),
        "DescribeTimeToLive" => with_json(body, |request| db.describe_time_to_live(request)),
        "UpdateTimeToLive" => with_json(body, |request| db.update_time_to_live(request)),
        "GetItem" => with_json(body, |request| db.get_item(request)),
        "PutItem" => with_json(body, |request| db.put_item(request)),
        "UpdateItem" => with_json(body, |request| db.update_item(request)),
        "DeleteItem" => with_json(body, |request| db.delete_item(request)),
        "Query" => with_json(body, |request| db.query(request)),
        "Scan" => with_json(body, |request| db.scan(request)),
        "BatchGetItem" => with_json(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => with_json(body, |request| db.batch_write_item(request)),
        "TransactGetItems" => with_json(body, |request| db.transact_get_items(request)),
        "TransactWriteItems" => with_json(body, |request| db.transact_write_items(request)),
        _ => return None,
    })
}

fn with_json<Input: DeserializeOwned, Output: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Input) -> Result<Output, DynoxideError>,
) -> Result<String, DynoxideError> {
    let input = serde_json::from_slice(body)
        .map_err(|err| DynoxideError::SerializationException(err.to_string()))?;
    let output = operation(input)?;
    serde_json::to_string(&output)
        .map_err(|err| DynoxideError::InternalServerError(err.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "videos";

    fn ask(database: &EmbeddedDynamoDb, operation: &str, request: &Value) -> Value {
        let answer = call(&database.0, operation, request.to_string().as_bytes());
        serde_json::from_str(&answer.unwrap().unwrap()).unwrap()
    }

    /// A table as it is before its TTL is enabled.
    async fn begun(path: &Path) -> EmbeddedDynamoDb {
        let database = EmbeddedDynamoDb::open(path).await.unwrap();
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
        });
        ask(&database, "CreateTable", &table);
        database
    }

    async fn is_there_after_a_start(database: &EmbeddedDynamoDb) -> bool {
        database.remove_half_made(TABLE).await.unwrap();
        ask(database, "ListTables", &json!({}))["TableNames"] == json!([TABLE])
    }

    #[tokio::test]
    async fn only_a_table_whose_making_was_cut_short_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cut_short = begun(&dir.path().join("cut short")).await;
        assert!(!is_there_after_a_start(&cut_short).await);
        // There is none now.
        assert!(!is_there_after_a_start(&cut_short).await);

        let made = begun(&dir.path().join("made")).await;
        let ttl = json!({ "Enabled": true, "AttributeName": "expires" });
        let enable = json!({ "TableName": TABLE, "TimeToLiveSpecification": ttl });
        ask(&made, "UpdateTimeToLive", &enable);
        assert!(is_there_after_a_start(&made).await);

        let used = begun(&dir.path().join("used")).await;
        let put = json!({ "TableName": TABLE, "Item": { "pk": { "S": "kept" } } });
        ask(&used, "PutItem", &put);
        assert!(is_there_after_a_start(&used).await);
    }
}
