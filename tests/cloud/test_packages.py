"""What `sam build` made, as it is."""

import io
import os
import re
import subprocess
import zipfile

import pytest
from conftest import BUILT, ROOT

# Of Amazon Linux 2023, where zips run (https://docs.aws.amazon.com/linux/al2023/ug/libc.html). The image has its own C library.
LAMBDA_GLIBC = (2, 34)

# What a cold start fetches: docs/BENCHMARKS.md.
ZIP_LIMIT_BYTES = 4_000_000

PROGRAMS = sorted(BUILT.glob("*/bootstrap"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.parent.name)
def test_a_zip_asks_for_no_newer_c_library_than_lambda_has(program):
    symbols = subprocess.run(["objdump", "-T", program], capture_output=True, text=True, check=True).stdout
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+)", symbols)}
    assert versions and max(versions) <= LAMBDA_GLIBC


@pytest.mark.skipif(os.environ.get("PROFILE") == "dev", reason="for tests it is built soon, and is larger: PROFILE=lambda make test-cloud")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.parent.name)
def test_a_zip_is_small(program):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(program, "bootstrap")
    assert packed.tell() <= ZIP_LIMIT_BYTES


def test_there_is_a_program_for_every_function():
    built = {program.parent.name.lower() for program in PROGRAMS} | {"transcode"}
    assert built == {path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")}


@pytest.mark.parametrize("name", ["ffmpeg", "ffprobe", "setpriv", "prlimit"])
def test_the_programs_of_the_layer_need_nothing_of_where_they_run(name):
    program = BUILT / "Ffmpeg" / "bin" / name
    headers = subprocess.run(["objdump", "-p", program], capture_output=True, text=True, check=True).stdout
    assert "NEEDED" not in headers
    assert subprocess.run([program, "-version" if name.startswith("ff") else "--version"], capture_output=True).returncode == 0


def test_the_layer_has_the_licences_of_all_that_is_in_it():
    folder = BUILT / "Ffmpeg" / "share" / "doc" / "ffmpeg"
    contents, *_ = (folder / "README").read_text().splitlines()
    libraries = set(re.findall(r"([\w.+-]+)=", contents))
    # In every static program of C and C++, whatever else there is.
    assert {"libc6-dev", "libgcc-12-dev", "libstdc++-12-dev"} < libraries
    assert {path.name.removesuffix(".copyright") for path in folder.glob("*.copyright")} == libraries


# How FFmpeg shows what its configure calls otherwise.
SHOWN = {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm", "mpegps": "mpeg", "msmpeg4v3": "msmpeg4", "tscc": "camtasia"}

# Parts of others that are listed, and the ends of what filters are joined to.
BROUGHT_ALONG = {
    "decoder": {"vp3"},
    "muxer": {"mov", "adts", "latm"},
    "bsf": {"vp9_superframe"},
    "filter": {"buffer", "buffersink", "abuffer", "abuffersink"},
}

# A line of what it shows of these kinds; of the others, below a heading.
LINES = {"protocol": r"^  (\w+)$", "bsf": r"^(\w+)$", "filter": r"^ [T.][S.][C.] (\w+) "}
OTHERS = r"^ [ A-Z.]+ (\S+)"


# It does not show its parsers.
@pytest.mark.parametrize("program", ["ffmpeg", "ffprobe"])
@pytest.mark.parametrize("kind", ["demuxer", "muxer", "decoder", "encoder", "protocol", "bsf", "filter"])
def test_nothing_is_in_ffmpeg_but_what_is_listed(program, kind):
    lines = (ROOT / "layers" / "ffmpeg" / "components.txt").read_text().splitlines()
    listed = {SHOWN.get(name, name) for line in lines for name in line.split()[1:] if line.startswith(f"{kind} ")}
    command = [BUILT / "Ffmpeg" / "bin" / program, "-v", "error", "-hide_banner", f"-{kind}s"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if kind in LINES:
        found = set(re.findall(LINES[kind], shown, re.M))
    else:
        found = set(re.findall(OTHERS, shown.partition("--\n")[2], re.M))
    assert found - BROUGHT_ALONG.get(kind, set()) == listed
