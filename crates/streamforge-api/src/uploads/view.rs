//! An upload as clients see it, and where they send its parts.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde::Serialize;
use streamforge_aws::clock::now;
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::upload::{Part, Upload, UploadStatus};
use utoipa::ToSchema;

use super::WantedPart;
use crate::problem::Problem;
use crate::videos::rfc3339;
use crate::{Api, schema};

/// Part URLs that come with the view of an upload.
const FIRST_URLS: usize = 8;

/// An upload as clients see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub struct UploadView {
    /// Its id: a secret of who uploads.
    #[schema(value_type = schema::Id)]
    pub id: UploadId,
    /// The video it becomes.
    #[schema(value_type = schema::Id)]
    pub video_id: VideoId,
    /// Where it is.
    #[schema(value_type = schema::UploadStatus)]
    pub status: UploadStatus,
    /// The announced size.
    pub size_bytes: u64,
    /// Size of every part but the last.
    pub part_size_bytes: u64,
    /// How many parts there are, numbered from 1.
    pub parts: u32,
    /// Those that S3 does not have yet.
    pub missing_parts: Vec<u32>,
    /// When it is given up unless somebody asks for part URLs before.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// Where to send the first missing parts, eight at most.
    pub part_urls: Vec<PartUrl>,
}

/// Where one part is to be sent, by `PUT`, with exactly its bytes as the body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartUrl {
    /// From 1.
    pub part_number: u32,
    /// Bytes of the part.
    pub size_bytes: u64,
    /// A bearer token until it expires: keep it to yourself.
    pub url: String,
    /// Headers to be sent along.
    pub headers: BTreeMap<String, String>,
    /// When it stops working.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// Part URLs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartUrls {
    /// In the order they were asked for.
    pub part_urls: Vec<PartUrl>,
}

impl Api {
    pub(super) async fn view(&self, upload: &Upload) -> Result<UploadView, Problem> {
        let mut status = upload.status;
        let mut missing_parts = Vec::new();
        if status == UploadStatus::Open {
            match self.there(upload).await? {
                Some(parts) => missing_parts = upload.missing(&parts),
                None if self.is_lost(upload).await? => {
                    self.give_up(upload).await?;
                    status = UploadStatus::Aborted;
                }
                // They have been joined meanwhile.
                None => status = UploadStatus::Completing,
            }
        }
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
            status,
            size_bytes: upload.size_bytes,
            part_size_bytes: upload.part_size_bytes,
            parts: upload.parts(),
            missing_parts,
            expires_at: rfc3339(upload.expires_at),
            part_urls: self.part_urls(upload, &wanted).await?,
        })
    }

    /// The parts S3 has of an open upload; none when it knows no such upload.
    async fn there(&self, upload: &Upload) -> Result<Option<Vec<Part>>, Problem> {
        let Some(s3_upload_id) = &upload.s3_upload_id else {
            return Ok(Some(Vec::new()));
        };
        Ok(self.uploads.list_parts(&upload.video, s3_upload_id).await?)
    }

    pub(super) async fn part_urls(
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
                headers: signed.headers.into_iter().collect(),
                expires_at: expires_at.clone(),
            })
        }))
        .await
    }
}
