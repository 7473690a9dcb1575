"""The demo over the firmware's host build: built where there is a compiler, gone when the demo is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import InputError
from scripts.demonstration.controller import ControllerChoice, controller
from scripts.demonstration.folder import Folder
from scripts.testbed.processes import Crew, crew
from tests.demo.test_demo import command, photos
from tests.firmware_bridge.firmware.rigs import need_cc
from tests.programs import descendants
from tests.waiting import COMMAND_WITHIN_S, until

__all__ = ["photos"]  # a fixture

ONE_THING_TO_THE_KITCHEN_BIN = 4
"""A seed; the kitchen bin's reader is a Wiegand one."""


def programs_of(demo: int) -> list[int]:
    """The firmware's processes below a demo."""
    return [pid for pid in descendants(demo) if is_firmware(pid)]


def is_firmware(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "host"
    except OSError:
        return False


def program_of(running: subprocess.Popen[str]) -> int:
    until(lambda: programs_of(running.pid), "the firmware runs", COMMAND_WITHIN_S)
    (program,) = programs_of(running.pid)
    return program


def test_a_visit_through_the_firmware_settles_and_its_program_ends_with_the_demo(
    tmp_path: Path, photos: Path
) -> None:
    need_cc()
    asked = ["--headless", "--controller", "firmware", "--visits", "1", "--json"]
    running = subprocess.Popen(
        command(tmp_path, photos, *asked, "--seed", str(ONE_THING_TO_THE_KITCHEN_BIN)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    program = program_of(running)
    output, told = running.communicate(timeout=COMMAND_WITHIN_S)
    assert running.returncode == 0, told
    counts = json.loads(output)
    assert counts["visits"] == counts["deposits"] == 1
    assert counts["settled_points"] == counts["provisional_points"] > 0
    assert counts["lost"] == counts["twice"] == 0
    assert "lids and readers: the microcontroller's firmware" in told
    assert not is_firmware(program)


def test_the_firmwares_program_ends_when_the_demo_is_killed(tmp_path: Path, photos: Path) -> None:
    need_cc()
    running = subprocess.Popen(
        command(tmp_path, photos, "--headless", "--controller", "firmware"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    program = program_of(running)
    running.kill()
    running.wait()
    until(lambda: not is_firmware(program), "the program has ended")


@pytest.mark.full
def test_a_program_that_falls_ends_the_demo_with_its_name(tmp_path: Path, photos: Path) -> None:
    need_cc()
    running = subprocess.Popen(
        command(tmp_path, photos, "--headless", "--controller", "firmware", "--visits", "50"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        if line.lstrip().startswith("1 "):
            break
    os.kill(program_of(running), signal.SIGKILL)
    _, complaint = running.communicate(timeout=COMMAND_WITHIN_S)
    assert running.returncode == 2
    assert "error: controller ended with status -9; see " in complaint


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "demo")


def have(choice: ControllerChoice, folder: Folder, told: list[str]) -> subprocess.Popen[bytes] | None:
    with crew(folder.logs) as ours:
        return controller(choice, folder, folder.root / "port", ours, told.append, headless=False)


def test_without_a_compiler_lids_are_simulated_and_the_reason_is_said(
    folder: Folder, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert have(ControllerChoice.AUTO, folder, told) is None
    assert told == ["lids and readers: simulated (no C compiler here; apt-get install gcc libc6-dev make)"]


def test_the_firmware_asked_for_without_a_compiler_is_one_clear_line(tmp_path: Path, photos: Path) -> None:
    done = subprocess.run(
        command(tmp_path, photos, "--headless", "--controller", "firmware"),
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
        env=os.environ | {"PATH": ""},
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: the firmware cannot run here: no C compiler here; apt-get install gcc libc6-dev make; "
        "mend that, or leave --controller away\n"
    )


def test_a_build_that_fails_is_said_with_the_compilers_own_words(
    folder: Folder, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_cc()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "make").symlink_to(str(shutil.which("make")))
    (tools / "cc").write_text("#!/bin/sh\necho 'frame.c:1: error: no such thing' >&2\nexit 1\n")
    (tools / "cc").chmod(0o755)
    folder.firmware.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tools))
    assert have(ControllerChoice.AUTO, folder, told) is None
    assert told == [
        "lids and readers: simulated (its build failed: frame.c:1: error: no such thing)",
    ]


def test_a_program_that_was_cut_off_is_built_anew_the_next_time(folder: Folder, told: list[str]) -> None:
    need_cc()
    folder.firmware.mkdir(parents=True)
    broken = folder.firmware / "host"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert have(ControllerChoice.AUTO, folder, told) is None
    assert have(ControllerChoice.AUTO, folder, told) is not None
    assert told == [
        "lids and readers: simulated (its program does not start)",
        "lids and readers: the microcontroller's firmware, built for this machine, over a pty",
    ]


def test_simulated_lids_and_headless_demos_ask_for_no_compiler(folder: Folder, told: list[str]) -> None:
    nobody = Crew(folder.logs)
    for choice, headless in ((ControllerChoice.SIMULATED, False), (ControllerChoice.AUTO, True)):
        assert (
            controller(choice, folder, folder.root / "port", nobody, told.append, headless=headless) is None
        )
    assert [line.partition("(")[0] for line in told] == ["lids and readers: simulated "] * 2
    assert not folder.firmware.exists()


def test_the_firmware_is_asked_for_by_a_known_name(tmp_path: Path, photos: Path) -> None:
    done = subprocess.run(
        command(tmp_path, photos, "--controller", "arduino"),
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
    )
    assert done.returncode == 2
    assert "'auto', 'firmware', 'simulated'" in done.stderr


def test_a_firmware_that_is_wanted_and_broken_is_an_input_error(
    folder: Folder, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    with pytest.raises(InputError, match="no C compiler here"):
        have(ControllerChoice.FIRMWARE, folder, told)
    assert told == []
