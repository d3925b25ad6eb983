//! Who may ask, and what is not answered.

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey, SimpleAuth};
use s3s::{S3Result, s3_error};

use super::error::{invalid_argument, not_implemented};

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

/// What begins the names of S3's own headers.
const OWN: &str = "x-amz-";

/// What makes a URL a presigned one. With any of them and a header besides, two would say what is signed.
const PRESIGNED: [&str; 4] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// Parameters of that beginning which a URL may have: the signature, and what changes nothing here. SDKs write others there that are
/// headers elsewhere; to ignore those would be to say that they were obeyed.
const OWN_PARAMETERS: [&str; 10] = [
    "x-amz-algorithm",
    "x-amz-checksum-mode",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-user-agent",
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
        refuse_unsigned(cx.headers(), query)?;
        refuse_unsupported_parameters(query)?;
        refuse_unsupported(cx.headers())
    }
}

/// Every header of S3's own must be signed: who was given a URL to send a part to could otherwise add `x-amz-copy-source`, and read what
/// is not theirs. s3s checks the headers that are said to be signed, and no others.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
fn refuse_unsigned(headers: &HeaderMap, query: &str) -> S3Result<()> {
    let parameter = |wanted: &str| parameters(query).find(|(name, _)| name == wanted);
    let is_presigned = PRESIGNED.iter().any(|name| parameter(name).is_some());
    let signed = match headers.get(AUTHORIZATION) {
        Some(_) if is_presigned => {
            return Err(invalid_argument("Only one auth mechanism allowed"));
        }
        Some(authorization) => {
            // s3s takes any word for the algorithm, also one that looks like a list of headers.
            let fields = authorization.to_str().ok();
            let fields = fields.and_then(|fields| fields.strip_prefix("AWS4-HMAC-SHA256 "));
            let mut fields = fields.unwrap_or_default().split([',', ' ']);
            let signed = fields.find_map(|field| field.strip_prefix("SignedHeaders="));
            signed.unwrap_or_default().to_owned()
        }
        None => parameter("x-amz-signedheaders").unwrap_or_default().1,
    };
    let is_signed = |name: &str| signed.split(';').any(|signed| signed == name);
    let mut own = headers.keys().map(HeaderName::as_str);
    match own.find(|name| name.starts_with(OWN) && !is_signed(name)) {
        Some(name) => Err(s3_error!(
            AccessDenied,
            "There were headers present in the request which were not signed: {name}"
        )),
        None => Ok(()),
    }
}

fn refuse_unsupported_parameters(query: &str) -> S3Result<()> {
    let refused = parameters(query)
        .map(|(name, _)| name)
        .find(|name| name.starts_with(OWN) && !OWN_PARAMETERS.contains(&name.as_str()));
    match refused {
        Some(name) => Err(not_implemented(&format!("{name} in the URL"))),
        None => Ok(()),
    }
}

/// The parameters of a query, their names in small letters.
fn parameters(query: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    query.split('&').map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name).to_ascii_lowercase(), decode(value))
    })
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
    use hyper::header::HeaderValue;

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
    fn headers_of_s3_are_signed_or_refused() {
        let copy = headers("x-amz-copy-source", "bucket/key");
        let code = |headers: &HeaderMap, query| {
            let refused = refuse_unsigned(headers, query).err();
            refused.map(|err| err.code().clone())
        };
        let denied = Some(s3s::S3ErrorCode::AccessDenied);
        assert_eq!(
            code(&copy, "X-Amz-SignedHeaders=content-length%3Bhost"),
            denied
        );
        assert_eq!(code(&copy, "partNumber=1"), denied);
        assert_eq!(
            code(&copy, "X-Amz-SignedHeaders=host%3Bx-amz-copy-source"),
            None
        );
        let mut signed = copy.clone();
        let mut authorize = |signed_headers: &str| {
            let value = format!(
                "AWS4-HMAC-SHA256 Credential=A/1/r/s3/aws4_request,SignedHeaders={signed_headers},Signature=0"
            );
            signed.insert(AUTHORIZATION, value.parse().unwrap());
            signed.clone()
        };
        assert_eq!(code(&authorize("host;x-amz-copy-source"), ""), None);
        for two in ["X-Amz-Signature=0", "x-amz-signedheaders=host"] {
            assert_eq!(
                code(&authorize("host;x-amz-copy-source"), two),
                Some(s3s::S3ErrorCode::InvalidArgument)
            );
        }
        let mut forged = copy.clone();
        let list = "SignedHeaders=x-amz-copy-source Credential=A, SignedHeaders=host, Signature=0";
        forged.insert(AUTHORIZATION, list.parse().unwrap());
        assert_eq!(code(&forged, ""), denied);
        assert_eq!(code(&headers("content-type", "video/mp4"), ""), None);
    }

    #[test]
    fn headers_in_a_url_are_refused_and_not_ignored() {
        for query in [
            "X-Amz-Tagging=a%3Db",
            "partNumber=1&x-amz-checksum-crc32=AAAAAA%3D%3D",
            "X-Amz-Expires=1&x-amz-storage%2Dclass=GLACIER",
        ] {
            let refused = refuse_unsupported_parameters(query).unwrap_err();
            assert_eq!(refused.code(), &s3s::S3ErrorCode::NotImplemented, "{query}");
        }
        let presigned = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0&x-id=PutObject";
        assert!(refuse_unsupported_parameters(presigned).is_ok());
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
