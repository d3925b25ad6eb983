"""What the benchmarks share: the program, a running service, and rows of a table."""

import http.client
import json
import os
import platform
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "bench-out"

FFMPEG = ["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y"]

PATIENCE_SECS = 900
POLL_SECS = 0.02


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(why):
    sys.exit(f"{Path(sys.argv[0]).name}: {why}")


def need(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        packages = ["nginx-light" if tool == "nginx" else tool for tool in missing]
        fail(f"there is no {', '.join(missing)}: apt-get install {' '.join(packages)}")


def add_options(parser, repeats="runs of each"):
    """The options of every benchmark."""
    parser.add_argument("--repeats", type=int, default=5, help=f"{repeats} (default: %(default)s)")
    parser.add_argument("--streamforge", type=Path, help="measure this program instead of building one")


def program(options):
    """The program to measure."""
    if options.streamforge is None:
        subprocess.check_call(["cargo", "build", "--locked", "--release", "--package", "streamforge-cli"], cwd=ROOT)
        options.streamforge = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "streamforge"
    return options.streamforge.resolve()


def machine(tool, version):
    """Where a benchmark runs, and beside which version of which tool."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    commit = subprocess.check_output(["git", "describe", "--always", "--dirty"], text=True, cwd=ROOT).strip()
    return [
        f"{len(os.sched_getaffinity(0))} × {model}, Linux {platform.release()}",
        f"{tool} {version}, streamforge {commit}",
        f"load when it started: {os.getloadavg()[0]:.2f}",
    ]


def ffmpeg_version():
    return subprocess.check_output(["ffmpeg", "-version"], text=True).split()[2]


def in_turns(repeats, runs):
    """Runs all of them so many times, each time in the other order, so that what drifts on the machine hits every one. What each
    returned, by name."""
    results = {name: [] for name in runs}
    for repeat in range(repeats):
        for name in runs if repeat % 2 == 0 else reversed(runs):
            results[name].append(runs[name]())
        last = ", ".join(f"{name} {values[-1]}" for name, values in results.items())
        say(f"  {repeat + 1}/{repeats}: {last}")
    return results


def ratios(ours, theirs):
    return [a / b for a, b in zip(ours, theirs)]


def spread(values, unit="", digits=2):
    values = list(values)
    return f"{median(values):.{digits}f}{unit} ({min(values):.{digits}f} – {max(values):.{digits}f})"


def row(what, ours, beside, values, target, unit="", digits=2, at_least=False):
    """A line of the table: what was measured, ours, what is beside it, and the values that are to reach the target."""
    met = median(values) >= target if at_least else median(values) <= target
    sign = "≥" if at_least else "≤"
    return [what, ours, beside, spread(values, unit, digits), f"{sign} {target}{unit}", "met" if met else "**missed**"]


def print_table(about, rows, beside, note):
    command = shlex.join([f"scripts/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    print(f"`{command}`, {note}, values: median (least – most)\n")
    print("\n".join(f"- {line}" for line in about), end="\n\n")
    print(f"| what | streamforge | {beside} | ratio or value | target | verdict |")
    print("| --- | --- | --- | --- | --- | --- |")
    for cells in rows:
        print(f"| {' | '.join(cells)} |")


def children(pid):
    """Every process that comes of this one."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            found = (thread / "children").read_text().split()
        except FileNotFoundError:
            continue  # It has ended since.
        for child in found:
            yield child
            yield from children(child)


def free_ports(count):
    """The first of so many ports in a row that nobody listens on."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except (OSError, OverflowError):
            continue


def fetch(url, method="GET", body=None, headers=None):
    """An answer and its body."""
    parsed = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parsed.netloc)
    target = f"{parsed.path}?{parsed.query}" if parsed.query else parsed.path
    connection.request(method, target, body, headers or {})
    response = connection.getresponse()
    answer = response.read()
    if response.status >= 300:
        fail(f"{method} {url}: {response.status} {answer.decode(errors='replace')}")
    return response, answer


def until(what, question, patience_secs=PATIENCE_SECS, poll_secs=POLL_SECS):
    """Asks until the answer is true."""
    deadline = time.monotonic() + patience_secs
    while time.monotonic() < deadline:
        try:
            if answer := question():
                return answer
        except ConnectionError:
            pass
        time.sleep(poll_secs)
    fail(f"gave up waiting for {what}")


def stop(process):
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Service:
    """`streamforge up` on a new folder."""

    def __init__(self, streamforge):
        WORK.mkdir(exist_ok=True)
        self.data = Path(tempfile.mkdtemp(prefix="service-", dir=WORK))
        port = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        command = [streamforge, "up", "--data", self.data, "--port", str(port)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ | {"STREAMFORGE_LOG": "off"})
        until("the service", lambda: self.call("GET", "/api/health"), 30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)
        shutil.rmtree(self.data)

    def call(self, method, path, body=None):
        """What the API answers."""
        body = None if body is None else json.dumps(body)
        _, answer = fetch(self.url + path, method, body, {"content-type": "application/json"})
        return json.loads(answer) if answer else None

    def announce(self, file):
        return self.call("POST", "/api/v1/uploads", {"file_name": file.name, "size_bytes": file.stat().st_size})

    def part_urls(self, upload):
        """Where to send each part, in order."""
        urls = []
        for first in range(1, upload["parts"] + 1, 100):
            numbers = range(first, min(first + 100, upload["parts"] + 1))
            wanted = {"parts": [{"part_number": number} for number in numbers]}
            urls += self.call("POST", f"/api/v1/uploads/{upload['id']}/parts", wanted)["part_urls"]
        return urls

    def complete(self, upload):
        while self.call("POST", f"/api/v1/uploads/{upload['id']}/complete", {})["status"] != "completed":
            pass

    def upload(self, file):
        """Sends a file. The id of its video, and when the upload was answered to be complete."""
        upload = self.announce(file)
        with file.open("rb") as source:
            for part in self.part_urls(upload):
                fetch(part["url"], "PUT", source.read(part["size_bytes"]))
        # Writing gigabytes to the disk takes the processors too, and is not what is measured.
        os.sync()
        self.complete(upload)
        return upload["video_id"], time.monotonic()

    def until(self, video, wanted, poll_secs=POLL_SECS):
        """The video, once it is as wanted."""
        def found():
            video_now = self.call("GET", f"/api/v1/videos/{video}")
            if video_now["status"] == "failed":
                fail(f"the video failed: {video_now['failure']}")
            return wanted(video_now) and video_now
        return until("the video", found, poll_secs=poll_secs)

    def delete(self, video):
        """Removes a video with its files, and waits until FFmpeg works on it no more and the disk has forgotten it."""
        self.call("DELETE", f"/api/v1/videos/{video}")

        def is_gone():
            files = self.data.glob("s3/blobs/**/*")
            return not any(children(self.process.pid)) and not any(
                file.is_file() and file.stat().st_size > 1 << 20 for file in files)
        until("the end of the video", is_gone)
        os.sync()
