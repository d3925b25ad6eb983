//! What goes with a message beside its text. Receivers do without it: messages of an older version, and those that people send, have none.
//!
//! The trace is an attribute of our own beside SQS's `AWSTraceHeader`, which SQS makes of a header that the SDK sends: that is the trace of
//! the sender, while ours is that of the request with which all began. It is also there where no Lambda is.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName};
use streamforge_core::origin::Origin;
use streamforge_core::time::Timestamp;

use crate::error::AwsError;
use crate::origin;

/// Id of the request that a message came of.
pub const REQUEST_ID: &str = "request.id";

/// Id of the trace of that request.
pub const TRACE_ID: &str = "trace.id";

/// What [`waited`] asks for.
pub(super) const OF_WAITING: [MessageSystemAttributeName; 3] = [
    MessageSystemAttributeName::ApproximateFirstReceiveTimestamp,
    MessageSystemAttributeName::ApproximateReceiveCount,
    MessageSystemAttributeName::SentTimestamp,
];

/// Tells what the work at hand came of; `None` when nobody knows.
pub(super) fn of_origin(
    doing: &'static str,
) -> Result<Option<HashMap<String, MessageAttributeValue>>, AwsError> {
    let Origin {
        request_id,
        trace_id,
    } = origin::current();
    let mut attributes = HashMap::new();
    for (name, value) in [(REQUEST_ID, request_id), (TRACE_ID, trace_id)] {
        let Some(value) = value else { continue };
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value)
            .build()
            .map_err(AwsError::other(doing))?;
        attributes.insert(name.to_owned(), value);
    }
    Ok((!attributes.is_empty()).then_some(attributes))
}

/// What a message came of, by its attributes.
pub fn origin<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Origin {
    let text = |name| attribute(name).map(str::to_owned);
    Origin {
        request_id: text(REQUEST_ID),
        trace_id: text(TRACE_ID),
    }
}

/// How long a message waited for its first receipt, by SQS's own attributes; `None` at later ones, before which it was hidden.
pub fn waited<'a>(
    attribute: impl Fn(&MessageSystemAttributeName) -> Option<&'a str>,
) -> Option<Duration> {
    let number = |name: MessageSystemAttributeName| -> Option<u64> {
        let text = attribute(&name)?;
        text.parse().ok()
    };
    let receipts = number(MessageSystemAttributeName::ApproximateReceiveCount)?;
    let first = number(MessageSystemAttributeName::ApproximateFirstReceiveTimestamp)?;
    let sent = number(MessageSystemAttributeName::SentTimestamp)?;
    (receipts == 1).then(|| Timestamp(first).since(Timestamp(sent)))
}
