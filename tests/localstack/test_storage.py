"""The buckets of the template, as far as tests/s3, which runs against LocalStack too, does not ask."""

import urllib.request
import uuid
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = "https://video.example.com"


class Template(yaml.SafeLoader):
    """Reads what functions of CloudFormation stand around as nothing."""


Template.add_multi_constructor("!", lambda loader, suffix, node: None)


def cors_of(file, bucket):
    """The rules that the template gives a bucket, as S3 takes them."""
    template = yaml.load((ROOT / file).read_text(), Template)
    rules = template["Resources"][bucket]["Properties"]["CorsConfiguration"]["CorsRules"]
    names = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return [{names.get(name, name): value for name, value in rule.items()} for rule in rules]


@pytest.mark.parametrize(("file", "bucket", "method", "headers"), [
    ("template.yaml", "UploadBucket", "PUT", "content-type,x-amz-checksum-crc32c"),
    ("infra/data.yaml", "MediaBucket", "GET", "range"),
])
def test_pages_of_every_host_may_do_what_the_template_lets_them(s3, file, bucket, method, headers):
    name = f"test-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": cors_of(file, bucket)})
    url = s3.generate_presigned_url("put_object", {"Bucket": name, "Key": "a"}, 60)
    asked = {"Origin": PAGE, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    with urllib.request.urlopen(urllib.request.Request(url, method="OPTIONS", headers=asked)) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", PAGE)
        assert method in answer.headers["Access-Control-Allow-Methods"]
        assert answer.headers["Access-Control-Allow-Headers"].replace(" ", "") == headers
    with urllib.request.urlopen(urllib.request.Request(url, b"bytes", {"Origin": PAGE}, method="PUT")) as answer:
        # What a page has to send when the upload is complete.
        if bucket == "UploadBucket":
            assert "etag" in answer.headers["Access-Control-Expose-Headers"].lower()
