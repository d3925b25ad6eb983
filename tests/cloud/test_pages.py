"""The pages, put into their bucket by scripts/deploy-web and delivered by CloudFront."""

import os
import subprocess

import pytest
from conftest import ROOT, STACK

pytestmark = pytest.mark.emulator

YEAR_SECS = 31_536_000


@pytest.fixture(scope="module", autouse=True)
def pages(stack, aws):
    """What the script said."""
    environment = aws | {"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / "scripts" / "deploy-web", STACK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def asset(pages):
    """The path of a file whose name changes with its content."""
    folder = ROOT / "web" / "dist"
    return "/" + str(next((folder / "assets").glob("*.js")).relative_to(folder))


@pytest.mark.parametrize("path", ["/", "/watch/01JD2Q4ZK8M3T9V7XN5RWB6CEH", "/embed/01JD2Q4ZK8M3T9V7XN5RWB6CEH", "/nowhere"])
def test_one_page_is_at_every_address(cdn, path):
    answer = cdn.ask(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.text == (ROOT / "web" / "dist" / "index.html").read_text()


@pytest.mark.parametrize(("path", "ancestors"), [("/", "'none'"), ("/embed/01JD2Q4ZK8M3T9V7XN5RWB6CEH", "*")])
def test_a_page_may_do_what_its_policy_says(cdn, path, ancestors):
    policy = cdn.ask(path).headers["Content-Security-Policy"]
    expected = (ROOT / "web" / "csp.txt").read_text().strip().replace("{ancestors}", ancestors)
    before, after = expected.split("{files}")
    assert policy.startswith(before) and policy.endswith(after), policy
    assert policy.removeprefix(before).removesuffix(after).startswith("https://")


def test_a_file_of_the_page_is_kept_for_a_year(cdn, asset):
    answer = cdn.ask(asset)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] in ("text/javascript", "application/javascript")
    assert answer.headers["Cache-Control"] == f"public, max-age={YEAR_SECS}, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_gone_is_no_page(cdn):
    # The emulator forbids what is not there. S3 says 404 to who may list the bucket, as infra/cdn.yaml lets CloudFront.
    assert cdn.ask("/assets/of-an-earlier-version.js").status_code in (403, 404)


def test_a_stack_that_is_not_there_is_said_so(aws):
    environment = aws | {"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"}
    del environment["AWS_DEFAULT_REGION"]
    done = subprocess.run([ROOT / "scripts" / "deploy-web", "other"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "deploy-web: found no stack other in us-east-1: export AWS_REGION=" in done.stderr


def test_without_a_region_it_says_what_to_set(aws):
    environment = aws | {"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "AWS_CONFIG_FILE": os.devnull}
    del environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]
    done = subprocess.run([ROOT / "scripts" / "deploy-web", STACK], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "deploy-web: no region is set: export AWS_REGION=" in done.stderr
