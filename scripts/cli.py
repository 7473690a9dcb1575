"""The `tongzhan` command: its table of subcommands, and its one-line errors."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import click

from config.errors import InputError
from config.reading.files import unreadable
from scripts.lazy import Entry, LazyGroup

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells count it: 128 and the number of SIGINT."""

BAD_INPUT = 2
"""Exit status for bad input of any kind."""

COMMANDS: dict[str, Entry] = {
    "demo": Entry(
        "scripts.commands.demo",
        "demo",
        "Run broker, ledger and a simulated station over real photos.",
        "demo",
    ),
    "station": Entry(
        "scripts.commands.station",
        "station",
        "Run a station: its loop, its sync, its panel.",
        "station",
    ),
    "classify": Entry(
        "scripts.commands.classify",
        "classify",
        "Say which category each photo shows, and how sure the model is.",
        "station",
    ),
    "model": Entry(
        "scripts.commands.model",
        "model",
        "Train and evaluate the waste model.",
        "station",
    ),
    "ledger": Entry(
        "scripts.commands.ledger",
        "ledger",
        "Serve, feed and verify the community's ledger.",
        "ledger",
    ),
    "soak": Entry(
        "scripts.commands.soak",
        "soak",
        "Hit the whole system with random faults, then check every point.",
        "demo",
    ),
    "bench": Entry(
        "scripts.commands.bench",
        "bench",
        "Measure one part against its physical limit and its peers, in one run.",
        "demo",
    ),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tongzhan", prog_name="tongzhan")
def tongzhan() -> None:
    """Run a community's garbage-sorting stations, their model and their ledger."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; a user's mistake is one line on stderr."""
    _replace_odd_letters()
    try:
        status = _status(arguments)
    except OSError as problem:
        if _stdouts_refusal("\n") is None:  # the error is not about stdout
            raise
        return _lost(problem, BAD_INPUT)
    return status if (refusal := _stdouts_refusal("")) is None else _lost(refusal, status)


def _status(arguments: Sequence[str]) -> int:
    try:
        result: object = tongzhan.main(list(arguments), prog_name="tongzhan", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as bare:
        bare.show()
        return bare.exit_code
    except click.UsageError as problem:
        path = problem.ctx.command_path if problem.ctx else "tongzhan"
        return _refuse(f"{problem.format_message()} See: {path} --help")
    except PermissionError as problem:  # pathlib raises it for a folder that may not be entered
        if problem.filename is None:
            raise
        return _refuse(str(unreadable(Path(os.fsdecode(problem.filename)), problem)))
    except (InputError, click.ClickException) as problem:
        return _refuse(
            problem.format_message() if isinstance(problem, click.ClickException) else str(problem)
        )
    except click.Abort:
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def main() -> None:
    """Run the `tongzhan` console command."""
    sys.exit(run(sys.argv[1:]))


def _replace_odd_letters() -> None:
    """Print a question mark for each letter that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _stdouts_refusal(more: str) -> OSError | None:
    """Flush stdout with a little more text; return the error, or None if it was accepted."""
    try:
        click.echo(more, nl=False)  # which flushes
    except OSError as refusal:
        return refusal
    return None


def _lost(refusal: OSError, status: int) -> int:
    """Report that output was lost; say nothing if the reader has gone, as with `| head`."""
    _drop(sys.stdout)
    if isinstance(refusal, BrokenPipeError):
        return status
    return _refuse(
        f"stdout takes no more ({refusal.strerror}), so the output is cut off; write it to another place"
    )


def _drop(stream: TextIO) -> None:
    """Discard what a stream still holds; otherwise Python reports it at exit, with its own exit status."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _refuse(line: str) -> int:
    try:
        click.echo(f"error: {line}", err=True)
    except OSError:  # stderr is gone too; the exit status still tells
        _drop(sys.stderr)
    return BAD_INPUT
