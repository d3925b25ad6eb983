"""What was acknowledged survives `kill -9`; nothing else is there."""

import concurrent.futures
import itertools
import os
import random
import socket
import threading
import time
import urllib.parse

import botocore.exceptions
import pytest
from conftest import MIB, eventually, refused
from test_multipart import Upload

BUCKET = "bucket"
TOKEN = os.urandom(MIB)


def body_of(seed):
    """Bytes that only this seed has."""
    chosen = random.Random(seed)
    start = chosen.randrange(1000)
    return seed.encode() + TOKEN[start : start + chosen.choice([0, 1, 5000, MIB])]


class Writer:
    """Puts and deletes keys of its own until the server is gone, and knows what it was told."""

    def __init__(self, s3, seed):
        self.s3 = s3
        self.seed = seed
        self.random = random.Random(seed)
        # For each key what may be there: what was acknowledged last, and what was asked since.
        self.possible = {}
        self.acknowledged = 0
        self.failure = None

    def run(self):
        try:
            self.write_for_ever()
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError):
            pass  # The server is gone.
        except Exception as failure:
            self.failure = failure

    def write_for_ever(self):
        for step in itertools.count():
            key = f"{self.seed}/{self.random.randrange(8)}"
            known = self.possible.setdefault(key, [None])
            write = self.random.choice([self.put, self.put, self.upload, self.delete])
            body = None if write == self.delete else body_of(f"{self.seed}-{step}-")
            known.append(body)
            write(key, body)
            self.possible[key] = [body]
            self.acknowledged += 1

    def put(self, key, body):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def upload(self, key, body):
        upload = Upload(self.s3, BUCKET, key)
        upload.part(1, b"left out")
        upload.part(2, body)
        upload.complete(2)

    def delete(self, key, _):
        self.s3.delete_object(Bucket=BUCKET, Key=key)


@pytest.mark.parametrize("seed", range(int(os.environ.get("STREAMFORGE_S3_KILLS", "6"))))
def test_a_killed_server_has_every_object_it_acknowledged(own_server, seed):
    server = own_server()
    server.client().create_bucket(Bucket=BUCKET)
    writers = [Writer(server.client(), f"{seed}-{number}") for number in range(4)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    time.sleep(random.Random(seed).uniform(0.3, 1.5))
    server.kill()
    for thread in threads:
        thread.join()
    assert [writer.failure for writer in writers] == [None] * len(writers)
    assert sum(writer.acknowledged for writer in writers) > 0

    server.start()
    s3 = server.client()
    there = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for found in page.get("Contents", []):
            got = s3.get_object(Bucket=BUCKET, Key=found["Key"])
            there[found["Key"]] = got["Body"].read()
            assert len(there[found["Key"]]) == found["Size"]
    for writer in writers:
        for key, possible in writer.possible.items():
            found = there.pop(key, None)
            assert found in possible, (key, found and found[:20])
    assert not there
    # What is left of uploads under way goes with them, and then every blob belongs to an object.
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=BUCKET):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
    server.stop()
    server.start()
    with_bytes = [
        found
        for page in server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        for found in page.get("Contents", [])
        if found["Size"]
    ]
    assert len(server.blobs()) == len(with_bytes)


def test_a_full_disk_takes_nothing_more_and_gives_and_deletes_what_it_has(own_server):
    server = own_server()
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"bytes")
    upload = Upload(s3, BUCKET, "b")
    server.stop()
    # As much must stay free as no disk has.
    server.options = ("--reserve-bytes", str(1 << 62))
    server.start()
    s3 = upload.s3 = server.client()
    with refused("ServiceUnavailable", 503):
        s3.put_object(Bucket=BUCKET, Key="c", Body=b"bytes")
    with refused("ServiceUnavailable", 503):
        upload.part(1, bytes(6 * MIB))
    assert s3.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"bytes"
    s3.delete_object(Bucket=BUCKET, Key="a")
    upload.abort()
    eventually(lambda: server.blobs() == [])


def test_many_clients_write_and_read_at_once(own_server):
    server = own_server()
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)

    def work(number):
        body = body_of(f"{number}-")
        s3.put_object(Bucket=BUCKET, Key=str(number), Body=body)
        assert s3.get_object(Bucket=BUCKET, Key=str(number))["Body"].read() == body

    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        list(threads.map(work, range(200)))
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 200
    assert server.memory_bytes() < 60 * MIB


def test_bytes_that_come_one_by_one_take_little_memory(own_server):
    server = own_server()
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": "a"}, 60))
    size = 20_000
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-length: {size}\r\n\r\n"
        connection.sendall(head.encode())
        for _ in range(size):
            connection.send(b"x")
            # Now and then the server gets to read them, a few at a time.
            os.sched_yield()
        assert b" 200 " in connection.recv(4096)
    assert server.memory_bytes() < 60 * MIB
