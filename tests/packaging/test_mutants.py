"""The runner of mutants: it tells what was noticed from what was not, and its table fits the code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.mutants.__main__ import CHECKOUT, check_table
from tests.mutants.copies import Copy, Ending
from tests.mutants.table import TABLE, Mutant, TableError, choose, mutate, read_table

MUTANTS = read_table(TABLE.read_text(encoding="utf-8"))
ROW = '[[mutant]]\nname = "one"\nfile = "a.py"\nold = "a"\nnew = "b"\ntests = ["test_a.py"]\n'


def test_every_mutant_of_the_table_still_fits_the_code() -> None:
    assert len(MUTANTS) > 5
    check_table(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_says_what_would_go_wrong_and_names_tests_that_are_there(mutant: Mutant) -> None:
    assert mutant.why
    assert [test for test in mutant.tests if not (CHECKOUT / test.split("::")[0]).exists()] == []


def test_a_mutant_whose_old_text_is_gone_or_stands_twice_is_an_error() -> None:
    (mutant,) = read_table(ROW)
    assert mutate("xaz", mutant) == "xbz"
    with pytest.raises(TableError, match=r"the old text of one is not found in a\.py"):
        mutate("xyz", mutant)
    with pytest.raises(TableError, match="stands 2 times"):
        mutate("aa", mutant)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (ROW + ROW, "two mutants are called one"),
        (ROW.replace('["test_a.py"]', "[]"), "names no tests"),
        (ROW.replace('"b"', '"a"'), "changes nothing"),
        (ROW + 'colour = "red"\n', "colour"),
        ("[[mutant", "is none"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(table: str, why: str) -> None:
    with pytest.raises(TableError, match=why):
        read_table(table)


def test_a_word_chooses_mutants_and_one_that_chooses_none_is_an_error() -> None:
    mutants = read_table(ROW + ROW.replace('"one"', '"another"'))
    assert [mutant.name for mutant in choose(mutants, ["oth"])] == ["another"]
    assert len(choose(mutants, [])) == 2
    with pytest.raises(TableError, match="no mutant has 'nought' in its name"):
        choose(mutants, ["one", "nought"])


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Give a copy of a small project whose test looks at one function, and skips another."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "sums.py").write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    tests = "import pytest, sums\ndef test_double():\n    assert sums.double(2) == 4\n"
    tests += "@pytest.mark.skip\ndef test_later(): ...\n"
    (project / "test_sums.py").write_text(tests, encoding="utf-8")
    (project / "conftest.py").write_text(
        "from hypothesis import settings\nsettings.register_profile('ci')\n", encoding="utf-8"
    )
    markers = "[pytest]\nmarkers = full: long\n"
    (project / "pytest.ini").write_text(markers, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(project)], check=True)  # noqa: S607 (the one on the path)
    return Copy.of(project, tmp_path / "copy")


@pytest.mark.parametrize(
    ("new", "test", "ending"),
    [
        ("3 * x", "test_sums.py", Ending.KILLED),
        ("x + x", "test_sums.py", Ending.SURVIVED),
        ("3 * x", "test_sums.py::test_later", Ending.SKIPPED),
        ("2 * x)", "test_sums.py", Ending.BROKEN),
    ],
)
def test_what_was_noticed_is_told_from_what_was_not(copy: Copy, new: str, test: str, ending: Ending) -> None:
    outcome = copy.attempt(Mutant("one", "sums.py", "2 * x", new, (test,)), 60)
    assert outcome.ending is ending, outcome.output
    assert outcome.by == ("test_sums.py::test_double" if ending is Ending.KILLED else "")
    assert "2 * x\n" in (copy.folder / "sums.py").read_text(encoding="utf-8"), "the mutant stayed"
