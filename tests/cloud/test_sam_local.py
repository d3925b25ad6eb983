"""Every event by `sam local invoke`, and every request by `sam local start-api`: the packages of `sam build`, each in a container of its own,
answer what the tests of crates/streamforge-lambda expect of their handlers.

SAM CLI adds a layer to what it runs, by a shell, and the image of Transcode has none. So that one runs in Lambda's emulator as it is.
"""

import base64
import json
import re
import shutil
import subprocess
from urllib.parse import quote

import pytest
import requests
from conftest import BUILT, ROOT, Environment, Stopped, client, free_port, until
from samcli.yamlhelper import yaml_dump, yaml_parse

pytestmark = pytest.mark.sam_local

# What SAM CLI runs zips in. Where it is not there yet, and cannot be fetched, one is made of files of this machine: a shell, for what SAM
# CLI adds to it, and what functions find on Lambda.
BASE = "public.ecr.aws/lambda/provided:al2023-x86_64"
OF_BASE = ["/bin/sh", "/bin/mv", "/bin/chmod"]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

# Where infra/sam-local-env.json expects what stands in for AWS.
EXPECTED = "host.docker.internal:4566"

# What the events are about: `VideoId::from_random(7)` and `UploadId::from_random(7)`.
ID = "00000000000000000000000007"
FILE = b"this is not a video."

# The template lets a client follow events for a minute.
FOLLOWING_SECS = 6

# Far more than any of them takes, one that makes an image among them.
INVOCATION_SECS = 90

EVENTS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}
SCHEMAS = {name: yaml_parse((ROOT / "infra" / f"{name}.yaml").read_text()) for name in ("data", "queues")}

# In an order in which each is possible, as `every_route_is_answered` has it. Nothing of the file has arrived, and it is given up in the end.
STATUS = {
    "http-create-upload": 201,
    "http-get-upload": 200,
    "http-create-part-urls": 200,
    "http-complete-upload": 202,
    "http-get-video": 200,
    "http-get-job-status": 200,
    "http-list-videos": 200,
    "http-update-video": 200,
    "http-retry-video": 409,
    "http-put-file": 307,
    "http-post-file": 201,
    "http-get-health": 200,
    "http-get-description": 200,
    "url-all-events": 200,
    "url-video-events": 200,
    "http-delete-video": 204,
    "http-delete-upload": 204,
}


def libraries(program):
    """The files that a program is linked to."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(", told)


@pytest.fixture(scope="module")
def base(containers, tmp_path_factory):
    """The image that SAM CLI runs zips in."""
    if containers.images.list(BASE):
        return
    context = tmp_path_factory.mktemp("base")
    programs = [BUILT / name / "bootstrap" for name in ("Videos", "Ingest")]
    for path in {*OF_BASE, CERTIFICATES, *(file for program in [*OF_BASE, *programs] for file in libraries(program))}:
        copy = context / "root" / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (context / "root" / "tmp").mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY root /\nENV PATH=/bin\n")
    containers.images.build(path=str(context), tag=BASE)


class Made:
    """The table, buckets and queues of the names in infra/sam-local-env.json."""

    def __init__(self, aws, variables):
        self.names = variables
        self.dynamodb, self.s3, self.sqs = (client(service, aws) for service in ("dynamodb", "s3", "sqs"))
        table = SCHEMAS["data"]["Resources"]["Table"]["Properties"]
        self.table = variables["TABLE_NAME"]
        self.dynamodb.create_table(TableName=self.table, **{
            name: table[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        })
        for bucket in (variables["UPLOAD_BUCKET"], variables["MEDIA_BUCKET"]):
            self.s3.create_bucket(Bucket=bucket)
        for name in ("INTERACTIVE_QUEUE_URL", "BULK_QUEUE_URL", "DEAD_LETTER_QUEUE_URL"):
            self.sqs.create_queue(QueueName=variables[name].rsplit("/", 1)[1])

    def items(self):
        return self.dynamodb.scan(TableName=self.table)["Items"]

    def item(self, kind):
        (found,) = [item for item in self.items() if item["pk"]["S"] == f"{kind}#{ID}" and item["sk"]["S"] == "META"]
        return found

    def forget(self):
        for item in self.items():
            self.dynamodb.delete_item(TableName=self.table, Key={name: item[name] for name in ("pk", "sk")})

    def put(self, item):
        self.dynamodb.put_item(TableName=self.table, Item=item)

    def put_file(self):
        self.s3.put_object(Bucket=self.names["UPLOAD_BUCKET"], Key=f"raw/{ID}", Body=FILE)

    def has_file(self):
        return "Contents" in self.s3.list_objects_v2(Bucket=self.names["UPLOAD_BUCKET"], Prefix=f"raw/{ID}")

    def count(self, name):
        """How many messages wait in a queue."""
        url = self.sqs.get_queue_url(QueueName=self.names[name].rsplit("/", 1)[1])["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def deliver(self, event):
        """Sends the messages of an event, so that they can be deleted or hidden as in life. The event, with their receipts."""
        url = self.sqs.get_queue_url(QueueName=self.names["INTERACTIVE_QUEUE_URL"].rsplit("/", 1)[1])["QueueUrl"]
        event = json.loads(json.dumps(event))
        for record in event["Records"]:
            self.sqs.send_message(QueueUrl=url, MessageBody=record["body"])
            (message,) = self.sqs.receive_message(QueueUrl=url)["Messages"]
            record.update(messageId=message["MessageId"], receiptHandle=message["ReceiptHandle"])
        return event


class SamLocal:
    """`sam local` with the settings of samconfig.toml."""

    def __init__(self, folder, environment, variables):
        self.folder, self.environment = folder, environment
        template = yaml_parse((BUILT / "template.yaml").read_text())
        self.resources = template["Resources"]
        for package in BUILT.iterdir():
            if package.is_dir():
                (folder / package.name).symlink_to(package)
        self.resources["Events"]["Properties"]["Timeout"] = FOLLOWING_SECS
        (folder / "template.yaml").write_text(yaml_dump(template))
        (folder / "env.json").write_text(json.dumps({"Parameters": variables}))

    def command(self, verb, *arguments):
        return [
            "sam", "local", verb, *arguments, "--config-env", "local", "--config-file", str(ROOT / "samconfig.toml"),
            "--template-file", str(self.folder / "template.yaml"), "--env-vars", str(self.folder / "env.json"),
            "--layer-cache-basedir", str(self.folder / "layers"),
        ]

    def function_of(self, name):
        """The function that the template gives an event to."""
        source = name.split("-")[0]
        if source != "http":
            return {"url": "Events", "s3": "Ingest", "schedule": "Janitor"}[source]
        (target,) = [
            route["Properties"]["Target"]["Fn::Sub"] for route in self.resources.values()
            if route["Type"] == "AWS::ApiGatewayV2::Route" and route["Properties"]["RouteKey"] == EVENTS[name]["routeKey"]
        ]
        return re.fullmatch(r"integrations/\$\{(\w+)Integration\}", target)[1]

    def invoke(self, name, event=None):
        """What the function of an event answers."""
        command = self.command("invoke", self.function_of(name), "--event", "-")
        done = subprocess.run(command, input=json.dumps(event or EVENTS[name]), env=self.environment, cwd=self.folder,
                              capture_output=True, text=True, timeout=INVOCATION_SECS)
        assert done.returncode == 0, done.stderr
        # What is streamed begins with what is known of it
        # (https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html).
        begin, streamed, body = done.stdout.strip().partition("\0" * 8)
        answer = json.loads(begin) if begin else None
        return answer | {"body": body} if streamed else answer


@pytest.fixture(scope="module")
def variables(emulator):
    names = json.loads((ROOT / "infra" / "sam-local-env.json").read_text())["Parameters"]
    host, _ = EXPECTED.split(":")
    port = emulator.rsplit(":", 1)[1]
    return {name: value.replace(EXPECTED, f"{host}:{port}") for name, value in names.items()}


@pytest.fixture(scope="module")
def made(aws, variables):
    return Made(aws, variables)


@pytest.fixture(scope="module")
def sam(aws, base, made, variables, tmp_path_factory):
    return SamLocal(tmp_path_factory.mktemp("sam-local"), aws, variables)


@pytest.fixture(scope="module")
def announced(sam, made):
    """What the table has of an announced file of twenty bytes: the video and the upload that the events are about."""
    made.forget()
    event = EVENTS["http-create-upload"] | {"body": json.dumps({"file_name": "film.mp4", "size_bytes": len(FILE)})}
    upload = json.loads(sam.invoke("http-create-upload", event)["body"])
    items = json.dumps(made.items())
    for own in (upload["id"], upload["video_id"]):
        items = items.replace(own, ID)
    items = json.loads(items)
    for item in items:
        # It is that of another key.
        item.pop("s3_upload_id", None)
    return items


@pytest.fixture
def about(made, announced):
    """A table with what the events are about, and nothing else."""
    made.forget()
    for item in announced:
        made.put(item)
    return made


@pytest.fixture(scope="module")
def transcode(containers, made, variables, bridged):
    """Invokes the function of messages."""
    with Environment(containers, variables | {"AWS_ENDPOINT_URL": bridged}) as environment:
        yield environment.invoke


def test_every_event_is_sent():
    told = (ROOT / "tests" / "cloud" / "test_sam_local.py").read_text()
    assert [name for name in EVENTS if f'"{name}"' not in told] == []


def test_every_request_is_answered(sam, about):
    for name, status in STATUS.items():
        answer = sam.invoke(name)
        assert answer["statusCode"] == status, f"{name}: {answer}"
        if name.startswith("url-"):
            assert "event: " in answer["body"]


def test_a_file_that_arrived_is_looked_at_and_refused_for_what_it_is(sam, about):
    about.put_file()
    assert sam.invoke("s3-object-created") is None
    failed = about.item("VIDEO")
    assert failed["failure"]["M"]["code"]["S"] == "not_video"
    assert not about.has_file()


def test_of_all_keys_only_those_of_videos_count(sam, about):
    about.put_file()
    assert sam.invoke("s3-object-created-odd-keys") is None
    assert about.item("VIDEO")["failure"]["M"]["code"]["S"] == "not_video"


def test_the_event_that_tries_notifications_out_does_nothing(sam, about):
    before = about.items()
    assert sam.invoke("s3-test-event") is None
    assert about.items() == before


def test_a_tick_gives_an_upload_up_to_which_nobody_came_back(sam, about):
    upload = about.item("UPLOAD")
    # When it is due is sorted as text, of thirteen digits.
    upload["due_sk"]["S"] = f"{2000:013}"
    upload["expires_at"]["N"] = "2000"
    about.put(upload)
    assert sam.invoke("schedule-tick") is None
    assert about.item("UPLOAD")["status"]["S"] == "aborted"


@pytest.mark.parametrize("name", ["sqs-chunk", "sqs-audio", "sqs-publish", "sqs-poster", "sqs-remove"])
def test_a_message_about_a_deleted_video_is_done_with(transcode, made, name):
    made.forget()
    assert transcode(made.deliver(EVENTS[name])) == {"batchItemFailures": []}


def test_a_message_to_look_at_a_file_is_handled(transcode, about):
    about.put_file()
    assert transcode(about.deliver(EVENTS["sqs-ingest"])) == {"batchItemFailures": []}
    assert about.item("VIDEO")["failure"]["M"]["code"]["S"] == "not_video"


def test_poison_is_buried_and_leaves_the_rest_of_its_batch_alone(transcode, made):
    made.forget()
    before = made.count("DEAD_LETTER_QUEUE_URL")
    assert transcode(made.deliver(EVENTS["sqs-poison-batch"])) == {"batchItemFailures": []}
    assert made.count("DEAD_LETTER_QUEUE_URL") == before + 2


@pytest.fixture(scope="module")
def api(sam, tmp_path_factory):
    """The URL of `sam local start-api`."""
    port = free_port()
    command = sam.command("start-api", "--port", str(port), "--warm-containers", "LAZY")
    log = tmp_path_factory.mktemp("start-api") / "log"
    url = f"http://127.0.0.1:{port}"
    with Stopped(command, log, env=sam.environment, cwd=sam.folder) as process:
        until("sam local start-api", lambda: process.poll() is None and requests.get(url, timeout=5).status_code)
        yield url


def test_every_request_is_answered_by_the_local_api(api, about):
    for name, status in STATUS.items():
        if name.startswith("url-"):
            continue
        event = EVENTS[name]
        body = event.get("body", "").encode()
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body)
        headers = {key: value for key, value in event["headers"].items() if key in ("accept", "content-type", "user-agent")}
        answer = requests.request(event["requestContext"]["http"]["method"], api + quote(event["rawPath"]), data=body,
                                  headers=headers, timeout=INVOCATION_SECS, allow_redirects=False)
        assert answer.status_code == status, f"{name}: {answer.text}"


def test_a_path_that_is_no_route_does_not_reach_a_function(api):
    assert requests.get(f"{api}/api/v1/secrets", timeout=INVOCATION_SECS).status_code == 403
