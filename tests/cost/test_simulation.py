"""What must hold of every run."""

from collections import Counter

import pytest
from costlib import layout, simulation, usage, work

LENGTHS = [30, 60, 600, 3600]


def secs_of(jobs, function, fed):
    return [work.wall_secs(job, function, fed) for job in jobs]


def only(result):
    (video,) = result.videos
    return video


@pytest.mark.parametrize("secs", LENGTHS)
def test_one_worker_without_delays_takes_the_sum_of_its_jobs(run, ideal, function, secs):
    result = run(secs, ideal, workers=1)
    jobs = secs_of(layout.plan(secs).jobs(), function, ideal)
    everything = work.ingest_secs(0, function, ideal) + sum(jobs)
    assert only(result).ready_at == pytest.approx(everything, abs=1e-3)
    assert result.busy_secs == pytest.approx(everything, abs=1e-3)


@pytest.mark.parametrize("secs", LENGTHS)
def test_with_workers_without_end_the_longest_job_decides(run, ideal, function, secs):
    ready = only(run(secs, ideal, workers=100_000, ramp=None)).ready_at
    longest = max(secs_of(layout.plan(secs).jobs(), function, ideal))
    assert ready == pytest.approx(work.ingest_secs(0, function, ideal) + longest, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("secs", LENGTHS)
def test_nothing_is_ready_before_its_work_can_be_done(run, measured, function, secs, seed):
    for workers in (1, 3, 20, 400):
        ready = only(run(secs, measured, workers=workers, seed=seed)).ready_at
        jobs = [(1 - measured["job_spread"]) * job for job in secs_of(layout.plan(secs).jobs(), function, measured)]
        assert ready >= max(max(jobs), sum(jobs) / workers)


@pytest.mark.parametrize("ramp", [None, "linear", "stepped"])
@pytest.mark.parametrize("seed", range(3))
def test_more_workers_are_never_later_when_only_work_takes_time(run, ideal, ramp, seed):
    fed = ideal | {"job_spread": 0.5}
    ready = [only(run(1800, fed, workers=workers, ramp=ramp, seed=seed)).ready_at for workers in (*range(1, 20), 50, 100, 1000)]
    assert all(later <= sooner + 1e-3 for sooner, later in zip(ready, ready[1:]))


@pytest.mark.parametrize("secs", LENGTHS)
def test_more_workers_are_later_by_a_cold_start_and_a_publish_at_most(run, measured, secs):
    fed = measured | {"failures": 0}
    plan = layout.plan(secs)
    slack = fed["cold_start_most_secs"] + 2 * usage.publish_secs(plan, usage.records_bytes(plan, fed), True, fed)
    ready = [only(run(secs, fed, workers=workers)).ready_at for workers in (1, 2, 5, 10, 50, 100, 1000)]
    assert all(later <= min(ready[:place + 1]) + slack for place, later in enumerate(ready[1:]))


@pytest.mark.parametrize("failures", [0, 0.02, 0.1])
@pytest.mark.parametrize("secs", LENGTHS)
def test_every_job_is_done_exactly_once(run, measured, secs, failures):
    for seed in range(5):
        result = run(secs, measured | {"failures": failures}, workers=7, seed=seed, throttled=True)
        video = only(result)
        done = Counter((job.kind, job.index) for job in video.done)
        if video.failed_at is None:
            assert done == Counter((job.kind, job.index) for job in video.plan.jobs())
            assert video.told == len(video.done)
        assert all(times == 1 for times in done.values())
        assert result.invocations == sum(video.attempts.values())


def test_a_seed_decides_everything(run, measured):
    fed = measured | {"failures": 0.05}
    first, again, other = (only(run(3600, fed, seed=seed)) for seed in (1, 1, 2))
    assert (first.playable_at, first.ready_at, first.attempts) == (again.playable_at, again.ready_at, again.attempts)
    assert first.ready_at != other.ready_at


def test_the_first_chunks_of_both_tracks_make_it_playable(run, ideal, function):
    video = only(run(600, ideal, workers=100))
    first = max(work.wall_secs(track[0], function, ideal) for track in (video.plan.video, video.plan.audio))
    assert video.playable_at == pytest.approx(work.ingest_secs(0, function, ideal) + first, abs=1e-3)
    assert video.playable_at < video.ready_at


def test_limits_of_a_queue_and_of_all_are_kept(run, measured):
    assert run(3600, measured, workers=9).most_at_once == 9
    # The two first jobs of the video are in the other queue.
    assert run(3600, measured, workers=1000, lane_limits={"bulk": 12}).most_at_once <= 12 + 2


def test_a_queue_grows_as_sqs_lets_it(measured):
    for ramp, at_30_secs, at_a_minute in (("linear", 155, 305), ("stepped", 5, 305)):
        queue = simulation.Queue(1000, ramp, measured)
        queue.since = 100
        assert [queue.allowed(100), queue.allowed(130), queue.allowed(160)] == [5, at_30_secs, at_a_minute]
        queue.at_work = 5
        assert queue.more_allowed_at() == pytest.approx(100.2 if ramp == "linear" else 160)


def test_the_ramp_alone_decides_when_workers_abound(run, ideal):
    ready = {ramp: only(run(7200, ideal, workers=10_000, ramp=ramp)).ready_at for ramp in (None, "linear", "stepped")}
    assert ready[None] < ready["linear"] < ready["stepped"]
    # 229 chunks: five at first, five more a second, the last of which takes as long as all others.
    assert ready["linear"] == pytest.approx(ready[None] + (229 - 5) / 5, rel=0.15)


def test_lambda_makes_only_so_many_environments(run, ideal):
    slow = ideal | {"environments_at_once": 2, "environments_per_sec": 0.1}
    result = run(600, slow, workers=100, ramp=None)
    assert result.cold_starts <= 2 + 0.1 * only(result).ready_at
    assert only(result).ready_at > only(run(600, ideal, workers=100, ramp=None)).ready_at


def test_what_always_fails_fails_after_three_attempts(run, measured):
    result = run(60, measured | {"failures": 1, "deaths": 0})
    video = only(result)
    assert video.ready_at is None
    assert result.invocations == simulation.MAX_ATTEMPTS
    # Pauses of 5 and of 20 s.
    assert video.failed_at > 25


def test_what_dies_silently_comes_again_when_its_lease_ends(run, ideal):
    def ready(**failing):
        return only(run(4, ideal | failing)).ready_at
    quick = ready()
    # Every first attempt dies: nobody does the next before the minute is over. (Half of them, so that it ends.)
    late = [only(run(4, ideal | {"failures": 0.5, "deaths": 1}, seed=seed)) for seed in range(20)]
    retried = [video for video in late if video.ready_at and max(video.attempts.values()) > 1]
    assert retried
    assert all(video.ready_at >= usage.LEASE_SECS for video in retried)
    assert quick < usage.LEASE_SECS


def test_one_at_a_time_publishes_until_it_has_seen_the_last(run, measured):
    slow = measured | {"s3_secs": 1, "failures": 0}
    video = only(run(3600, slow, workers=200))
    # Publishes take 18 s, so one tells of many jobs.
    assert video.publishes < len(video.done) / 3
    assert video.told == len(video.done)
    assert only(run(3600, measured | {"failures": 0}, workers=1)).publishes == len(video.done)


def test_a_short_video_does_not_wait_for_a_long_one(function, measured):
    both = [(0, 7200), (60, 60)]
    limits = dict.fromkeys(simulation.LANES, 10)

    def short(**settings):
        result = simulation.simulate(both, simulation.Settings(20, function, **settings), measured)
        return result.videos[1].ready_at
    assert short(lane_limits=limits) < short(one_lane=True) / 3


def test_time_is_bought_not_lost(run, ideal, function):
    """Functions are busy for the same time, whatever their number."""
    busy = {workers: run(3600, ideal, workers=workers).busy_secs for workers in (1, 10, 1000)}
    assert len({round(secs, 3) for secs in busy.values()}) == 1
