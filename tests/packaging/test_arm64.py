"""scripts/test --arm64 up to where the emulated machine takes over, and how verdicts are compared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from scripts.arm64.verdicts import Answer, differences, draw, main, self_test_error
from tests.waiting import COMMAND_WITHIN_S

CHECKOUT = Path(__file__).resolve().parents[2]
SAID = Answer("pictures/drawn-0.jpg", "ok", "kitchen", "banana_peel", 0.95)


def run(folder: Path, *arguments: str, **answers: str) -> subprocess.CompletedProcess[str]:
    """Start the script among programs that answer what they are told to."""
    for name, answer in answers.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\necho {answer}\n", encoding="utf-8")
        program.chmod(0o755)
    return subprocess.run(
        [CHECKOUT / "scripts" / "test", "--arm64", *arguments],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TONGZHAN_ARM64": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
    )


def test_help_says_what_it_makes_and_what_it_needs(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: scripts/")


@pytest.mark.parametrize(
    ("arguments", "answers", "told"),
    [
        ([], {"id": "1000"}, "error: emulated systems need root"),
        ([], {"id": "0", "uname": "aarch64"}, "error: this machine is aarch64"),
        (["buster"], {"id": "0"}, "error: unknown argument buster"),
    ],
)
def test_what_it_lacks_is_said_in_one_line_with_the_mend_and_nothing_is_made(
    tmp_path: Path, arguments: list[str], answers: dict[str, str], told: str
) -> None:
    done = run(tmp_path, *arguments, **answers)
    assert done.returncode == 1
    first, mend = done.stderr.splitlines()
    assert first.startswith(told)
    assert mend.startswith("  ")
    assert not (tmp_path / "cache").exists()


def test_the_pictures_are_the_same_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TONGZHAN_PHOTOS", raising=False)
    for name in ("one", "other"):
        draw(tmp_path / name)
    pictures = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(pictures) > 5
    for name in pictures:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_labelled_photos_are_compared_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(30):
        (photos / f"{number}.png").write_bytes(b"%d" % number)
    rows = "".join(f"{number}.png,kitchen\n" for number in range(30))
    (photos / "index.csv").write_text(f"path,category\n{rows}", encoding="utf-8")
    monkeypatch.setenv("TONGZHAN_PHOTOS", str(photos))
    draw(tmp_path / "drawn")
    assert [path.read_bytes() for path in sorted((tmp_path / "drawn").glob("photo-*.png"))][:1] == [b"0"]
    assert len(list((tmp_path / "drawn").glob("photo-*.png"))) == 15


def test_verdicts_that_agree_but_for_a_rounding_are_the_same() -> None:
    assert differences([SAID], [msgspec.structs.replace(SAID, probability=0.93)]) == []


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(SAID, category="other"),
        msgspec.structs.replace(SAID, state="unsure"),
        msgspec.structs.replace(SAID, probability=0.85),
    ],
)
def test_another_verdict_is_named_with_its_picture(tmp_path: Path, other: Answer) -> None:
    for name, said in (("here", SAID), ("there", other)):
        (tmp_path / name).write_bytes(msgspec.json.encode([said]))
    assert main(["compare", str(tmp_path / "here"), str(tmp_path / "there")]) == 1
    (line,) = differences([SAID], [other])
    assert line.startswith("pictures/drawn-0.jpg: ")


def test_a_picture_that_is_missing_there_is_no_agreement() -> None:
    with pytest.raises(ValueError, match="argument"):
        differences([SAID], [])


def test_the_largest_difference_between_two_machines_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = msgspec.structs.replace(SAID, probability=0.93)
    for name, answers in (("here", [SAID, SAID]), ("there", [SAID, other])):
        (tmp_path / name).write_bytes(msgspec.json.encode(answers))
    assert main(["compare", str(tmp_path / "here"), str(tmp_path / "there")]) == 0
    assert capsys.readouterr().out == "probabilities differ by 0.020 at most\n"


def test_the_self_tests_error_is_within_its_tolerance() -> None:
    error, tolerance = self_test_error()
    assert 0 <= error < tolerance


STATION_ONLY = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""
ABSENT = {"babel", "django", "httpx", "iotcore", "matplotlib", "playwright", "psycopg", "torch", "whitenoise"}
"""Libraries that the station's extra does not bring."""


def test_what_runs_on_an_emulated_pi_is_collected_with_the_stations_libraries_alone() -> None:
    inside = CHECKOUT / "scripts" / "arm64" / "inside"
    listed = subprocess.run(["/bin/bash", inside, "tests"], capture_output=True, text=True, check=True)
    collected = subprocess.run(
        [
            *(sys.executable, "-c", STATION_ONLY.replace("{absent!r}", repr(ABSENT)), "--collect-only", "-q"),
            *("-p", "no:cacheprovider", "-m", "pure and not full"),
            *(f"--ignore={CHECKOUT}/tests/cloud_sync/transport/test_ca_file.py", *listed.stdout.split()),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
    )
    assert collected.returncode == 0, collected.stdout[-3000:]
