//! Uploads: announced here, sent straight to S3 by presigned URLs, completed here.
//!
//! What S3 has is the truth. A client that comes back, or another one, asks what is missing and sends only that.
//!
//! # Layout
//! - [`announce`]: what is refused before a byte is sent, and which requests mean the same upload. [`view`]: what clients see.
//! - `complete`: the parts become a file. Here: the routes.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::resources::ABORT_MULTIPART_AFTER_DAYS;
use streamforge_aws::video_table::Change;
use streamforge_core::id::UploadId;
use streamforge_core::time::Timestamp;
use streamforge_core::upload::{MAX_PARTS, Upload, UploadStatus};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Id, Object};
use crate::problem::{OfAnnouncements, OfCompletions, OfOne, OfParts, Problem, ProblemKind};
use crate::{Api, schema};

pub mod announce;
mod complete;
pub mod view;

use announce::{Claim, NewUpload, Transfer};
use view::{PartUrls, UploadView};

/// Most part URLs of one answer.
const MAX_URLS: u64 = 100;

/// How long joining the parts may take before the client is told to ask again: S3 needs minutes for some files.
const COMPLETE_PATIENCE: Duration = Duration::from_millis(1500);

/// An upload is extended when it would end this much earlier than it could: once an hour is enough, or four times in its life.
const EXTEND_BY: Duration = Duration::from_hours(1);

/// Asks for part URLs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedParts {
    /// The parts.
    #[schema(max_items = 100)]
    pub parts: Vec<WantedPart>,
}

/// One wanted part.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedPart {
    /// From 1.
    #[schema(minimum = 1, maximum = 10_000)]
    pub part_number: u32,
    /// CRC-32C of its bytes in base 64: S3 then takes no other bytes.
    #[serde(default)]
    #[schema(example = "4waSgw==")]
    pub checksum_crc32c: Option<String>,
}

/// Completes an upload. What the client knows of its parts is checked against what S3 has.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteUpload {
    /// Checksums of all parts, some or none.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    pub parts: Vec<WantedPart>,
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(read, abort))
        .routes(routes!(parts))
        .routes(routes!(complete))
}

/// Announces a file
///
/// The answer says where to send its first parts. The same fingerprint leads to the same upload while that is unfinished, the same
/// idempotency key also afterwards; such an answer has status 200.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    operation_id = "createUpload",
    tag = "uploads",
    params((
        "idempotency-key" = Option<String>, Header, max_length = 1024, min_length = 1,
        description = "Names this request: sent again with the same key, it makes no second upload"
    )),
    request_body = NewUpload,
    responses(
        (status = 201, body = UploadView, headers(("location" = String, description = "Path of the upload"))),
        (status = 200, body = UploadView, description = "It was announced before"),
        OfAnnouncements,
    )
)]
async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    Object(new): Object<NewUpload>,
) -> Result<Response, Problem> {
    new.check()?;
    api.refuse_early(&new)?;
    let claims = Claim::of(&new, &headers)?;
    for claim in &claims {
        if let Some(upload) = api.claimed(claim).await? {
            let view = api.view(&upload).await?;
            // Else S3 has lost it: it begins anew.
            if view.status != UploadStatus::Aborted {
                return Ok((StatusCode::OK, Json(view)).into_response());
            }
        }
    }
    api.refuse_too_many().await?;
    let upload = api.begin(&new, Transfer::parts_of(new.size_bytes)).await?;
    for claim in &claims {
        if let Some(winner) = api.claim(claim, &upload).await? {
            // The same request came twice at once: one of them keeps its upload.
            api.give_up(&upload).await?;
            return Ok((StatusCode::OK, Json(api.view(&winner).await?)).into_response());
        }
    }
    let location = format!("/api/v1/uploads/{}", upload.id);
    let view = api.view(&upload).await?;
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, Json(view)).into_response())
}

/// What S3 has of a file
///
/// Ask this after a crash, or on another device, and send what is missing.
#[utoipa::path(
    get,
    path = "/api/v1/uploads/{id}",
    operation_id = "getUpload",
    tag = "uploads",
    params(("id" = schema::Id, Path)),
    responses((status = 200, body = UploadView), OfOne)
)]
async fn read(State(api): State<Api>, Id(id): Id<UploadId>) -> Result<Json<UploadView>, Problem> {
    let upload = api.upload(&id).await?;
    Ok(Json(api.view(&upload).await?))
}

/// Where to send parts
///
/// Asked for again, a part gets a fresh URL. Asking keeps the upload from expiring.
#[utoipa::path(
    post,
    path = "/api/v1/uploads/{id}/parts",
    operation_id = "createPartUrls",
    tag = "uploads",
    params(("id" = schema::Id, Path)),
    request_body = WantedParts,
    responses((status = 200, body = PartUrls), OfParts)
)]
async fn parts(
    State(api): State<Api>,
    Id(id): Id<UploadId>,
    Object(wanted): Object<WantedParts>,
) -> Result<Json<PartUrls>, Problem> {
    check(&wanted.parts, MAX_URLS)?;
    let upload = api.look_at_upload(&id).await?;
    if upload.status != UploadStatus::Open {
        return Err(Problem::new(
            ProblemKind::UploadState,
            "this upload takes no more parts: it is completed or given up",
        ));
    }
    // Somebody is at it: it may stay.
    api.extend(&upload).await?;
    let part_urls = api.part_urls(&upload, &wanted.parts).await?;
    Ok(Json(PartUrls { part_urls }))
}

/// All parts are sent
///
/// They are checked against what S3 has, and joined. Completing it again is harmless. 202 says that S3 is still joining them: ask
/// again, or just wait for the video.
#[utoipa::path(
    post,
    path = "/api/v1/uploads/{id}/complete",
    operation_id = "completeUpload",
    tag = "uploads",
    params(("id" = schema::Id, Path)),
    request_body = Option<CompleteUpload>,
    responses(
        (status = 200, body = UploadView, description = "The file is there, and its video is queued"),
        (status = 202, body = UploadView, description = "S3 is joining the parts"),
        OfCompletions,
    )
)]
async fn complete(
    State(api): State<Api>,
    Id(id): Id<UploadId>,
    body: Option<Object<CompleteUpload>>,
) -> Result<(StatusCode, Json<UploadView>), Problem> {
    let parts = body.map(|Object(body)| body.parts).unwrap_or_default();
    // Also of an upload that is completed already, where they are not looked at.
    check(&parts, MAX_PARTS)?;
    let announced: Vec<(u32, String)> = parts
        .into_iter()
        .filter_map(|part| Some((part.part_number, part.checksum_crc32c?)))
        .collect();
    let upload = api.upload(&id).await?;
    match upload.status {
        UploadStatus::Completed => return Ok((StatusCode::OK, Json(api.view(&upload).await?))),
        UploadStatus::Aborted => {
            return Err(given_up());
        }
        UploadStatus::Open | UploadStatus::Completing => {}
    }
    let joined = api.join(&upload, &announced, COMPLETE_PATIENCE).await;
    api.looks.forget_upload(&id).await;
    let status = joined?;
    let code = match status {
        UploadStatus::Completed => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    let upload = Upload { status, ..upload };
    Ok((code, Json(api.view(&upload).await?)))
}

/// Whether `parts` are what a client may name: at most `most`, with checksums and with numbers that S3 has.
fn check(parts: &[WantedPart], most: u64) -> Result<(), Problem> {
    if parts.len() as u64 > most {
        return Err(Problem::invalid(format!(
            "{} parts were named; name at most {most} at a time",
            parts.len()
        )));
    }
    let is_crc32c = |checksum: &String| {
        let digits = checksum.strip_suffix("==").unwrap_or_default();
        digits.len() == 6
            && digits
                .bytes()
                .all(|digit| digit.is_ascii_alphanumeric() || b"+/".contains(&digit))
    };
    if let Some(part) = parts
        .iter()
        .find(|part| !part.checksum_crc32c.as_ref().is_none_or(is_crc32c))
    {
        return Err(Problem::invalid(format!(
            "checksum_crc32c of part {} is not four bytes in base 64, such as 4waSgw==",
            part.part_number
        )));
    }
    let numbers = 1..=MAX_PARTS;
    match parts
        .iter()
        .find(|part| !numbers.contains(&part.part_number.into()))
    {
        None => Ok(()),
        Some(part) => Err(Problem::invalid(format!(
            "there is no part {}: parts are numbered from 1 to {MAX_PARTS}",
            part.part_number
        ))),
    }
}

/// Gives an upload up
///
/// Its video, whatever became of it, is removed with it.
#[utoipa::path(
    delete,
    path = "/api/v1/uploads/{id}",
    operation_id = "deleteUpload",
    tag = "uploads",
    params(("id" = schema::Id, Path)),
    responses((status = 204, description = "It is gone"), OfOne)
)]
async fn abort(State(api): State<Api>, Id(id): Id<UploadId>) -> Result<StatusCode, Problem> {
    let upload = api.upload(&id).await?;
    let given_up = api.give_up(&upload).await;
    api.looks.forget_upload(&id).await;
    given_up?;
    Ok(StatusCode::NO_CONTENT)
}

impl Api {
    async fn upload(&self, id: &UploadId) -> Result<Upload, Problem> {
        let upload = self.table.upload(id).await?;
        upload.ok_or_else(|| Problem::not_found("upload"))
    }

    /// Lets it live longer, if that is worth a write; not longer than S3 does.
    async fn extend(&self, upload: &Upload) -> Result<(), Problem> {
        let until = now().after(self.config.upload_expiry).min(lost_at(upload));
        if until.since(upload.expires_at) < EXTEND_BY.min(self.config.upload_expiry / 4) {
            return Ok(());
        }
        self.table
            .update_upload(&upload.id, |upload| {
                if !upload.status.is_unfinished() {
                    return Ok::<_, AwsError>(Change::Keep);
                }
                upload.expires_at = until;
                Ok(Change::Write { due: Some(until) })
            })
            .await?;
        Ok(())
    }
}

/// Nothing more can come of an upload.
fn given_up() -> Problem {
    Problem::new(
        ProblemKind::UploadState,
        "this upload was given up: announce the file again",
    )
}

/// When S3 removes what has arrived, however much more time an upload was given.
fn lost_at(upload: &Upload) -> Timestamp {
    let days = u64::from(ABORT_MULTIPART_AFTER_DAYS.unsigned_abs());
    upload.created_at.after(Duration::from_hours(24 * days))
}
