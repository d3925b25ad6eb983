"""The service answers as it says it does, whatever it is asked."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def test_no_answer_is_undocumented_and_none_is_an_error_of_the_server(server, tmp_path):
    ran = subprocess.run(
        [
            pathlib.Path(sys.executable).with_name("schemathesis"),
            f"--config-file={HERE / 'schemathesis.toml'}",
            "run",
            f"{server}/api/openapi.json",
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
    assert "14/16" in ran.stdout, ran.stdout
