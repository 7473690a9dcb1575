"""The `tongzhan` command: its table of subcommands, and what a person reads when something is wrong."""

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
        "Strike the whole system with random faults, then check every point.",
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
    """Run one command line and give its exit status; what a person did wrong is one line on stderr."""
    _replace_odd_letters()
    try:
        status = _status(arguments)
    except OSError as problem:
        if _stdouts_refusal("\n") is None:  # something else refused
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
    except PermissionError as problem:  # what pathlib raises where a folder above may not be looked into
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
    """Be the `tongzhan` console command."""
    sys.exit(run(sys.argv[1:]))


def _replace_odd_letters() -> None:
    """Let stdout and stderr print a question mark for a letter that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _stdouts_refusal(more: str) -> OSError | None:
    """Why stdout does not take what it still holds and a little more; None if it does."""
    try:
        click.echo(more, nl=False)  # which flushes
    except OSError as refusal:
        return refusal
    return None


def _lost(refusal: OSError, status: int) -> int:
    """Tell of words that stdout refused; where nobody reads on, as behind `head`, nothing is told."""
    _drop(sys.stdout)
    if isinstance(refusal, BrokenPipeError):
        return status
    return _refuse(
        f"stdout takes no more ({refusal.strerror}), and what was said is cut off; write it to another place"
    )


def _drop(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, or Python speaks of it at exit, with a status of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _refuse(line: str) -> int:
    try:
        click.echo(f"error: {line}", err=True)
    except OSError:  # nobody can be told; the status still says it
        _drop(sys.stderr)
    return BAD_INPUT
