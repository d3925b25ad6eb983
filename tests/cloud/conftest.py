"""The service as `sam deploy` makes it, on MiniStack: an emulator of AWS that runs the real programs of the functions."""

import ipaddress
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import docker
import pytest
import requests
import tomlkit

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts"))

from emulated import EMULATED_LAMBDA, emulated  # noqa: E402

BUILT = ROOT / ".aws-sam" / "build"
STACK = "streamforge"
PATIENCE_SECS = 120

# The image as `sam build` makes it, with nothing of an emulator in it.
TRANSCODE = "transcode:latest"

# How many file descriptors and processes, and how many bytes in /tmp
# (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
LAMBDA_NOFILE = 1024
LAMBDA_NPROC = 1024
LAMBDA_TMP_BYTES = 512 << 20

# One of the users that Lambda has for sandboxes: not the one that the image names, and not in any file of it.
LAMBDA_USER = "993:990"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, question, patience_secs=PATIENCE_SECS):
    """Asks until the answer is true."""
    deadline = time.monotonic() + patience_secs
    while time.monotonic() < deadline:
        try:
            if answer := question():
                return answer
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"gave up waiting for {what}")


class Stopped:
    """A process that is stopped in the end."""

    def __init__(self, command, log, **options):
        self.log = log
        self.process = subprocess.Popen(command, stdout=log.open("w"), stderr=subprocess.STDOUT, **options)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Bridge:
    """Takes connections of containers to the loopback interface, where nobody else can reach what listens."""

    def __init__(self, address, port):
        self.port = port
        self.listener = socket.create_server((address, port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                inner, _ = self.listener.accept()
            except OSError:
                return
            outer = socket.create_connection(("127.0.0.1", self.port))
            for source, target in [(inner, outer), (outer, inner)]:
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    @staticmethod
    def _pump(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


class Environment:
    """What Lambda calls an execution environment, with one instance of the image of Transcode in it: nothing to write to but /tmp, no
    rights, so much memory, so much time."""

    def __init__(self, containers, variables, memory_mb=3008, timeout_secs=900):
        self.container = containers.containers.run(
            TRANSCODE, ["/bootstrap"], entrypoint=["/lambda"], detach=True, user=LAMBDA_USER, read_only=True,
            tmpfs={"/tmp": f"size={LAMBDA_TMP_BYTES},mode=1777"}, cap_drop=["ALL"], security_opt=["no-new-privileges"],
            mem_limit=f"{memory_mb}m", memswap_limit=f"{memory_mb}m", pids_limit=LAMBDA_NPROC,
            ulimits=[docker.types.Ulimit(name="nofile", soft=LAMBDA_NOFILE, hard=LAMBDA_NOFILE)],
            volumes={str(EMULATED_LAMBDA): {"bind": "/lambda", "mode": "ro"}},
            environment=variables | {
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "us-east-1",
                "AWS_LAMBDA_FUNCTION_NAME": "Transcode",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_secs),
            },
        )
        self.container.reload()
        self.url = f"http://{self.container.attrs['NetworkSettings']['IPAddress']}:8080"

    def __enter__(self):
        def listens():
            # It answers what it knows nothing of.
            return requests.get(self.url, timeout=5).status_code == 404
        until("Lambda's emulator", listens)
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log())
        self.container.remove(force=True)

    def log(self):
        return self.container.logs().decode(errors="replace")

    def invoke(self, event):
        answer = requests.post(f"{self.url}/2015-03-31/functions/function/invocations", json=event, timeout=300)
        assert answer.ok, answer.text
        return answer.json()

    def commands(self):
        """What runs in it."""
        top = self.container.top(ps_args="-o pid,args")
        return [process[top["Titles"].index("COMMAND")] for process in top["Processes"]]


def host_of_containers(containers):
    """The address of this machine for containers."""
    (network,) = containers.networks.get("bridge").attrs["IPAM"]["Config"]
    # A daemon that has just made the network tells none: it is the first address.
    return network.get("Gateway") or str(ipaddress.ip_network(network["Subnet"])[1])


@pytest.fixture(scope="session")
def containers():
    """Docker."""
    return docker.from_env()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory, containers):
    """The URL of MiniStack."""
    folder = tmp_path_factory.mktemp("emulator")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # Only what it is told: it and the functions shall not find the credentials of whoever runs this.
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": url,
        "IOT_MTLS_ENABLED": "0",
        # Each function may do what its role says, and no more; signed URLs expire.
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    log = folder / "log"
    bridge = Bridge(host_of_containers(containers), port)
    with Stopped([sys.executable, "-m", "ministack"], log, env=environment, cwd=folder) as process:
        try:
            until("MiniStack", lambda: process.poll() is None and requests.get(f"{url}/_ministack/health", timeout=5).ok)
            yield url
        finally:
            bridge.close()
            print(f"MiniStack's log: {log}", file=sys.stderr)


@pytest.fixture(scope="session")
def bridged(emulator, containers):
    """The URL of MiniStack for containers."""
    return emulator.replace("127.0.0.1", host_of_containers(containers))


@pytest.fixture(scope="session")
def aws(emulator):
    """The environment in which AWS's own tools talk to the emulator."""
    return os.environ | {
        "AWS_ENDPOINT_URL": emulator,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """What `sam build` made, as the emulator runs it: zips as processes of this machine."""
    return emulated(BUILT, tmp_path_factory.mktemp("built") / "build", ROOT / "target" / "ffmpeg" / "bin")


@pytest.fixture(scope="session")
def stack(aws, template):
    """The outputs of the deployed stack."""
    settings = tomlkit.parse((ROOT / "samconfig.toml").read_text())["local"]["deploy"]["parameters"]
    # That much of CloudFront the emulator has.
    parameters = settings["parameter_overrides"].replace("Cdn=false", "Cdn=true")
    command = [
        "sam", "deploy", "--config-env", "local", "--config-file", str(ROOT / "samconfig.toml"),
        "--template-file", str(template), "--no-progressbar", "--parameter-overrides", *parameters.split(),
    ]
    done = subprocess.run(command, env=aws, cwd=template.parent, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    described = client("cloudformation", aws).describe_stacks(StackName=STACK)
    yield {output["OutputKey"]: output["OutputValue"] for output in described["Stacks"][0]["Outputs"]}
    for line in logged(client("logs", aws)):
        if '"level":"WARN"' in line or '"level":"ERROR"' in line:
            print(line, file=sys.stderr)


def logged(logs):
    """What the functions wrote."""
    for group in logs.describe_log_groups()["logGroups"]:
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]:
            yield event["message"].strip()


def client(service, aws):
    return boto3.client(
        service, endpoint_url=aws["AWS_ENDPOINT_URL"], region_name=aws["AWS_REGION"],
        aws_access_key_id=aws["AWS_ACCESS_KEY_ID"], aws_secret_access_key=aws["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="session")
def s3(aws):
    return client("s3", aws)


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


class Cdn:
    """CloudFront, which the emulator knows by its host. Viewers come by TLS, which ends before the emulator."""

    def __init__(self, stack, emulator):
        self.url = emulator
        self.host = stack["Url"].removeprefix("https://")

    def ask(self, path, method="GET", scheme="https", **headers):
        headers = {"Host": self.host, "X-Forwarded-Proto": scheme, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return requests.request(method, self.url + path, headers=headers, timeout=30, allow_redirects=False)


@pytest.fixture(scope="session")
def cdn(stack, emulator):
    return Cdn(stack, emulator)


def check_stream(s3, stack, video, folder):
    """Holds the stream of a video against the rules of HLS, and Apple's."""
    bucket, prefix = stack["MediaBucket"], f"v/{video}/"
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page["Contents"]:
            path = folder / found["Key"].removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, found["Key"], str(path))
    subprocess.run([os.environ["STREAMFORGE"], "check", folder], check=True, cwd=ROOT)
