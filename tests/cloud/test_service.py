"""From a file to a stream that plays, by the deployed functions."""

import os
import subprocess

import pytest
import requests
from conftest import ROOT, until


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=10", "-f", "lavfi", "-i", "sine=duration=10",
           "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", path)
    return path.read_bytes()


class Service:
    """The API as API Gateway shows it."""

    def __init__(self, stack, emulator):
        self.url = emulator
        # The emulator knows an API by its host, which no resolver needs to know.
        self.headers = {"Host": stack["ApiUrl"].split("//")[1]}

    def call(self, method, path, **options):
        return requests.request(method, self.url + path, headers=self.headers, timeout=30, allow_redirects=False, **options)

    def announce(self, name, size):
        answer = self.call("POST", "/api/v1/uploads", json={"file_name": name, "size_bytes": size})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def upload(self, name, data):
        """The id of the video."""
        upload = self.announce(name, len(data))
        size = upload["part_size_bytes"]
        for part in upload["part_urls"]:
            start = (part["part_number"] - 1) * size
            sent = requests.put(part["url"], data[start:start + part["size_bytes"]], headers=part["headers"], timeout=60)
            assert sent.ok, sent.text
        done = self.call("POST", f"/api/v1/uploads/{upload['id']}/complete", json={})
        assert done.status_code in (200, 202), done.text
        return upload["video_id"]

    def settled(self, video):
        def found():
            answer = self.call("GET", f"/api/v1/videos/{video}")
            assert answer.ok, answer.text
            return answer.json()["status"] in ("ready", "failed") and answer.json()
        return until(f"video {video}", found)


@pytest.fixture(scope="session")
def service(stack, emulator):
    return Service(stack, emulator)


def test_a_file_becomes_a_stream_that_follows_the_rules(service, stack, s3, clip, tmp_path):
    video = service.upload("clip.mp4", clip)
    ready = service.settled(video)
    assert ready["status"] == "ready", ready

    bucket, prefix = stack["MediaBucket"], f"v/{video}/"
    keys = [found["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for found in page["Contents"]]
    for key in keys:
        path = tmp_path / key.removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(path))
    subprocess.run([os.environ["STREAMFORGE"], "check", tmp_path], check=True, cwd=ROOT)
    head = s3.head_object(Bucket=bucket, Key=f"{prefix}master.m3u8")
    assert head["ContentType"] == "application/vnd.apple.mpegurl"


def test_what_is_no_video_is_refused_with_a_reason(service, stack, s3):
    video = service.upload("notes.mp4", b"a few words\n" * 1000)
    failed = service.settled(video)
    assert failed["failure"]["code"] == "not_video", failed
    assert "Contents" not in s3.list_objects_v2(Bucket=stack["UploadBucket"], Prefix=f"raw/{video}")


def test_a_deleted_video_leaves_nothing(service, stack, s3, clip):
    video = service.upload("clip.mp4", clip)
    assert service.settled(video)["status"] == "ready"
    assert service.call("DELETE", f"/api/v1/videos/{video}").status_code == 204
    assert service.call("GET", f"/api/v1/videos/{video}").status_code == 404

    def is_gone():
        return all("Contents" not in s3.list_objects_v2(Bucket=stack[bucket], Prefix=prefix)
                   for bucket, prefix in [("MediaBucket", f"v/{video}/"), ("UploadBucket", f"raw/{video}")])
    until("the removal", is_gone)


def test_an_url_for_one_file_takes_no_other(service, clip):
    upload = service.announce("clip.mp4", len(clip))
    (part,) = upload["part_urls"]
    elsewhere = part["url"].replace("partNumber=1", "partNumber=2")
    assert requests.put(elsewhere, clip, timeout=60).status_code == 403


def test_nobody_reads_the_buckets_without_a_signature(stack, emulator):
    for bucket in ("MediaBucket", "UploadBucket"):
        assert requests.get(f"{emulator}/{stack[bucket]}/", timeout=10).status_code == 403


def test_health_tells_of_the_queues(service):
    health = service.call("GET", "/api/health")
    assert health.ok, health.text
    assert health.json()["dead_letters"] == 0
