"""What is sent as it happens is what is described. These streams have no end that a tester could wait for."""

import json
import subprocess
import time

import jsonschema_rs
import pytest
import requests


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A video of three seconds."""
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    source = "testsrc2=size=320x240:rate=25:duration=3"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", path]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def is_video(description):
    """Whether something looks as videos are described."""
    schema = {"$ref": "#/components/schemas/Video", "components": description["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


def events(url, seconds=60):
    """The events of a stream until it ends, as pairs of name and data."""
    deadline = time.monotonic() + seconds
    # Something comes every 15 seconds at least.
    with requests.get(url, stream=True, timeout=20) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        fields = {}
        # As bytes: only there is a line what ends with a line feed, whatever else a title has in it.
        for line in response.iter_lines(chunk_size=1):
            assert time.monotonic() < deadline
            name, _, value = line.decode().partition(": ")
            fields[name] = value
            if not line:
                if "data" in fields:
                    yield fields["event"], json.loads(fields["data"])
                fields = {}


def upload(server, clip):
    with open(clip, "rb") as file:
        sent = requests.post(f"{server}/api/upload", files={"file": file}, timeout=30)
    assert sent.status_code == 201
    return sent.json()["id"]


def test_a_video_is_told_until_it_is_ready(server, clip, is_video):
    video = upload(server, clip)
    told = list(events(f"{server}/api/v1/videos/{video}/events"))
    for name, data in told:
        assert name == "video"
        is_video.validate(data)
    percents = [data["progress"]["percent"] for _, data in told if data["progress"]]
    assert percents == sorted(percents)
    assert told[-1][1]["status"] == "ready", told[-1]


def test_all_videos_are_told(server, clip, is_video):
    told = events(f"{server}/api/v1/events")
    video = upload(server, clip)
    states = []
    for name, data in told:
        if data.get("id") != video:
            continue
        if name == "deleted":
            break
        is_video.validate(data)
        states.append(data["status"])
        if data["status"] == "ready":
            requests.delete(f"{server}/api/v1/videos/{video}", timeout=10)
    assert states[-1] == "ready"
