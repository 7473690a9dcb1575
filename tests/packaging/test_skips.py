"""Skips that nobody notices, and `all` of nothing: how the tests keep themselves honest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import Skip, allowed, unexpected
from tests.some import all_of_some

CHECKOUT = Path(__file__).resolve().parents[2]
SKIPPING = """
import pytest
from tests.skips import Skips

def pytest_configure(config):
    config.pluginmanager.register(Skips(), "skips")
"""


def test_only_a_reason_that_is_allowed_whole_is_allowed() -> None:
    skips = [Skip("no moon", "it is day"), Skip("no star.*", "clouds")]
    assert unexpected(["no moon", "no stars tonight"], skips) == []
    assert unexpected(["no moon yet", "no sun", "no sun"], skips) == ["no moon yet", "no sun"]


def test_every_allowed_skip_says_why_and_what_scripts_test_installs_is_not_among_them() -> None:
    skips = allowed()
    for skip in skips:
        assert skip.why
        assert re.compile(skip.reason).pattern
    script = (CHECKOUT / "scripts" / "test").read_text(encoding="utf-8")
    installed = re.findall(r"for package in (.*); do", script)[0].split()
    assert "mosquitto" in installed
    assert len(
        unexpected([f"no {one}; install it: sudo apt-get install {one}" for one in installed], skips)
    ) == len(installed)


@pytest.mark.parametrize(
    ("ci", "reason", "status"), [({"CI": "1"}, "no moon", 1), ({}, "no moon", 0), ({"CI": "1"}, "SQLite", 0)]
)
def test_a_skip_that_nobody_allowed_fails_a_run_of_ci_and_is_told_to_a_person(
    tmp_path: Path, ci: dict[str, str], reason: str, status: int
) -> None:
    (tmp_path / "conftest.py").write_text(SKIPPING, encoding="utf-8")
    test = f"import pytest\ndef test_one(): pass\ndef test_two(): pytest.skip({reason!r})\n"
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if name != "CI"}
    env["PYTHONPATH"] = str(CHECKOUT)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:schemathesis",
        "-p",
        "no:anyio",
        str(tmp_path),
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=env | ci,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert f"skipped 1: {reason}" in done.stdout
    assert ("NOT ALLOWED" in done.stdout) == (reason == "no moon")


def test_all_of_nothing_fails() -> None:
    assert all_of_some([1, True])
    assert not all_of_some([1, 0])
    with pytest.raises(AssertionError, match="asked of nothing"):
        all_of_some([])
    with pytest.raises(AssertionError, match="asked of nothing"):
        assert all(number for number in range(0))
