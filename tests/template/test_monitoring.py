"""The dashboard shows what the code counts, by the names it has there."""

import re

import pytest
from conftest import Constants

MEASURE = Constants("streamforge-worker/src/measure.rs")
EMBEDDED = Constants("streamforge-lambda/src/embedded_metrics.rs")
NAMESPACE, FUNCTION = EMBEDDED.text("NAMESPACE"), EMBEDDED.text("FUNCTION")


@pytest.fixture
def dashboard(infra):
    return infra["monitoring"]["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]


def test_what_is_counted_by_a_dimension_is_searched_by_it(dashboard):
    searched = re.findall(r"SEARCH\('\{([^}]+)\} MetricName=\\\"(\w+)\\\"", dashboard)
    assert sorted(searched) == sorted([
        (f"{NAMESPACE},{FUNCTION},{MEASURE.text('OUTCOME')}", MEASURE.text("JOBS")),
        (f"{NAMESPACE},{FUNCTION},{MEASURE.text('CODE')}", MEASURE.text("ERRORS")),
    ])


def test_everything_else_that_is_counted_is_shown(dashboard):
    shown = re.findall(rf'\["{NAMESPACE}", "(\w+)", "(\w+)", "\$\{{Transcode\}}"', dashboard)
    expected = [MEASURE.text(name) for name in ["ENCODED_SECS", "QUEUED_MS", "PLAYABLE_MS"]]
    assert sorted(shown) == sorted((metric, FUNCTION) for metric in expected)
