//! Values that the index keeps as JSON.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our types have string keys and no failing fields")
}

pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let value: Option<String> = row.get(column)?;
    serde_json::from_str(value.as_deref().unwrap_or("null"))
        .map_err(|err| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, err.into()))
}
