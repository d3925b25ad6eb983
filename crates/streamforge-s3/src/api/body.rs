//! Receiving the bytes of an object or a part.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use hyper::{HeaderMap, StatusCode};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};
use tokio::task::JoinHandle;

use crate::digest::{Algorithm, Digester, Digests, Hasher};
use crate::store::blob::NewBlob;
use crate::store::{Store, StoreError, blocking};

/// Most bytes of one request.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const MAX_BODY_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Bytes gathered before they are hashed and written. An upload has two of these in memory: one being
/// written, one being received.
const BATCH_BYTES: usize = 256 * 1024;

/// Pieces gathered at most: each may keep a buffer of 8 KiB alive, which hyper reads into, however few bytes it has.
const BATCH_PIECES: usize = 32;

/// How long a client may send nothing.
const IDLE: Duration = Duration::from_mins(1);

/// What the request says its body is.
pub(super) struct Claims {
    length: u64,
    md5: Option<Vec<u8>>,
    /// The checksum the client chose, if it did.
    pub(super) algorithm: Option<Algorithm>,
    checksum: Option<Vec<u8>>,
    /// The checksum comes after the body.
    trailer: Option<TrailingHeaders>,
}

impl Claims {
    /// Reads the claims from a request's headers, from which the protocol's own framing is gone already.
    pub(super) fn new(headers: &HeaderMap, trailers: Option<TrailingHeaders>) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let length = text("x-amz-decoded-content-length").or(text("content-length"));
        let length = length
            .and_then(|length| length.parse().ok())
            .ok_or_else(|| {
                s3_error!(
                    MissingContentLength,
                    "You must provide the Content-Length HTTP header."
                )
            })?;
        let md5 = text("content-md5").map(decode_md5).transpose()?;
        let mut claims = Self {
            length,
            md5,
            algorithm: None,
            checksum: None,
            trailer: None,
        };
        let mut values = Algorithm::ALL
            .into_iter()
            .filter_map(|algorithm| Some((algorithm, text(algorithm.header())?)));
        if let Some((algorithm, value)) = values.next() {
            if values.next().is_some() {
                return Err(s3_error!(
                    InvalidRequest,
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
                ));
            }
            claims.algorithm = Some(algorithm);
            claims.checksum = Some(decode(algorithm, value)?);
        } else if let Some(name) = text("x-amz-trailer") {
            let algorithm = Algorithm::from_header(name).ok_or_else(|| {
                s3_error!(
                    InvalidRequest,
                    "The value specified in the x-amz-trailer header is not supported"
                )
            })?;
            claims.algorithm = Some(algorithm);
            claims.trailer = trailers;
        } else if text("x-amz-sdk-checksum-algorithm").is_some() {
            return Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
            ));
        }
        Ok(claims)
    }

    /// Refuses a body that is not what was claimed.
    fn verify(&self, size: u64, received: &Received) -> S3Result<()> {
        if self.length != size {
            return Err(incomplete_body());
        }
        let md5 = received.digests.md5;
        if self.md5.as_ref().is_some_and(|claimed| *claimed != md5) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let Some((algorithm, checksum)) = &received.verified else {
            return Ok(());
        };
        let claimed = match (&self.trailer, &self.checksum) {
            (Some(trailer), _) => take_trailing(trailer, *algorithm)?,
            (None, Some(claimed)) => claimed.clone(),
            (None, None) => return Err(malformed_trailer()),
        };
        if claimed != *checksum {
            let name = algorithm.name();
            return Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match the calculated checksum."
            ));
        }
        Ok(())
    }
}

fn take_trailing(trailer: &TrailingHeaders, algorithm: Algorithm) -> S3Result<Vec<u8>> {
    let headers = trailer.take().unwrap_or_default();
    let value = headers.get(algorithm.header());
    let value = value.and_then(|value| value.to_str().ok());
    decode(algorithm, value.ok_or_else(malformed_trailer)?)
}

fn malformed_trailer() -> S3Error {
    let mut err = S3Error::with_message(
        S3ErrorCode::Custom("MalformedTrailerError".into()),
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    );
    err.set_status_code(StatusCode::BAD_REQUEST);
    err
}

fn decode(algorithm: Algorithm, value: &str) -> S3Result<Vec<u8>> {
    algorithm.decode(value).ok_or_else(|| {
        let header = algorithm.header();
        s3_error!(InvalidRequest, "Value for {header} header is invalid.")
    })
}

fn decode_md5(value: &str) -> S3Result<Vec<u8>> {
    use base64::Engine as _;
    let md5 = base64::engine::general_purpose::STANDARD.decode(value);
    md5.ok()
        .filter(|md5| md5.len() == 16)
        .ok_or_else(|| s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid."))
}

/// A body that is on disk.
#[derive(Debug)]
pub(super) struct Received {
    /// None when it has no bytes.
    pub(super) blob: Option<NewBlob>,
    /// What is stored.
    pub(super) digests: Digests,
    /// The checksum the client chose, if it did.
    pub(super) verified: Option<(Algorithm, Vec<u8>)>,
}

/// Writes `body` to disk and verifies it. Nothing stays when it is not what was claimed, or cut short.
///
/// `stored` is the checksum to keep, which the client need not have chosen.
pub(super) async fn receive(
    store: &Arc<Store>,
    body: Option<StreamingBlob>,
    claims: &Claims,
    stored: Algorithm,
) -> S3Result<Received> {
    if claims.length > MAX_BODY_BYTES {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ));
    }
    let mut sink = Sink::Idle(Box::new(Writing {
        blob: None,
        store: Arc::clone(store),
        digester: Digester::new(stored),
        claimed: claims.algorithm.map(|algorithm| {
            (
                algorithm,
                (algorithm != stored).then(|| Hasher::new(algorithm)),
            )
        }),
    }));
    let mut batch = Vec::new();
    let (mut batch_bytes, mut size) = (0, 0);
    if let Some(mut body) = body {
        while let Some(piece) = next(&mut body).await? {
            size += piece.len() as u64;
            if size > claims.length {
                return Err(incomplete_body());
            }
            batch_bytes += piece.len();
            batch.push(piece);
            if batch_bytes >= BATCH_BYTES || batch.len() == BATCH_PIECES {
                sink = sink.write(std::mem::take(&mut batch)).await?;
                batch_bytes = 0;
            }
        }
    }
    let writing = sink.wait().await?;
    let received = blocking(move || writing.finish(&batch)).await?;
    claims.verify(size, &received)?;
    Ok(received)
}

async fn next(body: &mut StreamingBlob) -> S3Result<Option<Bytes>> {
    match tokio::time::timeout(IDLE, body.next()).await {
        Ok(piece) => piece.transpose().map_err(|err| broken_body(&*err)),
        Err(_) => Err(s3_error!(
            RequestTimeout,
            "Your socket connection to the server was not read from or written to within the timeout period."
        )),
    }
}

/// What is wrong with a body that ended with an error.
fn broken_body(err: &(dyn std::error::Error + Send + Sync + 'static)) -> S3Error {
    // The errors' types are private to s3s: their texts are all there is to tell them apart.
    let said = err.to_string();
    if said.contains("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let mut err = S3Error::with_message(
            code,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        err.set_status_code(StatusCode::BAD_REQUEST);
        return err;
    }
    if said.contains("SignatureMismatch") {
        return s3_error!(
            SignatureDoesNotMatch,
            "The signature of a chunk does not match the one we calculated."
        );
    }
    if said.contains("a signed chunk has") {
        return s3_error!(
            InvalidRequest,
            "The chunks of the body are too large: {said}"
        );
    }
    if said.contains("FormatError") {
        return s3_error!(
            InvalidRequest,
            "The chunks of the body are not well-formed."
        );
    }
    incomplete_body()
}

fn incomplete_body() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}

/// The file and the digests of a body.
struct Writing {
    /// Made with the first byte. Dropped, and so removed, before nobody has the store any more.
    blob: Option<NewBlob>,
    store: Arc<Store>,
    digester: Digester,
    /// What the client chose; with a hasher where it is not what the digester computes.
    claimed: Option<(Algorithm, Option<Hasher>)>,
}

impl Writing {
    fn append(&mut self, batch: &[Bytes]) -> io::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let blob = match &mut self.blob {
            Some(blob) => blob,
            none => none.insert(self.store.create_blob()?),
        };
        blob.append(batch)?;
        for piece in batch {
            self.digester.update(piece);
            if let Some((_, Some(hasher))) = &mut self.claimed {
                hasher.update(piece);
            }
        }
        Ok(())
    }

    fn finish(mut self, batch: &[Bytes]) -> Result<Received, StoreError> {
        self.append(batch)?;
        if let Some(blob) = &self.blob {
            blob.sync()?;
        }
        let digests = self.digester.finish();
        let verified = self.claimed.map(|(algorithm, hasher)| {
            let checksum = hasher.map_or_else(|| digests.checksum.clone(), Hasher::finish);
            (algorithm, checksum)
        });
        Ok(Received {
            blob: self.blob,
            digests,
            verified,
        })
    }
}

/// A [`Writing`], here or on a thread that may block.
enum Sink {
    Idle(Box<Writing>),
    Busy(JoinHandle<io::Result<Box<Writing>>>),
}

impl Sink {
    /// Begins to write a batch, as soon as the one before is written.
    async fn write(self, batch: Vec<Bytes>) -> Result<Self, StoreError> {
        let mut writing = self.wait().await?;
        Ok(Self::Busy(tokio::task::spawn_blocking(move || {
            writing.append(&batch)?;
            Ok(writing)
        })))
    }

    async fn wait(self) -> Result<Box<Writing>, StoreError> {
        match self {
            Self::Idle(writing) => Ok(writing),
            Self::Busy(busy) => Ok(blocking_result(busy).await?),
        }
    }
}

async fn blocking_result<T>(busy: JoinHandle<io::Result<T>>) -> io::Result<T> {
    busy.await.map_err(io::Error::other)?
}
