"""The tables of docs/COST.md, as Markdown."""

from statistics import median

from . import bill, data, layout, simulation, usage, work

MEMORY_MB = 3008  # TranscodeMemory of template.yaml
LANE_LIMIT = 20  # InteractiveConcurrency and BulkConcurrency of template.yaml
LENGTHS = {"1 min": 60, "10 min": 600, "1 h": 3600, "2 h": 7200, "5 h": 18_000}
WORKERS = (10, 50, 100, 250, 500, 1000)
SEEDS = range(9)
# What the other services' prices are held against.
REFERENCE_SECS = 600
HOUR, HOURS_AT_ONCE = 3600, 50
# A short video that comes when all encoders are at work on a long one.
LATE_SECS, SHORT, LONG = 60, 60, 18_000
VIEWS, MONTHS = (0, 10, 100, 1000), 12

DEFAULT = work.Function(MEMORY_MB)
ARM = work.Function(MEMORY_MB, "arm64")


def table(head, rows, right=True):
    rule = ["---"] + ["---:" if right else "---"] * (len(head) - 1)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *rows])


def dollars(usd, digits=4):
    return f"${usd:.{digits}f}"


def thousandths(usd):
    """Dollars for a thousand."""
    return f"${usd * 1000:,.2f}"


def clock(secs):
    """Minutes and seconds."""
    minutes, rest = divmod(round(secs), 60)
    return f"{minutes}:{rest:02}"


# ── Cost ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def against(measured, prices):
    """A thousand minutes of source, beside other services."""
    making = bill.making_total(REFERENCE_SECS, DEFAULT, measured, prices)
    on_arm = bill.making_total(REFERENCE_SECS, ARM, measured, prices)
    keeping = bill.keeping(60, measured, prices)
    watching = [bill.delivering(rung, measured, prices) for rung in ("720p", "1080p")]
    delivered = [thousandths(usd) for usd in watching]
    rows = [
        ["StreamForge, x86_64", thousandths(making), thousandths(keeping), *delivered],
        ["StreamForge, arm64, if it is as fast", thousandths(on_arm), thousandths(keeping), *delivered],
        ["MediaConvert, basic tier, the same three rungs", thousandths(bill.mediaconvert(prices)), thousandths(keeping), *delivered],
        ["Cloudflare Stream", "free", thousandths(prices["cloudflare_stored"])] + 2 * [thousandths(prices["cloudflare_delivered"])],
        ["Mux, quality plus (not confirmed)", thousandths(prices["mux_encoded"]), thousandths(prices["mux_stored"]),
         thousandths(prices["mux_delivered_720p"]), thousandths(prices["mux_delivered_1080p"])],
    ]
    return table(["1000 minutes of 1080p30", "make, once", "keep, a month", "watch, 720p", "watch, 1080p"], rows)


def year(measured, prices):
    """Made once, kept for a year, watched so many times."""
    keeping, watching = bill.keeping(60, measured, prices), bill.delivering("720p", measured, prices)
    services = {
        "StreamForge, x86_64": (bill.making_total(REFERENCE_SECS, DEFAULT, measured, prices), keeping, watching),
        "MediaConvert, S3, CloudFront": (bill.mediaconvert(prices), keeping, watching),
        "Cloudflare Stream": (0, prices["cloudflare_stored"], prices["cloudflare_delivered"]),
        "Mux, quality plus (not confirmed)": (prices["mux_encoded"], prices["mux_stored"], prices["mux_delivered_720p"]),
    }
    rows = [[name, *(thousandths(make + MONTHS * keep + views * watch) for views in VIEWS)] for name, (make, keep, watch) in services.items()]
    return table(["1000 minutes, kept for a year", *(f"{views} views" for views in VIEWS)], rows)


def parts(measured, prices):
    """What making a video is spent on, by how long it is."""
    made = {name: bill.making(secs, DEFAULT, measured, prices) for name, secs in LENGTHS.items()}
    rows = []
    for part in next(iter(made.values())):
        rows.append([part, *(dollars(made[name][part] / (secs / 60), 5) for name, secs in LENGTHS.items())])
    totals = [sum(made[name].values()) / (secs / 60) for name, secs in LENGTHS.items()]
    rows.append(["**a minute, x86_64**", *(f"**{dollars(total, 5)}**" for total in totals)])
    on_arm = [bill.making_total(secs, ARM, measured, prices) for secs in LENGTHS.values()]
    rows.append(["a minute, arm64, if it is as fast", *(dollars(total, 5) for total in on_arm)])
    rows.append(["MediaConvert, a minute", *(dollars(bill.mediaconvert(prices), 5) for _ in LENGTHS)])
    rows.append(["the whole video, x86_64", *(dollars(total * secs / 60, 3) for total, secs in zip(totals, LENGTHS.values()))])
    return table(["a minute of a video of", *LENGTHS], rows)


def idle(prices):
    """What a stack costs that nobody uses."""
    month = bill.idle(prices)
    rows = [[what, dollars(usd, 2)] for what, usd in month.items()]
    return table(["a month without uploads", "x86_64"], [*rows, ["**together**", f"**{dollars(sum(month.values()), 2)}**"]])


def counts(measured):
    """What a minute of a ten-minute video asks for."""
    used = usage.video(REFERENCE_SECS, DEFAULT, measured)
    minutes = REFERENCE_SECS / 60
    names = {
        "encode_gb_secs": "GB-seconds of Lambda", "lambda_request": "invocations", "s3_put": "S3: PUT and LIST", "s3_get": "S3: GET and HEAD",
        "dynamodb_write": "DynamoDB: write units", "dynamodb_read": "DynamoDB: read units", "sqs_request": "SQS: requests",
        "http_api_request": "HTTP API: requests",
    }
    rows = [[name, f"{used[key] / minutes:,.1f}"] for key, name in names.items()]
    rows.append(["MB of stream", f"{used['stream_gb'] / minutes * usage.GB / 1e6:,.1f}"])
    rows.append(["MB of source", f"{used['source_gb'] / minutes * usage.GB / 1e6:,.1f}"])
    return table(["a minute of a ten-minute video", "at most"], rows)


# ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def runs(lengths, measured, seeds=SEEDS, **settings):
    """The same with every seed."""
    settings = {"workers": 100, "function": DEFAULT} | settings
    return [simulation.simulate(lengths, simulation.Settings(seed=seed, **settings), measured) for seed in seeds]


def middle(results, when, video=0):
    """The median of a time after the upload; a video that failed counts as never done."""
    times = [getattr(result.videos[video], when) for result in results]
    arrived = results[0].videos[video].arrives
    found = median(float("inf") if time is None else time for time in times)
    return "never" if found == float("inf") else clock(found - arrived)


def by_default(lengths, measured, **settings):
    limits = {lane: LANE_LIMIT for lane in simulation.LANES}
    return runs(lengths, measured, workers=2 * LANE_LIMIT, lane_limits=limits, **settings)


def ready(measured):
    """When a video is ready, by its length and the number of workers."""
    rows = []
    for name, secs in LENGTHS.items():
        alone = [(0, secs)]
        default = by_default(alone, measured)
        times = [middle(runs(alone, measured, workers=workers), "ready_at") for workers in WORKERS]
        rows.append([name, middle(default, "playable_at"), middle(default, "ready_at"), *times])
    return table(["length", "plays", "ready: default, 20 + 20", *map(str, WORKERS)], rows)


def many(measured):
    """Many uploads at the same moment."""
    rows = []
    for workers in WORKERS:
        (result,) = runs([(0, HOUR)] * HOURS_AT_ONCE, measured, seeds=[0], workers=workers)
        plays = sorted(video.playable_at for video in result.videos)
        ends = sorted(video.ready_at for video in result.videos)
        rows.append([str(workers), clock(median(plays)), clock(plays[-1]), clock(ends[0]), clock(ends[-1])])
    head = ["workers", "half of them play", "all play", "the first is ready", "all are ready"]
    return table(head, rows)


def lanes(measured):
    """A short video that comes while a long one is encoded."""
    both = [(0, LONG), (LATE_SECS, SHORT)]
    default = by_default(both, measured)
    one = runs(both, measured, workers=2 * LANE_LIMIT, one_lane=True)
    rows = [
        ["two queues, 20 + 20 encoders", middle(default, "playable_at", 1), middle(default, "ready_at", 1)],
        ["one queue, 40 encoders", middle(one, "playable_at", 1), middle(one, "ready_at", 1)],
    ]
    return table(["a one-minute video, a minute after one of 5 hours", "plays", "ready"], rows)


def changes(measured, prices):
    """What changes cost and time of an hour at 100 workers."""
    def function(memory_mb):
        return {"function": work.Function(memory_mb)}

    cases = {
        "**as it is**": ({}, {}),
        "1769 MB, 1 processor": (function(1769), {}),
        "5307 MB, 3 processors (¹)": (function(5307), {}),
        "10240 MB, 5.8 processors (¹)": (function(10_240), {}),
        "Lambda's processors are a quarter slower": ({}, {"vcpu_speed": 0.75}),
        "a picture that is half as hard": ({}, {"ladder_cpu_secs": measured["ladder_cpu_secs"] / 2, "ladder_wall_secs": measured["ladder_wall_secs"] / 2}),
        "no attempt fails": ({}, {"failures": 0}),
        "one attempt in twenty fails": ({}, {"failures": 0.05}),
        "each cold start takes 10 s": ({}, {"cold_start_least_secs": 10, "cold_start_most_secs": 10}),
        "each request to S3 takes 0.2 s": ({}, {"s3_secs": 0.2}),
        "SQS lets more begin each full minute": ({"ramp": "stepped"}, {}),
        "SQS lets all begin at once": ({"ramp": None}, {}),
        "the account's limit refuses, not MaximumConcurrency": ({"throttled": True}, {}),
    }
    rows = []
    for name, (settings, other) in cases.items():
        fed = measured | other
        results = runs([(0, HOUR)], fed, **settings)
        usd = bill.making_total(HOUR, settings.get("function", DEFAULT), fed, prices)
        rows.append([name, thousandths(usd), middle(results, "playable_at"), middle(results, "ready_at")])
    return table(["an hour, 100 workers", "1000 minutes", "plays", "ready"], rows)


# ── Where numbers come from ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def sources():
    """Every price."""
    rows = []
    for entry in data.entries("prices.toml").values():
        sure = "yes" if entry["confirmed"] else "**no**"
        rows.append([f"{entry['usd']:.10f}".rstrip("0"), entry["unit"], f"[{entry['page'].split('/')[2]}]({entry['page']})",
                     f"{entry['read']}: {entry['via']}", sure])
    return table(["$", "for a", "page", "read", "confirmed"], rows, right=False)


def assumptions():
    """What nobody has measured."""
    rows = [[f"{entry['value']}", entry["unit"], entry["source"]]
            for entry in data.entries("measurements.toml").values() if entry["kind"] == "assumed"]
    return table(["assumed", "what", "why"], rows, right=False)


def check(measured):
    """The model beside what was measured of the whole."""
    whole = layout.plan(measured["ladder_secs"])
    processors = measured["ladder_processors"]
    first = measured["probe_cpu_secs"] + work.wall_secs(whole.video[0], DEFAULT, measured, vcpus=processors)
    wall = measured["probe_cpu_secs"] + sum(work.wall_secs(job, DEFAULT, measured, vcpus=processors) for job in whole.jobs())
    cpu = measured["probe_cpu_secs"] + sum(work.cpu_secs(job, measured) for job in whole.jobs())
    rows = [
        ["CPU of two minutes", f"{cpu:.1f} s", f"{measured['ladder_cpu_secs']} s", "fitted"],
        ["wall time of two minutes, two processors", f"{wall:.1f} s", f"{measured['ladder_wall_secs']} s", "fitted"],
        ["first segment, two processors", f"{first:.2f} s", f"{measured['first_segment_secs']} s",
         f"{first / measured['first_segment_secs'] - 1:+.0%}"],
    ]
    return table(["", "model", "measured", ""], rows)


def every():
    """All tables by the name of their place in docs/COST.md."""
    measured, prices = data.measurements(), data.prices()
    return {
        "against": against(measured, prices),
        "year": year(measured, prices),
        "ready": ready(measured),
        "parts": parts(measured, prices),
        "idle": idle(prices),
        "many": many(measured),
        "lanes": lanes(measured),
        "changes": changes(measured, prices),
        "counts": counts(measured),
        "check": check(measured),
        "assumptions": assumptions(),
        "sources": sources(),
    }
