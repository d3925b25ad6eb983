//! How the types of the core look in the description of the API: the core knows of no such thing.

use std::borrow::Cow;

use streamforge_core::video::VideoStatus;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// One of some words.
fn words(description: &str, words: Vec<&'static str>) -> RefOr<Schema> {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words));
    RefOr::T(schema.into())
}

/// An object with one number and nothing else.
fn one_number(name: &str) -> Schema {
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property(name, number)
        .required(name)
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .into()
}

macro_rules! schema_of {
    ($($(#[$doc:meta])* $name:ident as $shown:literal = $schema:expr;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    $shown.into()
                }
            }
        )+
    };
}

schema_of! {
    /// [`streamforge_core::id::VideoId`] and [`streamforge_core::id::UploadId`].
    Id as "Id" = RefOr::T(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("128 random bits in Crockford's base 32: who knows it may use it"))
            .pattern(Some("^[0-7][0-9A-HJKMNP-TV-Z]{25}$"))
            .examples(["01JD2Q4ZK8M3T9V7XN5RWB6CEH"])
            .into(),
    );
    /// [`streamforge_core::plan::Job`].
    Job as "Job" = RefOr::T(
        OneOfBuilder::new()
            .description(Some("A job: the chunk of this index, of the pictures or of the sound"))
            .item(one_number("video"))
            .item(one_number("audio"))
            .into(),
    );
    /// [`streamforge_core::video::VideoStatus`]; one that is being removed is never shown.
    Status as "VideoStatus" = words(
        "Where a video is",
        VideoStatus::ALL
            .iter()
            .filter(|status| **status != VideoStatus::Deleting)
            .map(|status| status.as_str())
            .collect(),
    );
    /// [`streamforge_core::video::Visibility`].
    Visibility as "Visibility" = words("Who finds a video; who has its link can watch it either way", vec!["unlisted", "public"]);
    /// [`streamforge_core::upload::UploadStatus`].
    UploadStatus as "UploadStatus" = words("Where an upload is", vec!["open", "completing", "completed", "aborted"]);
}
