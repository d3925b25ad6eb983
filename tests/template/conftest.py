"""Reads the templates as CloudFormation does, and what they are checked against: the code."""

import re
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

ROOT = Path(__file__).parents[2]
CRATES = ROOT / "crates"


def template(path):
    return cfn_yaml.load(str(ROOT / path))


def source(path):
    """A file of Rust without its tests."""
    text = (CRATES / path).read_text()
    return text.split("#[cfg(test)]\nmod tests", 1)[0]


class Constants:
    """The constants of a file: `pub const NAME: Type = value;`"""

    def __init__(self, path):
        found = re.findall(r"const ([A-Z_]+): [^=]+ =\s(.+?);\n", source(path), re.S)
        self._values = {name: " ".join(value.split()) for name, value in found}

    def __getitem__(self, name):
        return self._values[name]

    def text(self, name):
        (text,) = self.texts(name)
        return text

    def texts(self, name):
        return re.findall(r'"([^"]*)"', self[name])

    def number(self, name):
        return int(self[name])

    def secs(self, name):
        return secs(self[name])


def secs(duration):
    """The seconds of `Duration::from_hours(14 * 24)`."""
    unit, count = re.fullmatch(r"Duration::from_(secs|mins|hours)\(([\d *]+)\)", duration).groups()
    product = 1
    for factor in count.split("*"):
        product *= int(factor)
    return product * {"secs": 1, "mins": 60, "hours": 3600}[unit]


@pytest.fixture(scope="session")
def root():
    return template("template.yaml")


@pytest.fixture(scope="session")
def resources(root):
    return root["Resources"]


@pytest.fixture(scope="session")
def functions(resources):
    kind = "AWS::Serverless::Function"
    return {name: r for name, r in resources.items() if r["Type"] == kind}


@pytest.fixture(scope="session")
def infra():
    return {path.stem: template(f"infra/{path.name}") for path in (ROOT / "infra").glob("*.yaml")
            if path.stem != "compose"}


@pytest.fixture(scope="session")
def constants():
    return Constants("streamforge-aws/src/resources.rs")
