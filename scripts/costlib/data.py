"""The numbers the model is fed with, each with where it comes from."""

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent


def entries(name):
    """Everything that is known of each number of a file."""
    return tomllib.loads((FOLDER / name).read_text())


def prices():
    """US dollars by name."""
    return {name: entry["usd"] for name, entry in entries("prices.toml").items()}


def measurements():
    """Values by name."""
    return {name: entry["value"] for name, entry in entries("measurements.toml").items()}
