"""What one video asks of each service, counted in the code that asks: crates/streamforge-{api,worker,aws}."""

from collections import Counter
from math import ceil

from . import layout, work

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30

# crates/streamforge-core/src/job.rs, crates/streamforge-aws/src/{job_queue,object_source}.rs, crates/streamforge-core/src/upload.rs
HEARTBEAT_SECS, LEASE_SECS, BATCH = 2, 60, 10
READ_BYTES, PART_BYTES, MAX_PARTS, KEYS_A_PAGE = 32 * MB, 10 * MB, 10_000, 1000
# Index and I-frame playlists of each rung, the playlist of the sound, the storyboard's track, the multivariant playlist.
TEXTS = 2 * len(layout.RUNGS) + 3

# Write units of a change to a video's record: the record, two for the index by change and by due each, whose keys change, one for by owner.
VIDEO_WRITE = 1 + 2 + 2 + 1
UPLOAD_WRITE = 1 + 2


def read_units(size):
    return ceil(size / (4 * KB))


def write_units(size):
    return ceil(size / KB)


def record_bytes(job, measured):
    return measured[f"{job.kind}_record_bytes"] + measured[f"{job.kind}_record_segment_bytes"] * job.segments


def plan_bytes(plan, measured):
    return measured["plan_bytes"] + measured["plan_job_bytes"] * len(plan.video + plan.audio)


def records_bytes(plan, measured):
    return sum(record_bytes(job, measured) for job in plan.video + plan.audio)


def stream_bytes(plan, measured):
    """Bytes of the finished stream."""
    tracks = [f"bytes_{rung}_per_sec" for rung in layout.RUNGS] + ["bytes_audio_per_sec", "bytes_sheet_per_sec"]
    return plan.secs * sum(measured[track] for track in tracks)


def source_bytes(plan, measured):
    return plan.secs * measured["source_bytes_per_sec"]


def objects(plan):
    """Objects of a finished stream: segments, init segments, sheets, poster, texts and the DASH manifest."""
    return plan.segments() + len(layout.RUNGS) + 1 + len(plan.video) + 1 + TEXTS + 1


def upload(plan, measured):
    """Announcing a file, its parts (each asks for its URL), completing it."""
    size = source_bytes(plan, measured)
    part = max(PART_BYTES, ceil(size / MAX_PARTS / MB) * MB)
    parts = max(ceil(size / part), 1)
    pages = ceil(parts / KEYS_A_PAGE)
    return Counter({
        "http_api_request": parts + 2, "lambda_request": parts + 2,
        # Create, two lists, the parts, complete; then it is looked whether the file is there.
        "s3_put": 1 + 1 + pages + parts + 1, "s3_get": 1,
        "dynamodb_read": 2 + 1 + parts + 6,
        # Both records in one transaction (twice the units) and in their indexes, the claim, three changes of the upload, one of the video.
        "dynamodb_write": 2 * 2 + 3 + 1 + 3 * UPLOAD_WRITE + VIDEO_WRITE,
        "sqs_request": 1,
    })


def ingest(plan, measured):
    """The message and S3's event about the file: one of them plans, the other finds it done."""
    jobs = plan.jobs()
    interactive = sum(plan.is_interactive(job) for job in jobs)
    sends = ceil(interactive / BATCH) + ceil((len(jobs) - interactive) / BATCH)
    return Counter({
        "lambda_request": 2,
        "s3_get": 2 + 7,
        "dynamodb_read": 2 * 2 + 6, "dynamodb_write": 2 * 2 + write_units(plan_bytes(plan, measured)) + VIDEO_WRITE,
        # Received, hidden, deleted; then one request for ten jobs.
        "sqs_request": 3 + sends,
    })


def encode(job, plan, secs, measured):
    """A job that is done at the first attempt in so many seconds, without what it publishes."""
    is_first_video = job.kind == "video" and job.index == 0
    puts = job.segments * (len(layout.RUNGS) if job.kind == "video" else 1)
    if job.kind == "video":
        puts += 1  # its sheet
    if job.index == 0:
        puts += len(layout.RUNGS) if job.kind == "video" else 1  # init segments
    puts += is_first_video  # the poster
    read = (work.decoded_before(job, measured) + job.secs) * measured["source_bytes_per_sec"]
    beats = int(secs / HEARTBEAT_SECS)
    renewals = int(secs / (LEASE_SECS / 3))
    return Counter({
        "lambda_request": 1,
        "s3_put": puts,
        # Whether the file is there; its head, its index, what the job shows.
        "s3_get": 1 + 2 + ceil(read / READ_BYTES),
        # The video, the lease taken and given back, what was made before, the plan; in between heartbeats.
        "dynamodb_read": 4 + read_units(plan_bytes(plan, measured)) + beats + renewals,
        # The lease twice, the record, progress forgotten, a publish asked for.
        "dynamodb_write": 4 + write_units(record_bytes(job, measured)) + beats + renewals,
        # Received, hidden, deleted.
        "sqs_request": 3 + renewals,
    })


def publish(plan, records, measured):
    """One publish that finds so many bytes of records, and writes every playlist anew: at most what happens after each job."""
    return Counter({
        "s3_put": TEXTS, "s3_get": TEXTS,
        "dynamodb_read": 3 + read_units(plan_bytes(plan, measured)) + max(read_units(records), 1),
        "dynamodb_write": 2,
    })


def complete(plan):
    """The last publish: the manifest, everything counted, texts read back, the video ready."""
    return Counter({
        "s3_put": 1 + ceil(objects(plan) / KEYS_A_PAGE), "s3_get": 1 + TEXTS + 1 + 1,
        "dynamodb_read": 2, "dynamodb_write": 2 * VIDEO_WRITE,
    })


def video(secs, function, measured):
    """Everything that making one video asks for. Each job publishes: at most so often is it done."""
    plan = layout.plan(secs)
    jobs = plan.jobs()
    used = upload(plan, measured) + ingest(plan, measured) + complete(plan)
    busy = work.ingest_secs(len(jobs), function, measured)
    records = 0
    for job in jobs:
        job_secs = work.job_secs(job, function, measured)
        records += record_bytes(job, measured)
        used += encode(job, plan, job_secs, measured) + publish(plan, records, measured)
        busy += job_secs + publish_secs(plan, records, True, measured)
    # An attempt that fails has taken half of its time.
    busy *= 1 + measured["failures"] / (1 - measured["failures"]) / 2
    busy += complete_secs(plan, measured)
    used["encode_gb_secs"] = busy * function.gb()
    used["stream_gb"] = stream_bytes(plan, measured) / GB
    used["source_gb"] = source_bytes(plan, measured) / GB
    return used


def publish_secs(plan, records, grows, measured):
    """Seconds that a publish takes: records are read, then each text is looked at and written, one after the other."""
    reads = 6 * measured["dynamodb_secs"] + records / MB * measured["query_secs_per_mb"]
    return reads + TEXTS * measured["s3_secs"] * (2 if grows else 1)


def complete_secs(plan, measured):
    """Seconds that the last publish takes longer: it counts all objects, and reads all texts back."""
    pages = ceil(objects(plan) / KEYS_A_PAGE)
    return pages * measured["list_secs"] + (2 + TEXTS + 1 + 1) * measured["s3_secs"] + 2 * measured["dynamodb_secs"]
