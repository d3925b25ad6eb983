//! What handlers take: paths and bodies that make sense, or a problem.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::problem::Problem;

/// What is in the path. Whatever cannot be one leads to nothing, so it is as unknown as an id that nobody has.
pub(crate) struct Id<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    Path<T>: FromRequestParts<S, Rejection = PathRejection>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::from_request_parts(parts, state).await?;
        Ok(Self(id))
    }
}

/// A body that is a JSON object. By itself, `serde` would take `["Film", null]` for an object with two members as well.
pub(crate) struct Object<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Object<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = <Json<Box<RawValue>> as FromRequest<S>>::from_request(request, state);
        let Json(body) = body.await?;
        object(&body)
    }
}

/// No body, or `null`, is none.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for Object<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let body = <Json<Box<RawValue>> as OptionalFromRequest<S>>::from_request(request, state);
        let body = body.await?.map(|Json(body)| body);
        let body = body.filter(|body| body.get() != "null");
        body.as_deref().map(object).transpose()
    }
}

fn object<T: DeserializeOwned>(body: &RawValue) -> Result<Object<T>, Problem> {
    if !body.get().starts_with('{') {
        return Err(Problem::invalid("the body must be a JSON object"));
    }
    let Json(object) = Json::from_bytes(body.get().as_bytes())?;
    Ok(Object(object))
}
