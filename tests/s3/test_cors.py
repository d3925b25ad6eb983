"""Pages of other origins, by the bucket's rules."""

import pytest

ORIGIN = "https://app.example.com"


@pytest.fixture
def allowed(server, s3, bucket):
    """URL of an object in a bucket with rules."""
    rule = {
        "AllowedOrigins": [ORIGIN],
        "AllowedMethods": ["PUT", "GET"],
        "AllowedHeaders": ["content-type", "x-amz-*"],
        "ExposeHeaders": ["ETag", "x-amz-checksum-crc32"],
        "MaxAgeSeconds": 600,
    }
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    return f"{server.url}/{bucket}/a"


def preflight(http, url, origin=ORIGIN, method="PUT", headers="content-type"):
    asked = {"access-control-request-method": method, "access-control-request-headers": headers}
    if origin:
        asked["origin"] = origin
    return http.request("OPTIONS", url, headers=asked)


def test_a_preflight_is_answered_by_the_rules(http, allowed):
    answer = preflight(http, allowed, headers="Content-Type,x-amz-checksum-crc32")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "PUT, GET"
    allow_headers = answer.headers["access-control-allow-headers"]
    assert allow_headers == "content-type, x-amz-checksum-crc32"
    assert answer.headers["access-control-max-age"] == "600"
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "asked",
    [{"origin": "https://evil.example"}, {"method": "DELETE"}, {"headers": "authorization"}],
)
def test_a_preflight_the_rules_do_not_allow(http, allowed, asked):
    answer = preflight(http, allowed, **asked)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers
    assert b"AccessForbidden" in answer.data


def test_a_preflight_without_rules_or_origin(http, server, bucket, allowed):
    assert preflight(http, f"{server.url}/no-such-bucket/a").status == 403
    assert preflight(http, allowed, origin=None).status == 400


def test_answers_can_be_read_by_the_page_errors_too(http, s3, bucket, allowed):
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a"}, 60)
    tampered = url.replace("X-Amz-Expires=60", "X-Amz-Expires=61")
    for target, status in ((url, 200), (tampered, 403), (allowed, 403)):
        answer = http.request("PUT", target, body=b"bytes", headers={"origin": ORIGIN})
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-expose-headers"] == "ETag, x-amz-checksum-crc32"
        assert "Origin" in answer.headers["vary"]


def test_another_origin_gets_no_such_headers(http, s3, bucket, allowed):
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a"}, 60)
    for headers in ({}, {"origin": "https://evil.example"}):
        answer = http.request("PUT", url, body=b"bytes", headers=headers)
        assert answer.status == 200
        assert "access-control-allow-origin" not in answer.headers
