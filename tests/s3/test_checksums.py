"""Checksums: verified, stored, returned."""

import base64
import hashlib
import os
import zlib

import pytest
from conftest import MIB, refused
from test_multipart import PART, Upload, get


def encoded(digest):
    return base64.b64encode(digest).decode()


def crc32(body):
    return encoded(zlib.crc32(body).to_bytes(4, "big"))


BODY = b"123456789"
VALUES = {
    "CRC32": "y/Q5Jg==",
    "CRC32C": "4waSgw==",
    "CRC64NVME": "rosUhgp5mIg=",
    "SHA1": encoded(hashlib.sha1(BODY).digest()),
    "SHA256": encoded(hashlib.sha256(BODY).digest()),
}


@pytest.mark.parametrize("algorithm", VALUES)
def test_a_checksum_is_verified_stored_and_returned(s3, bucket, algorithm):
    name = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="a", Body=BODY, **{name: VALUES[algorithm]})
    assert (put[name], put["ChecksumType"]) == (VALUES[algorithm], "FULL_OBJECT")
    for read in (s3.get_object, s3.head_object):
        found = read(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
        assert (found[name], found["ChecksumType"]) == (VALUES[algorithm], "FULL_OBJECT")
    assert name not in get(s3, bucket, Range="bytes=0-1", ChecksumMode="ENABLED")
    wrong = encoded(bytes(len(base64.b64decode(VALUES[algorithm]))))
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="b", Body=BODY, **{name: wrong})
    with refused("InvalidRequest", 400):
        s3.put_object(Bucket=bucket, Key="b", Body=BODY, **{name: "AAAA"})
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="b")


def test_without_one_crc64nvme_is_computed(server, bucket):
    s3 = server.client(request_checksum_calculation="when_required")
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    found = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert found["ChecksumCRC64NVME"] == VALUES["CRC64NVME"]
    assert "ChecksumCRC64NVME" not in s3.head_object(Bucket=bucket, Key="a")
    upload = Upload(s3, bucket)
    upload.part(1, PART)
    upload.part(2, BODY)
    completed = upload.complete()
    assert completed["ChecksumType"] == "FULL_OBJECT"
    s3.put_object(Bucket=bucket, Key="b", Body=PART + BODY)
    whole = s3.head_object(Bucket=bucket, Key="b", ChecksumMode="ENABLED")
    assert completed["ChecksumCRC64NVME"] == whole["ChecksumCRC64NVME"]


def test_content_md5_is_verified(s3, bucket):
    md5 = encoded(hashlib.md5(BODY).digest())
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, ContentMD5=md5)
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="a", Body=BODY + b"0", ContentMD5=md5)
    with refused("InvalidDigest", 400):
        s3.put_object(Bucket=bucket, Key="a", Body=BODY, ContentMD5="not one")
    upload = Upload(s3, bucket)
    with refused("BadDigest", 400):
        upload.part(1, BODY + b"0", ContentMD5=md5)
    assert "Parts" not in upload.parts()


@pytest.mark.parametrize(
    ("algorithm", "kind", "expected"),
    [
        ("CRC32", "FULL_OBJECT", crc32(PART + BODY)),
        (
            "CRC32",
            "COMPOSITE",
            crc32(b"".join(zlib.crc32(part).to_bytes(4, "big") for part in (PART, BODY))) + "-2",
        ),
        (
            "SHA256",
            "COMPOSITE",
            encoded(
                hashlib.sha256(
                    hashlib.sha256(PART).digest() + hashlib.sha256(BODY).digest()
                ).digest()
            )
            + "-2",
        ),
    ],
)
def test_checksums_of_parts_become_one(s3, bucket, algorithm, kind, expected):
    name = f"Checksum{algorithm}"
    upload = Upload(s3, bucket, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    for number, body in ((1, PART), (2, BODY)):
        upload.part(number, body, ChecksumAlgorithm=algorithm)
    listed = upload.parts()
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == (algorithm, kind)
    named = [{key: part[key] for key in ("PartNumber", "ETag", name)} for part in listed["Parts"]]
    assert named[1][name] == VALUES[algorithm]
    wrong = [{**named[0], name: named[1][name]}, named[1]]
    with refused("InvalidPart", 400):
        upload.complete_from(wrong)
    with refused("BadDigest", 400):
        upload.complete_from(named, **{name: encoded(bytes(4))})
    if kind == "COMPOSITE":
        with refused("InvalidRequest", 400):
            upload.complete()
    completed = upload.complete_from(named, **{name: expected})
    assert (completed[name], completed["ChecksumType"]) == (expected, kind)
    found = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert (found[name], found["ChecksumType"]) == (expected, kind)


def test_only_an_object_with_a_checksum_of_its_own_has_parts_without(server, bucket):
    s3 = server.client(request_checksum_calculation="when_required")
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC32C", ChecksumType="COMPOSITE")
    with refused("InvalidRequest", 400):
        upload.part(1, BODY)
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT")
    upload.part(1, BODY)
    assert upload.complete()["ChecksumType"] == "FULL_OBJECT"


def test_checksums_that_an_upload_cannot_have(s3, bucket):
    for algorithm, kind in (("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")):
        with refused("InvalidRequest", 400):
            Upload(s3, bucket, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    upload = Upload(s3, bucket, ChecksumAlgorithm="SHA256")
    with refused("InvalidRequest", 400):
        upload.part(1, BODY, ChecksumAlgorithm="CRC32")


def test_a_copied_part_has_the_checksum_of_its_upload(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=BODY)
    upload = Upload(s3, bucket, ChecksumAlgorithm="SHA256")
    copied = s3.upload_part_copy(
        PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"}, **upload.names
    )
    assert copied["CopyPartResult"]["ChecksumSHA256"] == VALUES["SHA256"]


def test_a_copy_has_the_checksum_that_is_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumAlgorithm="CRC32")
    source = {"Bucket": bucket, "Key": "a"}
    copy = s3.copy_object(Bucket=bucket, Key="b", CopySource=source)["CopyObjectResult"]
    assert copy["ChecksumCRC32"] == VALUES["CRC32"]
    copy = s3.copy_object(Bucket=bucket, Key="b", CopySource=source, ChecksumAlgorithm="SHA256")
    assert copy["CopyObjectResult"]["ChecksumSHA256"] == VALUES["SHA256"]


def test_two_checksums_are_refused(s3, bucket):
    with refused("InvalidRequest", 400):
        s3.put_object(
            Bucket=bucket,
            Key="a",
            Body=BODY,
            ChecksumCRC32=VALUES["CRC32"],
            ChecksumSHA256=VALUES["SHA256"],
        )


def test_a_large_body_is_verified_as_it_comes(s3, bucket):
    body = os.urandom(9 * MIB)
    checksum = encoded(hashlib.sha256(body).digest())
    s3.put_object(Bucket=bucket, Key="a", Body=body, ChecksumSHA256=checksum)
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="a", Body=body[:-1] + b"\0", ChecksumSHA256=checksum)
