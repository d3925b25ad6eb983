//! Conditions of requests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED};
use s3s::dto::{ETag, ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::error::{not_implemented, precondition_failed};
use crate::store::object::{Condition, Object};

/// Conditions on the object that is read or copied.
#[derive(Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) matches: Option<ETagCondition>,
    pub(super) none_match: Option<ETagCondition>,
    pub(super) modified_since: Option<Timestamp>,
    pub(super) unmodified_since: Option<Timestamp>,
}

/// What the conditions say.
#[derive(Debug, Eq, PartialEq)]
enum Verdict {
    Proceed,
    /// The client has it already.
    NotModified,
    /// The named condition was not met.
    Failed(&'static str),
}

impl ReadConditions {
    /// Checks a `GetObject` or `HeadObject`.
    ///
    /// # Errors
    ///
    /// 304 with the object's validators, or 412.
    pub(super) fn check(&self, object: &Object) -> S3Result<()> {
        match self.judge(object) {
            Verdict::Proceed => Ok(()),
            Verdict::NotModified => {
                let mut err = S3Error::new(S3ErrorCode::NotModified);
                err.set_headers(validators(object));
                Err(err)
            }
            Verdict::Failed(condition) => Err(precondition_failed(condition)),
        }
    }

    /// Checks the source of a copy, for which 412 is the only refusal.
    pub(super) fn check_source(&self, object: &Object) -> S3Result<()> {
        match self.judge(object) {
            Verdict::Proceed => Ok(()),
            Verdict::NotModified => Err(precondition_failed("x-amz-copy-source-If-None-Match")),
            Verdict::Failed(condition) => Err(precondition_failed(condition)),
        }
    }

    /// The order of [RFC 9110 §13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2): a condition
    /// on the entity tag makes the one on the time of the same kind void.
    fn judge(&self, object: &Object) -> Verdict {
        let modified = last_modified(object);
        if let Some(condition) = &self.matches {
            if !is_met(condition, &object.etag) {
                return Verdict::Failed("If-Match");
            }
        } else if self
            .unmodified_since
            .as_ref()
            .is_some_and(|since| modified > *since)
        {
            return Verdict::Failed("If-Unmodified-Since");
        }
        if let Some(condition) = &self.none_match {
            if is_met(condition, &object.etag) {
                return Verdict::NotModified;
            }
        } else if self
            .modified_since
            .as_ref()
            .is_some_and(|since| modified <= *since)
        {
            return Verdict::NotModified;
        }
        Verdict::Proceed
    }
}

fn is_met(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(named) => named.value() == etag,
    }
}

/// When an object was written, as precisely as HTTP says it.
pub(super) fn last_modified(object: &Object) -> Timestamp {
    let since = object.modified.duration_since(UNIX_EPOCH);
    let secs = since.unwrap_or_default().as_secs();
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(secs))
}

/// An entity tag as it is sent.
pub(super) fn quoted(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}

fn validators(object: &Object) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut date = Vec::new();
    let formatted = last_modified(object).format(TimestampFormat::HttpDate, &mut date);
    if formatted.is_ok()
        && let Ok(date) = HeaderValue::from_bytes(&date)
    {
        headers.insert(LAST_MODIFIED, date);
    }
    if let Ok(etag) = quoted(&object.etag).to_http_header() {
        headers.insert(ETAG, etag);
    }
    if let Some(cache_control) = &object.headers.cache_control
        && let Ok(cache_control) = HeaderValue::from_str(cache_control)
    {
        headers.insert(CACHE_CONTROL, cache_control);
    }
    headers
}

/// The condition of a write, of which S3 knows two.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
pub(super) fn write_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<Condition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Condition::None),
        (None, Some(ETagCondition::Any)) => Ok(Condition::Absent),
        (Some(ETagCondition::ETag(etag)), None) => Ok(Condition::Matches(etag.into_value())),
        (Some(_), Some(_)) => Err(not_implemented("If-Match with If-None-Match")),
        (Some(ETagCondition::Any), None) => Err(not_implemented("If-Match: *")),
        (None, Some(_)) => Err(not_implemented("If-None-Match with an entity tag")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_has_one_of_two_conditions() {
        let etag = || Some(ETagCondition::ETag(quoted("a")));
        let absent = write_condition(None, Some(ETagCondition::Any)).unwrap();
        assert_eq!(absent, Condition::Absent);
        let matches = write_condition(etag(), None).unwrap();
        assert_eq!(matches, Condition::Matches("a".to_owned()));
        assert_eq!(write_condition(None, None).unwrap(), Condition::None);
        for (if_match, if_none_match) in [
            (None, etag()),
            (Some(ETagCondition::Any), None),
            (etag(), Some(ETagCondition::Any)),
        ] {
            let refused = write_condition(if_match, if_none_match).unwrap_err();
            assert_eq!(refused.code(), &S3ErrorCode::NotImplemented);
        }
    }
}
