"""Buckets and their settings."""

import subprocess

import pytest
from conftest import REGION, refused


def test_creating_a_bucket_again_is_no_error(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"kept")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"kept"


def test_a_bucket_is_listed_and_has_a_region(s3, bucket):
    assert bucket in [found["Name"] for found in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == REGION
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == REGION


def test_a_bucket_with_objects_is_not_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="a")
    s3.delete_bucket(Bucket=bucket)
    with refused("404", 404):
        s3.head_bucket(Bucket=bucket)


@pytest.mark.parametrize(
    "call",
    [
        lambda s3, bucket: s3.list_objects_v2(Bucket=bucket),
        lambda s3, bucket: s3.put_object(Bucket=bucket, Key="a", Body=b"a"),
        lambda s3, bucket: s3.get_object(Bucket=bucket, Key="a"),
        lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="a"),
        lambda s3, bucket: s3.create_multipart_upload(Bucket=bucket, Key="a"),
        lambda s3, bucket: s3.get_bucket_cors(Bucket=bucket),
        lambda s3, bucket: s3.delete_bucket(Bucket=bucket),
    ],
)
def test_a_bucket_that_is_not_there(s3, call):
    with refused("NoSuchBucket", 404):
        call(s3, "there-is-no-such-bucket")


def test_a_name_no_bucket_can_have_is_refused(s3):
    s3.meta.events.unregister("before-parameter-build.s3", None)
    with refused("InvalidBucketName", 400):
        s3.create_bucket(Bucket="No.Upper-Case")


def test_cors_rules_are_returned_as_they_were_put(s3, bucket):
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)
    rules = [
        {
            "ID": "app",
            "AllowedOrigins": ["https://*.example.com"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 600,
        },
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
    ]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    s3.delete_bucket_cors(Bucket=bucket)
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}, "InvalidRequest"),
        ({"AllowedOrigins": ["*.*"], "AllowedMethods": ["GET"]}, "InvalidRequest"),
        ({"AllowedOrigins": [], "AllowedMethods": ["GET"]}, "MalformedXML"),
    ],
)
def test_cors_rules_that_cannot_be(s3, bucket, rule, code):
    with refused(code, 400):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


RULE = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "temp/"}}


def test_lifecycle_rules_are_returned_as_they_were_put(s3, bucket):
    with refused("NoSuchLifecycleConfiguration", 404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    rules = [
        {
            **RULE,
            "Expiration": {"Days": 3},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with refused("NoSuchLifecycleConfiguration", 404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


@pytest.mark.parametrize(
    ("rule", "code", "status"),
    [
        (RULE, "InvalidRequest", 400),
        ({**RULE, "Expiration": {"Days": 0}}, "InvalidArgument", 400),
        ({**RULE, "Expiration": {"Date": "2030-01-01T00:00:00Z"}}, "NotImplemented", 501),
        (
            {**RULE, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
            "NotImplemented",
            501,
        ),
        (
            {**RULE, "Filter": {"ObjectSizeGreaterThan": 1}, "Expiration": {"Days": 1}},
            "NotImplemented",
            501,
        ),
    ],
)
def test_a_lifecycle_rule_nobody_would_apply_is_refused(s3, bucket, rule, code, status):
    with refused(code, status):
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
        )


def test_lifecycle_rules_are_applied_by_a_sweep(own_server, program):
    server = own_server()
    s3 = server.client()
    s3.create_bucket(Bucket="bucket")
    for key in ("temp/a", "temp/b", "kept"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    for key in ("temp/upload", "kept-upload"):
        upload = s3.create_multipart_upload(Bucket="bucket", Key=key)
        s3.upload_part(
            Bucket="bucket", Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"x"
        )
    rule = {
        **RULE,
        "Expiration": {"Days": 3},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    s3.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration={"Rules": [rule]})
    server.stop()

    def sweep(days):
        command = [program, "--data", server.folder, "--sweep-in-days", str(days)]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    assert sweep(0) == "Swept { objects: 0, uploads: 0 }"
    assert sweep(2) == "Swept { objects: 0, uploads: 1 }"
    assert sweep(4) == "Swept { objects: 2, uploads: 0 }"
    server.start()
    s3 = server.client()
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["kept"]
    uploads = s3.list_multipart_uploads(Bucket="bucket")["Uploads"]
    assert [upload["Key"] for upload in uploads] == ["kept-upload"]
    assert len(server.blobs()) == 2
