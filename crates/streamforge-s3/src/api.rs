//! The S3 API over the store: which operations there are, and how requests and answers are translated.
//!
//! Each group of operations has a file; this one lists them for [`s3s`], which parses, authenticates and
//! serialises. What is not here is answered `NotImplemented`.

use std::sync::Arc;

use s3s::dto::{self, Owner};
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::store::Store;

pub(crate) mod access;
mod body;
mod bucket;
mod condition;
mod copy;
mod error;
mod headers;
mod list;
mod object;
mod upload;

/// The operations on one store.
pub(crate) struct Api {
    pub(crate) store: Arc<Store>,
    pub(crate) region: String,
}

/// Who owns everything: there is one account.
fn owner() -> Owner {
    Owner {
        id: Some("streamforge".to_owned()),
        ..Owner::default()
    }
}

macro_rules! operations {
    ($($operation:ident: $input:ident -> $output:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Api {
            $(
                async fn $operation(&self, request: S3Request<dto::$input>) -> S3Result<S3Response<dto::$output>> {
                    Api::$operation(self, request).await
                }
            )*
        }
    };
}

operations! {
    create_bucket: CreateBucketInput -> CreateBucketOutput;
    head_bucket: HeadBucketInput -> HeadBucketOutput;
    list_buckets: ListBucketsInput -> ListBucketsOutput;
    delete_bucket: DeleteBucketInput -> DeleteBucketOutput;
    get_bucket_location: GetBucketLocationInput -> GetBucketLocationOutput;
    get_bucket_cors: GetBucketCorsInput -> GetBucketCorsOutput;
    put_bucket_cors: PutBucketCorsInput -> PutBucketCorsOutput;
    delete_bucket_cors: DeleteBucketCorsInput -> DeleteBucketCorsOutput;
    get_bucket_lifecycle_configuration: GetBucketLifecycleConfigurationInput -> GetBucketLifecycleConfigurationOutput;
    put_bucket_lifecycle_configuration: PutBucketLifecycleConfigurationInput -> PutBucketLifecycleConfigurationOutput;
    delete_bucket_lifecycle: DeleteBucketLifecycleInput -> DeleteBucketLifecycleOutput;

    put_object: PutObjectInput -> PutObjectOutput;
    get_object: GetObjectInput -> GetObjectOutput;
    head_object: HeadObjectInput -> HeadObjectOutput;
    delete_object: DeleteObjectInput -> DeleteObjectOutput;
    delete_objects: DeleteObjectsInput -> DeleteObjectsOutput;
    copy_object: CopyObjectInput -> CopyObjectOutput;
    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output;

    create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput;
    upload_part: UploadPartInput -> UploadPartOutput;
    upload_part_copy: UploadPartCopyInput -> UploadPartCopyOutput;
    list_parts: ListPartsInput -> ListPartsOutput;
    list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput;
    complete_multipart_upload: CompleteMultipartUploadInput -> CompleteMultipartUploadOutput;
    abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput;
}
