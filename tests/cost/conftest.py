"""Finds the model, and reads what it must agree with: the code and the template."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from costlib import data, simulation, work  # noqa: E402


def text(path):
    return (ROOT / path).read_text()


def found(pattern, path):
    """The one thing in a file that fits."""
    (only,) = re.findall(pattern, text(path), re.S)
    return only


def numbers(listed):
    return [int(number) for number in re.findall(r"\d+", listed)]


@pytest.fixture
def measured():
    return data.measurements()


@pytest.fixture
def prices():
    return data.prices()


@pytest.fixture
def function():
    return work.Function(3008)


@pytest.fixture
def ideal(measured):
    """A world in which only the work takes time, and nothing fails."""
    requests = ["queue_secs", "s3_secs", "list_secs", "dynamodb_secs", "query_secs_per_mb", "sqs_secs"]
    starts = ["cold_start_least_secs", "cold_start_most_secs"]
    return measured | dict.fromkeys([*requests, *starts, "failures", "job_spread"], 0)


@pytest.fixture
def run(function):
    """One video, alone."""
    def run(secs, fed, workers=10, **settings):
        return simulation.simulate([(0, secs)], simulation.Settings(workers, function, **settings), fed)
    return run
