"""Commands that Tongzhan prints as the mend of something: each works as it is typed."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

import click
import pytest

from scripts.cli import tongzhan
from tests.conftest import CHECKOUT

FOLDERS = ("cloud_sync", "config", "edge", "scripts/commands")
FILLED = "1"
"""Stands for what a message fills in."""
COMMAND = re.compile(r": tongzhan ([^,;]+)")


def words(node: ast.expr) -> str:
    """A text in the source, with what is filled in later replaced."""
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(words(part) if isinstance(part, ast.Constant) else FILLED for part in node.values)
    return ""


def texts(node: ast.AST) -> Iterator[str]:
    """Each text in the source, whole."""
    if isinstance(node, ast.Constant | ast.JoinedStr):
        yield words(node)
        return
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


def printed() -> Iterator[str]:
    for folder in FOLDERS:
        for file in sorted((CHECKOUT / folder).rglob("*.py")):
            for text in texts(ast.parse(file.read_text(encoding="utf-8"))):
                yield from COMMAND.findall(text)


def take(arguments: list[str]) -> None:
    """Have click take a command line as typed, and do nothing; click.UsageError if it does not."""
    command: click.Command = tongzhan
    parent: click.Context | None = None
    while isinstance(command, click.Group):
        parent = click.Context(command, info_name=command.name, parent=parent)
        found = command.get_command(parent, arguments[0])
        assert found is not None, f"no command {arguments[0]}"
        command, arguments = found, arguments[1:]
    command.make_context(command.name, arguments, parent=parent).close()


COMMANDS = sorted(set(printed()))


def test_some_commands_are_found() -> None:
    assert {line.split()[0] for line in COMMANDS} == {"ledger", "station"}
    assert any(line.startswith("ledger card unblock") for line in COMMANDS)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_that_is_printed_is_complete(line: str) -> None:
    try:
        take(shlex.split(line))
    except click.MissingParameter:
        raise
    except click.BadParameter:  # a placeholder is no file, and no number
        pass


@pytest.mark.parametrize("line", ["ledger card unblock 1 --config F", "ledger card list", "ledger bogus"])
def test_an_incomplete_command_is_noticed(line: str) -> None:
    with pytest.raises((click.MissingParameter, AssertionError)):
        take(shlex.split(line))
