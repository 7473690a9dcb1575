"""Random input to the core under sanitizers: no byte, contact or time breaks a rule of the motors."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.firmware_bridge.firmware.rigs import build, has_libfuzzer

QUICK_S, FULL_S = 5, 120
HELLO, CONTACTS, PASS = bytes([1, 5, 16]), 7, 8
LIVES = (  # what a fuzzer would find late by itself: a link, and a lid that opens, shuts, meets a hand
    bytes([0]) + HELLO + bytes([2, 0, 20, CONTACTS, 1, 0, 255, 0, PASS, 250, PASS, 250, PASS, 250]),
    bytes([0])
    + HELLO
    + bytes([2, 0, 4, CONTACTS, 0, 0, 255, 0, PASS, 200, CONTACTS, 0, 0, 0, 0, PASS, 255] * 4),
    bytes([1])
    + HELLO
    + bytes([2, 1, 99, PASS, 40, CONTACTS, 2, 2, 255, 0, PASS, 40, CONTACTS, 0, 0, 255, 0x2C]),
    bytes([255])
    + HELLO
    + bytes([3, 0, 8, 0, 50, 0, 1, 0, 1, 0, 2, 2, 0, 9, PASS, 99, 6, 1, 26, 0, *range(30)]),
)


def run(command: list[str], seconds: int) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10 * seconds + 60)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout + done.stderr


def fuzz(seconds: int, corpus: Path) -> None:
    # Without libFuzzer, whose library is a Debian package of its own, a driver of ours draws the bytes.
    if has_libfuzzer():
        corpus.mkdir()
        for number, life in enumerate(LIVES):
            (corpus / str(number)).write_bytes(life)
        flags = [f"-max_total_time={seconds}", "-max_len=4000", "-rss_limit_mb=1024", "-timeout=60"]
        said = run(
            [str(build("fuzz", "fuzz")), f"-artifact_prefix={corpus.parent}/", *flags, str(corpus)], seconds
        )
        assert "DONE" in said or "Done" in said
    else:
        said = run([str(build("fuzz-plain", "fuzz-plain")), str(seconds), "1"], seconds)
        assert int(said.split()[0]) > 0


def test_no_random_input_breaks_a_rule(tmp_path: Path) -> None:
    fuzz(QUICK_S, tmp_path / "corpus")


@pytest.mark.full
def test_no_long_run_of_random_inputs_breaks_a_rule(tmp_path: Path) -> None:
    fuzz(FULL_S, tmp_path / "corpus")


def test_the_driver_for_machines_without_libfuzzer_runs_too() -> None:
    said = run([str(build("fuzz-plain", "fuzz-plain")), "1", "7"], 1)
    assert int(said.split()[0]) > 0
