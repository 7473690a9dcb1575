"""scripts/demo and scripts/test up to where Python takes over: set-up, its speed, and what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from collections.abc import Mapping
from pathlib import Path

import pip
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

CLOSED = "http://127.0.0.1:9"
"""Nobody listens on the discard port: a download from here is refused at once."""

FAKE_PYTHON = """#!/bin/sh
case "$*" in *pip*) echo "pip was called: $*" >&2; exit 9 ;; esac
"""

FAKE_TONGZHAN = """#!/bin/sh
echo "arguments=$*"
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a checkout that holds no more than what the set-up reads."""
    folder = tmp_path / "a checkout"
    shutil.copytree(
        CHECKOUT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(CHECKOUT / name, folder)
    return folder


@pytest.fixture
def set_up_copy(copy: Path) -> Path:
    """Give a checkout set up for the demo, whose programs in .venv tell how they were called."""
    programs = copy / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, text in (("python", FAKE_PYTHON), ("tongzhan", FAKE_TONGZHAN)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    done = bash(copy, '. scripts/setup.sh; printf "%s demo" "$(fingerprint)" >"$stamp"')
    assert done.returncode == 0, done.stderr
    return copy


def bash(folder: Path, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment: Mapping[str, str] = {**os.environ, "TONGZHAN_NO_APT": "1", **variables}
    return subprocess.run(
        ["/bin/bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def borrow_pip(home: Path) -> None:
    """Make an environment that runs the pip of this one: quicker than to install another."""
    venv.create(home, with_pip=False)
    (libraries,) = home.glob("lib/python3*/site-packages")
    (libraries / "pip.pth").write_text(str(Path(pip.__file__).parents[1]))
    (home / "bin" / "pip").write_text(f"#!{home}/bin/python\n")


@pytest.mark.parametrize("script", ["demo", "test"])
def test_help_needs_no_set_up(copy: Path, script: str) -> None:
    done = bash(copy, f"scripts/{script} --help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: scripts/{script} ")
    assert not (copy / ".venv").exists()


def test_a_second_start_goes_straight_to_the_program(set_up_copy: Path) -> None:
    done = bash(set_up_copy, "scripts/demo --visits 3 --photos=mine")
    assert done.stderr == ""
    assert done.stdout == "arguments=demo --visits 3 --photos=mine\n"


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_is_to_be_installed_sets_up_again(set_up_copy: Path, changed: str) -> None:
    with (set_up_copy / changed).open("a") as file:
        file.write("# another line\n")
    assert bash(set_up_copy, ". scripts/setup.sh; ready demo").returncode == 1


def test_a_set_up_for_the_demo_is_not_enough_for_the_tests(set_up_copy: Path) -> None:
    assert bash(set_up_copy, ". scripts/setup.sh; ready demo").returncode == 0
    assert bash(set_up_copy, ". scripts/setup.sh; ready demo,dev").returncode == 1


@pytest.mark.parametrize(("home", "status"), [("/elsewhere", 1), ("$PWD", 0)])
def test_an_environment_that_came_here_with_its_folder_is_made_anew(
    set_up_copy: Path, home: str, status: int
) -> None:
    script = f'. scripts/setup.sh; echo "#!{home}/.venv/bin/python" >.venv/bin/pip; usable_venv'
    assert bash(set_up_copy, script).returncode == status


def test_a_failed_download_names_the_package_and_the_ways_to_go_on(copy: Path) -> None:
    borrow_pip(copy / ".venv")
    closed = {
        "PIP_INDEX_URL": CLOSED,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
    }
    done = bash(copy, "scripts/demo", **closed)
    assert done.returncode == 1
    assert "error: installing tongzhan[demo] stopped at setuptools" in done.stderr
    for way in ("run the same command again", "HTTPS_PROXY=", "TONGZHAN_WHEELS="):
        assert way in done.stderr
    assert done.stdout == ""


def test_an_old_python_is_refused_with_the_mend(copy: Path, tmp_path: Path) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    done = bash(copy, "scripts/test", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 1
    assert "error: no Python 3.11 or newer" in done.stderr
    assert "TONGZHAN_PYTHON=" in done.stderr
