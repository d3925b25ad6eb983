"""Requests are counted with the numbers of the code that makes them."""

import re

import pytest
from conftest import found, text
from costlib import bill, layout, simulation, tables, usage, work

CRATES = "crates"


def test_leases_heartbeats_and_retries_are_those_of_the_core():
    job = f"{CRATES}/streamforge-core/src/job.rs"
    assert simulation.MAX_ATTEMPTS == int(found(r"MAX_ATTEMPTS: u32 = (\d+);", job))
    assert usage.LEASE_SECS == 60 * int(found(r"LEASE: Duration = Duration::from_mins\((\d+)\);", job))
    assert usage.HEARTBEAT_SECS == int(found(r"HEARTBEAT: Duration = Duration::from_secs\((\d+)\);", job))
    secs, factor = re.search(r"Duration::from_secs\((\d)\) \* (\d)_u32\.saturating_pow\(attempt", text(job)).groups()
    assert (simulation.BACKOFF_SECS, 4) == (int(secs), int(factor))
    assert "LEASE / 3" in text(f"{CRATES}/streamforge-worker/src/task.rs")
    assert "VISIBILITY_TIMEOUT: Duration = LEASE" in text(f"{CRATES}/streamforge-aws/src/resources.rs")


def test_sizes_of_requests_are_those_of_the_adapters():
    aws, core = f"{CRATES}/streamforge-aws/src", f"{CRATES}/streamforge-core/src"
    assert usage.BATCH == int(found(r"const BATCH: usize = (\d+);", f"{aws}/job_queue.rs"))
    assert usage.READ_BYTES == int(found(r"REQUEST_BYTES: u64 = (\d+) << 20;", f"{aws}/object_source.rs")) << 20
    assert usage.PART_BYTES == int(found(r"DEFAULT_PART_BYTES: u64 = (\d+) << 20;", f"{core}/upload.rs")) << 20
    assert usage.MAX_PARTS == int(found(r"MAX_PARTS: u64 = ([\d_]+);", f"{core}/upload.rs"))


def test_a_publish_writes_the_texts_that_the_package_has():
    package = text(f"{CRATES}/streamforge-core/src/package.rs").split("#[cfg(test)]")[0]
    body = re.search(r"let mut texts = Vec::new\(\);(.*?)\n    Ok\(Published", package, re.S)[1]
    kinds = re.findall(r"&ObjectPath::(\w+)", body)
    assert kinds == ["MediaPlaylist", "IFramePlaylist", "StoryboardTrack", "DashManifest", "MultivariantPlaylist"]
    rungs = len(layout.RUNGS)
    assert usage.TEXTS == (rungs + 1) + rungs + 1 + 1  # the manifest comes with the last


def test_the_uploaded_file_is_kept_as_long_as_the_template_says():
    retention = found(r"ReadySourceRetentionSecs:\n    Type: Number\n    Default: (\d+)", "template.yaml")
    assert bill.SOURCE_DAYS == int(retention) / 86_400


def test_the_default_is_that_of_the_template():
    assert tables.MEMORY_MB == int(found(r"TranscodeMemory:\n    Type: Number\n    Default: (\d+)", "template.yaml"))
    for lane in ("Interactive", "Bulk"):
        assert tables.LANE_LIMIT == int(found(rf"{lane}Concurrency:\n    Type: String\n    Default: '(\d+)'", "template.yaml"))
    rungs = found(r"Rungs:\n    Type: String\n    Default: ([\dp,]+)", "template.yaml")
    assert ",".join(layout.RUNGS) == rungs


def test_alarms_have_as_many_metrics_as_the_template():
    monitoring = text("infra/monitoring.yaml").split("Type: AWS::CloudWatch::Dashboard")[0]
    by_math = len(re.findall(r"MetricStat:", monitoring))
    single = len(re.findall(r"^      MetricName:", monitoring, re.M))
    assert bill.ALARM_METRICS == by_math + single


def test_the_model_of_the_measured_video_is_what_was_measured(measured, function):
    plan = layout.plan(measured["ladder_secs"])
    processors = measured["ladder_processors"]
    cpu = measured["probe_cpu_secs"] + sum(work.cpu_secs(job, measured) for job in plan.jobs())
    wall = measured["probe_cpu_secs"] + sum(work.wall_secs(job, function, measured, processors) for job in plan.jobs())
    assert cpu == pytest.approx(measured["ladder_cpu_secs"])
    assert wall == pytest.approx(measured["ladder_wall_secs"])
    # What the model was not fitted to.
    first = measured["probe_cpu_secs"] + work.wall_secs(plan.video[0], function, measured, processors)
    assert first == pytest.approx(measured["first_segment_secs"], rel=0.12)


def test_what_is_decoded_for_nothing_is_what_was_counted(measured):
    plan = layout.plan(120)
    assert sum(work.decoded_before(job, measured) for job in plan.video) == pytest.approx(12.7, abs=0.05)


def test_encoding_costs_the_same_with_any_memory_but_for_requests(ideal, prices):
    def encoding(memory_mb):
        return bill.making(600, work.Function(memory_mb), ideal, prices)["Lambda: encoding"]
    # Sound and the look at the source use one processor, whatever there is.
    assert encoding(1769) < encoding(3008) < 1.05 * encoding(1769)


def test_a_job_stores_its_segments_and_what_belongs_to_them(measured):
    plan = layout.plan(60)
    puts = [usage.encode(job, plan, 0, measured)["s3_put"] for job in plan.jobs()]
    last = usage.complete(plan)["s3_put"]
    # All objects but the texts, which publishes write again and again; the last one lists everything.
    assert sum(puts) == usage.objects(plan) - usage.TEXTS - 1
    assert last == 1 + 1


def test_mediaconvert_makes_two_rungs_of_hd_and_one_of_sd(prices):
    assert bill.mediaconvert(prices) == pytest.approx(2 * 0.015 + 0.0075)


def test_the_dashboard_has_the_same_price_of_lambda(prices):
    shown = found(r"/ 1024 \* (0\.\d+)\"", "infra/monitoring.yaml")
    assert float(shown) == prices["lambda_x86_64"]


@pytest.mark.parametrize("name", [
    "ladder_cpu_secs", "ladder_wall_secs", "start_cpu_secs", "decode_cpu_secs", "first_segment_secs"])
def test_measurements_are_those_of_the_benchmarks(measured, name):
    benchmarks = text("docs/BENCHMARKS.md")
    assert str(measured[name]) in benchmarks, "take it over into measurements.toml, then: make cost"
