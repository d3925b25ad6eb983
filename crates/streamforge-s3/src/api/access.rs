//! Who may ask, and what is not answered.

use hyper::header::{AUTHORIZATION, HeaderMap};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey, SimpleAuth};
use s3s::{S3Result, s3_error};

use super::error::not_implemented;

/// Headers that ask for what is not done here. To ignore them would be to say that it was done.
const REFUSED_HEADERS: [&str; 10] = [
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
    "x-amz-bucket-object-lock-enabled",
    "x-amz-mfa",
];

/// Headers of which some values are what is done here anyway.
const FIXED_HEADERS: [(&str, &[&str]); 2] = [
    ("x-amz-storage-class", &["STANDARD"]),
    ("x-amz-acl", &["private", "bucket-owner-full-control"]),
];

/// The keys of everybody who may do everything.
pub(crate) struct Keys(SimpleAuth);

impl Keys {
    pub(crate) fn new(credentials: impl IntoIterator<Item = crate::Credentials>) -> Self {
        let mut keys = SimpleAuth::new();
        for credentials in credentials {
            keys.register(credentials.access_key, credentials.secret_key.into());
        }
        Self(keys)
    }
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0.lookup(access_key).cloned().ok_or_else(|| {
            s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )
        })
    }
}

/// Checks every request before its input is read.
pub(crate) struct Access;

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        if cx.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let query = cx.uri().query().unwrap_or_default();
        if is_signature_v2(cx.headers(), query) {
            return Err(s3_error!(
                InvalidRequest,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
            ));
        }
        if query.split('&').any(|pair| pair.starts_with("versionId=")) {
            return Err(not_implemented("versionId"));
        }
        refuse_unsupported(cx.headers())
    }
}

fn is_signature_v2(headers: &HeaderMap, query: &str) -> bool {
    let in_header = headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"AWS "));
    in_header || query.split('&').any(|pair| pair.starts_with("Signature="))
}

fn refuse_unsupported(headers: &HeaderMap) -> S3Result<()> {
    for name in REFUSED_HEADERS {
        if headers.contains_key(name) {
            return Err(not_implemented(name));
        }
    }
    for (name, done) in FIXED_HEADERS {
        if let Some(value) = headers.get(name)
            && !done.iter().any(|done| value == done)
        {
            return Err(not_implemented(name));
        }
    }
    match headers
        .keys()
        .find(|name| name.as_str().starts_with("x-amz-grant-"))
    {
        Some(name) => Err(not_implemented(name.as_str())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let name = HeaderName::from_static(name);
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn what_is_not_done_is_refused_and_not_ignored() {
        for (name, value) in [
            ("x-amz-tagging", "a=b"),
            ("x-amz-acl", "public-read"),
            ("x-amz-grant-read", "id=1"),
            ("x-amz-storage-class", "GLACIER"),
            ("x-amz-server-side-encryption", "aws:kms"),
        ] {
            let refused = refuse_unsupported(&headers(name, value)).unwrap_err();
            assert_eq!(refused.code(), &s3s::S3ErrorCode::NotImplemented, "{name}");
        }
        assert!(refuse_unsupported(&headers("x-amz-acl", "private")).is_ok());
        assert!(refuse_unsupported(&headers("x-amz-storage-class", "STANDARD")).is_ok());
    }

    #[test]
    fn signatures_of_the_old_kind_are_told_apart() {
        let none = HeaderMap::new();
        assert!(is_signature_v2(
            &headers("authorization", "AWS AKIA:sig"),
            ""
        ));
        assert!(is_signature_v2(
            &none,
            "AWSAccessKeyId=A&Signature=s&Expires=1"
        ));
        let v4 = headers("authorization", "AWS4-HMAC-SHA256 Credential=A");
        assert!(!is_signature_v2(&v4, "X-Amz-Signature=s"));
    }
}
