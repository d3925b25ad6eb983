"""Runs the embedded S3 and gives tests clients for it.

The server is the program that STREAMFORGE_S3_SERVER names, as `scripts/test` does:

    scripts/setup test
    cargo build --package streamforge-s3 --example serve
    STREAMFORGE_S3_SERVER=target/debug/examples/serve .venv/bin/pytest tests/s3
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import time
import uuid

import boto3
import botocore.config
import botocore.exceptions
import on_localstack
import pytest
import urllib3

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "eu-central-1"
MIB = 1024 * 1024


class Server:
    """A running server with a folder of its own."""

    def __init__(self, program, folder, *options):
        self.program = program
        self.folder = folder
        self.options = options
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "--data", self.folder, "--region", REGION]
            + ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY, *self.options],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self.url = self.process.stdout.readline().strip()
            assert self.url, "the server did not start"
        except BaseException:
            self.kill()
            raise

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            assert self.process.wait(timeout=30) == 0
        finally:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def client(self, access_key=ACCESS_KEY, secret_key=SECRET_KEY, **config):
        config = {
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path"},
            "retries": {"total_max_attempts": 1},
            "read_timeout": 30,
            "max_pool_connections": 40,
            **config,
        }
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=botocore.config.Config(**config),
        )

    def blobs(self):
        """The files that hold bytes of objects."""
        return [path for path in (pathlib.Path(self.folder) / "blobs").rglob("*") if path.is_file()]

    def memory_bytes(self):
        """Most memory the process ever had."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        (peak,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(peak.split()[1]) * 1024


def pytest_addoption(parser):
    parser.addoption("--localstack", metavar="URL", help="test the LocalStack there, not the embedded S3")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--localstack"):
        on_localstack.mark(items)


class LocalStack(Server):
    """One that runs already, and that nobody looks into."""

    def __init__(self, url):
        self.url = url

    def client(self, access_key="test", secret_key="test", **config):
        return super().client(access_key, secret_key, **config)


@pytest.fixture(scope="session")
def program():
    """Path of the server's program. Not built here, where nobody would see why nothing happens for minutes."""
    if found := os.environ.get("STREAMFORGE_S3_SERVER"):
        return found
    pytest.exit("STREAMFORGE_S3_SERVER must name the server's program: see conftest.py", 2)


@pytest.fixture(scope="session")
def server(request):
    """A server that all tests share: each has a bucket of its own."""
    if url := request.config.getoption("--localstack"):
        yield LocalStack(url)
        return
    folder = request.getfixturevalue("tmp_path_factory").mktemp("s3")
    server = Server(request.getfixturevalue("program"), folder)
    yield server
    server.stop()


@pytest.fixture
def own_server(program, tmp_path):
    """Starts servers in the test's own folder."""
    with contextlib.ExitStack() as started:

        def start(*options):
            server = Server(program, tmp_path / "s3", *options)
            started.callback(server.kill)
            return server

        yield start


@pytest.fixture(scope="session")
def s3(server):
    return server.client()


@pytest.fixture
def bucket(s3):
    name = f"test-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


@pytest.fixture(scope="session")
def http():
    """Sends requests as they are."""
    return urllib3.PoolManager(retries=False)


def eventually(condition):
    """Waits until `condition()` holds, for what the server does on its own time."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


@contextlib.contextmanager
def refused(code, status):
    """What is done in here is refused with this code and status."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield caught
    response = caught.value.response
    found = response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
    assert found == (code, status)
