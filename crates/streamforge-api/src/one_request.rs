//! A whole file in one request: for small files and simple clients. Nothing can be resumed here; [`crate::uploads`] is for the rest.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use streamforge_aws::clock::now;
use streamforge_aws::error::AwsError;
use streamforge_aws::origin;
use streamforge_aws::video_table::Change;
use streamforge_core::refusal::Refusal;
use streamforge_core::upload::{Upload, UploadStatus};
use streamforge_core::video::Video;
use tracing::Instrument as _;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::Api;
use crate::extract::Id;
use crate::problem::{OfForms, OfPuts, Problem, ProblemKind};
use crate::uploads::announce::{NewUpload, Transfer};
use crate::videos::check_title;
use crate::videos::view::VideoView;

/// Most that S3 takes in one `PUT` ([S3 quotas](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)).
const MAX_BYTES: u64 = 5 << 30;

/// The parts in which we pass a form's file on: one is filled, then sent.
const PART_BYTES: usize = 8 << 20;

/// Longest text in a form, in bytes: more than a title has.
const MAX_TEXT_BYTES: usize = 4096;

/// A client that has begun to send a body gets so far with it before it is told where to send it instead: one that finds the connection
/// closed may not read the answer. curl sends no more than this unasked.
const MAX_UNASKED_BYTES: usize = 2 << 20;

/// How long this may take.
const UNASKED_PATIENCE: Duration = Duration::from_secs(5);

/// A file in a form.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it is only described: forms are read as they come"
)]
struct FileForm {
    /// What the video is to be called; by default as the file.
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    /// The file, with its name; at most 5 GiB.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(put_file)).routes(
        // What comes is limited by what is said of files.
        routes!(post_file).layer(DefaultBodyLimit::disable()),
    )
}

/// Send a file where this points to
///
/// `curl -L -T film.mp4 http://localhost:8080/api/upload/film.mp4` uploads a film: the answer sends the client on to S3. The video is
/// named by `X-Video-Id` and `Link`. At most 5 GiB; on AWS 10 MB, because curl begins to send the file to API Gateway.
#[utoipa::path(
    put,
    path = "/api/upload/{name}",
    operation_id = "putFile",
    tag = "one request",
    params(("name" = String, Path, description = "What the file is called", min_length = 1, max_length = 1024)),
    request_body(content = String, content_type = "application/octet-stream", description = "The file; only its size is looked at here"),
    responses(
        (
            status = 307,
            body = VideoView,
            description = "Send the same request there",
            headers(
                ("location" = String, description = "Takes exactly this many bytes, for an hour"),
                ("x-video-id" = String, description = "Id of the video"),
                ("link" = String, description = "Path of the video, `rel=\"related\"`"),
            )
        ),
        OfPuts,
    )
)]
async fn put_file(
    State(api): State<Api>,
    Id(name): Id<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let redirected = api.redirect(name, &parts.headers).await;
    if !parts.headers.contains_key(header::EXPECT) {
        // One that waits to be asked for it is not asked.
        let _ = tokio::time::timeout(UNASKED_PATIENCE, swallow(body)).await;
    }
    redirected
}

/// Upload a small file as a form
///
/// `curl -F file=@film.mp4 -F title=Holidays http://localhost:8080/api/upload`. The file goes through this service; at most 5 GiB, on AWS
/// about 4 MB, which is what a function takes.
#[utoipa::path(
    post,
    path = "/api/upload",
    operation_id = "postFile",
    tag = "one request",
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = VideoView, headers(("location" = String, description = "Path of the video"))),
        OfForms,
    )
)]
async fn post_file(
    State(api): State<Api>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    let form = form?;
    // That of the file is a little less; what counts is what comes.
    let size_bytes = content_length(&headers).unwrap_or(1).max(1);
    api.refuse_size(size_bytes)?;
    // A client that leaves must not leave half an upload behind: this goes on to its end, whoever listens.
    let receiving = async move { api.receive(form, size_bytes).await };
    let receiving = origin::within(origin::current(), receiving.in_current_span());
    let (api, video) = tokio::spawn(receiving).await.map_err(|err| {
        tracing::error!(error = %err, "receiving a form failed: {err}");
        Problem::new(
            ProblemKind::Unavailable,
            "the file was not stored: try again",
        )
    })??;
    let location = format!("/api/v1/videos/{}", video.id);
    let headers = [(header::LOCATION, location)];
    let view = api.video_view(&video, None);
    Ok((StatusCode::CREATED, headers, Json(view)).into_response())
}

impl Api {
    /// Where a file is to be sent.
    async fn redirect(&self, name: String, headers: &HeaderMap) -> Result<Response, Problem> {
        let Some(size_bytes) = content_length(headers) else {
            return Err(Problem::new(
                ProblemKind::LengthRequired,
                "S3 takes no file whose size it does not know: send a Content-Length, or announce parts at POST /api/v1/uploads",
            ));
        };
        let content_type = headers.get(header::CONTENT_TYPE);
        let new = NewUpload {
            file_name: name,
            size_bytes,
            content_type: content_type
                .and_then(|text| text.to_str().ok())
                .map(str::to_owned),
            ..NewUpload::default()
        };
        new.check()?;
        self.refuse_size(size_bytes)?;
        self.refuse_early(&new)?;
        self.refuse_too_many().await?;
        let upload = self.begin(&new, Transfer::Whole).await?;
        let expires_in = self.config.presign_expiry;
        let signed = self
            .uploads
            .presign_put(&upload.video, size_bytes, expires_in)
            .await?;
        let path = format!("/api/v1/videos/{}", upload.video);
        let headers = [
            (header::LOCATION, signed.url),
            (header::LINK, format!("<{path}>; rel=\"related\"")),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        let video_id = [("x-video-id", upload.video.to_string())];
        let view = self.video_view(&self.video(&upload.video).await?, None);
        Ok((
            StatusCode::TEMPORARY_REDIRECT,
            headers,
            video_id,
            Json(view),
        )
            .into_response())
    }

    fn refuse_size(&self, size_bytes: u64) -> Result<(), Problem> {
        let max = self.config.limits.max_bytes;
        if size_bytes > max {
            let got = size_bytes;
            return Err(Refusal::TooLarge { got, max }.into());
        }
        if size_bytes > MAX_BYTES {
            return Err(Problem::new(
                ProblemKind::TooLargeForOneRequest,
                "one request takes at most 5 GiB: send the file in parts, which can also be resumed, with `streamforge upload` or POST /api/v1/uploads",
            ));
        }
        Ok(())
    }

    /// Stores the file of a form. What is stored of one that breaks off is removed.
    async fn receive(
        self,
        mut form: Multipart,
        announced_bytes: u64,
    ) -> Result<(Self, Video), Problem> {
        let mut upload = None;
        let received = async {
            let title = self.fields(&mut form, announced_bytes, &mut upload).await?;
            let Some(upload) = &upload else {
                return Err(Problem::invalid("the form has no field `file`"));
            };
            self.join_form(upload, title).await
        };
        match received.await {
            Ok(video) => Ok((self, video)),
            Err(problem) => {
                if let Some(upload) = &upload {
                    // One that cannot be given up now expires.
                    let _ = self.give_up(upload).await;
                }
                Err(problem)
            }
        }
    }

    /// Reads a form to its end. Stores its file as the parts of `upload`; returns its title.
    async fn fields(
        &self,
        form: &mut Multipart,
        announced_bytes: u64,
        upload: &mut Option<Upload>,
    ) -> Result<Option<String>, Problem> {
        let mut title = None;
        while let Some(field) = form.next_field().await? {
            match field.name() {
                Some("title") if title.is_none() => {
                    let text = text(field).await?;
                    check_title(&text)?;
                    title = Some(text.trim().to_owned());
                }
                Some("file") if upload.is_none() => {
                    let upload = upload.insert(self.begin_form(&field, announced_bytes).await?);
                    upload.size_bytes = self.pass_on(upload, field).await?;
                }
                other => {
                    return Err(Problem::invalid(format!(
                        "the form has one field `file` and perhaps one field `title`: `{}` is one too many",
                        other.unwrap_or_default()
                    )));
                }
            }
        }
        Ok(title)
    }

    async fn begin_form(&self, file: &Field<'_>, size_bytes: u64) -> Result<Upload, Problem> {
        let new = NewUpload {
            file_name: file.file_name().unwrap_or("file").to_owned(),
            size_bytes,
            content_type: file.content_type().map(str::to_owned),
            ..NewUpload::default()
        };
        new.check()?;
        self.refuse_early(&new)?;
        self.refuse_too_many().await?;
        let part_size_bytes = PART_BYTES as u64;
        self.begin(&new, Transfer::Parts { part_size_bytes }).await
    }

    /// Sends a file on to S3, part by part. Returns its size.
    async fn pass_on(&self, upload: &Upload, mut file: Field<'_>) -> Result<u64, Problem> {
        let s3_upload_id = upload.s3_upload_id.as_deref().unwrap_or_default();
        let mut number = 0;
        let mut send = |part: Bytes| {
            number += 1;
            let video = &upload.video;
            self.uploads.put_part(video, s3_upload_id, number, part)
        };
        let mut total = 0;
        let mut part = BytesMut::new();
        while let Some(mut bytes) = file.chunk().await? {
            total += bytes.len() as u64;
            self.refuse_size(total)?;
            while !bytes.is_empty() {
                part.reserve(PART_BYTES - part.len());
                let fits = bytes.len().min(PART_BYTES - part.len());
                part.extend_from_slice(&bytes.split_to(fits));
                if part.len() == PART_BYTES {
                    send(std::mem::take(&mut part).freeze()).await?;
                }
            }
        }
        if total == 0 {
            return Err(Refusal::Empty.into());
        }
        if !part.is_empty() {
            send(part.freeze()).await?;
        }
        Ok(total)
    }

    /// Writes down what came, then has S3 join it: whoever hears of the file by S3's event finds the right size.
    async fn join_form(&self, upload: &Upload, title: Option<String>) -> Result<Video, Problem> {
        let size_bytes = upload.size_bytes;
        self.table
            .update_upload(&upload.id, |upload| {
                upload.size_bytes = size_bytes;
                Ok::<_, AwsError>(Change::Amend)
            })
            .await?;
        self.table
            .rename(&upload.video, now(), |video| {
                video.size_bytes = size_bytes;
                if let Some(title) = &title {
                    video.title.clone_from(title);
                }
            })
            .await?;
        if self.join(upload, &[], Duration::MAX).await? != UploadStatus::Completed {
            return Err(Problem::new(
                ProblemKind::Unavailable,
                "the file was not stored: try again",
            ));
        }
        self.video(&upload.video).await
    }
}

/// The text of a field.
async fn text(mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(more) = field.chunk().await? {
        bytes.extend_from_slice(&more);
        if bytes.len() > MAX_TEXT_BYTES {
            return Err(Problem::invalid("the title is too long"));
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid("the title is not UTF-8"))
}

/// Reads what is sent unasked.
async fn swallow(body: Body) {
    let mut bytes = body.into_data_stream();
    let mut swallowed = 0;
    while let Some(Ok(some)) = bytes.next().await {
        swallowed += some.len();
        if swallowed > MAX_UNASKED_BYTES {
            break;
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    text.parse().ok()
}
