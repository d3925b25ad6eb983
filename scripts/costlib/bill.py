"""What usage costs, in US dollars."""

from . import layout, usage

# crates/streamforge-worker/src/lib.rs, Retention: how long the uploaded file is kept once its stream is ready.
SOURCE_DAYS, MONTH_DAYS = 1, 30
# A player asks for a segment of video and one of sound every 4 s.
SEGMENT_REQUESTS_PER_MINUTE = 2 * 60 / layout.SEGMENT_SECS
HD_SHORT_SIDE = 720

# Once a month, whether anything is uploaded or not. Five pollers of each of two queues ask every 20 s; infra/monitoring.yaml has so
# many metrics in alarms; the janitor starts once a minute and is counted with a tenth of a second.
POLLS = 2 * 5 * 3 * 60 * 24 * MONTH_DAYS
ALARM_METRICS = 6 + 8 + 6 + 5 + 7
JANITOR_RUNS, JANITOR_SECS, JANITOR_GB = 60 * 24 * MONTH_DAYS, 0.1, 0.25


def making(secs, function, measured, prices):
    """Making one video, by what it is spent on."""
    used = usage.video(secs, function, measured)
    return {
        "Lambda: encoding": used["encode_gb_secs"] * prices[f"lambda_{function.architecture}"],
        "Lambda, HTTP API: requests": used["lambda_request"] * prices["lambda_request"]
        + used["http_api_request"] * prices["http_api_request"],
        "S3: requests": used["s3_put"] * prices["s3_put"] + used["s3_get"] * prices["s3_get"],
        "S3: the uploaded file, for a day": used["source_gb"] * prices["s3_month"] * SOURCE_DAYS / MONTH_DAYS,
        "DynamoDB": used["dynamodb_write"] * prices["dynamodb_write"] + used["dynamodb_read"] * prices["dynamodb_read"],
        "SQS": used["sqs_request"] * prices["sqs_request"],
    }


def keeping(secs, measured, prices):
    """Keeping its stream for a month."""
    return usage.stream_bytes(layout.plan(secs), measured) / usage.GB * prices["s3_month"]


def delivering(rung, measured, prices):
    """A minute of one rung with sound to one viewer."""
    size = 60 * (measured[f"bytes_{rung}_per_sec"] + measured["bytes_audio_per_sec"])
    return size / usage.GB * prices["cloudfront_gb"] + SEGMENT_REQUESTS_PER_MINUTE * prices["cloudfront_request"]


def mediaconvert(prices):
    """The same rungs by MediaConvert, a minute of source."""
    is_hd = [int(rung.removesuffix("p")) >= HD_SHORT_SIDE for rung in layout.RUNGS]
    return sum(prices["mediaconvert_hd" if hd else "mediaconvert_sd"] for hd in is_hd)


def idle(prices):
    """A month in which nobody does anything."""
    janitor = JANITOR_RUNS * (prices["lambda_request"] + JANITOR_SECS * JANITOR_GB * prices["lambda_x86_64"] + prices["dynamodb_read"])
    return {
        "alarms": ALARM_METRICS * prices["cloudwatch_alarm"],
        "asking two empty queues": POLLS * prices["sqs_request"],
        "the janitor, once a minute": janitor,
    }


def making_total(secs, function, measured, prices):
    """Dollars for a minute of source."""
    return sum(making(secs, function, measured, prices).values()) / (secs / 60)


def busy_secs_per_minute(secs, function, measured):
    """Seconds that a function is busy for a minute of source."""
    return usage.video(secs, function, measured)["encode_gb_secs"] / function.gb() / (secs / 60)
