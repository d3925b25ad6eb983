"""From a file to a stream that plays, by the deployed functions."""

import re
from urllib.parse import quote, urlsplit

import pytest
import requests
from conftest import check_stream, until

pytestmark = pytest.mark.emulator


def test_a_file_becomes_a_stream_that_follows_the_rules(service, stack, s3, clip, tmp_path):
    video = service.upload("clip.mp4", clip)
    ready = service.settled(video)
    assert ready["status"] == "ready", ready

    check_stream(s3, stack, video, tmp_path)
    master = f"v/{video}/master.m3u8"
    head = s3.head_object(Bucket=stack["MediaBucket"], Key=master)
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


# HTTP APIs hand the path on decoded: what in a name looks like the end of a path is none.
@pytest.mark.parametrize("name", [
    "Férien in Åre", "日本語", "100% wahr", "50%25", "%41", "x%zz", "a+b&c=d;e", "'quoted' \"twice\"",
    "warum? darum", "take #3",
])
def test_a_file_may_be_called_anything(service, name):
    answer = service.call("PUT", f"/api/upload/{quote(name, safe='')}.mp4", data=b"twenty bytes of film")
    assert answer.status_code == 307, answer.text
    assert answer.json()["title"] == name
    sent = requests.put(answer.headers["Location"], b"twenty bytes of film", timeout=30)
    assert sent.ok, sent.text
    # Nothing of the name is part of a key.
    assert re.fullmatch(r"/[a-z0-9-]+/raw/[0-9A-Z]{26}", urlsplit(answer.headers["Location"]).path)
