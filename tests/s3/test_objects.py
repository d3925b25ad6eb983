"""Objects in one piece: writing, reading, conditions, listing, copying."""

import concurrent.futures
import datetime
import hashlib
import os

import botocore.exceptions
import pytest
from conftest import MIB, refused

STORED = {
    "ContentType": "text/plain; charset=utf-8",
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="a.txt"',
    "ContentEncoding": "gzip",
    "ContentLanguage": "de",
    "Metadata": {"colour": "blue", "empty": ""},
}


def keys(page):
    return [found["Key"] for found in page.get("Contents", [])]


@pytest.mark.parametrize("size", [0, 1, 8192, 3 * MIB + 1])
def test_an_object_is_returned_as_it_was_put(s3, bucket, size):
    body = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="a", Body=body)
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a")
    assert got["Body"].read() == body
    assert got["ContentLength"] == size
    assert got["ContentType"] == "binary/octet-stream"
    assert got["AcceptRanges"] == "bytes"
    assert got["ETag"] == put["ETag"]
    age = datetime.datetime.now(datetime.timezone.utc) - got["LastModified"]
    assert datetime.timedelta(0) <= age < datetime.timedelta(seconds=30)


@pytest.mark.parametrize(
    "key", ["a b", "ü/ß", "a+b&c=d?e#f", "%41", "a//b", "../a", "'\"<>", "x" * 1024]
)
def test_any_key_names_an_object(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"here")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"here"
    assert keys(s3.list_objects_v2(Bucket=bucket)) == [key]


def test_a_key_that_is_too_long_is_refused(s3, bucket):
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=bucket, Key="x" * 1025, Body=b"")


def test_headers_and_metadata_are_kept(s3, bucket):
    s3.put_object(
        Bucket=bucket, Key="a", Body=b"a", Expires="Wed, 21 Oct 2026 07:28:00 GMT", **STORED
    )
    for found in (s3.get_object(Bucket=bucket, Key="a"), s3.head_object(Bucket=bucket, Key="a")):
        assert {name: found[name] for name in STORED} == STORED
        assert found["ExpiresString"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    s3.put_object(Bucket=bucket, Key="a", Body=b"b")
    assert "CacheControl" not in s3.head_object(Bucket=bucket, Key="a")


def test_too_much_metadata_is_refused(s3, bucket):
    with refused("MetadataTooLarge", 400):
        s3.put_object(Bucket=bucket, Key="a", Metadata={"a": "x" * 2048})


def test_a_reader_can_override_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"a", **STORED)
    got = s3.get_object(
        Bucket=bucket,
        Key="a",
        ResponseContentType="video/mp4",
        ResponseContentDisposition="inline",
        ResponseCacheControl="no-store",
    )
    assert got["ContentType"] == "video/mp4"
    assert got["ContentDisposition"] == "inline"
    assert got["CacheControl"] == "no-store"


BYTES = bytes(range(256)) * 4096


@pytest.mark.parametrize(
    ("range", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=1048570-", 1048570, 1048575),
        ("bytes=1048570-9999999", 1048570, 1048575),
        ("bytes=-7", 1048569, 1048575),
        ("bytes=-9999999", 0, 1048575),
        ("bytes=262143-524288", 262143, 524288),
    ],
)
def test_a_range(s3, bucket, range, first, last):
    s3.put_object(Bucket=bucket, Key="a", Body=BYTES)
    got = s3.get_object(Bucket=bucket, Key="a", Range=range)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"] == f"bytes {first}-{last}/{len(BYTES)}"
    assert got["Body"].read() == BYTES[first : last + 1]
    head = s3.head_object(Bucket=bucket, Key="a", Range=range)
    assert head["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert head["ContentLength"] == last - first + 1


@pytest.mark.parametrize(
    ("size", "range"), [(10, "bytes=10-"), (10, "bytes=-0"), (0, "bytes=0-"), (0, "bytes=-1")]
)
def test_a_range_outside_the_object(s3, bucket, size, range):
    s3.put_object(Bucket=bucket, Key="a", Body=bytes(size))
    with refused("InvalidRange", 416) as caught:
        s3.get_object(Bucket=bucket, Key="a", Range=range)
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-range"] == f"bytes */{size}"


def test_what_is_not_there(s3, bucket):
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="a")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="a")
    s3.delete_object(Bucket=bucket, Key="a")


@pytest.mark.parametrize("read", ["get_object", "head_object"])
def test_conditions_on_reading(s3, bucket, read):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["ETag"]
    found = getattr(s3, read)(Bucket=bucket, Key="a")
    modified = found["LastModified"]
    before = modified - datetime.timedelta(seconds=1)
    failed = "412" if read == "head_object" else "PreconditionFailed"

    def ask(**conditions):
        return getattr(s3, read)(Bucket=bucket, Key="a", **conditions)

    ask(IfMatch=etag)
    ask(IfMatch="*")
    ask(IfNoneMatch='"other"')
    ask(IfModifiedSince=before)
    ask(IfUnmodifiedSince=modified)
    # The entity tag counts, not the time.
    ask(IfMatch=etag, IfUnmodifiedSince=before)
    ask(IfNoneMatch='"other"', IfModifiedSince=modified)
    for condition in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": before}):
        with refused(failed, 412):
            ask(**condition)
    for condition in (
        {"IfNoneMatch": etag},
        {"IfNoneMatch": "*"},
        {"IfModifiedSince": modified},
        {"IfNoneMatch": etag, "IfModifiedSince": before},
    ):
        with refused("304", 304) as caught:
            ask(**condition)
        assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag


def test_conditions_on_writing(s3, bucket):
    def put(body, **conditions):
        return s3.put_object(Bucket=bucket, Key="a", Body=body, **conditions)

    with refused("NoSuchKey", 404):
        put(b"0", IfMatch='"0"')
    first = put(b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", 412):
        put(b"2", IfNoneMatch="*")
    put(b"3", IfMatch=first)
    with refused("PreconditionFailed", 412):
        put(b"4", IfMatch=first)
    with refused("NotImplemented", 501):
        put(b"5", IfNoneMatch=first)
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="a", IfMatch=first)
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"3"


def test_of_many_who_write_where_nothing_is_one_succeeds(s3, bucket):
    def put(number):
        try:
            return s3.put_object(Bucket=bucket, Key="a", Body=str(number), IfNoneMatch="*")
        except botocore.exceptions.ClientError as err:
            assert err.response["Error"]["Code"] == "PreconditionFailed"

    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        winners = [put for put in threads.map(put, range(40)) if put]
    assert len(winners) == 1
    assert s3.head_object(Bucket=bucket, Key="a")["ETag"] == winners[0]["ETag"]


def test_several_keys_are_deleted_at_once(s3, bucket):
    for key in ("a", "b", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    objects = [{"Key": "a"}, {"Key": "c"}, {"Key": "never there"}]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})["Deleted"]
    assert [found["Key"] for found in deleted] == ["a", "c", "never there"]
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["b"]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert "Deleted" not in quiet
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}] * 1001})


def test_a_listing_has_pages_prefixes_and_delimiters(s3, bucket):
    names = ["a.txt", "b/1", "b/2", "c d/ü", "d", "e/f/g"]
    for key in names:
        s3.put_object(Bucket=bucket, Key=key, Body=b"12")
    paginator = s3.get_paginator("list_objects_v2")
    pages = list(paginator.paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}))
    assert [page["KeyCount"] for page in pages] == [2, 2, 2]
    assert [key for page in pages for key in keys(page)] == names
    assert keys(s3.list_objects_v2(Bucket=bucket, Prefix="b/")) == ["b/1", "b/2"]
    assert keys(s3.list_objects_v2(Bucket=bucket, StartAfter="b/1")) == names[2:]
    rolled = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert keys(rolled) == ["a.txt", "d"]
    assert [found["Prefix"] for found in rolled["CommonPrefixes"]] == ["b/", "c d/", "e/"]
    inside = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="e/")
    assert [found["Prefix"] for found in inside["CommonPrefixes"]] == ["e/f/"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    found = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]
    assert (found["Size"], found["StorageClass"]) == (2, "STANDARD")
    assert found["ETag"] == f'"{hashlib.md5(b"12").hexdigest()}"'
    assert found["Owner"]["ID"]
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="not one")


def test_a_listing_is_in_the_order_of_bytes(s3, bucket):
    names = ["Z", "a", "a-", "a/", "a0", "ä", "\U0001f600", "\uffff"]
    for key in names:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == sorted(names, key=str.encode)


def test_a_copy_has_the_bytes_and_what_else_is_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="ä b", Body=b"bytes", **STORED)
    source = {"Bucket": bucket, "Key": "ä b"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"bytes").hexdigest()}"'
    found = s3.get_object(Bucket=bucket, Key="copy")
    assert found["Body"].read() == b"bytes"
    assert {name: found[name] for name in STORED} == STORED
    s3.copy_object(
        Bucket=bucket,
        Key="ä b",
        CopySource=source,
        MetadataDirective="REPLACE",
        ContentType="video/mp4",
    )
    found = s3.get_object(Bucket=bucket, Key="ä b")
    assert found["ContentType"] == "video/mp4"
    assert "CacheControl" not in found
    s3.delete_object(Bucket=bucket, Key="ä b")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"bytes"


def test_a_copy_that_cannot_be(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["ETag"]

    def copy(key="a", to="b", **conditions):
        source = {"Bucket": bucket, "Key": key}
        return s3.copy_object(Bucket=bucket, Key=to, CopySource=source, **conditions)

    with refused("NoSuchKey", 404):
        copy(key="none")
    with refused("InvalidRequest", 400):
        copy(to="a")
    with refused("PreconditionFailed", 412):
        copy(CopySourceIfMatch='"other"')
    with refused("PreconditionFailed", 412):
        copy(CopySourceIfNoneMatch=etag)
    copy(CopySourceIfMatch=etag)


@pytest.mark.parametrize(
    "unsupported",
    [
        {"Tagging": "a=b"},
        {"ServerSideEncryption": "AES256"},
        {"StorageClass": "GLACIER"},
        {"ACL": "public-read"},
        {"WebsiteRedirectLocation": "/b"},
    ],
)
def test_what_is_not_done_is_refused(s3, bucket, unsupported):
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="a", Body=b"a", **unsupported)
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="a")


def test_what_cannot_be_done_under_a_condition_is_not_done_without(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["ETag"]
    s3.put_object(Bucket=bucket, Key="b", Body=b"b")
    for condition in ({"ETag": etag}, {"VersionId": "1"}):
        with refused("NotImplemented", 501):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"} | condition]})
    with refused("NotImplemented", 501):
        s3.delete_object(Bucket=bucket, Key="b", IfMatch="*")
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": etag}):
        with refused("NotImplemented", 501):
            source = {"Bucket": bucket, "Key": "a"}
            s3.copy_object(Bucket=bucket, Key="b", CopySource=source, **condition)
    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"b"
