"""The image of Transcode under what Lambda restricts: nothing to write to but /tmp, no rights, so much memory, so much time, and an end
whenever Lambda wants it.

The chunks are real ones: Ingest asks for them, and for as long as these tests run it is they who take the messages, not the emulator.
"""

import json
import os
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, STACK, TRANSCODE, Environment, check_stream, client, ffmpeg, until

pytestmark = pytest.mark.restrictions

IMAGE_LIMIT_BYTES = 50_000_000
# So much of it may be the program: for tests it is built soon, and is larger.
PROGRAM_LIMIT_BYTES = 10_000_000

# What Docker adds to each container.
OF_DOCKER = {
    ".dockerenv", "dev", "dev/console", "dev/pts", "dev/shm", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab", "proc", "sys",
}

# A message that was given back at once is there again after so long.
AT_ONCE_SECS = 15

# Left to itself, it is there when this is over: `VISIBILITY_TIMEOUT` of crates/streamforge-aws.
VISIBILITY_SECS = 60


class Queue:
    """What Lambda does with the messages of a queue, one by one."""

    def __init__(self, sqs, url):
        self.sqs, self.url = sqs, url
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self.arn = answer["Attributes"]["QueueArn"]

    def receive(self):
        """A message, as an event, if there is one."""
        received = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=1, MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        for message in received.get("Messages", []):
            own = {
                name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
                for name, value in message.get("MessageAttributes", {}).items()
            }
            return {"Records": [{
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": own,
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": self.arn,
                "awsRegion": "us-east-1",
            }]}

    def settle(self, event, answer):
        """Deletes what was handled. True if it was."""
        (record,) = event["Records"]
        if answer["batchItemFailures"]:
            assert answer["batchItemFailures"] == [{"itemIdentifier": record["messageId"]}]
            return False
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=record["receiptHandle"])
        return True

    def put_back(self, event):
        (record,) = event["Records"]
        self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0)


@pytest.fixture(scope="module")
def image(containers):
    return containers.images.get(TRANSCODE)


@pytest.fixture(scope="module")
def configuration(stack, aws):
    return client("lambda", aws).get_function_configuration(FunctionName=stack_resource(aws, "Transcode"))


def stack_resource(aws, name):
    found = client("cloudformation", aws).describe_stack_resource(StackName=STACK, LogicalResourceId=name)
    return found["StackResourceDetail"]["PhysicalResourceId"]


@pytest.fixture(scope="module")
def environment(containers, configuration, bridged):
    """Starts environments of the deployed function."""
    def start(timeout_secs=configuration["Timeout"]):
        variables = configuration["Environment"]["Variables"] | {"AWS_ENDPOINT_URL": bridged}
        return Environment(containers, variables, configuration["MemorySize"], timeout_secs)
    return start


@pytest.fixture(scope="module")
def queues(stack, aws):
    """Both queues, which the emulator leaves alone meanwhile."""
    functions = client("lambda", aws)
    mappings = functions.list_event_source_mappings(FunctionName=stack_resource(aws, "Transcode"))["EventSourceMappings"]
    assert len(mappings) == 2
    for mapping in mappings:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    sqs = client("sqs", aws)
    yield [Queue(sqs, stack[name]) for name in ("InteractiveQueueUrl", "BulkQueueUrl")]
    for mapping in mappings:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Six seconds of 1080p, which are two chunks and take a while."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=30:duration=6", "-f", "lavfi", "-i", "sine=duration=6",
           "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "4M", "-pix_fmt", "yuv420p", "-c:a", "aac", path)
    return path.read_bytes()


def work_off(service, queues, environment, video):
    """Hands message after message to one environment, until the video is done. The video."""
    def settled():
        for queue in queues:
            while event := queue.receive():
                queue.settle(event, environment.invoke(event))
        answer = service.call("GET", f"/api/v1/videos/{video}").json()
        return answer["status"] in ("ready", "failed") and answer
    return until(f"video {video}", settled, patience_secs=240)


def take(queues, wanted):
    """The queue and the event of a message that is as wanted."""
    others = []

    def found():
        for queue in queues:
            while event := queue.receive():
                if wanted(event["Records"][0]):
                    return queue, event
                others.append((queue, event))
    try:
        return until("a message", found)
    finally:
        # Only now: one that is received too often is a dead letter.
        for queue, event in others:
            queue.put_back(event)


def is_chunk_of(video):
    """Whether a message asks for a chunk of this video's picture."""
    def asks(record):
        message = json.loads(record["body"])
        return message["video"] == video and "video" in str(message["task"])
    return asks


def test_the_image_is_small(image):
    program = (ROOT / "target" / "lambda" / "transcode" / "root" / "bootstrap").stat().st_size
    assert image.attrs["Size"] - program <= IMAGE_LIMIT_BYTES - PROGRAM_LIMIT_BYTES
    if os.environ["PROFILE"] != "dev":
        assert program <= PROGRAM_LIMIT_BYTES


def test_the_image_has_nothing_to_run_but_what_it_needs(containers, image):
    assert image.attrs["Config"]["User"] == "65532:65532"
    container = containers.containers.create(image)
    try:
        with tempfile.TemporaryFile() as archive:
            for piece in container.export():
                archive.write(piece)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as files:
                members = files.getmembers()
    finally:
        container.remove()
    members = [member for member in members if member.name.rstrip("/") not in OF_DOCKER]
    programs = {member.name for member in members if member.isfile() and member.mode & 0o111}
    libraries = {name for name in programs if ".so" in name}
    assert programs - libraries == {"bootstrap", "opt/bin/ffmpeg", "opt/bin/ffprobe", "opt/bin/setpriv", "opt/bin/prlimit"}
    for member in members:
        assert not member.mode & 0o6000, f"{member.name} runs as somebody else"
        if not member.issym() and member.name.rstrip("/") != "tmp":
            assert not member.mode & 0o022, f"{member.name} can be written by others"


def test_a_video_is_encoded_with_nothing_but_tmp(service, stack, s3, queues, environment, film, tmp_path):
    video = service.upload("film.mp4", film)
    with environment() as where:
        ready = work_off(service, queues, where, video)
        assert ready["status"] == "ready", ready
        where.container.reload()
        assert not where.container.attrs["State"]["OOMKilled"]
    check_stream(s3, stack, video, tmp_path)


def test_what_takes_longer_than_the_function_may_is_given_up_and_comes_again(service, queues, environment, film):
    video = service.upload("film.mp4", film)
    queue, event = take(queues, is_chunk_of(video))
    # Of these it keeps five to stop and to tell.
    with environment(timeout_secs=7) as short:
        begun = time.monotonic()
        assert not queue.settle(event, short.invoke(event))
        assert time.monotonic() - begun < 7
        assert f"no time is left for message {event['Records'][0]['messageId']}" in short.log()
        until("the end of FFmpeg", lambda: not any("ffmpeg" in command for command in short.commands()), patience_secs=5)
    service.call("DELETE", f"/api/v1/videos/{video}")


@pytest.mark.parametrize(("end", "patience_secs"), [
    ("stop", AT_ONCE_SECS),
    ("kill", VISIBILITY_SECS + AT_ONCE_SECS),
])
def test_what_ends_in_the_middle_of_a_chunk_is_finished_by_another(service, stack, s3, queues, environment, film, tmp_path, end,
                                                                   patience_secs):
    video = service.upload("film.mp4", film)
    queue, event = take(queues, is_chunk_of(video))
    with environment() as stopped, ThreadPoolExecutor() as threads:
        invoked = threads.submit(stopped.invoke, event)
        until("FFmpeg", lambda: any(command.startswith("/opt/bin/ffmpeg") for command in stopped.commands()))
        assert not invoked.done()
        getattr(stopped.container, end)()
        stopped_at = time.monotonic()
        assert invoked.exception(timeout=10), "it was done before it was stopped"

    message_id = event["Records"][0]["messageId"]
    queue, event = take([queue], lambda record: record["messageId"] == message_id)
    assert time.monotonic() - stopped_at < patience_secs
    with environment() as other:
        # The lease of the first is over too.
        assert queue.settle(event, other.invoke(event))
        ready = work_off(service, queues, other, video)
        assert ready["status"] == "ready", ready
    check_stream(s3, stack, video, tmp_path)
