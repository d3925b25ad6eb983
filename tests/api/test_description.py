"""The service answers as it says it does, whatever it is asked."""

import pathlib
import subprocess
import sys

# Streams that do not end: see test_events.py.
ENDLESS = "events$"

NOT_CHECKED = ",".join(
    [
        # A size of 0 or a part that is not there is well-formed and refused.
        "positive_data_acceptance",
        # An upload that was given up can be asked for: whoever comes back to it is told so.
        "use_after_free",
    ]
)


def test_no_answer_is_undocumented_and_none_is_an_error_of_the_server(server, tmp_path):
    ran = subprocess.run(
        [
            pathlib.Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{server}/api/openapi.json",
            f"--exclude-path-regex={ENDLESS}",
            f"--exclude-checks={NOT_CHECKED}",
            "--max-time=40",
            # The same requests every time, as far as there is time for them.
            "--seed=1",
            "--request-timeout=20",
            "--no-color",
            "--warnings=off",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
