"""Videos are cut as crates/streamforge-core cuts them."""

import re

import pytest
from conftest import found, numbers, text
from costlib import layout, usage

CORE = "crates/streamforge-core/src"


def sizes(jobs):
    return [job.segments for job in jobs]


def test_two_minutes_are_cut_as_the_test_of_the_core_says():
    test = found(r"fn the_first_chunks_are_small_so_that_playback_starts_early\(\) \{(.*?)\n\}", f"{CORE}/plan/tests.rs")
    assert "120_000_000" in test
    video, audio, first = re.findall(r"\[(?=\d|Job)([^\]]*)\]", test.replace("[..4]", ""))
    plan = layout.plan(120)
    assert sizes(plan.video) == numbers(video)
    assert sizes(plan.audio) == numbers(audio)
    kinds = [(kind.lower(), int(index)) for kind, index in re.findall(r"Job::(\w+)\((\d+)\)", first)]
    assert [(job.kind, job.index) for job in plan.jobs()[:4]] == kinds
    assert len(plan.jobs()) == int(re.search(r"jobs\(\)\.len\(\), (\d+)", test)[1])


# By hand, from the ramps: 30 fps, segments of 4 s and of 188 AAC frames (4.0107 s).
@pytest.mark.parametrize(("secs", "video", "audio"), [
    (0.03, [1], [1]),
    (4, [1], [1]),
    (13, [1, 2, 1], [1, 3]),
    # As `streamforge up` planned a minute.
    (60, [1, 2, 4, 8], [1, 4, 10]),
    (600, [1, 2, 4] + 17 * [8] + [7], [1, 4, 16, 75, 54]),
    (3600, [1, 2, 4] + 111 * [8] + [5], [1, 4, 16] + 11 * [75] + [52]),
    (7200, [1, 2, 4] + 224 * [8] + [1], [1, 4, 16] + 23 * [75] + [50]),
    (18_000, [1, 2, 4] + 561 * [8] + [5], [1, 4, 16] + 59 * [75] + [43]),
])
def test_chunks_of_known_lengths(secs, video, audio):
    plan = layout.plan(secs)
    assert (sizes(plan.video), sizes(plan.audio)) == (video, audio)


def test_ramps_and_segments_are_those_of_the_core():
    plan, settings = f"{CORE}/plan.rs", f"{CORE}/settings.rs"
    first, second, third = re.search(r"\[(\d), (\d), (\d)\.min\(most\)\], most\)", text(plan)).groups()
    assert layout.VIDEO_RAMP == (int(first), int(second), int(third))
    assert layout.VIDEO_CHUNK == int(found(r"chunk_segments: (\d+),", settings))
    assert list(layout.AUDIO_RAMP) == numbers(found(r"grid\), \[([\d, ]+)\], AUDIO_CHUNK_SEGMENTS", plan))
    assert layout.AUDIO_CHUNK == int(found(r"AUDIO_CHUNK_SEGMENTS: u32 = (\d+);", plan))
    assert layout.SEGMENT_SECS == int(found(r"segment: Duration::from_secs\((\d+)\)", settings))
    assert layout.AAC_RATE == int(found(r"AUDIO_SAMPLE_RATE: u32 = ([\d_]+);", f"{CORE}/grid.rs"))
    assert layout.AAC_FRAME == int(found(r"AAC_FRAME_SAMPLES: u32 = (\d+);", f"{CORE}/grid.rs"))
    short_minutes = found(r"SHORT_VIDEO: Duration = Duration::from_mins\((\d+)\)", f"{CORE}/job.rs")
    assert layout.SHORT_SECS == 60 * int(short_minutes)
    rungs = found(r"rungs: \[([\d, ]+)\]\n\s+\.into_iter\(\)", f"{CORE}/ladder.rs")
    assert layout.RUNGS == tuple(f"{rung}p" for rung in numbers(rungs))


@pytest.mark.parametrize("secs", [1, 4, 11.9, 12, 12.1, 59, 120, 121, 601, 5000])
def test_chunks_cover_the_video_once(secs):
    plan = layout.plan(secs)
    for track in (plan.video, plan.audio):
        assert [job.first_segment for job in track] == [sum(sizes(track[:job.index])) for job in track]
        assert all(job.secs > 0 for job in track)
        assert sum(job.secs for job in track) == pytest.approx(plan.secs, abs=0.011)


def test_only_the_first_chunks_of_a_long_video_are_waited_for():
    long, short = layout.plan(121), layout.plan(120)
    assert [(job.kind, job.index) for job in long.jobs() if long.is_interactive(job)] == [("video", 0), ("audio", 0)]
    assert all(short.is_interactive(job) for job in short.jobs())


def test_a_minute_has_as_many_objects_as_a_real_one():
    # 3 × (15 segments, init, index, I-frames), sound: 15 segments, init, index; 4 sheets and their track, poster, two manifests.
    assert usage.objects(layout.plan(60)) == 3 * 18 + 17 + 4 + 1 + 1 + 2
