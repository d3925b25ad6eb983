"""Runs the whole service for the tests of its HTTP API.

The program is the one that STREAMFORGE names, or else one that is built here:

    python3 -m venv .venv-api
    .venv-api/bin/pip install --require-hashes --requirement tests/api/requirements.txt
    .venv-api/bin/pytest tests/api
"""

import os
import pathlib
import random
import socket
import subprocess
import time

import pytest
import requests

REPOSITORY = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def program():
    """Path of the program."""
    if found := os.environ.get("STREAMFORGE"):
        return found
    build = ["cargo", "build", "--locked", "--package", "streamforge-cli"]
    subprocess.run(build, cwd=REPOSITORY, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return str(target / "debug/streamforge")


@pytest.fixture(scope="session")
def server(program, tmp_path_factory):
    """URL of a running service with data of its own."""
    data = tmp_path_factory.mktemp("data")
    port = free_ports()
    url = f"http://127.0.0.1:{port}"
    with open(data / "log", "wb") as log:
        process = subprocess.Popen(
            [program, "up", "--data", data / "data", "--port", str(port)], stdout=log, stderr=log
        )
    try:
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        try:
            status = process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert status == 0, (data / "log").read_text()


def free_ports():
    """Two ports in a row that are free, of the API and of the files: below those that Linux gives to outgoing connections."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as api, socket.socket() as files:
            try:
                api.bind(("127.0.0.1", port))
                files.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def wait_for(url, process):
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the service ended"
        try:
            if requests.get(f"{url}/api/health", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        assert time.monotonic() < deadline, "the service does not answer"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def description(server):
    """What the service says of its API."""
    return requests.get(f"{server}/api/openapi.json", timeout=10).json()
