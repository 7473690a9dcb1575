"""What a command is told to type next works as it stands, also in a ledger of several communities."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scripts.commands.ledger import ledger
from tests.conftest import CHECKOUT

TYPED = re.compile(
    r"tongzhan ledger ((?:[a-z]+(?:-[a-z]+)* ?){1,3})(.*?)(?=--config F|tongzhan ledger|$)", re.DOTALL
)
ROOMS = ("cloud_sync/ledger", "scripts/commands")


def sources() -> list[Path]:
    return [
        file for room in ("cloud_sync/ledger", "scripts/commands") for file in (CHECKOUT / room).rglob("*.py")
    ]


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module but its docstrings; what is put into one is named as the code names it."""
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(map(_part, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told | parts:
            yield node.lineno, node.value


def _part(node: ast.expr) -> str:
    return f"<{ast.unparse(node.value)}>" if isinstance(node, ast.FormattedValue) else ast.literal_eval(node)


def command_of(words: str) -> click.Command | None:
    """The command that these words begin with."""
    found: click.Command = ledger
    for word in words.split():
        if not isinstance(found, click.Group) or word not in found.commands:
            break
        found = found.commands[word]
    return None if isinstance(found, click.Group) else found


def wants_one(command: click.Command) -> bool:
    """Whether a command must be told which of several communities it is for."""
    source = inspect.getsource(inspect.unwrap(command.callback)) if command.callback else ""
    return "open_community(" in source and "open_communities(" not in source


def typed() -> Iterator[tuple[str, click.Command, str]]:
    """Each command that a message has somebody type: where, which, and with what."""
    for file in sources():
        for line, text in texts(ast.parse(file.read_text(encoding="utf-8"))):
            for words, options in TYPED.findall(text):
                if (command := command_of(words)) is not None:
                    yield f"{file.relative_to(CHECKOUT)}:{line}", command, options


def test_a_command_that_wants_a_community_is_never_named_without_it() -> None:
    found = [(where, command, options) for where, command, options in typed() if wants_one(command)]
    assert len(found) > 12
    lacking = [
        f"{where}: {command.name}"
        for where, command, options in found
        if "--community" not in options and "option>" not in options
    ]
    assert lacking == []


@pytest.mark.parametrize(("name", "wants"), [("card bind", True), ("card list", False), ("verify", False)])
def test_which_commands_want_a_community(name: str, *, wants: bool) -> None:
    command = command_of(name)
    assert command is not None
    assert wants_one(command) is wants
