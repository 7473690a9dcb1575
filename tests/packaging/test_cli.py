"""The frame of the `tongzhan` command: what a person sees when something is missing or wrong."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from scripts import cli
from scripts.commands.bench import BENCHES
from scripts.lazy import Entry
from tests.waiting import WITHIN_S

ALWAYS = ["demo", "station", "classify", "model", "ledger"]


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Add a command `probe` to the table; the test writes the file it comes from."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(cli.COMMANDS, "probe", Entry("probe_command", "probe", "A probe.", "ledger"))
    monkeypatch.delitem(sys.modules, "probe_command", raising=False)
    return tmp_path / "probe_command.py"


def command(body: str, *, before: str = "") -> str:
    return f"import click\n{before}\n@click.command()\ndef probe():\n    {body}\n"


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def test_the_help_lists_every_command_and_imports_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from scripts import cli; status = cli.run(['--help']);"
        "heavy = {'django', 'cv2', 'numpy', 'onnxruntime', 'paho', 'edge', 'models', 'cloud_sync'};"
        "sys.exit(status or ', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [name for name in ALWAYS if f"\n  {name} " in done.stdout] == ALWAYS


@pytest.mark.parametrize("encoding", ["latin-1", "gbk", "gb2312", "utf-8"])
def test_letters_that_the_terminal_lacks_are_replaced(probe: Path, encoding: str) -> None:
    probe.write_text(command("click.echo('é 桶 ✓ \\udce9'); click.echo('é 桶 ✓ \\udce9', err=True)"))
    code = (
        "import sys; from scripts import cli; from scripts.lazy import Entry;"
        f"sys.path.insert(0, {str(probe.parent)!r});"
        "cli.COMMANDS['probe'] = Entry('probe_command', 'probe', 'A probe.', 'ledger');"
        "sys.exit(cli.run(['probe']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = "é 桶 ✓ \udce9".encode(encoding, "replace")
    assert (done.stdout.strip(), done.stderr.strip()) == (shown, shown)


def test_a_file_that_is_not_ones_to_read_is_one_line_with_its_mend(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raised = "raise PermissionError(13, 'Permission denied', '/a/folder/file')"
    probe.write_text(command(raised))
    assert cli.run(["probe"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: /a/folder/file cannot be read (Permission denied); ")
    assert len(lines(told)) == 1


def test_no_arguments_show_the_help_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert version("tongzhan") in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["bogus"], ["--bogus"], ["probe", "--bogus"], ["probe", "extra"]])
def test_what_was_typed_wrong_is_one_line_with_status_2(
    arguments: list[str], probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.write_text(command("pass"))
    assert cli.run(arguments) == 2
    (line,) = lines(capsys.readouterr().err)
    assert line.startswith("error: ")
    assert "--help" in line


def test_bad_input_is_one_line_with_status_2_and_no_traceback(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.write_text(
        command(
            "raise InputError('station.toml: bin[0].lid is no number', 'write 1')",
            before="from config.errors import InputError",
        )
    )
    assert cli.run(["probe"]) == 2
    assert lines(capsys.readouterr().err) == ["error: station.toml: bin[0].lid is no number; write 1"]


@pytest.mark.parametrize("when", ["on import", "on call"])
@pytest.mark.parametrize(("library", "extra"), [("no_such_library", "ledger"), ("torch", "training")])
def test_a_missing_library_names_the_pip_command_that_mends_it(
    probe: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    library: str,
    extra: str,
    when: str,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    missing = f"import {library}.part"
    probe.write_text(command(missing) if when == "on call" else command("pass", before=missing))
    assert cli.run(["probe"]) == 2
    (line,) = lines(capsys.readouterr().err)
    assert f"'tongzhan probe' needs the library '{library}'; run: {sys.executable} -m pip" in line
    assert line.endswith(f"[{extra}]'")


def test_a_module_of_ours_that_is_missing_is_a_defect_and_not_an_extra(probe: Path) -> None:
    probe.write_text(command("import edge.no_such_module"))
    with pytest.raises(ModuleNotFoundError):
        cli.run(["probe"])


def test_a_commands_own_exit_status_is_the_programs(probe: Path) -> None:
    probe.write_text(command("click.get_current_context().exit(1)"))
    assert cli.run(["probe"]) == 1


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "probe_command.py").write_text(
        command("print('running', flush=True); threading.Event().wait(30)", before="import threading")
    )
    code = (
        "import sys; from scripts import cli, lazy;"
        "cli.COMMANDS['probe'] = lazy.Entry('probe_command', 'probe', '', '');"
        f"sys.path.append({str(tmp_path)!r}); sys.argv[1:] = ['probe']; cli.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "running\n"
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=WITHIN_S)
    assert running.returncode == 130
    assert errors.strip() == ""


SAYINGS = {
    "at once": "click.echo('said')",
    "at the end": "print('said')",
    "as bytes": "click.echo(b'said')",
    "with a status of its own": "print('said'); click.get_current_context().exit(1)",
}


@pytest.fixture(params=["", "1"], ids=["kept back", "written at once"])
def unbuffered(request: pytest.FixtureRequest) -> str:
    """Whether Python writes each word at once, as PYTHONUNBUFFERED."""
    return str(request.param)


def run_probe(folder: Path, body: str, shell: str, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    """Run a line of shell, in which a command of this body is `$PROBE`."""
    (folder / "probe_command.py").write_text(command(body))
    code = (
        "import sys; from scripts import cli, lazy;"
        "cli.COMMANDS['probe'] = lazy.Entry('probe_command', 'probe', '', '');"
        f"sys.path.append({str(folder)!r}); sys.argv[1:] = ['probe']; cli.main()"
    )
    (folder / "probe").write_text(f"#!/bin/sh\nexec '{sys.executable}' -c \"{code}\"\n")
    return subprocess.run(
        ["/bin/bash", "-c", shell],
        capture_output=True,
        text=True,
        env={**os.environ, "PROBE": f"sh {folder / 'probe'}", "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )


@pytest.mark.parametrize("body", SAYINGS.values(), ids=SAYINGS)
def test_a_stdout_that_refuses_is_one_line_with_status_2(tmp_path: Path, body: str, unbuffered: str) -> None:
    done = run_probe(tmp_path, body, "$PROBE > /dev/full", unbuffered)
    assert done.returncode == 2
    (line,) = lines(done.stderr)
    assert line.startswith("error: stdout takes no more (No space left on device)")


def test_a_stdout_and_a_stderr_that_both_refuse_still_end_with_status_2(tmp_path: Path) -> None:
    assert run_probe(tmp_path, SAYINGS["at once"], "$PROBE > /dev/full 2>&1").returncode == 2


@pytest.mark.parametrize("body", SAYINGS.values(), ids=SAYINGS)
def test_a_pipe_that_nobody_reads_any_more_is_no_news(tmp_path: Path, body: str, unbuffered: str) -> None:
    # The pipe's reader is gone before the command begins.
    done = run_probe(tmp_path, body, "exec 3> >(exec true); wait $!; $PROBE >&3", unbuffered)
    assert done.returncode in {0, 1}
    assert done.stderr == ""


def test_another_things_refusal_is_not_called_stdouts(probe: Path) -> None:
    probe.write_text(command("raise OSError(28, 'No space left on device', 'elsewhere')"))
    with pytest.raises(OSError, match="elsewhere"):
        cli.run(["probe"])


@pytest.mark.parametrize("entry", [*cli.COMMANDS.values(), *BENCHES.values()], ids=lambda entry: entry.module)
def test_every_entry_of_the_tables_is_a_command_with_a_help_text(entry: Entry) -> None:
    found = getattr(importlib.import_module(entry.module), entry.attribute)
    assert isinstance(found, click.Command)
    assert found.get_short_help_str()
