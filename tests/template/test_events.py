"""Every event in events/ is one that the template brings about, and every function has one."""

import hashlib
import json
import re

from conftest import ROOT
from test_functions import routes_of_the_code

EVENTS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}


def of(source):
    return {name: event for name, event in EVENTS.items() if name.startswith(source + "-")}


def test_events_are_named_by_their_source():
    named = {name for source in ["http", "url", "s3", "sqs", "schedule"] for name in of(source)}
    assert named == set(EVENTS)


def test_there_is_a_request_for_every_route():
    requests = {event["routeKey"] for event in of("http").values()}
    assert requests == {route for route in routes_of_the_code() if not route.endswith("/events")}
    streamed = {event["rawPath"] for event in of("url").values()}
    patterns = [route.removeprefix("GET ") for route in routes_of_the_code() if route.endswith("/events")]
    for pattern in patterns:
        assert any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path) for path in streamed)


def test_requests_are_what_their_routes_say():
    for name, event in (of("http") | of("url")).items():
        method = event["requestContext"]["http"]["method"]
        path = event["rawPath"]
        assert event["requestContext"]["http"]["path"] == path, name
        assert event["requestContext"]["routeKey"] == event["routeKey"], name
        if name.startswith("url-"):
            assert event["routeKey"] == "$default"
            continue
        route_method, pattern = event["routeKey"].split(" ")
        assert method == route_method, name
        groups = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        found = re.fullmatch(groups, path)
        assert found and found.groupdict() == event.get("pathParameters", {}), name


def test_messages_are_whole():
    for name, event in of("sqs").items():
        for record in event["Records"]:
            body = record["body"].encode()
            assert record["md5OfBody"] == hashlib.md5(body).hexdigest(), name
            assert record["eventSource"] == "aws:sqs", name


def test_every_kind_of_task_has_a_message():
    tasks = set()
    for name, event in of("sqs").items():
        if name != "sqs-poison-batch":
            (record,) = event["Records"]
            task = json.loads(record["body"])["task"]
            tasks.add(task if isinstance(task, str) else "encode")
    assert tasks == {"ingest", "encode", "publish", "poster", "remove"}
