//! Getting what a playlist names, and the rules about how it is delivered
//! (RFC 8216 §4 and §6.2.1; Apple 8.18, 10 and 11).

use super::report::{Findings, Location};
use super::rule::Rule;
use crate::media_playlist::ByteRange;

/// Where the checker gets resources from: the caller reads a folder or asks a server.
pub trait Fetch {
    /// Gets the resource at `uri`, or a range of its bytes.
    ///
    /// `uri` is relative to what the URI given to [`check`](super::check()) is relative to, already
    /// joined and normalised; it is percent-encoded as the playlists have it. It starts with `..`,
    /// `/` or a scheme where a playlist leads out of the folder of the first one. Where a resource
    /// ends inside the range, what there is of it is the answer.
    ///
    /// # Errors
    ///
    /// Any [`FetchError`]; the checker reports it and goes on.
    fn fetch(&mut self, uri: &str, range: Option<ByteRange>) -> Result<Fetched, FetchError>;
}

/// A resource, or the part of it that was asked for.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Its content, without any content-encoding.
    pub bytes: Vec<u8>,
    /// How a server delivered it; `None` when it was read from a folder.
    pub delivery: Option<Delivery>,
}

/// How a server delivered a resource.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `Content-Encoding` header.
    pub content_encoding: Option<String>,
    /// The URI that answered, absolute, where it is not the one asked.
    pub redirected_to: Option<String>,
    /// Whether it came over TLS.
    pub tls: bool,
}

/// Why a resource cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There is no such resource.
    #[error("there is no such resource")]
    NotFound,
    /// The URI leads to where the caller does not go.
    #[error("the URI leads out of the package")]
    OutsidePackage,
    /// The resource is larger than the caller reads.
    #[error("the resource is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// Reading it failed.
    #[error("{0}")]
    Failed(String),
}

/// What a resource is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    MultivariantPlaylist,
    MediaPlaylist,
    /// The init segment (`EXT-X-MAP`).
    Init,
    Segment,
}

/// Gets resources and judges their delivery.
pub(crate) struct Resources<'a> {
    fetch: &'a mut dyn Fetch,
}

impl<'a> Resources<'a> {
    pub(crate) fn new(fetch: &'a mut dyn Fetch) -> Self {
        Self { fetch }
    }

    /// A resource that `named_at` names; `None` when it cannot be had, which is then reported.
    pub(crate) fn get(
        &mut self,
        kind: Kind,
        uri: &str,
        range: Option<ByteRange>,
        named_at: impl Fn() -> Location,
        findings: &mut Findings,
    ) -> Option<Fetched> {
        let fetched = match self.fetch.fetch(uri, range) {
            Ok(fetched) => fetched,
            Err(error) => {
                findings.judge(Rule::Rfc6_2_1, false, || {
                    (named_at(), format!("{uri}: {error}"))
                });
                return None;
            }
        };
        findings.hold(Rule::Rfc6_2_1);
        if let Some(range) = range {
            let got = u64::try_from(fetched.bytes.len()).unwrap_or(u64::MAX);
            findings.judge(Rule::Rfc4_3_2_2, got == range.length, || {
                let ByteRange { length, offset } = range;
                let message = format!(
                    "the range wants {length} bytes from byte {offset} of {uri}, which has {got} there"
                );
                (named_at(), message)
            });
        }
        judge_delivery(kind, uri, &fetched, findings);
        Some(fetched)
    }
}

fn judge_delivery(kind: Kind, uri: &str, fetched: &Fetched, findings: &mut Findings) {
    let is_playlist = matches!(kind, Kind::MultivariantPlaylist | Kind::MediaPlaylist);
    let at = || Location::whole(uri);
    let content_type = fetched
        .delivery
        .as_ref()
        .and_then(|d| d.content_type.as_deref());
    let mime_type = content_type.map(|header| {
        let mime_type = header.split(';').next().unwrap_or_default();
        mime_type.trim().to_ascii_lowercase()
    });
    if is_playlist {
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let by_path = [".m3u8", ".m3u"].iter().any(|end| path.ends_with(end));
        let by_type = mime_type
            .as_deref()
            .is_some_and(|t| PLAYLIST_TYPES.contains(&t));
        findings.judge(Rule::Rfc4, by_path || by_type, || {
            (
                at(),
                "want a path that ends in .m3u8, or a playlist's Content-Type".to_owned(),
            )
        });
    }
    let Some(delivery) = &fetched.delivery else {
        return;
    };
    let redirected_to = delivery.redirected_to.as_deref();
    findings.judge(Rule::Apple8_18, redirected_to.is_none(), || {
        let other = redirected_to.unwrap_or_default();
        (at(), format!("the server redirected to {other}"))
    });
    if is_playlist {
        let encoding = delivery.content_encoding.as_deref().unwrap_or("none");
        findings.judge(
            Rule::Apple10_1,
            encoding.eq_ignore_ascii_case("gzip"),
            || (at(), format!("content-encoding is {encoding}, want gzip")),
        );
    }
    let wanted = match kind {
        Kind::MultivariantPlaylist | Kind::MediaPlaylist => PLAYLIST_TYPES,
        Kind::Init => &["video/mp4", "audio/mp4", "application/mp4"],
        Kind::Segment => segment_types(&fetched.bytes),
    };
    let mime_type = mime_type.as_deref().unwrap_or("missing");
    findings.judge(Rule::Apple10_4, wanted.contains(&mime_type), || {
        (
            at(),
            format!("Content-Type is {mime_type}, want {}", wanted.join(" or ")),
        )
    });
    let rule = match kind {
        Kind::MultivariantPlaylist => Rule::Apple11_1,
        Kind::MediaPlaylist => Rule::Apple11_2,
        Kind::Init | Kind::Segment => Rule::Apple11_3,
    };
    findings.judge(rule, delivery.tls, || {
        (at(), "delivered without TLS".to_owned())
    });
}

/// MIME types of playlists; players take `audio/mpegurl` as well.
const PLAYLIST_TYPES: &[&str] = &["application/vnd.apple.mpegurl", "audio/mpegurl"];

/// MIME types of a segment, by what is in it.
fn segment_types(bytes: &[u8]) -> &'static [&'static str] {
    match super::container::Container::of(bytes) {
        Some(super::container::Container::MpegTs) => &["video/mp2t"],
        Some(super::container::Container::WebVtt) => &["text/vtt", "text/plain"],
        Some(super::container::Container::PackedAudio) => {
            &["audio/aac", "audio/mpeg", "audio/ac3", "audio/eac3"]
        }
        Some(super::container::Container::Fmp4) | None => &[
            "video/iso.segment",
            "video/mp4",
            "audio/mp4",
            "application/mp4",
        ],
    }
}
