"""Streams as CloudFront delivers them. The emulator has origins, access control, behaviours and headers; it caches nothing."""

import pytest
from conftest import PATIENCE_SECS, until

pytestmark = pytest.mark.emulator

PAGE = {"Origin": "https://video.example.com"}
YEAR_SECS = 31_536_000


@pytest.fixture(scope="module")
def video(service, clip):
    video = service.upload("clip.mp4", clip)
    ready = service.settled(video)
    assert ready["status"] == "ready", ready
    return ready


@pytest.fixture(scope="module")
def folder(video):
    return f"/v/{video['id']}"


@pytest.fixture(scope="module")
def segment(cdn, folder):
    """The path of one."""
    master = cdn.ask(f"{folder}/master.m3u8").text.splitlines()
    playlist = next(line for line in master if line.endswith(".m3u8"))
    media = cdn.ask(f"{folder}/{playlist}").text.splitlines()
    return f"{folder}/{playlist.rpartition('/')[0]}/{next(line for line in media if line.endswith('.m4s'))}"


def test_the_url_that_the_api_tells_is_delivered(cdn, video):
    answer = cdn.ask(video["playback_url"])
    assert answer.status_code == 200
    assert answer.text.startswith("#EXTM3U")
    assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"


def test_a_range_is_a_part_of_the_whole(cdn, segment):
    whole = cdn.ask(segment)
    part = cdn.ask(segment, Range="bytes=10-19")
    assert (whole.status_code, part.status_code) == (200, 206)
    assert part.content == whole.content[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole.content)}"
    assert cdn.ask(segment, "HEAD").headers["Content-Length"] == str(len(whole.content))
    assert cdn.ask(segment, If_None_Match=whole.headers["ETag"]).status_code == 304


def test_segments_are_kept_and_playlists_are_not(cdn, folder, segment):
    assert cdn.ask(segment).headers["Cache-Control"] == f"public, max-age={YEAR_SECS}, immutable"
    assert cdn.ask(f"{folder}/master.m3u8").headers["Cache-Control"] == "public, max-age=300"


def test_players_on_every_page_may_read_streams(cdn, segment):
    answer = cdn.ask(segment, **PAGE)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_browsers_are_told_to_take_streams_for_what_they_say_and_to_come_by_tls(cdn, segment):
    headers = cdn.ask(segment).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Strict-Transport-Security"] == f"max-age={YEAR_SECS}"
    plain = cdn.ask(segment, scheme="http")
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://{cdn.host}{segment}")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_nobody_writes(cdn, segment, method):
    assert cdn.ask(segment, method).status_code == 403
    assert cdn.ask(segment).status_code == 200


def test_nothing_else_of_the_buckets_is_delivered(cdn, folder, stack, s3):
    key = "beside/of-the-streams"
    s3.put_object(Bucket=stack["MediaBucket"], Key=key, Body=b"not for viewers")
    for path in ("/v/", "/v", f"{folder}/", f"/{key}", f"/v/../{key}", f"/v/%2e%2e/{key}", f"/raw/{folder.rpartition('/')[2]}"):
        assert cdn.ask(path).status_code in (400, 403, 404), path


def test_a_removed_video_is_not_delivered(cdn, service, clip):
    video = service.upload("clip.mp4", clip)
    path = service.settled(video)["playback_url"]
    assert cdn.ask(path).status_code == 200
    assert service.call("DELETE", f"/api/v1/videos/{video}").status_code == 204
    until("the removal", lambda: cdn.ask(path).status_code in (403, 404), PATIENCE_SECS)
