"""What crates/streamforge-aws/src/job_queue.rs needs of SQS, on the queues of infra/queues.yaml."""

import json
import re
import time
from pathlib import Path

import botocore.exceptions
import pytest

QUEUES = (Path(__file__).parents[2] / "infra" / "queues.yaml").read_text()
BODY = json.dumps({"video": "00000000000000000000000007", "task": {"encode": {"video": 0}}})
REQUEST = {"request.id": {"DataType": "String", "StringValue": "JKJaXmPLvHcESHA="}}


def receive(sqs, url, wait_secs=0, **options):
    received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait_secs, **options)
    return received.get("Messages", [])


def hide(sqs, url, message, secs):
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=secs)


def depth(sqs, url):
    """Messages that wait, and that somebody has."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return [int(attributes[name]) for name in names]


@pytest.fixture
def queue(make_queue):
    # As the template has it.
    return make_queue(VisibilityTimeout=re.search(r"VisibilityTimeout: (\d+)", QUEUES)[1])


def test_a_batch_of_ten_keeps_bodies_and_attributes(sqs, queue):
    entries = [{"Id": str(place), "MessageBody": BODY + " " * place, "MessageAttributes": REQUEST} for place in range(10)]
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert len(sent["Successful"]) == 10 and "Failed" not in sent
    assert depth(sqs, queue) == [10, 0]
    options = {"MessageAttributeNames": ["request.id"], "MessageSystemAttributeNames": ["SentTimestamp", "ApproximateReceiveCount"]}
    received = []
    while messages := receive(sqs, queue, MaxNumberOfMessages=10, **options):
        received += messages
    assert sorted(message["Body"] for message in received) == sorted(entry["MessageBody"] for entry in entries)
    for message in received:
        assert message["MessageAttributes"]["request.id"]["StringValue"] == "JKJaXmPLvHcESHA="
        assert abs(int(message["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert depth(sqs, queue) == [0, 10]


def test_eleven_at_once_are_too_many(sqs, queue):
    entries = [{"Id": str(place), "MessageBody": BODY} for place in range(11)]
    with pytest.raises(botocore.exceptions.ClientError, match="TooManyEntriesInBatchRequest"):
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)


def test_a_message_is_hidden_for_as_long_as_its_worker_says(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody=BODY)
    (message,) = receive(sqs, queue)
    assert receive(sqs, queue) == []
    # Shorter than the queue would hide it; later, longer again.
    hide(sqs, queue, message, 2)
    hide(sqs, queue, message, 4)
    begun = time.monotonic()
    (again,) = receive(sqs, queue, wait_secs=10)
    assert 3 < time.monotonic() - begun < 8
    assert again["MessageId"] == message["MessageId"]


def test_a_message_that_is_given_back_is_there_at_once(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody=BODY)
    (message,) = receive(sqs, queue)
    hide(sqs, queue, message, 0)
    (again,) = receive(sqs, queue, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_message_that_is_deleted_does_not_come_again(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody=BODY)
    (message,) = receive(sqs, queue)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    # Deleting it twice is no error.
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert depth(sqs, queue) == [0, 0]


def test_a_message_that_was_received_too_often_is_a_dead_letter(sqs, make_queue):
    most = int(re.search(r"maxReceiveCount: (\d+)", QUEUES)[1])
    dead = make_queue(MessageRetentionPeriod=re.search(r"MessageRetentionPeriod: (\d+)", QUEUES)[1])
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    queue = make_queue(RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": most}))
    sqs.send_message(QueueUrl=queue, MessageBody=BODY, MessageAttributes=REQUEST)
    for _ in range(most):
        (message,) = receive(sqs, queue)
        hide(sqs, queue, message, 0)
    assert receive(sqs, queue) == []
    (letter,) = receive(sqs, dead, wait_secs=5, MessageAttributeNames=["All"])
    assert letter["Body"] == BODY
    assert letter["MessageAttributes"]["request.id"]["StringValue"] == "JKJaXmPLvHcESHA="
    assert depth(sqs, queue) == [0, 0]


def test_who_waits_for_a_message_has_it_when_it_comes(sqs, queue):
    # Delayed, so that it comes while somebody waits.
    sqs.send_message(QueueUrl=queue, MessageBody=BODY, DelaySeconds=2)
    begun = time.monotonic()
    assert len(receive(sqs, queue, wait_secs=20)) == 1
    assert time.monotonic() - begun < 10
