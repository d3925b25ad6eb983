"""docs/COST.md says what the command prints."""

import subprocess
import sys

from conftest import ROOT, text
from costlib import data

KINDS = {"measured", "documented", "assumed"}


def cost(*args):
    return subprocess.run([sys.executable, ROOT / "scripts" / "cost", *args], capture_output=True, text=True)


def test_the_tables_are_those_that_the_command_prints():
    checked = cost("check")
    assert checked.returncode == 0, checked.stderr


def test_one_video_can_be_asked_for():
    said = cost("video", "--minutes", "10", "--workers", "20", "--failures", "0")
    assert said.returncode == 0, said.stderr
    assert [line.split()[0] for line in said.stdout.splitlines()] == ["plays", "ready", "at", "costs"]


def test_every_price_says_where_it_is_from():
    for name, entry in data.entries("prices.toml").items():
        assert entry["usd"] > 0, name
        assert entry["page"].startswith("https://"), name
        assert {"unit", "read", "via", "confirmed"} <= entry.keys(), name


def test_every_number_says_how_it_was_come_by():
    for name, entry in data.entries("measurements.toml").items():
        assert entry["kind"] in KINDS, name
        assert entry["unit"] and entry["source"], name


def test_what_is_assumed_is_listed():
    doc = text("docs/COST.md")
    for name, entry in data.entries("measurements.toml").items():
        assert (entry["kind"] != "assumed") or entry["unit"] in doc, name
