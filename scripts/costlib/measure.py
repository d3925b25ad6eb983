"""Takes the measurements again that measurements.toml has of the whole ladder."""

import json
import os
import shutil
import subprocess
import time
from statistics import median

import benchlib

from . import layout


def transcode(streamforge, source):
    """One run, one job at a time: CPU-seconds, seconds, and bytes of each track."""
    package = benchlib.WORK / "cost-package"
    shutil.rmtree(package, ignore_errors=True)
    started = time.monotonic()
    process = subprocess.Popen([streamforge, "transcode", source, "-o", package, "--jobs", "1", "--json"], stdout=subprocess.PIPE, text=True)
    events = [json.loads(line) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        benchlib.fail(f"exit code {process.returncode}, last said {events[-1:] or 'nothing'}")
    planned = next(event for event in events if event["event"] == "planned")
    frames, (rate, per) = planned["frames"], planned["frame_rate"]
    size = {
        track: sum(file.stat().st_size for file in (package / folder).glob(pattern))
        for track, folder, pattern in [*((rung, rung, "seg_*") for rung in layout.RUNGS), ("audio", "audio", "seg_*"), ("sheet", "storyboard", "sheet_*")]
    }
    shutil.rmtree(package)
    return {"secs": frames * per / rate, "cpu": usage.ru_utime + usage.ru_stime, "wall": time.monotonic() - started, "bytes": size}


def measure(options):
    """Lines for measurements.toml."""
    streamforge = benchlib.program(options)
    source = options.source.resolve()
    if not source.exists():
        benchlib.fail(f"there is no {source}: scripts/bench --only ladder makes it")
    benchlib.WORK.mkdir(exist_ok=True)
    found = [transcode(streamforge, source) for _ in range(options.repeats)]
    secs = found[0]["secs"]
    about = benchlib.machine("FFmpeg", benchlib.ffmpeg_version())
    lines = [f"# {line}" for line in about]
    lines += [f"ladder_secs = {secs:g}"]
    for what in ("cpu", "wall"):
        values = [run[what] for run in found]
        lines += [f"ladder_{what}_secs = {median(values):.1f}  # {', '.join(f'{value:.1f}' for value in values)}"]
    lines += [
        f"ladder_processors = {len(os.sched_getaffinity(0))}",
        f"source_bytes_per_sec = {source.stat().st_size / secs:.0f}",
    ]
    lines += [f"bytes_{track}_per_sec = {size / secs:.0f}" for track, size in found[0]["bytes"].items()]
    return "\n".join(lines)
