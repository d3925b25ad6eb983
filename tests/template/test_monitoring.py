"""The dashboard shows what the code counts, by the names it has there, and alarms go when it counts failures."""

import re

import pytest
from conftest import ROOT, Constants, source

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


@pytest.fixture
def alarms(infra):
    return {name: r["Properties"] for name, r in infra["monitoring"]["Resources"].items() if r["Type"] == "AWS::CloudWatch::Alarm"}


def test_an_alarm_counts_every_outcome_of_a_job(alarms):
    outcomes = re.findall(r'Self::\w+(?:\(_\))? => "(\w+)"', source("streamforge-worker/src/task.rs"))
    outcomes += [MEASURE.text("UNAVAILABLE"), MEASURE.text("LATE")]
    assert "handled" in outcomes and "again" in outcomes

    metrics = {metric["Id"]: metric for metric in alarms["JobsFail"]["Metrics"]}
    counted = {name: metric["MetricStat"]["Metric"] for name, metric in metrics.items() if "MetricStat" in metric}
    assert counted == {
        outcome: {"Namespace": NAMESPACE, "MetricName": MEASURE.text("JOBS"), "Dimensions": [
            {"Name": FUNCTION, "Value": {"Ref": "Transcode"}}, {"Name": MEASURE.text("OUTCOME"), "Value": outcome}]}
        for outcome in outcomes
    }

    def summed(name):
        return set(re.findall(r"\w+", metrics[name]["Expression"])) - {"SUM"}

    assert summed("jobs") == set(outcomes)
    assert summed("failed") == set(outcomes) - {"handled"}


def test_every_alarm_names_what_to_do_in_the_runbook(alarms):
    sections = re.findall(r"^### (.+)$", (ROOT / "docs" / "RUNBOOK.md").read_text(), re.M)
    for name, alarm in alarms.items():
        (section,) = re.findall(r'RUNBOOK, "(.+)"\.$', alarm["AlarmDescription"])
        assert section in sections, name
