"""When a video plays and when it is ready: the queues, the functions and the jobs, event by event.

The clock starts when the API has said that the upload is complete. Everything that chance decides is drawn from the seed and from what
it is drawn for, never from the order of events: the same job takes equally long whatever the number of workers.
"""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import count

from . import layout, usage, work

# crates/streamforge-core/src/job.rs
MAX_ATTEMPTS = 3
BACKOFF_SECS = 5
RENEWAL_SECS = usage.LEASE_SECS / 3

LANES = ("interactive", "bulk")


@dataclass(frozen=True)
class Settings:
    """What is simulated."""

    workers: int
    function: work.Function
    # Most invocations of one queue at once (MaximumConcurrency), if less than there are workers.
    lane_limits: dict = field(default_factory=dict)
    # "linear": invocations of a queue grow by five a second; "stepped": by 300 each full minute; None: at once.
    ramp: str | None = "linear"
    # Whether too many invocations are refused, by the account's limit, instead of not being tried.
    throttled: bool = False
    # One queue for everything.
    one_lane: bool = False
    seed: int = 0


@dataclass
class Video:
    """One video on its way."""

    name: int
    arrives: float
    plan: layout.Plan
    attempts: dict = field(default_factory=dict)
    done: list = field(default_factory=list)
    record_bytes: int = 0
    publishing: bool = False
    # How many jobs the playlists tell of.
    told: int = 0
    reach: tuple = (0, 0)
    publishes: int = 0
    playable_at: float | None = None
    ready_at: float | None = None
    failed_at: float | None = None


@dataclass
class Result:
    """What came of it."""

    videos: list
    busy_secs: float
    cold_starts: int
    invocations: int
    most_at_once: int


@dataclass(frozen=True)
class Ingest:
    """Planning a video: a job like others, but that it makes them."""

    kind: str = "ingest"
    index: int = 0


INGEST = Ingest()


class Queue:
    """A lane: its messages, and how many of them may be worked at."""

    def __init__(self, limit, ramp, measured):
        self.waiting, self.limit, self.ramp = deque(), limit, ramp
        self.at_first, self.per_minute = measured["invokes_at_first"], measured["invokes_per_minute"]
        self.at_work, self.since = 0, None

    def allowed(self, now):
        """Invocations that may be under way now."""
        if self.ramp is None:
            return self.limit
        minutes = (now - self.since) / 60
        grown = minutes if self.ramp == "linear" else int(minutes + 1e-9)
        return min(int(self.at_first + self.per_minute * grown + 1e-6), self.limit)

    def more_allowed_at(self):
        """When one more than are under way may be; None when it must wait for one to end."""
        if self.at_work >= self.limit or self.ramp is None:
            return None
        missing = (self.at_work + 1 - self.at_first) / self.per_minute
        return self.since + 60 * (missing if self.ramp == "linear" else -(-missing // 1))


class Simulation:
    """All of it, at one moment."""

    def __init__(self, settings, measured):
        self.settings, self.measured = settings, measured
        names = LANES[:1] if settings.one_lane else LANES
        limit = settings.workers
        self.queues = {name: Queue(min(settings.lane_limits.get(name, limit), limit), settings.ramp, measured) for name in names}
        self.events, self.order, self.now = [], count(), 0.0
        self.busy, self.warm = 0, 0
        self.environments, self.refilled_at = measured["environments_at_once"], 0.0
        # Times at which it is already known that more may be dealt.
        self.deals = set()
        self.result = Result([], 0.0, 0, 0, 0)

    # ── Chance ──

    def draw(self, what, video, job, attempt=1):
        """A number from 0 to 1."""
        return random.Random(f"{self.settings.seed}/{what}/{video.name}/{job.kind}/{job.index}/{attempt}").random()

    # ── Events ──

    def at(self, time, call, *args):
        heapq.heappush(self.events, (time, next(self.order), call, args))

    def run(self, lengths):
        """Runs videos of so many seconds, each with the time when it arrives, to their end."""
        for name, (arrives, secs) in enumerate(lengths):
            video = Video(name, arrives, layout.plan(secs))
            self.result.videos.append(video)
            self.send(arrives, video, INGEST)
        while self.events:
            self.now, _, call, args = heapq.heappop(self.events)
            call(*args)
        return self.result

    # ── Queues ──

    def lane(self, video, job):
        if self.settings.one_lane or job.kind == "ingest" or video.plan.is_interactive(job):
            return LANES[0]
        return LANES[1]

    def send(self, time, video, job):
        self.at(time + self.measured["queue_secs"], self.arrive, video, job)

    def arrive(self, video, job):
        queue = self.queues[self.lane(video, job)]
        queue.waiting.append((video, job))
        if queue.at_work == 0 and len(queue.waiting) == 1:
            queue.since = self.now
        self.deal()

    def deal(self):
        """Gives waiting messages to functions, those first that somebody waits for."""
        for queue in self.queues.values():
            while queue.waiting and self.busy < self.settings.workers:
                if queue.at_work >= queue.allowed(self.now):
                    later = queue.more_allowed_at()
                    if later is not None:
                        self.deal_at(later)
                    break
                if self.warm == 0 and not self.take_environment():
                    break
                video, job = queue.waiting.popleft()
                self.begin(queue, video, job)

    def deal_at(self, time):
        """Deals again then, or a hair later, lest the clock stands still."""
        time = max(time, self.now) + 1e-6
        if time not in self.deals:
            self.deals.add(time)
            self.at(time, self.deal_again, time)

    def deal_again(self, time):
        self.deals.remove(time)
        self.deal()

    def take_environment(self):
        """Whether Lambda makes one more environment now."""
        per_sec, most = self.measured["environments_per_sec"], self.measured["environments_at_once"]
        self.environments = min(most, self.environments + (self.now - self.refilled_at) * per_sec)
        self.refilled_at = self.now
        if self.environments < 1:
            self.deal_at(self.now + (1 - self.environments) / per_sec)
            return False
        self.environments -= 1
        return True

    # ── Functions ──

    def begin(self, queue, video, job):
        queue.at_work += 1
        self.busy += 1
        self.result.invocations += 1
        self.result.most_at_once = max(self.result.most_at_once, self.busy)
        attempt = video.attempts[job] = video.attempts.get(job, 0) + 1
        starts = self.now
        if self.settings.throttled and self.busy == self.settings.workers:
            starts += self.measured["throttled_retry_secs"] * self.draw("throttled", video, job, attempt)
        if self.warm:
            self.warm -= 1
        else:
            self.result.cold_starts += 1
            least, most = self.measured["cold_start_least_secs"], self.measured["cold_start_most_secs"]
            starts += least + (most - least) * self.draw("cold", video, job, attempt)
        if video.failed_at is not None:
            self.at(starts, self.end, queue, starts, True)
            return
        secs = self.secs(video, job)
        if self.draw("fails", video, job, attempt) < self.measured["failures"]:
            secs *= self.draw("when", video, job, attempt)
            dies = self.draw("dies", video, job, attempt) < self.measured["deaths"]
            self.at(starts + secs, self.fail, queue, starts, video, job, attempt, dies)
        elif job is INGEST:
            self.at(starts + secs, self.dispatch, queue, starts, video)
        else:
            self.at(starts + secs, self.record, queue, starts, video, job)

    def secs(self, video, job):
        """How long an attempt takes that goes through."""
        function = self.settings.function
        if job is INGEST:
            return work.ingest_secs(0, function, self.measured)
        spread = self.measured["job_spread"] * (2 * self.draw("spread", video, job) - 1)
        return work.wall_secs(job, function, self.measured) * (1 + spread) + work.requests_secs(self.measured)

    def end(self, queue, started, keeps_environment):
        self.result.busy_secs += self.now - started
        queue.at_work -= 1
        self.busy -= 1
        self.warm += keeps_environment
        self.deal()

    def fail(self, queue, started, video, job, attempt, dies):
        if attempt == MAX_ATTEMPTS:
            video.failed_at = video.failed_at or self.now
        elif dies:
            # Its last renewal holds for a minute.
            renewed = started + (self.now - started) // RENEWAL_SECS * RENEWAL_SECS
            self.send(max(renewed + usage.LEASE_SECS, self.now), video, job)
        else:
            self.send(self.now + BACKOFF_SECS * 4 ** (attempt - 1), video, job)
        self.end(queue, started, not dies)

    def dispatch(self, queue, started, video):
        """The plan is made: its jobs become messages, ten at a time, those first that somebody waits for."""
        sent_at = self.now
        jobs = video.plan.jobs()
        for interactive in (True, False):
            lane = [job for job in jobs if video.plan.is_interactive(job) == interactive]
            for first in range(0, len(lane), usage.BATCH):
                sent_at += self.measured["sqs_secs"]
                for job in lane[first:first + usage.BATCH]:
                    self.send(sent_at, video, job)
        self.at(sent_at, self.end, queue, started, True)

    # ── Publishing ──

    def record(self, queue, started, video, job):
        """A job is done. One worker at a time publishes, until it has seen the last."""
        video.done.append(job)
        video.record_bytes += usage.record_bytes(job, self.measured)
        if video.publishing:
            self.end(queue, started, True)
        else:
            self.publish(queue, started, video)

    def publish(self, queue, started, video):
        video.publishing = True
        video.publishes += 1
        seen = len(video.done)
        reach = tuple(self.reach(video, kind) for kind in ("video", "audio"))
        plays = min(reach) > 0
        everything = seen == len(video.plan.video + video.plan.audio)
        grows = plays and (everything or reach != video.reach)
        secs = usage.publish_secs(video.plan, video.record_bytes, grows, self.measured)
        if not plays:
            secs -= usage.TEXTS * self.measured["s3_secs"]
        self.at(self.now + secs, self.published, queue, started, video, seen, reach, everything)

    def reach(self, video, kind):
        """Chunks of a track from the first up to the first that is not done."""
        done = {job.index for job in video.done if job.kind == kind}
        return next(index for index in count() if index not in done)

    def published(self, queue, started, video, seen, reach, everything):
        video.told, video.reach = seen, reach
        if video.playable_at is None and min(reach) > 0:
            video.playable_at = self.now
        if everything:
            self.at(self.now + usage.complete_secs(video.plan, self.measured), self.ready, queue, started, video)
        elif len(video.done) > seen:
            self.publish(queue, started, video)
        else:
            video.publishing = False
            self.end(queue, started, True)

    def ready(self, queue, started, video):
        if video.failed_at is None:
            video.ready_at = self.now
        self.end(queue, started, True)


def simulate(lengths, settings, measured):
    """Runs videos: pairs of when one arrives and how long it is, in seconds."""
    return Simulation(settings, measured).run(lengths)
