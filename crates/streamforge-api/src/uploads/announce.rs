//! What is refused before a byte is sent, and which requests mean the same upload.

use axum::http::HeaderMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::origin;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::STALLED;
use streamforge_core::refusal::Refusal;
use streamforge_core::upload::{Upload, UploadStatus, part_size_bytes};
use streamforge_core::video::{Video, VideoStatus, Visibility, title_of};
use utoipa::ToSchema;

use crate::problem::{Problem, ProblemKind};
use crate::uploads::lost_at;
use crate::videos::check_title;
use crate::{Api, OWNER, random, schema};

/// Longest file name, type, fingerprint and idempotency key, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// Announces a file.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// What the file is called; for people.
    #[schema(min_length = 1, max_length = 1024)]
    pub file_name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its MIME type. What is declared to be something else than a video is refused; content decides what the rest is.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1024, example = "video/mp4")]
    pub content_type: Option<String>,
    /// What the video is to be called; by default as the file.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// Who finds the video.
    #[serde(default)]
    #[schema(value_type = schema::Visibility, required = false)]
    pub visibility: Visibility,
    /// What the client knows the file by, such as a hash of name, size and time: the same one leads to the same unfinished upload.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1024)]
    pub fingerprint: Option<String>,
}

impl NewUpload {
    /// Whether every text is one.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        short("file_name", &self.file_name)?;
        if let Some(text) = &self.content_type {
            short("content_type", text)?;
        }
        if let Some(text) = &self.fingerprint {
            short("fingerprint", text)?;
        }
        if let Some(title) = &self.title {
            check_title(title)?;
        }
        Ok(())
    }

    fn video(&self, upload: &Upload) -> Video {
        Video {
            id: upload.video.clone(),
            owner: OWNER.to_owned(),
            upload: upload.id.clone(),
            title: match &self.title {
                Some(title) => title.trim().to_owned(),
                None => title_of(&self.file_name),
            },
            visibility: self.visibility,
            status: VideoStatus::Uploading,
            playable: false,
            failure: None,
            size_bytes: self.size_bytes,
            duration: None,
            display_size: None,
            has_source: false,
            has_poster: false,
            revision: 1,
            created_at: upload.created_at,
            updated_at: upload.created_at,
            queued_at: None,
            ready_at: None,
        }
    }
}

/// How the bytes of a file come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transfer {
    /// In parts of this size; then somebody completes it.
    Parts { part_size_bytes: u64 },
    /// In one request to S3; nobody says when it has come.
    Whole,
}

impl Transfer {
    /// As clients are to send a file of this size.
    pub(crate) fn parts_of(size_bytes: u64) -> Self {
        Self::Parts {
            part_size_bytes: part_size_bytes(size_bytes),
        }
    }
}

impl Api {
    /// Refuses what cannot become a video by its size or declared type.
    pub(crate) fn refuse_early(&self, new: &NewUpload) -> Result<(), Problem> {
        self.config.limits.admit_size(new.size_bytes)?;
        if let Some(what) = new.content_type.as_deref().and_then(no_video) {
            let what = what.to_owned();
            return Err(Refusal::NotVideo { what }.into());
        }
        Ok(())
    }

    /// Refuses one more upload where too many are unfinished.
    pub(crate) async fn refuse_too_many(&self) -> Result<(), Problem> {
        let most = self.config.max_unfinished_uploads;
        let oldest = now().before(self.config.upload_expiry);
        if self.table.count_uploading(OWNER, oldest, most).await? < most {
            return Ok(());
        }
        Err(Problem::new(
            ProblemKind::TooManyUploads,
            format!("{most} uploads are not finished: complete some of them, or delete them"),
        ))
    }

    /// Stores the records of a new upload and its video, and has S3 expect its parts.
    pub(crate) async fn begin(
        &self,
        new: &NewUpload,
        transfer: Transfer,
    ) -> Result<Upload, Problem> {
        let now = now();
        let expires_at = now.after(self.config.upload_expiry);
        let mut upload = Upload {
            id: UploadId::from_random(random()),
            video: VideoId::from_random(random()),
            status: UploadStatus::Open,
            size_bytes: new.size_bytes,
            part_size_bytes: new.size_bytes,
            file_name: new.file_name.clone(),
            content_type: new.content_type.clone(),
            fingerprint: new.fingerprint.clone(),
            s3_upload_id: None,
            origin: origin::current(),
            created_at: now,
            expires_at,
        };
        let mut due = expires_at;
        match transfer {
            Transfer::Parts { part_size_bytes } => {
                upload.part_size_bytes = part_size_bytes;
                // S3 gives up what is never recorded by itself, after some days.
                upload.s3_upload_id = Some(self.uploads.create_multipart(&upload.video).await?);
            }
            // Should S3's event be lost, nobody else tells that the file is there.
            Transfer::Whole => due = now.after(STALLED),
        }
        let video = new.video(&upload);
        if self.table.create(&upload, &video, due).await? {
            return Ok(upload);
        }
        if let Some(s3_upload_id) = &upload.s3_upload_id {
            self.uploads
                .abort_multipart(&upload.video, s3_upload_id)
                .await?;
        }
        // Of 128 random bits, rather a lost answer whose request was sent again.
        Err(AwsError::Contended {
            doing: "storing a new upload",
        }
        .into())
    }

    /// The upload that `claim` leads to, while it does.
    pub(super) async fn claimed(&self, claim: &Claim) -> Result<Option<Upload>, Problem> {
        let Some(id) = self.table.claimed(&claim.hash).await? else {
            return Ok(None);
        };
        let Some(upload) = self.table.upload(&id).await? else {
            return Ok(None);
        };
        Ok(self.holds(claim, &upload).await?.then_some(upload))
    }

    /// Whether `claim` leads to `upload`. Once its video is deleted nothing does, though it takes a moment until both are gone.
    async fn holds(&self, claim: &Claim, upload: &Upload) -> Result<bool, Problem> {
        if !claim.holds(upload.status) {
            return Ok(false);
        }
        let video = self.table.video(&upload.video).await?;
        Ok(video.is_some_and(|video| video.status != VideoStatus::Deleting))
    }

    /// Lets `claim` lead to `upload`; gives the upload it leads to already, if it does.
    pub(super) async fn claim(
        &self,
        claim: &Claim,
        upload: &Upload,
    ) -> Result<Option<Upload>, Problem> {
        // Longer than an upload lasts at first, as it may be given more time. One that has ended holds no claim.
        let until = lost_at(upload);
        let mut instead_of: Option<UploadId> = None;
        loop {
            let instead = instead_of.as_ref();
            let leads_to = self
                .table
                .claim(&claim.hash, &upload.id, instead, until)
                .await?;
            if leads_to == upload.id {
                return Ok(None);
            }
            if let Some(other) = self.table.upload(&leads_to).await?
                && self.holds(claim, &other).await?
            {
                return Ok(Some(other));
            }
            instead_of = Some(leads_to);
        }
    }
}

/// What makes two requests mean the same upload.
pub(super) struct Claim {
    /// What it is stored under.
    hash: String,
    kind: ClaimKind,
}

#[derive(Clone, Copy)]
enum ClaimKind {
    /// The same request, sent again.
    IdempotencyKey,
    /// The same file, announced again.
    Fingerprint,
}

impl Claim {
    /// Those of an announcement.
    pub(super) fn of(new: &NewUpload, headers: &HeaderMap) -> Result<Vec<Self>, Problem> {
        let mut claims = Vec::new();
        if let Some(key) = headers.get("idempotency-key") {
            let key = short("Idempotency-Key", key.to_str().unwrap_or_default())?;
            claims.push(Self::new(ClaimKind::IdempotencyKey, &[key]));
        }
        if let Some(print) = &new.fingerprint {
            let size = new.size_bytes.to_string();
            claims.push(Self::new(ClaimKind::Fingerprint, &[print, &size]));
        }
        Ok(claims)
    }

    fn new(kind: ClaimKind, of: &[&str]) -> Self {
        let name = match kind {
            ClaimKind::IdempotencyKey => "idempotency-key",
            ClaimKind::Fingerprint => "fingerprint",
        };
        let mut hash = Sha256::new();
        for text in [OWNER, name].iter().chain(of) {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        Self {
            hash: format!("{:x}", hash.finalize()),
            kind,
        }
    }

    /// Whether it leads to an upload in this status. A file may be uploaded once more; a request is one, even when its answer came late.
    fn holds(&self, status: UploadStatus) -> bool {
        match self.kind {
            ClaimKind::IdempotencyKey => status != UploadStatus::Aborted,
            ClaimKind::Fingerprint => {
                matches!(status, UploadStatus::Open | UploadStatus::Completing)
            }
        }
    }
}

/// What a file of this MIME type is instead of a video. Types that may be one, or that say nothing, are none of them: what browsers
/// and programs declare is a guess from the file's name.
fn no_video(content_type: &str) -> Option<&'static str> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    match essence.as_str() {
        // Of `film.ts`, an MPEG transport stream, by programs that know only sources of Qt or TypeScript.
        "text/vnd.trolltech.linguist" | "text/typescript" | "text/x-typescript" => None,
        "audio/mpegurl"
        | "audio/x-mpegurl"
        | "application/x-mpegurl"
        | "application/vnd.apple.mpegurl"
        | "application/dash+xml" => Some("a playlist"),
        "application/pdf" => Some("a PDF document"),
        "application/json"
        | "application/xml"
        | "application/xhtml+xml"
        | "application/javascript" => Some("text"),
        "application/zip"
        | "application/gzip"
        | "application/x-tar"
        | "application/x-7z-compressed"
        | "application/vnd.rar"
        | "application/x-rar-compressed" => Some("an archive"),
        "application/msword" | "application/rtf" => Some("a document"),
        other => match other.split_once('/')? {
            ("image", _) => Some("an image"),
            ("text", _) => Some("text"),
            ("font", _) => Some("a font"),
            ("model", _) => Some("a 3D model"),
            ("message", _) => Some("a message"),
            ("application", office)
                if office.starts_with("vnd.openxmlformats-officedocument")
                    || office.starts_with("vnd.oasis.opendocument")
                    || office.starts_with("vnd.ms-") && office != "vnd.ms-asf" =>
            {
                Some("a document")
            }
            _ => None,
        },
    }
}

fn short<'a>(what: &str, text: &'a str) -> Result<&'a str, Problem> {
    if text.is_empty() || text.len() > MAX_TEXT_BYTES {
        return Err(Problem::invalid(format!(
            "{what} must have 1 to {MAX_TEXT_BYTES} bytes"
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_cannot_be_a_video_are_refused() {
        for refused in [
            "image/png",
            "IMAGE/JPEG",
            "text/html; charset=utf-8",
            "application/pdf",
            "application/zip",
            "application/x-mpegURL",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ] {
            assert!(no_video(refused).is_some(), "{refused}");
        }
        for possible in [
            "video/mp4",
            "video/x-matroska; codecs=avc1",
            "audio/mpeg",
            "application/octet-stream",
            "binary/octet-stream",
            "application/mp4",
            "application/mxf",
            "application/x-matroska",
            "application/ogg",
            "application/vnd.ms-asf",
            "text/vnd.trolltech.linguist",
            "application/x-www-form-urlencoded",
            "nonsense",
            "",
        ] {
            assert_eq!(no_video(possible), None, "{possible}");
        }
    }
}
