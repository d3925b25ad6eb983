"""Uploads in parts."""

import concurrent.futures
import hashlib
import os
import time

import boto3.s3.transfer
import pytest
from conftest import MIB, eventually, refused

PART = os.urandom(5 * MIB)


def etag_of(*parts):
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'


class Upload:
    def __init__(self, s3, bucket, key="a", **options):
        self.s3 = s3
        self.names = {"Bucket": bucket, "Key": key}
        created = s3.create_multipart_upload(**self.names, **options)
        self.names["UploadId"] = created["UploadId"]

    def part(self, number, body, **options):
        return self.s3.upload_part(PartNumber=number, Body=body, **self.names, **options)

    def parts(self, **options):
        return self.s3.list_parts(**self.names, **options)

    def complete(self, *numbers, **options):
        """Completes the upload from these parts, or from all it has."""
        stored = {part["PartNumber"]: part["ETag"] for part in self.parts().get("Parts", [])}
        named = [{"PartNumber": n, "ETag": stored[n]} for n in numbers or stored]
        return self.complete_from(named, **options)

    def complete_from(self, named, **options):
        return self.s3.complete_multipart_upload(
            MultipartUpload={"Parts": named}, **self.names, **options
        )

    def abort(self):
        self.s3.abort_multipart_upload(**self.names)


@pytest.fixture
def upload(s3, bucket):
    return Upload(s3, bucket)


def get(s3, bucket, key="a", **options):
    return s3.get_object(Bucket=bucket, Key=key, **options)


def test_parts_become_one_object(s3, bucket):
    upload = Upload(
        s3, bucket, ContentType="video/mp4", Metadata={"a": "b"}, CacheControl="no-store"
    )
    end = b"end"
    upload.part(9, end)
    upload.part(2, b"replaced")
    assert upload.part(2, PART)["ETag"] == f'"{hashlib.md5(PART).hexdigest()}"'
    with refused("NoSuchKey", 404):
        get(s3, bucket)
    completed = upload.complete()
    assert completed["ETag"] == etag_of(PART, end)
    assert (completed["Bucket"], completed["Key"]) == (bucket, "a")
    found = get(s3, bucket)
    assert found["Body"].read() == PART + end
    assert found["ETag"] == completed["ETag"]
    assert (found["ContentType"], found["Metadata"]) == ("video/mp4", {"a": "b"})
    across = get(s3, bucket, Range=f"bytes={len(PART) - 2}-{len(PART)}")
    assert across["Body"].read() == PART[-2:] + b"e"


def test_parts_are_listed_in_pages(upload):
    for number in (3, 1, 10_000):
        upload.part(number, b"x" * number)
    first = upload.parts(MaxParts=2)
    assert [(p["PartNumber"], p["Size"]) for p in first["Parts"]] == [(1, 1), (3, 3)]
    assert first["Parts"][0]["ETag"] == f'"{hashlib.md5(b"x").hexdigest()}"'
    assert first["IsTruncated"] and first["NextPartNumberMarker"] == 3
    second = upload.parts(PartNumberMarker=3)
    assert [part["PartNumber"] for part in second["Parts"]] == [10_000]
    assert not second["IsTruncated"]


@pytest.mark.parametrize("number", [0, 10_001])
def test_a_part_has_a_number_from_1_to_10000(upload, number):
    with refused("InvalidArgument", 400):
        upload.part(number, b"x")


def test_an_upload_that_cannot_be_completed_stays_as_it_is(s3, bucket, upload):
    one = upload.part(1, b"small")["ETag"]
    two = upload.part(2, b"end")["ETag"]

    def attempt(*named, **options):
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in named]
        upload.complete_from(parts, **options)

    with refused("EntityTooSmall", 400):
        attempt((1, one), (2, two))
    with refused("InvalidPart", 400):
        attempt((1, two))
    with refused("InvalidPart", 400):
        attempt((1, '"not an etag"'))
    with refused("InvalidPart", 400):
        attempt((3, one))
    with refused("InvalidPartOrder", 400):
        attempt((2, two), (1, one))
    with refused("InvalidPartOrder", 400):
        attempt((2, two), (2, two))
    with refused("MalformedXML", 400):
        attempt()
    with refused("InvalidRequest", 400):
        attempt((2, two), MpuObjectSize=4)
    s3.put_object(Bucket=bucket, Key="a", Body=b"in the way")
    with refused("PreconditionFailed", 412):
        attempt((2, two), IfNoneMatch="*")
    assert len(upload.parts()["Parts"]) == 2
    attempt((2, two), MpuObjectSize=3)
    assert get(s3, bucket)["Body"].read() == b"end"


def test_completing_again_gets_the_same_answer(s3, bucket, upload):
    etag = upload.part(1, b"all")["ETag"]
    named = [{"PartNumber": 1, "ETag": etag}]
    first = upload.complete_from(named)
    s3.delete_object(Bucket=bucket, Key="a")
    again = upload.complete_from(named)
    assert again["ETag"] == first["ETag"]
    with refused("NoSuchKey", 404):
        get(s3, bucket)
    for call in (upload.parts, upload.abort, lambda: upload.part(2, b"")):
        with refused("NoSuchUpload", 404):
            call()


def test_an_aborted_upload_is_gone(server, s3, bucket):
    before = len(server.blobs())
    upload = Upload(s3, bucket)
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: upload.part(number, PART), range(1, 9)))
    assert len(server.blobs()) == before + 8
    upload.abort()
    for call in (upload.parts, upload.abort, lambda: upload.part(9, PART)):
        with refused("NoSuchUpload", 404):
            call()
    eventually(lambda: len(server.blobs()) == before)


def test_an_upload_is_of_its_bucket_and_key(s3, bucket, upload):
    upload.part(1, b"x")
    upload.names["Key"] = "another"
    for call in (upload.parts, upload.abort, lambda: upload.part(2, b"x")):
        with refused("NoSuchUpload", 404):
            call()


def test_completions_at_the_same_time_make_one_object(s3, bucket):
    uploads = [Upload(s3, bucket) for _ in range(8)]
    named = [
        [{"PartNumber": 1, "ETag": upload.part(1, bytes([number]))["ETag"]}]
        for number, upload in enumerate(uploads)
    ]

    def complete(upload, parts):
        try:
            return upload.complete_from(parts, IfNoneMatch="*")
        except s3.exceptions.ClientError as err:
            assert err.response["Error"]["Code"] == "PreconditionFailed"

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        winners = [won for won in threads.map(complete, uploads, named) if won]
    assert len(winners) == 1
    assert s3.head_object(Bucket=bucket, Key="a")["ETag"] == winners[0]["ETag"]


def test_a_completion_conflicts_with_a_deletion_since_the_upload_began(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"old")
    upload = Upload(s3, bucket)
    upload.part(1, b"new")
    s3.delete_object(Bucket=bucket, Key="a")
    with refused("ConditionalRequestConflict", 409):
        upload.complete(IfNoneMatch="*")


def test_one_part_of_an_object_is_read(s3, bucket, upload):
    upload.part(1, PART)
    upload.part(2, b"end")
    upload.complete()
    second = get(s3, bucket, PartNumber=2)
    assert second["Body"].read() == b"end"
    assert second["PartsCount"] == 2
    assert second["ContentRange"] == f"bytes {len(PART)}-{len(PART) + 2}/{len(PART) + 3}"
    assert s3.head_object(Bucket=bucket, Key="a", PartNumber=1)["ContentLength"] == len(PART)
    with refused("InvalidPartNumber", 416):
        get(s3, bucket, PartNumber=3)
    with refused("InvalidRequest", 400):
        get(s3, bucket, PartNumber=1, Range="bytes=0-1")
    s3.put_object(Bucket=bucket, Key="b", Body=b"in one piece")
    assert get(s3, bucket, "b", PartNumber=1)["Body"].read() == b"in one piece"


def test_uploads_are_listed_in_pages(s3, bucket):
    names = [
        ("a", Upload(s3, bucket, "a")),
        ("b", Upload(s3, bucket, "b")),
        ("b", Upload(s3, bucket, "b")),
    ]
    Upload(s3, bucket, "c/d")
    expected = [(key, upload.names["UploadId"]) for key, upload in names]
    paginator = s3.get_paginator("list_multipart_uploads")
    pages = paginator.paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
    found, rolled = [], []
    for page in pages:
        found += [(upload["Key"], upload["UploadId"]) for upload in page.get("Uploads", [])]
        rolled += [common["Prefix"] for common in page.get("CommonPrefixes", [])]
    assert sorted(found) == sorted(expected)
    assert rolled == ["c/"]
    only = s3.list_multipart_uploads(Bucket=bucket, Prefix="a")["Uploads"]
    assert [upload["Key"] for upload in only] == ["a"]


def test_parts_are_copied_from_objects(s3, bucket, upload):
    s3.put_object(Bucket=bucket, Key="source ü", Body=PART + b"tail")
    source = {"Bucket": bucket, "Key": "source ü"}

    def copy(number, range=None, **conditions):
        options = {"CopySourceRange": range} if range else {}
        return s3.upload_part_copy(
            PartNumber=number, CopySource=source, **upload.names, **options, **conditions
        )

    copied = copy(1)["CopyPartResult"]
    assert copied["ETag"] == f'"{hashlib.md5(PART + b"tail").hexdigest()}"'
    copied = copy(2, f"bytes={len(PART)}-{len(PART) + 3}")["CopyPartResult"]
    assert copied["ETag"] == f'"{hashlib.md5(b"tail").hexdigest()}"'
    for range in ("bytes=1-", "bytes=-3", "bytes=3-2", "0-1", f"bytes=0-{len(PART) + 4}"):
        with refused("InvalidArgument", 400):
            copy(3, range)
    with refused("InvalidRequest", 400):
        copy(3, f"bytes={len(PART) + 4}-{len(PART) + 5}")
    with refused("PreconditionFailed", 412):
        copy(3, CopySourceIfMatch='"other"')
    s3.delete_object(Bucket=bucket, Key="source ü")
    with refused("NoSuchKey", 404):
        copy(3)
    upload.complete()
    assert get(s3, bucket)["Body"].read() == PART + b"tail" + b"tail"


def test_an_object_in_parts_is_copied_into_one_piece(s3, bucket, upload):
    upload.part(1, PART)
    upload.part(2, b"end")
    upload.complete()
    source = {"Bucket": bucket, "Key": "a"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)["CopyObjectResult"]
    assert copied["ETag"] == f'"{hashlib.md5(PART + b"end").hexdigest()}"'
    assert get(s3, bucket, "copy")["Body"].read() == PART + b"end"


def test_who_reads_an_object_reads_all_of_it_though_it_is_replaced_meanwhile(s3, bucket, upload):
    for number in (1, 2, 3, 4):
        upload.part(number, PART)
    upload.complete()
    stream = get(s3, bucket)["Body"]
    begin = stream.read(1)
    s3.put_object(Bucket=bucket, Key="a", Body=b"another")
    time.sleep(0.1)
    assert begin + stream.read() == PART * 4


def test_a_client_that_cuts_files_by_itself(s3, bucket, tmp_path):
    (tmp_path / "file").write_bytes(os.urandom(33 * MIB))
    transfer = boto3.s3.transfer.TransferConfig(
        multipart_threshold=MIB, multipart_chunksize=5 * MIB
    )
    s3.upload_file(str(tmp_path / "file"), bucket, "a", Config=transfer)
    assert s3.head_object(Bucket=bucket, Key="a")["ETag"].endswith('-7"')
    s3.download_file(bucket, "a", str(tmp_path / "back"), Config=transfer)
    assert (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()


def test_five_gigabytes_are_read_by_ranges_in_little_memory(own_server):
    server = own_server()
    s3 = server.client(request_checksum_calculation="when_required")
    s3.create_bucket(Bucket="bucket")
    block = os.urandom(64 * MIB)
    s3.put_object(Bucket="bucket", Key="block", Body=block)
    upload = Upload(s3, "bucket")
    # The parts share the block's bytes, so this is quick.
    for number in range(1, 81):
        s3.upload_part_copy(
            PartNumber=number, CopySource={"Bucket": "bucket", "Key": "block"}, **upload.names
        )
    upload.complete()
    size = 80 * len(block)
    assert s3.head_object(Bucket="bucket", Key="a")["ContentLength"] == size
    for first in (0, len(block) - 5, 40 * len(block) + 17, size - 10):
        got = get(s3, "bucket", Range=f"bytes={first}-{first + 9}")["Body"].read()
        start = first % len(block)
        assert got == (block + block)[start : start + 10]
    # The end of the whole: its beginning is the same block over and over.
    whole = get(s3, "bucket", Range=f"bytes={72 * len(block)}-")
    for _ in range(8):
        assert whole["Body"].read(len(block)) == block
    assert whole["Body"].read() == b""
    assert server.memory_bytes() < 40 * MIB
    assert len(server.blobs()) == 1
