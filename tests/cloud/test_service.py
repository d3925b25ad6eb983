"""From a file to a stream that plays, by the deployed functions."""

import json
import re
import struct
import subprocess
from urllib.parse import quote, urlsplit

import pytest
import requests
from conftest import check_stream, client, ffmpeg, until

pytestmark = pytest.mark.emulator


def test_a_file_becomes_a_stream_that_follows_the_rules(service, stack, s3, clip, tmp_path):
    video = service.upload("clip.mp4", clip)
    ready = service.settled(video)
    assert ready["status"] == "ready", ready

    check_stream(s3, stack, video, tmp_path)
    master = f"v/{video}/master.m3u8"
    head = s3.head_object(Bucket=stack["MediaBucket"], Key=master)
    assert head["ContentType"] == "application/vnd.apple.mpegurl"


X264 = "-c:v libx264 -preset ultrafast -bf 2 -c:a aac"
CONTAINERS = {
    "a.mp4": (X264, 125),
    "a.mov": (X264, 125),
    "a.mkv": (X264, 125),
    "a.ts": (X264, 125),
    "a.webm": ("-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus", 125),
    # The encoder's delay is a frame that is not there, and is shown by repeating the first one.
    "a.avi": ("-c:v mpeg4 -c:a libmp3lame", 126),
}


def test_files_of_every_container_become_streams_that_play(service, stack, s3, tmp_path):
    source = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=5 -f lavfi -i sine=duration=5"
    videos = {}
    for name, (codecs, _) in CONTAINERS.items():
        ffmpeg(*source.split(), *codecs.split(), tmp_path / name)
        videos[name] = service.upload(name, (tmp_path / name).read_bytes())
    for name, video in videos.items():
        ready = service.settled(video)
        assert ready["status"] == "ready", f"{name}: {ready}"
        stream = tmp_path / f"{name} as HLS"
        check_stream(s3, stack, video, stream)
        assert frames_played(stream / "master.m3u8") == CONTAINERS[name][1], name


def frames_played(playlist):
    """Frames that a player finds in the first variant of a stream, without a complaint."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", playlist, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framecrc", "-"]
    played = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not played.stderr, played.stderr
    return sum(line.startswith("0,") for line in played.stdout.splitlines())


def test_an_upload_goes_on_where_it_stopped(service, clip):
    # A box in which nothing stands makes it two parts.
    empty = 12 << 20
    film = clip + struct.pack(">I4s", empty, b"free") + bytes(empty - 8)
    announcement = {"file_name": "film.mp4", "size_bytes": len(film), "fingerprint": "film.mp4 1"}

    def announce():
        answer = service.call("POST", "/api/v1/uploads", json=announcement)
        assert answer.ok, answer.text
        return answer.json()

    upload = announce()
    path = f"/api/v1/uploads/{upload['id']}"
    size = upload["part_size_bytes"]
    assert upload["parts"] == 2

    def send(part):
        start = (part["part_number"] - 1) * size
        sent = requests.put(part["url"], film[start:start + size], headers=part["headers"], timeout=60)
        assert sent.ok, sent.text

    send(upload["part_urls"][0])
    early = service.call("POST", f"{path}/complete", json={})
    assert (early.status_code, early.json()["type"]) == (409, "/problems/upload-incomplete"), early.text
    # On another device, which has nothing but the file.
    assert announce()["id"] == upload["id"]
    assert service.call("GET", path).json()["missing_parts"] == [2]
    (part,) = service.call("POST", f"{path}/parts", json={"parts": [{"part_number": 2}]}).json()["part_urls"]
    send(part)
    for _ in range(2):
        done = service.call("POST", f"{path}/complete", json={})
        assert done.status_code in (200, 202), done.text
    ready = service.settled(upload["video_id"])
    assert (ready["status"], ready["size_bytes"]) == ("ready", len(film)), ready


def test_what_is_too_large_is_refused_before_a_byte_is_sent(service):
    refused = service.call("POST", "/api/v1/uploads", json={"file_name": "film.mp4", "size_bytes": 1 << 50})
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/too_large"), refused.text


def test_an_event_that_comes_twice_changes_nothing(service, stack, s3, aws, clip):
    video = service.upload("clip.mp4", clip)
    ready = service.settled(video)
    assert ready["status"] == "ready", ready

    def objects():
        listed = s3.list_objects_v2(Bucket=stack["MediaBucket"], Prefix=f"v/{video}/")
        return {found["Key"]: (found["ETag"], found["LastModified"]) for found in listed["Contents"]}

    before = objects()
    record = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": "ObjectCreated:CompleteMultipartUpload",
        "s3": {"bucket": {"name": stack["UploadBucket"]}, "object": {"key": f"raw/{video}", "size": len(clip)}},
    }
    functions = client("lambda", aws)
    ingest = next(found["FunctionName"] for found in functions.list_functions()["Functions"] if "Ingest" in found["FunctionName"])
    for _ in range(2):
        answer = functions.invoke(FunctionName=ingest, Payload=json.dumps({"Records": [record]}))
        assert "FunctionError" not in answer, answer["Payload"].read()
    assert service.settled(video)["status"] == "ready"
    assert objects() == before


def test_a_video_is_listed_renamed_and_not_tried_again_without_need(service, clip):
    video = service.upload("clip.mp4", clip)
    assert service.settled(video)["status"] == "ready"
    renamed = service.call("PATCH", f"/api/v1/videos/{video}", json={"title": "Two words"})
    assert renamed.json()["title"] == "Two words"
    listed = service.call("GET", "/api/v1/videos", params={"status": "ready", "limit": 200}).json()["videos"]
    assert {"id": video, "title": "Two words"} in [{name: found[name] for name in ("id", "title")} for found in listed]
    again = service.call("POST", f"/api/v1/videos/{video}/retry", json={})
    assert again.status_code == 409, again.text


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
