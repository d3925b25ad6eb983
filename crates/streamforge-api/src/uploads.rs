//! Uploads: announced here, sent straight to S3 by presigned URLs, completed here.
//!
//! What S3 has is the truth. A client that comes back, or another one, asks what is missing and sends only that.

use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::upload_bucket::Completion;
use streamforge_aws::video_table::Change;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::{Lane, Message, QUEUED_CHECK, Task};
use streamforge_core::upload::{Part, Upload, UploadStatus, part_size_bytes, verify};
use streamforge_core::video::{MAX_TITLE_CHARS, Video, VideoStatus, Visibility, title_of};

use crate::problem::Problem;
use crate::videos::rfc3339;
use crate::{Api, OWNER, random};

/// Longest file name, type, fingerprint and idempotency key, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// Part URLs that come with the answer to an announcement.
const FIRST_URLS: usize = 8;

/// Most part URLs of one answer.
const MAX_URLS: usize = 100;

/// How long completing may take before the client is told to ask again: S3 needs minutes for some files.
const COMPLETE_PATIENCE: Duration = Duration::from_millis(1500);

/// Announces a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// What the file is called; for people.
    pub file_name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its MIME type; content decides what it is.
    #[serde(default)]
    pub content_type: Option<String>,
    /// What the video is to be called; by default as the file.
    #[serde(default)]
    pub title: Option<String>,
    /// Who finds the video.
    #[serde(default)]
    pub visibility: Visibility,
    /// What the client knows the file by, such as a hash of name, size and time: the same one leads to the same unfinished upload.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// An upload as clients see it.
#[derive(Clone, Debug, Serialize)]
pub struct UploadView {
    /// Its id: a secret of who uploads.
    pub id: UploadId,
    /// The video it becomes.
    pub video_id: VideoId,
    /// Where it is.
    pub status: UploadStatus,
    /// The announced size.
    pub size_bytes: u64,
    /// Size of every part but the last.
    pub part_size_bytes: u64,
    /// How many parts there are, numbered from 1.
    pub parts: u32,
    /// Those that S3 does not have yet.
    pub missing_parts: Vec<u32>,
    /// When it is given up unless somebody asks for it before.
    pub expires_at: String,
    /// Where to send the first missing parts.
    pub part_urls: Vec<PartUrl>,
}

/// Where one part is to be sent, by `PUT`, with exactly its bytes as the body.
#[derive(Clone, Debug, Serialize)]
pub struct PartUrl {
    /// From 1.
    pub part_number: u32,
    /// Bytes of the part.
    pub size_bytes: u64,
    /// A bearer token until it expires: keep it to yourself.
    pub url: String,
    /// Headers to be sent along.
    pub headers: Vec<(String, String)>,
    /// When it stops working.
    pub expires_at: String,
}

/// Asks for part URLs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedParts {
    /// The parts.
    pub parts: Vec<WantedPart>,
}

/// One wanted part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedPart {
    /// From 1.
    pub part_number: u32,
    /// CRC-32C of its bytes in base 64: S3 then takes no other bytes.
    #[serde(default)]
    pub checksum_crc32c: Option<String>,
}

/// Part URLs.
#[derive(Clone, Debug, Serialize)]
pub struct PartUrls {
    /// In the order they were asked for.
    pub part_urls: Vec<PartUrl>,
}

/// Completes an upload. What the client knows of its parts is checked against what S3 has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompleteUpload {
    /// Checksums of all parts, some or none.
    pub parts: Vec<WantedPart>,
}

/// The routes.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/uploads", post(create))
        .route("/api/v1/uploads/{id}", get(read).delete(abort))
        .route("/api/v1/uploads/{id}/parts", post(parts))
        .route("/api/v1/uploads/{id}/complete", post(complete))
}

async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Json<NewUpload>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(new) = body?;
    new.check()?;
    api.config.limits.admit_size(new.size_bytes)?;
    let idempotency_key = match headers.get("idempotency-key") {
        None => None,
        Some(key) => Some(short("Idempotency-Key", key.to_str().unwrap_or_default())?.to_owned()),
    };
    let claims: Vec<String> = [
        idempotency_key.map(|key| claim("idempotency-key", &[&key])),
        new.fingerprint
            .as_ref()
            .map(|print| claim("fingerprint", &[print, &new.size_bytes.to_string()])),
    ]
    .into_iter()
    .flatten()
    .collect();
    for claim in &claims {
        if let Some(upload) = api.unfinished(claim).await? {
            return Ok((StatusCode::OK, Json(api.view(&upload).await?)).into_response());
        }
    }

    let now = now();
    let mut upload = Upload {
        id: UploadId::from_random(random()),
        video: VideoId::from_random(random()),
        status: UploadStatus::Open,
        size_bytes: new.size_bytes,
        part_size_bytes: part_size_bytes(new.size_bytes),
        file_name: new.file_name.clone(),
        content_type: new.content_type.clone(),
        fingerprint: new.fingerprint.clone(),
        s3_upload_id: None,
        created_at: now,
        expires_at: now.after(api.config.upload_expiry),
    };
    // S3 gives up what is never recorded by itself, after some days.
    upload.s3_upload_id = Some(api.uploads.create_multipart(&upload.video).await?);
    let video = new.video(&upload);
    api.table.create(&upload, &video, upload.expires_at).await?;
    for claim in &claims {
        let winner = api.claim(claim, &upload).await?;
        if let Some(winner) = winner {
            // The same request came twice at once: one of them keeps its upload.
            api.give_up(&upload).await?;
            return Ok((StatusCode::OK, Json(api.view(&winner).await?)).into_response());
        }
    }
    let location = format!("/api/v1/uploads/{}", upload.id);
    let view = api.view(&upload).await?;
    Ok((StatusCode::CREATED, [("location", location)], Json(view)).into_response())
}

async fn read(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<UploadView>, Problem> {
    let upload = api.upload(&id).await?;
    Ok(Json(api.view(&upload).await?))
}

async fn parts(
    State(api): State<Api>,
    Path(id): Path<String>,
    body: Result<Json<WantedParts>, JsonRejection>,
) -> Result<Json<PartUrls>, Problem> {
    let Json(wanted) = body?;
    if wanted.parts.len() > MAX_URLS {
        return Err(Problem::invalid(format!(
            "{} parts were asked for; ask for at most {MAX_URLS} at a time",
            wanted.parts.len()
        )));
    }
    let upload = api.upload(&id).await?;
    if upload.status != UploadStatus::Open {
        return Err(Problem::conflict(
            "upload-state",
            "this upload takes no more parts: it is completed or given up",
        ));
    }
    // Somebody is at it: it may stay.
    let upload = api.extend(upload).await?;
    let part_urls = api.part_urls(&upload, &wanted.parts).await?;
    Ok(Json(PartUrls { part_urls }))
}

async fn complete(
    State(api): State<Api>,
    Path(id): Path<String>,
    body: Option<Json<CompleteUpload>>,
) -> Result<Response, Problem> {
    let announced: Vec<(u32, String)> = body
        .map(|Json(body)| body.parts)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|part| Some((part.part_number, part.checksum_crc32c?)))
        .collect();
    let upload = api.upload(&id).await?;
    match upload.status {
        UploadStatus::Completed => {
            return Ok((StatusCode::OK, Json(api.view(&upload).await?)).into_response());
        }
        UploadStatus::Aborted => {
            return Err(Problem::conflict(
                "upload-state",
                "this upload was given up: announce the file again",
            ));
        }
        UploadStatus::Open | UploadStatus::Completing => {}
    }
    let joining = api.join(&upload, &announced);
    let done = match tokio::time::timeout(COMPLETE_PATIENCE, joining).await {
        Ok(joined) => joined?,
        // S3 goes on; whoever asks again, the event or the reconciler finds the file.
        Err(_) => false,
    };
    let upload = api.upload(&id).await?;
    let status = if done {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(api.view(&upload).await?)).into_response())
}

async fn abort(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let upload = api.upload(&id).await?;
    api.give_up(&upload).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl NewUpload {
    fn check(&self) -> Result<(), Problem> {
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
            ready_at: None,
        }
    }
}

impl Api {
    async fn upload(&self, id: &str) -> Result<Upload, Problem> {
        let Ok(id) = id.parse() else {
            return Err(Problem::not_found("upload"));
        };
        let upload = self.table.upload(&id).await?;
        upload.ok_or_else(|| Problem::not_found("upload"))
    }

    /// The upload that `claim` leads to, while it can still be gone on with.
    async fn unfinished(&self, claim: &str) -> Result<Option<Upload>, Problem> {
        let Some(id) = self.table.claimed(claim).await? else {
            return Ok(None);
        };
        let upload = self.table.upload(&id).await?;
        Ok(upload.filter(|upload| is_unfinished(upload.status)))
    }

    /// Lets `claim` lead to `upload`; gives the upload it leads to already, if that can still be gone on with.
    async fn claim(&self, claim: &str, upload: &Upload) -> Result<Option<Upload>, Problem> {
        let mut instead_of: Option<UploadId> = None;
        loop {
            let instead = instead_of.as_ref();
            let leads_to = self
                .table
                .claim(claim, &upload.id, instead, upload.expires_at)
                .await?;
            if leads_to == upload.id {
                return Ok(None);
            }
            if let Some(other) = self.table.upload(&leads_to).await?
                && is_unfinished(other.status)
            {
                return Ok(Some(other));
            }
            instead_of = Some(leads_to);
        }
    }

    async fn extend(&self, upload: Upload) -> Result<Upload, Problem> {
        let until = now().after(self.config.upload_expiry);
        // Once an hour is enough.
        if until.since(upload.expires_at) < Duration::from_hours(1) {
            return Ok(upload);
        }
        let extended = self
            .table
            .update_upload(&upload.id, |upload| {
                upload.expires_at = until;
                Ok::<_, AwsError>(Change::Write { due: Some(until) })
            })
            .await?;
        Ok(extended.unwrap_or(upload))
    }

    /// The parts S3 has of an open upload.
    async fn there(&self, upload: &Upload) -> Result<Vec<Part>, Problem> {
        let Some(s3_upload_id) = &upload.s3_upload_id else {
            return Ok(Vec::new());
        };
        let parts = self.uploads.list_parts(&upload.video, s3_upload_id).await?;
        Ok(parts.unwrap_or_default())
    }

    async fn view(&self, upload: &Upload) -> Result<UploadView, Problem> {
        let missing_parts = match upload.status {
            UploadStatus::Open => upload.missing(&self.there(upload).await?),
            _ => Vec::new(),
        };
        let wanted: Vec<WantedPart> = missing_parts
            .iter()
            .take(FIRST_URLS)
            .map(|part_number| WantedPart {
                part_number: *part_number,
                checksum_crc32c: None,
            })
            .collect();
        Ok(UploadView {
            id: upload.id.clone(),
            video_id: upload.video.clone(),
            status: upload.status,
            size_bytes: upload.size_bytes,
            part_size_bytes: upload.part_size_bytes,
            parts: upload.parts(),
            missing_parts,
            expires_at: rfc3339(upload.expires_at),
            part_urls: self.part_urls(upload, &wanted).await?,
        })
    }

    async fn part_urls(
        &self,
        upload: &Upload,
        wanted: &[WantedPart],
    ) -> Result<Vec<PartUrl>, Problem> {
        let Some(s3_upload_id) = &upload.s3_upload_id else {
            return Ok(Vec::new());
        };
        let expires_in = self.config.presign_expiry;
        let expires_at = rfc3339(now().after(expires_in));
        try_join_all(wanted.iter().map(async |part| {
            let number = part.part_number;
            let Some(size_bytes) = upload.part_bytes(number) else {
                return Err(Problem::invalid(format!(
                    "there is no part {number}: the parts are 1 to {}",
                    upload.parts()
                )));
            };
            let checksum = part.checksum_crc32c.as_deref();
            let signed = self
                .uploads
                .presign_part(
                    &upload.video,
                    s3_upload_id,
                    number,
                    size_bytes,
                    checksum,
                    expires_in,
                )
                .await?;
            Ok(PartUrl {
                part_number: number,
                size_bytes,
                url: signed.url,
                headers: signed.headers,
                expires_at: expires_at.clone(),
            })
        }))
        .await
    }

    /// Verifies what S3 has and lets it join the parts. `false` when it is not known yet whether it did.
    async fn join(&self, upload: &Upload, announced: &[(u32, String)]) -> Result<bool, Problem> {
        let s3_upload_id = upload.s3_upload_id.as_deref().unwrap_or_default();
        let video = &upload.video;
        if let Some(parts) = self.uploads.list_parts(video, s3_upload_id).await? {
            verify(upload, &parts, announced)?;
            self.completing(upload).await?;
            match self
                .uploads
                .complete_multipart(video, s3_upload_id, parts)
                .await?
            {
                Completion::Done | Completion::NoSuchUpload => {}
                Completion::Refused => {
                    return Err(Problem::conflict(
                        "upload-incomplete",
                        "parts were sent again while the upload was being completed: complete it again",
                    ));
                }
            }
        }
        // It was joined just now, or by an earlier request whose answer was lost.
        let Some(source) = self.uploads.source(video).await? else {
            return Ok(false);
        };
        if source.size_bytes != upload.size_bytes {
            return Err(Problem::conflict(
                "upload-incomplete",
                format!(
                    "{} bytes arrived of {}: announce the file again",
                    source.size_bytes, upload.size_bytes
                ),
            ));
        }
        self.table.arrived(&upload.id, now()).await?;
        let message = Message {
            video: video.clone(),
            task: Task::Ingest,
        };
        // The S3 event asks for the same; whichever comes first does it.
        self.queue.send(Lane::Interactive, &[message]).await?;
        Ok(true)
    }

    async fn completing(&self, upload: &Upload) -> Result<(), Problem> {
        let due = Some(now().after(QUEUED_CHECK));
        self.table
            .update_upload(&upload.id, |upload| {
                upload.status = UploadStatus::Completing;
                Ok::<_, AwsError>(Change::Write { due })
            })
            .await?;
        Ok(())
    }

    /// Ends an upload and its video.
    async fn give_up(&self, upload: &Upload) -> Result<(), Problem> {
        self.table
            .update_upload(&upload.id, |upload| {
                upload.status = UploadStatus::Aborted;
                Ok::<_, AwsError>(Change::Write { due: None })
            })
            .await?;
        if let Some(s3_upload_id) = &upload.s3_upload_id {
            self.uploads
                .abort_multipart(&upload.video, s3_upload_id)
                .await?;
        }
        self.delete_video(&upload.video).await?;
        Ok(())
    }
}

fn is_unfinished(status: UploadStatus) -> bool {
    matches!(status, UploadStatus::Open | UploadStatus::Completing)
}

/// What a claim of this owner is stored under.
fn claim(kind: &str, of: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in [OWNER, kind].iter().chain(of) {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    format!("{:x}", hash.finalize())
}

fn short<'a>(what: &str, text: &'a str) -> Result<&'a str, Problem> {
    if text.is_empty() || text.len() > MAX_TEXT_BYTES {
        return Err(Problem::invalid(format!(
            "{what} must have 1 to {MAX_TEXT_BYTES} bytes"
        )));
    }
    Ok(text)
}

/// Whether a text can be a title.
pub(crate) fn check_title(title: &str) -> Result<(), Problem> {
    let chars = title.trim().chars().count();
    if chars == 0 || chars > MAX_TITLE_CHARS || title.chars().any(char::is_control) {
        return Err(Problem::invalid(format!(
            "a title has 1 to {MAX_TITLE_CHARS} characters and no control characters"
        )));
    }
    Ok(())
}
