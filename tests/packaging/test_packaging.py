"""What is installed: nothing else under our names, and all that our packages read."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path, PurePosixPath

import pytest

from scripts.lazy import OURS

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES_ONLY = {".po", ".pot"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel from a copy, so that nothing is written into the checkout, and list it."""
    copy = tmp_path_factory.mktemp("source")
    for name in OURS:
        shutil.copytree(CHECKOUT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (CHECKOUT / name).exists():
            shutil.copy(CHECKOUT / name, copy)
    out = tmp_path_factory.mktemp("wheel")
    line = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("tongzhan-*.whl")
    with zipfile.ZipFile(built) as opened:
        return set(opened.namelist())


@pytest.mark.parametrize("name", sorted({*OURS, "tests"}))
def test_no_other_distribution_provides_one_of_our_top_level_names(name: str) -> None:
    providers = {
        found.name
        for found in distributions()
        for file in found.files or []
        if PurePosixPath(file).parts[0] in {name, f"{name}.py"}
    }
    assert providers <= {"tongzhan"}


def test_the_wheel_holds_every_file_of_our_packages(wheel: set[str]) -> None:
    ours = {
        str(file.relative_to(CHECKOUT))
        for name in OURS
        for file in (CHECKOUT / name).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix not in SOURCES_ONLY
    }
    missing = {file for file in ours - wheel if not _is_in_a_checkout_only(file)}
    assert sorted(missing) == []


def _is_in_a_checkout_only(file: str) -> bool:
    """Whether a file is used only where the project is checked out: to build firmware, to set a Pi up."""
    if file.startswith("firmware_bridge/firmware/"):
        return True
    return file.startswith("scripts/") and not file.endswith((".py", ".toml"))


def test_every_catalogue_of_translations_is_compiled_into_the_wheel(wheel: set[str]) -> None:
    sources = [file for name in OURS for file in (CHECKOUT / name).rglob("*.po")]
    assert sources
    assert {str(file.relative_to(CHECKOUT).with_suffix(".mo")) for file in sources} <= wheel


def test_the_wheel_holds_nothing_else(wheel: set[str]) -> None:
    tops = {PurePosixPath(name).parts[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == OURS


def test_the_wheel_brings_licence_and_command(wheel: set[str]) -> None:
    info = {PurePosixPath(name).name for name in wheel if ".dist-info/" in name}
    assert {"LICENSE", "entry_points.txt"} <= info


def test_every_library_that_an_extra_names_has_one_pinned_version() -> None:
    pinned = [
        line.partition("==")[0]
        for line in (CHECKOUT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert len(pinned) == len(set(pinned))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    named = chain(project["dependencies"], *project["optional-dependencies"].values())
    wanted = {requirement_name(requirement) for requirement in named} - {"tongzhan"}
    assert wanted <= {canonical(name) for name in pinned}


def requirement_name(requirement: str) -> str:
    for mark in "[<>=; ":
        requirement = requirement.partition(mark)[0]
    return canonical(requirement)


def canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def test_the_visit_is_imported_without_a_library_that_computes_or_sees() -> None:
    heavy = ["numpy", "cv2", "onnxruntime"]
    code = (
        "import sys, edge.visit.access, edge.visit.machine; "
        f"sys.exit(' '.join(name for name in {heavy} if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
