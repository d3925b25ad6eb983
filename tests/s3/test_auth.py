"""Who may ask: signatures, presigned URLs, and bodies that are not what was signed."""

import hashlib
import hmac
import socket
import time
import urllib.parse

import pytest
from conftest import ACCESS_KEY, MIB, REGION, SECRET_KEY, eventually, refused
from test_checksums import crc32


def code_of(response):
    """The status and the code of an error."""
    text = response.data.decode()
    return response.status, text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture
def url(server, bucket):
    return f"{server.url}/{bucket}/a"


@pytest.fixture
def put_url(s3, bucket):
    return s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a"}, 60)


def test_nobody_is_answered_without_a_signature(server, http, url):
    for method in ("GET", "PUT", "DELETE"):
        assert code_of(http.request(method, url, body=b"")) == (403, "AccessDenied")
    assert code_of(http.request("GET", server.url)) == (403, "AccessDenied")


def test_keys_that_are_not_known(server, bucket):
    with refused("InvalidAccessKeyId", 403):
        server.client(access_key="AKIDOTHER").list_objects_v2(Bucket=bucket)
    with refused("SignatureDoesNotMatch", 403):
        server.client(secret_key="another").list_objects_v2(Bucket=bucket)


def test_a_presigned_url_puts_and_gets(s3, bucket, http, put_url):
    put = http.request("PUT", put_url, body=b"bytes", headers={"content-type": "video/mp4"})
    assert put.status == 200
    assert put.headers["etag"] == f'"{hashlib.md5(b"bytes").hexdigest()}"'
    get_url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a"}, 60)
    got = http.request("GET", get_url, headers={"range": "bytes=1-2"})
    assert (got.status, got.data) == (206, b"yt")
    assert got.headers["content-type"] == "video/mp4"


def test_a_presigned_url_is_for_one_thing_only(s3, bucket, http, put_url):
    other_key = put_url.replace(f"/{bucket}/a?", f"/{bucket}/b?")
    later = put_url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    parts = urllib.parse.urlsplit(put_url)
    more = put_url + "&partNumber=1&uploadId=x"
    for tampered in (other_key, later, more):
        refusal = http.request("PUT", tampered, body=b"bytes")
        assert code_of(refusal) == (403, "SignatureDoesNotMatch")
    assert code_of(http.request("GET", put_url)) == (403, "SignatureDoesNotMatch")
    unsigned = parts._replace(query="").geturl()
    assert code_of(http.request("PUT", unsigned, body=b"bytes")) == (403, "AccessDenied")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="a")


def test_headers_that_are_not_signed_add_nothing_to_a_presigned_url(s3, bucket, http, put_url):
    s3.put_object(Bucket=bucket, Key="secret", Body=b"not theirs")
    part_url = s3.generate_presigned_url(
        "upload_part",
        {
            "Bucket": bucket,
            "Key": "b",
            "PartNumber": 1,
            "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="b")["UploadId"],
        },
        60,
    )
    copy = {"x-amz-copy-source": f"{bucket}/secret", "x-amz-copy-source-range": "bytes=0-3"}
    for url in (part_url, put_url):
        refusal = http.request("PUT", url, headers=copy)
        assert code_of(refusal) == (403, "AccessDenied")
        assert b"not signed" in refusal.data
    metadata = http.request("PUT", put_url, body=b"", headers={"x-amz-meta-a": "b"})
    assert code_of(metadata) == (403, "AccessDenied")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="a")


def test_there_is_one_signature(s3, bucket, http, put_url):
    s3.put_object(Bucket=bucket, Key="secret", Body=b"not theirs")
    copy = {"x-amz-copy-source": f"{bucket}/secret"}
    signed_by_nobody = {"authorization": "AWS4-HMAC-SHA256 SignedHeaders=" + ";".join(copy)}
    refusal = http.request("PUT", put_url, headers=copy | signed_by_nobody)
    assert code_of(refusal) == (400, "InvalidArgument")

    # The signature of the URL moves into the header, with a list before the one that is signed.
    parts = urllib.parse.urlsplit(put_url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    signature = query.pop("X-Amz-Signature")
    moved = {
        "authorization": "SignedHeaders=x-amz-content-sha256;x-amz-date;x-amz-copy-source "
        f"Credential={query['X-Amz-Credential']}, SignedHeaders={query['X-Amz-SignedHeaders']}, Signature={signature}",
        "x-amz-date": query["X-Amz-Date"],
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    }
    unsigned = parts._replace(query=urllib.parse.urlencode(query)).geturl()
    refusal = http.request("PUT", unsigned, headers=copy | moved)
    assert code_of(refusal) == (400, "InvalidArgument")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="a")


def test_a_presigned_url_expires(s3, bucket, http):
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a"}, 1)
    time.sleep(2.1)
    # The client reads the answer though it is still sending: the server takes the rest.
    refusal = http.request("PUT", url, body=bytes(16 * MIB))
    assert code_of(refusal) == (403, "AccessDenied")
    assert b"Request has expired" in refusal.data


def test_a_signed_header_must_be_sent(s3, bucket, http):
    names = {"Bucket": bucket, "Key": "a", "ContentType": "video/mp4"}
    url = s3.generate_presigned_url("put_object", names, 60)
    refusal = http.request("PUT", url, body=b"", headers={"content-type": "text/html"})
    assert code_of(refusal) == (403, "SignatureDoesNotMatch")
    assert http.request("PUT", url, body=b"", headers={"content-type": "video/mp4"}).status == 200


def test_signatures_of_version_2_are_refused(server, bucket, http):
    s3 = server.client(signature_version="s3")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a"}, 60)
    assert code_of(http.request("GET", url)) == (400, "InvalidRequest")


def signed(method, url, headers, date=None):
    """Adds a signature of version 4 over all headers, which say what the body is.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    date = date or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    parts = urllib.parse.urlsplit(url)
    headers = {**headers, "host": parts.netloc, "x-amz-date": date}
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}\n" for name in sorted(headers)]
    request = [method, parts.path, "", "".join(lines), names, headers["x-amz-content-sha256"]]
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    scope = [date[:8], REGION, "s3", "aws4_request"]
    key = f"AWS4{SECRET_KEY}".encode()
    for step in [*scope, "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), digest])]:
        key = hmac.digest(key, step.encode(), "sha256")
    credential = "/".join([ACCESS_KEY, *scope])
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    )
    return headers


def test_a_body_that_was_not_signed_is_refused(s3, bucket, http, url):
    headers = signed("PUT", url, {"x-amz-content-sha256": hashlib.sha256(b"signed").hexdigest()})
    refusal = http.request("PUT", url, body=b"others", headers=headers)
    assert code_of(refusal) == (400, "XAmzContentSHA256Mismatch")
    assert http.request("PUT", url, body=b"signed", headers=headers).status == 200


def chunked(body, chunk, trailer):
    """A body in chunks without signatures, as SDKs send it."""
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailer + b"\r\n"


def put_chunked(http, url, body, sent, **more):
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": str(len(body)),
        "content-encoding": "aws-chunked",
        **more,
    }
    return http.request("PUT", url, body=sent, headers=signed("PUT", url, headers))


@pytest.mark.parametrize("chunk", [64 * 1024, 20 * MIB])
def test_a_checksum_behind_the_body_is_verified(s3, bucket, http, url, chunk):
    body = bytes(range(256)) * (12 * 4096)
    trailer = f"x-amz-checksum-crc32:{crc32(body)}\r\n".encode()
    put = put_chunked(http, url, body, chunked(body, chunk, trailer))
    assert put.status == 200, put.data
    found = s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert found["ChecksumCRC32"] == crc32(body)
    assert "ContentEncoding" not in found
    assert found["Body"].read() == body


def test_a_body_in_chunks_that_is_not_what_it_says(s3, bucket, http, url):
    body = b"bytes"
    trailer = f"x-amz-checksum-crc32:{crc32(body)}\r\n".encode()
    whole = chunked(body, 3, trailer)
    cases = [
        (chunked(b"bytez", 3, trailer), {}, "BadDigest"),
        (chunked(body, 3, b""), {}, "MalformedTrailerError"),
        (chunked(body, 3, b"x-amz-checksum-sha1:AAAA\r\n"), {}, "MalformedTrailerError"),
        (whole, {"x-amz-decoded-content-length": "6"}, "IncompleteBody"),
        (whole, {"x-amz-decoded-content-length": "4"}, "IncompleteBody"),
        (whole[:4], {}, "IncompleteBody"),
        (b"not chunks at all\r\n", {}, "InvalidRequest"),
        (whole, {"x-amz-trailer": "x-amz-checksum-md5"}, "InvalidRequest"),
    ]
    for sent, more, code in cases:
        assert code_of(put_chunked(http, url, body, sent, **more)) == (400, code), (sent, more)
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="a")


def test_a_body_that_is_cut_short_is_never_seen(server, s3, bucket, put_url):
    before = len(server.blobs())
    parts = urllib.parse.urlsplit(put_url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        connection.sendall(f"{head}content-length: {2 * MIB}\r\n\r\n".encode() + bytes(MIB))
        eventually(lambda: len(server.blobs()) == before + 1)
    eventually(lambda: len(server.blobs()) == before)
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="a")


def test_a_body_must_say_its_length(http, put_url):
    refusal = http.request("PUT", put_url, body=iter([b"by", b"tes"]))
    assert code_of(refusal) == (411, "MissingContentLength")


def test_a_request_of_another_time_is_refused(http, url):
    headers = {"x-amz-content-sha256": hashlib.sha256(b"").hexdigest()}
    refusal = http.request("GET", url, headers=signed("GET", url, headers, "20200101T000000Z"))
    assert code_of(refusal) == (403, "RequestTimeTooSkewed")


def test_forms_are_not_taken(server, bucket, http):
    refusal = http.request(
        "POST", f"{server.url}/{bucket}", fields={"key": "a", "file": ("a", b"bytes")}
    )
    assert code_of(refusal) == (501, "NotImplemented")


def test_a_client_may_wait_before_it_sends_the_body(server, put_url):
    parts = urllib.parse.urlsplit(put_url)

    def ask(target):
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            head = f"PUT {target} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
            connection.sendall(f"{head}content-length: 5\r\nexpect: 100-continue\r\n\r\n".encode())
            return connection.recv(4096).lower()

    assert ask(f"{parts.path}?{parts.query}") == b"http/1.1 100 continue\r\n\r\n"
    refusal = ask(parts.path)
    assert refusal.startswith(b"http/1.1 403")
    # Neither side can tell whether what comes next is the body or another request.
    assert b"\r\nconnection: close\r\n" in refusal
