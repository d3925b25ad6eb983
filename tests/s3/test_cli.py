"""The AWS command line."""

import os
import pathlib
import subprocess
import sys

import pytest
from conftest import ACCESS_KEY, MIB, REGION, SECRET_KEY


@pytest.fixture
def aws(server, tmp_path):
    # Without this it signs URLs for other endpoints than Amazon's in the old way.
    (tmp_path / "config").write_text("[default]\ns3 =\n  signature_version = s3v4\n")
    environment = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": server.url,
    }
    program = pathlib.Path(sys.executable).with_name("aws")

    def run(*words):
        command = [sys.executable, program, *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_files_are_copied_there_and_back(aws, bucket, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "large").write_bytes(os.urandom(20 * MIB))
    (folder / "small").write_bytes(b"small")
    aws("s3", "cp", "--recursive", str(folder), f"s3://{bucket}/there")
    listed = aws("s3", "ls", f"s3://{bucket}/there/")
    assert [line.split()[-1] for line in listed.splitlines()] == ["large", "small"]
    aws("s3", "mv", f"s3://{bucket}/there/large", f"s3://{bucket}/moved")
    aws("s3", "cp", f"s3://{bucket}/moved", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == (folder / "large").read_bytes()
    aws("s3", "sync", f"s3://{bucket}/there", str(tmp_path / "synced"))
    assert (tmp_path / "synced/small").read_bytes() == b"small"
    aws("s3", "rb", "--force", f"s3://{bucket}")


def test_an_upload_is_made_step_by_step(aws, bucket, tmp_path):
    (tmp_path / "part").write_bytes(b"bytes")
    names = ["--bucket", bucket, "--key", "a"]

    def s3api(operation, query, *words):
        output = aws("s3api", operation, *names, "--query", query, "--output", "text", *words)
        return output.strip()

    upload = ["--upload-id", s3api("create-multipart-upload", "UploadId")]
    body = ["--part-number", "1", "--body", str(tmp_path / "part")]
    etag = s3api("upload-part", "ETag", *upload, *body)
    assert s3api("list-parts", "Parts[0].ETag", *upload) == etag
    parts = f"Parts=[{{PartNumber=1,ETag={etag}}}]"
    s3api("complete-multipart-upload", "ETag", *upload, "--multipart-upload", parts)
    assert s3api("head-object", "ContentLength") == "5"
    url = aws("s3", "presign", f"s3://{bucket}/a").strip()
    assert "X-Amz-Signature=" in url
