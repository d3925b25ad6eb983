//! Checks an HLS package against [RFC 8216](https://www.rfc-editor.org/rfc/rfc8216) and Apple's
//! [HLS authoring specification](https://developer.apple.com/documentation/http-live-streaming/hls-authoring-specification-for-apple-devices).
//!
//! [`check()`] reads the playlists and then every segment they name, one at a time, through a
//! [`Fetch`] that the caller provides; what it found is a [`Report`]. It reads boxes and transport
//! streams itself and trusts nothing that a playlist says of them. A playlist that still grows is
//! judged by what is there.
//!
//! Where to find a rule: [`Rule`] lists all of them, with their numbers and what the checker makes of
//! each; the module that judges it names the number in its first lines and the variant (`Apple7_4`)
//! in its code.
//!
//! | module | is about |
//! | --- | --- |
//! | `rule`, `report` | the table of rules; findings, and how they are shown |
//! | `playlist`, `grammar`, `syntax` | lines, tags and attributes of any playlist |
//! | `segment_list`, `multivariant`, `rendition` | the two kinds of playlists, by their text |
//! | `resource`, `uri` | getting what they name; delivery |
//! | `container`, `format` | what a segment file is, what a codec name says |
//! | `media` | segments: fMP4, MPEG-TS, WebVTT |
//! | `trick_play` | I-frame playlists |
//! | `codec`, `bandwidth`, `declaration`, `ladder` | declared against measured; the variants as a set |
//! | `timeline` | time within a playlist and between them |

use media::{IFrameIndex, Role, Track};
use multivariant::Multivariant;
use playlist::Playlist;
use report::Findings;
use resource::{Kind, Resources};
use segment_list::SegmentList;

pub use report::{Counts, Finding, Location, Place, Report, Verdict};
pub use resource::{Delivery, Fetch, FetchError, Fetched};
pub use rule::{Rule, Strength};

mod bandwidth;
mod clock;
mod codec;
mod container;
mod declaration;
mod format;
mod grammar;
mod ladder;
mod media;
mod multivariant;
mod playlist;
mod rendition;
mod report;
mod resource;
mod rule;
mod segment_list;
mod syntax;
mod timeline;
mod trick_play;
mod uri;

/// Checks the package whose multivariant playlist, or only media playlist, is at `playlist_uri`.
///
/// Memory is that of the playlists and one segment.
pub fn check(playlist_uri: &str, fetch: &mut dyn Fetch) -> Report {
    let mut checker = Checker {
        resources: Resources::new(fetch),
        findings: Findings::default(),
        index: IFrameIndex::default(),
        tracks: Vec::new(),
    };
    checker.check(playlist_uri);
    checker.findings.into_report(playlist_uri)
}

/// Reads a package, playlist by playlist.
struct Checker<'a> {
    resources: Resources<'a>,
    findings: Findings,
    index: IFrameIndex,
    /// The media playlists read so far.
    tracks: Vec<Track>,
}

impl Checker<'_> {
    fn check(&mut self, uri: &str) {
        let at = || Location::whole(uri);
        let Some(playlist) = self.read_playlist(Kind::MultivariantPlaylist, uri, at) else {
            return;
        };
        match syntax::judge(&playlist, &mut self.findings) {
            syntax::Kind::Multivariant => self.check_multivariant(playlist),
            syntax::Kind::Media => {
                let role = if playlist.has_tag("EXT-X-I-FRAMES-ONLY") {
                    Role::IFrames
                } else {
                    Role::Variant
                };
                self.check_media(role, playlist);
            }
        }
        declaration::judge_formats(&self.tracks, &mut self.findings);
        trick_play::judge_density(&self.tracks, &mut self.findings);
        timeline::judge(&self.tracks, &mut self.findings);
    }

    fn check_multivariant(&mut self, playlist: Playlist) {
        let multivariant = Multivariant::read(playlist, &mut self.findings);
        multivariant::judge(&multivariant, &mut self.findings);
        rendition::judge(&multivariant, &mut self.findings);
        ladder::judge(&multivariant, &mut self.findings);
        // I-frame playlists come last: they are compared with what the others name.
        for variant in &multivariant.variants {
            self.check_named(Role::Variant, &variant.stream.uri, &variant.stream.at);
        }
        for rendition in &multivariant.renditions {
            let role = match rendition.kind.as_str() {
                "AUDIO" => Role::Audio,
                "SUBTITLES" => Role::Subtitles,
                "VIDEO" => Role::Variant,
                _ => continue,
            };
            if let Some(uri) = &rendition.uri {
                self.check_named(role, uri, &rendition.at);
            }
        }
        for stream in &multivariant.i_frames {
            self.check_named(Role::IFrames, &stream.uri, &stream.at);
        }
        declaration::judge(&multivariant, &self.tracks, &mut self.findings);
    }

    /// Checks the media playlist that the line at `named_at` names, unless another one did before.
    fn check_named(&mut self, role: Role, uri: &str, named_at: &Location) {
        let is_known = self
            .tracks
            .iter()
            .any(|track| track.list.playlist.uri == uri);
        if uri.is_empty() || is_known {
            return;
        }
        let at = || named_at.clone();
        if let Some(playlist) = self.read_playlist(Kind::MediaPlaylist, uri, at) {
            syntax::judge(&playlist, &mut self.findings);
            self.check_media(role, playlist);
        }
    }

    fn check_media(&mut self, role: Role, playlist: Playlist) {
        let list = SegmentList::read(playlist, &mut self.findings);
        let plays = matches!(role, Role::Variant | Role::Audio);
        segment_list::judge(&list, plays, &mut self.findings);
        let Self {
            resources,
            findings,
            index,
            tracks,
        } = self;
        let track = match role {
            Role::IFrames => {
                let content = tracks.iter().find(|track| track.media.has_video);
                trick_play::read(list, content, resources, index, findings)
            }
            _ => media::read(role, list, resources, index, findings),
        };
        tracks.push(track);
    }

    fn read_playlist(
        &mut self,
        kind: Kind,
        uri: &str,
        named_at: impl Fn() -> Location,
    ) -> Option<Playlist> {
        let fetched = self
            .resources
            .get(kind, uri, None, named_at, &mut self.findings)?;
        let mut playlist = Playlist::read(uri, &fetched.bytes);
        if let Some(base) = fetched.delivery.and_then(|d| d.redirected_to) {
            playlist.base = base;
        }
        Some(playlist)
    }
}
