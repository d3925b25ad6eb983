//! What a piece of work came of, so that one search of the logs finds everything that did.

use serde::{Deserialize, Serialize};

/// Characters of a trace id.
const TRACE_ID_CHARS: usize = 35;

/// The request that a piece of work came of, as far as it is known.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Id of the HTTP request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Id of its trace in X-Ray: `1-6920b5d0-5f84c8d93b1e2a7c4d6f9e01`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl Origin {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// The id in a header `X-Amzn-Trace-Id`, `Root=1-6920b5d0-5f84c8d93b1e2a7c4d6f9e01;Sampled=0`
/// ([tracing header](https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader)). Clients may send
/// one too, so only what has the form of an id is one.
pub fn trace_id(header: &str) -> Option<&str> {
    let mut items = header.split(';').map(str::trim);
    let root = items.find_map(|item| item.strip_prefix("Root="))?;
    let is_id = root.len() == TRACE_ID_CHARS
        && root.starts_with("1-")
        && root.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    is_id.then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_of_an_id_is_a_trace() {
        let id = "1-6920b5d0-5f84c8d93b1e2a7c4d6f9e01";
        for header in [
            format!("Root={id}"),
            format!("Root={id};Parent=53995c3f42cd8ad8;Sampled=1"),
            format!("Self=1-00000000-000000000000000000000000; Root={id}"),
        ] {
            assert_eq!(trace_id(&header), Some(id), "{header}");
        }
        for header in [
            "",
            "Parent=53995c3f42cd8ad8",
            "Root=",
            "Root=1-6920b5d0-5f84c8d93b1e2a7c4d6f9e0",
            "Root=2-6920b5d0-5f84c8d93b1e2a7c4d6f9e01",
            "Root=1-6920b5d0-5f84c8d93b1e2a7c4d6f9e\n1",
        ] {
            assert_eq!(trace_id(header), None, "{header}");
        }
    }
}
