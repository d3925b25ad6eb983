"""Clients of a LocalStack that runs already: scripts/test-localstack starts it."""

import uuid

import boto3
import pytest
from botocore.config import Config


def pytest_addoption(parser):
    parser.addoption("--localstack", metavar="URL", required=True, help="where it is")


def client(service, request):
    return boto3.client(
        service, endpoint_url=request.config.getoption("--localstack"), region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=Config(signature_version="s3v4" if service == "s3" else "v4"),
    )


@pytest.fixture(scope="session")
def sqs(request):
    return client("sqs", request)


@pytest.fixture(scope="session")
def s3(request):
    return client("s3", request)


@pytest.fixture
def make_queue(sqs):
    """Makes a queue with these attributes. Its URL."""
    def make(**attributes):
        return sqs.create_queue(QueueName=f"test-{uuid.uuid4()}", Attributes=attributes)["QueueUrl"]
    return make
