"""`scripts/test --changed`: a test that a change may break is run, and what cannot be told runs more."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from config.errors import InputError
from tests.conftest import CHECKOUT
from tests.running import changed
from tests.running.changed import changed_files, main, select
from tests.running.dependencies import Files, Source, is_test, read_needs, read_source

Needs = Mapping[str, set[str]]


@pytest.fixture(scope="module")
def needs() -> Needs:
    """What each file of this checkout needs."""
    left_out = {".git", ".venv", "build", "__pycache__", "shared"}
    files = [path for path in CHECKOUT.rglob("*") if path.is_file()]
    names = [path.relative_to(CHECKOUT) for path in files]
    return read_needs(CHECKOUT, [str(name) for name in names if left_out.isdisjoint(name.parts)])


@pytest.mark.parametrize(
    ("file", "test"),
    [
        pytest.param("edge/visit/openings.py", "tests/edge/visit/test_lids.py", id="imported"),
        pytest.param("edge/visit/openings.py", "tests/station/test_composition.py", id="run as a process"),
        pytest.param("config/sorting.beijing.toml", "tests/models/test_sorting.py", id="data by a pattern"),
        pytest.param("config/prompts.toml", "tests/config/test_words.py", id="data by its name"),
        pytest.param("docs/wiring.md", "tests/packaging/test_wiring_page.py", id="a document"),
        pytest.param("docs/cli.md", "tests/packaging/test_cli_page.py", id="a page that code writes"),
        pytest.param(
            "firmware_bridge/firmware/core/lid_motion.c",
            "tests/firmware_bridge/firmware/test_c_lid.py",
            id="C that is built",
        ),
        pytest.param("cloud_sync/ledger/site/urls.py", "tests/ledger/site/test_pages.py", id="Django's text"),
        pytest.param("scripts/bench/tap/run.py", "tests/bench/test_tap.py", id="a command of a table"),
        pytest.param("tests/ledger/conftest.py", "tests/ledger/chain/test_chain.py", id="a conftest"),
        pytest.param("tests/ledger/dying.py", "tests/ledger/intake/test_killed_worker.py", id="a helper"),
        pytest.param(
            "scripts/systemd/tongzhan-sync.service", "tests/station/test_units.py", id="a systemd unit"
        ),
        pytest.param("edge/panel/static/panel.css", "tests/edge/panel/test_browser.py", id="a style sheet"),
        pytest.param("cloud_sync/ledger/chain/gone.py", "tests/ledger/chain/test_chain.py", id="gone"),
    ],
)
def test_a_change_runs_the_tests_that_it_may_break(needs: Needs, file: str, test: str) -> None:
    assert test in select([file], needs)


@pytest.mark.parametrize(
    ("file", "test"),
    [
        ("edge/visit/openings.py", "tests/ledger/chain/test_chain.py"),
        ("cloud_sync/ledger/office/views.py", "tests/edge/visit/test_lids.py"),
        ("scripts/bench/tap/run.py", "tests/edge/panel/test_app.py"),
        ("tests/edge/builders.py", "tests/ledger/site/test_pages.py"),
    ],
)
def test_what_a_change_cannot_reach_is_left_out(needs: Needs, file: str, test: str) -> None:
    assert test in needs, "the example went: name another"
    assert test not in select([file], needs)


@pytest.mark.parametrize("file", ["pyproject.toml", "tests/conftest.py", "tests/waiting.py", "unheard.of"])
def test_what_may_change_any_test_or_is_not_understood_runs_all(needs: Needs, file: str) -> None:
    assert len(select([file], needs)) == len([one for one in needs if is_test(one)])


def test_the_tests_nearest_to_the_change_come_first(needs: Needs) -> None:
    chosen = select(["edge/visit/openings.py"], needs)
    assert chosen[0].startswith("tests/edge/visit/")
    assert chosen.index("tests/edge/visit/test_lids.py") < chosen.index("tests/station/test_composition.py")


def test_a_changed_test_runs_itself_alone(needs: Needs) -> None:
    assert select(["tests/packaging/test_glossary.py"], needs) == ["tests/packaging/test_glossary.py"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("edge.visit", {"edge/visit/__init__.py", "edge/visit/state.py"}),
        ("edge.visit.state.Visit", {"edge/visit/state.py"}),
        ("from edge.visit import state; state.run()", {"edge/visit/__init__.py", "edge/visit/state.py"}),
        ("words.toml", {"edge/words.toml"}),
        ("see edge/words.toml, please", {"edge/words.toml"}),
        ("*.toml", {"edge/words.toml"}),
        ("words.\0oml", set[str]()),
        ("\0.toml", {"edge/words.toml"}),
        ("a sentence. And more.", set[str]()),
    ],
)
def test_a_text_names_modules_and_files(text: str, named: set[str]) -> None:
    files = ["edge/__init__.py", "edge/visit/__init__.py", "edge/visit/state.py", "edge/words.toml"]
    assert set(Files(dict.fromkeys(files, Source())).named_in(text)) == named


def test_docstrings_are_no_texts_and_f_strings_are_patterns(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text('"""Of edge.visit."""\ndef f(x):\n    """See a.toml."""\n    return f"rules.{x}.toml"\n')
    assert "rules.\0.toml" in read_source(file).texts
    assert not any("edge.visit" in text or "a.toml" in text for text in read_source(file).texts)


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., str]:
    """Give a function that runs git in a new repository; its branch `mine` left main after one commit."""

    def git(*arguments: str) -> str:
        person = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            [changed.GIT, *person, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    git("init", "-q", "-b", "main")
    (tmp_path / "kept.py").write_text("1")
    (tmp_path / "gone.py").write_text("a file that is long enough to be taken for a renamed one")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("checkout", "-q", "-b", "mine")
    return git


def test_a_change_is_what_was_committed_edited_renamed_and_not_added_yet(
    repository: Callable[..., str], tmp_path: Path
) -> None:
    repository("mv", "gone.py", "moved.py")
    repository("commit", "-q", "-m", "two")
    (tmp_path / "kept.py").write_text("2")
    (tmp_path / "新 new.py").write_text("3")
    assert changed_files(tmp_path, None) == ["gone.py", "kept.py", "moved.py", "新 new.py"]
    assert changed_files(tmp_path, "mine") == ["kept.py", "新 new.py"]


def test_nothing_changed_runs_nothing(
    repository: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repository("status", "--porcelain") == ""
    assert main([], tmp_path) == 0
    assert "no test to run" in capsys.readouterr().out


def test_an_unknown_ref_and_a_folder_without_git_are_one_line_with_status_2(
    repository: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bogus"], tmp_path) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    repository("branch", "-D", "main")
    with pytest.raises(InputError, match="no branch main"):
        changed_files(tmp_path, None)
    monkeypatch.setattr(changed, "GIT", "no-such-program")
    assert main([], tmp_path) == 2
    assert "no git here" in capsys.readouterr().err
