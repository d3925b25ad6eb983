//! Requests from pages of other origins, by the rules of their bucket.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>

use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN,
    VARY,
};
use serde::{Deserialize, Serialize};

/// What the answer to a request with an `Origin` depends on.
pub(crate) const VARIES: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
);

/// A rule of a bucket.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct CorsRule {
    pub(crate) id: Option<String>,
    /// Origins, each with at most one `*`, which stands for any characters.
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) allowed_methods: Vec<String>,
    /// Names of headers, each with at most one `*`.
    pub(crate) allowed_headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) max_age_secs: Option<i32>,
}

/// What a browser asks about a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct CorsQuestion {
    origin: String,
    method: String,
    headers: Vec<String>,
}

impl CorsQuestion {
    /// Reads the question from a request, a preflight or not. None without an `Origin`.
    pub(crate) fn new(method: &str, headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Some(Self {
            origin: text(ORIGIN)?.to_owned(),
            method: text(ACCESS_CONTROL_REQUEST_METHOD)
                .unwrap_or(method)
                .to_owned(),
            headers: text(ACCESS_CONTROL_REQUEST_HEADERS)
                .unwrap_or_default()
                .split(',')
                .map(|header| header.trim().to_ascii_lowercase())
                .filter(|header| !header.is_empty())
                .collect(),
        })
    }

    /// The headers of the answer by the first rule that allows the request, if one does.
    pub(crate) fn answer(&self, rules: &[CorsRule]) -> Option<HeaderMap> {
        let rule = rules.iter().find(|rule| self.is_allowed_by(rule))?;
        let mut answer = HeaderMap::new();
        if rule.allowed_origins.iter().any(|origin| origin == "*") {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            insert(&mut answer, ACCESS_CONTROL_ALLOW_ORIGIN, &self.origin);
            let yes = HeaderValue::from_static("true");
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        answer.insert(VARY, VARIES);
        let methods = rule.allowed_methods.join(", ");
        insert(&mut answer, ACCESS_CONTROL_ALLOW_METHODS, &methods);
        if !self.headers.is_empty() {
            let headers = self.headers.join(", ");
            insert(&mut answer, ACCESS_CONTROL_ALLOW_HEADERS, &headers);
        }
        if !rule.expose_headers.is_empty() {
            let exposed = rule.expose_headers.join(", ");
            insert(&mut answer, ACCESS_CONTROL_EXPOSE_HEADERS, &exposed);
        }
        if let Some(max_age_secs) = rule.max_age_secs {
            answer.insert(ACCESS_CONTROL_MAX_AGE, max_age_secs.into());
        }
        Some(answer)
    }

    fn is_allowed_by(&self, rule: &CorsRule) -> bool {
        rule.allowed_methods.contains(&self.method)
            && rule
                .allowed_origins
                .iter()
                .any(|pattern| matches(pattern, &self.origin))
            && self.headers.iter().all(|header| {
                rule.allowed_headers
                    .iter()
                    .any(|pattern| matches(&pattern.to_ascii_lowercase(), header))
            })
    }
}

fn insert(answer: &mut HeaderMap, name: hyper::header::HeaderName, value: &str) {
    // What cannot be a header's value cannot have come in one either; rules are not checked for it.
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.insert(name, value);
    }
}

/// Whether `text` is `pattern`, in which one `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> CorsRule {
        CorsRule {
            allowed_origins: vec!["https://*.example.com".to_owned()],
            allowed_methods: vec!["GET".to_owned(), "PUT".to_owned()],
            allowed_headers: vec!["Content-Type".to_owned(), "x-amz-*".to_owned()],
            expose_headers: vec!["ETag".to_owned()],
            max_age_secs: Some(600),
            ..CorsRule::default()
        }
    }

    fn question(origin: &str, method: &str, headers: &str) -> CorsQuestion {
        let mut request = HeaderMap::new();
        insert(&mut request, ORIGIN, origin);
        insert(&mut request, ACCESS_CONTROL_REQUEST_METHOD, method);
        insert(&mut request, ACCESS_CONTROL_REQUEST_HEADERS, headers);
        CorsQuestion::new("OPTIONS", &request).unwrap()
    }

    #[test]
    fn the_first_rule_that_allows_the_request_answers() {
        let anyone = CorsRule {
            allowed_origins: vec!["*".to_owned()],
            allowed_methods: vec!["GET".to_owned()],
            ..CorsRule::default()
        };
        let asked = question("https://app.example.com", "PUT", "content-type, X-Amz-Date");
        let answer = asked.answer(&[anyone, rule()]).unwrap();
        let headers: Vec<_> = answer
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        assert_eq!(
            headers,
            [
                "access-control-allow-origin: https://app.example.com",
                "access-control-allow-credentials: true",
                "vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
                "access-control-allow-methods: GET, PUT",
                "access-control-allow-headers: content-type, x-amz-date",
                "access-control-expose-headers: ETag",
                "access-control-max-age: 600",
            ]
        );
    }

    #[test]
    fn another_origin_method_or_header_is_not_allowed() {
        for (origin, method, headers) in [
            ("https://example.com", "GET", ""),
            ("http://app.example.com", "GET", ""),
            ("https://app.example.com.evil.org", "GET", ""),
            ("https://app.example.com", "DELETE", ""),
            ("https://app.example.com", "PUT", "authorization"),
        ] {
            let asked = question(origin, method, headers);
            assert_eq!(asked.answer(&[rule()]), None, "{asked:?}");
        }
    }

    #[test]
    fn any_origin_is_answered_with_a_star_and_without_credentials() {
        let anyone = CorsRule {
            allowed_origins: vec!["*".to_owned()],
            ..rule()
        };
        let answer = question("null", "GET", "").answer(&[anyone]).unwrap();
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }
}
