"""How a video is cut into jobs: what crates/streamforge-core plans, in Python. tests/cost holds both together."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

SEGMENT_SECS = 4
FPS = 30
# Sizes of the first chunks, then the size of all others, in segments.
VIDEO_RAMP, VIDEO_CHUNK = (1, 2, 4), 8
AUDIO_RAMP, AUDIO_CHUNK = (1, 4, 16), 75
AAC_RATE, AAC_FRAME = 48_000, 1024
RUNGS = ("1080p", "720p", "360p")
# A video up to this long is encoded ahead of the long ones.
SHORT_SECS = 120


@dataclass(frozen=True)
class Job:
    """One chunk of a track."""

    kind: str  # "video" or "audio"
    index: int
    first_segment: int
    segments: int
    start_secs: float
    secs: float


@dataclass(frozen=True)
class Plan:
    """The jobs of a video, and how long it is."""

    secs: float
    video: tuple[Job, ...]
    audio: tuple[Job, ...]

    def jobs(self):
        """In the order in which a viewer needs them; at equal times the pictures come first."""
        return sorted(self.video + self.audio, key=lambda job: (job.first_segment, job.kind == "audio"))

    def is_interactive(self, job):
        """Whether somebody waits for it: the first seconds of every video, and all of a short one."""
        return job.index == 0 or self.secs <= SHORT_SECS

    def segments(self):
        """Objects that are segments, of all tracks."""
        return len(RUNGS) * sum(job.segments for job in self.video) + sum(job.segments for job in self.audio)


def sizes(segments, ramp, most):
    """Cuts segments into chunks of the sizes in `ramp`, then of `most`."""
    cut = []
    while segments > 0:
        size = min(ramp[len(cut)] if len(cut) < len(ramp) else most, segments)
        cut.append(size)
        segments -= size
    return cut


@cache
def plan(secs, fps=FPS):
    """The plan of a video with sound that is as long as its pictures."""
    frames = max(round(Fraction(secs) * fps), 1)
    length = Fraction(frames) / fps
    video_segment = Fraction(round(SEGMENT_SECS * Fraction(fps))) / fps
    aac_frames = max(int(length * AAC_RATE / AAC_FRAME + Fraction(1, 2)), 1)
    audio_segment = Fraction(round(SEGMENT_SECS * Fraction(AAC_RATE, AAC_FRAME)) * AAC_FRAME, AAC_RATE)
    sound = Fraction(aac_frames * AAC_FRAME, AAC_RATE)
    return Plan(
        secs=float(length),
        video=jobs("video", length, video_segment, VIDEO_RAMP, VIDEO_CHUNK),
        audio=jobs("audio", sound, audio_segment, AUDIO_RAMP, AUDIO_CHUNK),
    )


def jobs(kind, length, segment, ramp, most):
    first, made = 0, []
    for index, size in enumerate(sizes(-(-length // segment), ramp, most)):
        start = first * segment
        secs = min(size * segment, length - start)
        made.append(Job(kind, index, first, int(size), float(start), float(secs)))
        first += int(size)
    return tuple(made)
