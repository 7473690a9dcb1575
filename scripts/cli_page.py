"""Write docs/cli.md, the reference of all commands, from the commands: `python -m scripts.cli_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from scripts.cli import tongzhan

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
WIDTH = 100
"""Columns of the help texts."""
HEAD = """\
# Commands
Written by `python -m scripts.cli_page` from each command's `--help`; a test keeps the two the same.
An error is one line on standard error, with exit status 2. `--json` prints for scripts.
"""


def make_page() -> str:
    """Return the page: one section for each command, groups before their commands."""
    sections = [f"\n## {path}\n```\n{text}\n```\n" for path, text in _helps(tongzhan, "tongzhan", None)]
    return HEAD + "".join(sections)


def _helps(command: click.Command, name: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, **command.context_settings
    )
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from _helps(found, child, context)


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
