"""The examples of docs/API.md work as they are written."""

import re
import shutil
import subprocess

import pytest
import requests
from conftest import REPOSITORY


@pytest.mark.skipif(shutil.which("jq") is None, reason="the examples need jq")
def test_the_examples_upload_a_film_in_three_ways_and_watch_it(server, tmp_path):
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2", "-c:v", "libx264"]
    subprocess.run(["ffmpeg", "-v", "error", *source, tmp_path / "film.mp4"], check=True)
    # The film goes on for a while, so that it has several parts.
    with open(tmp_path / "film.mp4", "ab") as film:
        film.truncate(21_000_000)

    text = (REPOSITORY / "docs/API.md").read_text()
    examples = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    script = "\n".join(examples).replace("http://localhost:8080", server)
    assert server in script
    script = "set -euo pipefail\n" + script
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert '"status": "completed"' in run.stdout, run.stdout
    assert '"status":"ready"' in run.stdout, run.stdout

    videos = requests.get(f"{server}/api/v1/videos", timeout=10).json()["videos"]
    ours = [video for video in videos if video["size_bytes"] == 21_000_000]
    assert sorted(video["title"] for video in ours) == ["Holidays", "film", "film"]
