"""Runs LocalStack as a process, with S3 and SQS alone: serve.py PORT FOLDER. Nothing of it leaves this machine or is reached from another."""

import functools
import os
import sys

port, folder = sys.argv[1:]
os.environ.update(
    GATEWAY_LISTEN=f"127.0.0.1:{port}",
    # Of its two servers the other one lets large bodies hang.
    GATEWAY_SERVER="twisted",
    LOCALSTACK_VOLUME_DIR=folder,
    HOME=folder,
    SERVICES="s3,sqs",
    STRICT_SERVICE_LOADING="1",
    # By default presigned URLs may say what they like.
    S3_SKIP_SIGNATURE_VALIDATION="0",
    DNS_ADDRESS="0",
    SKIP_SSL_CERT_DOWNLOAD="1",
    DISABLE_EVENTS="1",
)

from twisted.internet import endpoints  # noqa: E402

# It would listen on every address, whatever it is told.
endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface="127.0.0.1")

from localstack.runtime.main import main  # noqa: E402

main()
