"""Each function may do what its code can come to, and nothing else."""

import re

import pytest
from conftest import CRATES
from rust_calls import Code

# What an operation of the SDK needs, where that is not what its name says
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
ACTIONS = {
    # Only puts are in our transactions.
    "transact_write_items": {"dynamodb:PutItem"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "complete_multipart_upload": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "delete_objects": {"s3:DeleteObject"},
    # What is not there is a 404 only for who may list.
    "head_object": {"s3:GetObject", "s3:ListBucket"},
    "list_objects_v2": {"s3:ListBucket"},
    "list_parts": {"s3:ListMultipartUploadParts"},
    "upload_part": {"s3:PutObject"},
    "send_message_batch": {"sqs:SendMessage"},
}
SERVICES = {
    "VideoTable": "dynamodb", "UploadBucket": "s3", "ObjectSource": "s3", "MediaBucket": "s3", "JobQueue": "sqs"}
RESOURCES = {
    "VideoTable": "table", "UploadBucket": "uploads", "ObjectSource": "uploads", "MediaBucket": "media", "JobQueue": "queues"}

# An event of S3 has an ingest as its only task: what other tasks do is out of its reach.
ONLY_OTHER_TASKS = ("encode", "find_poster", "remove", "publish", "has_poster", "put_progress", "forget_progress", "want_publish")

# What Lambda itself does with the queues that it reads for a function.
BY_LAMBDA = {("queues", f"sqs:{action}") for action in ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"]}


@pytest.fixture(scope="session")
def code():
    return Code("streamforge-aws", "streamforge-api", "streamforge-worker", "streamforge-lambda")


def action(service, operation):
    named = "".join(word.capitalize() for word in operation.split("_"))
    return ACTIONS.get(operation, {f"{service}:{named}"})


def handlers(resources):
    """The handlers in the code of each function's routes."""
    in_code = {}
    for path in (CRATES / "streamforge-api/src").rglob("*.rs"):
        for attribute, handler in re.findall(
                r"#\[utoipa::path\((.*?)\n\)\]\s*async fn (\w+)", path.read_text(), re.S):
            method, route = re.match(r'\s*(\w+),\s*path = "([^"]+)"', attribute).groups()
            in_code[f"{method.upper()} {route}"] = ("streamforge-api", path.stem, handler)
    found = {"Events": [key for route, key in in_code.items() if route.endswith("/events")]}
    for resource in resources.values():
        if resource["Type"] == "AWS::ApiGatewayV2::Route":
            target = resource["Properties"]["Target"]["Fn::Sub"]
            function = re.search(r"\{(\w+)Integration\}", target)[1]
            if handler := in_code.get(resource["Properties"]["RouteKey"]):
                found.setdefault(function, []).append(handler)
    return found


def needed(code, function, resources):
    entries = handlers(resources)
    entries |= {
        "Ingest": [("streamforge-lambda", "s3", "handle_objects")],
        "Transcode": [("streamforge-lambda", "sqs", "handle_batch")],
        "Janitor": [("streamforge-lambda", "schedule", "handle_tick")],
    }
    assert all(entry in code.bodies for entry in entries[function])
    without = ONLY_OTHER_TASKS if function == "Ingest" else ()
    reached = code.reachable(entries[function], without)
    found = set(BY_LAMBDA) if function == "Transcode" else set()
    for adapter, operation, index in code.operations(reached):
        for each in action(SERVICES[adapter], operation):
            resource = RESOURCES[adapter]
            found.add((index.lower().replace("_", "-") if index else resource, each))
    return found


def granted(infra, function):
    """What a role allows, as (resource, action), the log apart."""
    names = [("index/", None), ("TableArn", "table"), ("UploadBucket", "uploads"),
             ("MediaBucketArn", "media"), ("QueueArn", "queues")]
    role = infra["permissions"]["Resources"][f"{function}Role"]["Properties"]
    (policy,) = role["Policies"]
    found = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            text = str(resource)
            if "LogGroupArn" in text:
                continue
            name = next(name or re.search(r"index/([\w-]+)", text)[1]
                        for part, name in names if part in text)
            found |= {(name, each) for each in statement["Action"]}
    return found


@pytest.mark.parametrize(
    "function", ["Presign", "Complete", "Videos", "Events", "Ingest", "Transcode", "Janitor"])
def test_a_role_allows_what_the_code_calls(code, infra, resources, function):
    assert granted(infra, function) == needed(code, function, resources)


def test_only_other_tasks_has_names_that_exist(code):
    names = {name for _, _, name in code.bodies}
    assert set(ONLY_OTHER_TASKS) <= names


def test_dead_letters_are_for_those_who_bury_and_count_them(infra):
    with_dead_letters = {}
    for name, role in infra["permissions"]["Resources"].items():
        for statement in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
            if "DeadLetterQueueArn" in str(statement["Resource"]):
                with_dead_letters[name] = statement["Action"]
    assert with_dead_letters == {
        "VideosRole": ["sqs:GetQueueAttributes"], "TranscodeRole": ["sqs:SendMessage"]}


def test_nobody_may_do_anything_to_everything(infra):
    for role in infra["permissions"]["Resources"].values():
        for statement in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
            assert "*" not in "".join(statement["Action"])
            assert statement["Resource"] != "*"
