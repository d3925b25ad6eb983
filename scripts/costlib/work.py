"""How long one job keeps a function busy, from what was measured of the whole ladder and of its parts."""

from dataclasses import dataclass

from . import layout


@dataclass(frozen=True)
class Function:
    """A function: its memory, which decides how many processors it has."""

    memory_mb: int
    architecture: str = "x86_64"

    def vcpus(self, measured):
        return self.memory_mb / measured["mb_per_vcpu"]

    def gb(self):
        return self.memory_mb / 1024


def decoded_before(job, measured):
    """Seconds from the key frame before a chunk up to it: they are decoded for nothing."""
    return job.start_secs % measured["gop_secs"]


def encode_rate(measured):
    """CPU-seconds for a second of the ladder, without what is counted by itself: what makes the measured video come out as measured."""
    whole = layout.plan(measured["ladder_secs"])
    parts = measured["probe_cpu_secs"] + whole.secs / measured["audio_speed"]
    parts += sum(start_cpu_secs(job, measured) for job in whole.video)
    return (measured["ladder_cpu_secs"] - parts) / whole.secs


def start_cpu_secs(job, measured):
    return measured["start_cpu_secs"] + measured["decode_cpu_secs"] * decoded_before(job, measured)


def cpu_secs(job, measured):
    """CPU-seconds of a job."""
    if job.kind == "audio":
        return job.secs / measured["audio_speed"]
    return encode_rate(measured) * job.secs + start_cpu_secs(job, measured)


def busy(measured):
    """How much of its processors a video job keeps busy, when it is alone on them: sound and the look at the source use only one."""
    on_one = measured["probe_cpu_secs"] + measured["ladder_secs"] / measured["audio_speed"]
    on_all = measured["ladder_cpu_secs"] - on_one
    return on_all / (measured["ladder_processors"] * (measured["ladder_wall_secs"] - on_one))


def wall_secs(job, function, measured, vcpus=None):
    """Seconds that a job takes, without its requests."""
    vcpus = (vcpus or function.vcpus(measured)) * measured["vcpu_speed"]
    if job.kind == "audio":
        return cpu_secs(job, measured) / min(vcpus, 1)
    return cpu_secs(job, measured) / (vcpus * busy(measured))


def requests_secs(measured):
    """Seconds that a job waits for its video, lease, plan, record and first bytes, and at its end for its last segment and its records."""
    return 10 * measured["dynamodb_secs"] + 5 * measured["s3_secs"] + measured["sqs_secs"]


def job_secs(job, function, measured):
    """Seconds that a job keeps a function busy, until it is recorded."""
    return wall_secs(job, function, measured) + requests_secs(measured)


def ingest_secs(jobs, function, measured):
    """Seconds from taking the message about a file to the last message about its jobs."""
    probe = measured["probe_cpu_secs"] / min(function.vcpus(measured) * measured["vcpu_speed"], 1)
    return probe + 9 * measured["s3_secs"] + 14 * measured["dynamodb_secs"] + -(-jobs // 10) * measured["sqs_secs"]
