"""The shipped code and its pages as they stand in the checkout, read once for the tests that walk them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click

from scripts.cli import tongzhan
from scripts.lazy import OURS

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = (".html", ".js", ".css", ".svg")
WORD = re.compile(r"\w+")


@cache
def shipped() -> dict[str, ast.Module]:
    """Parse every module of our packages, by its path; migrations are written by Django and left out."""
    files = [file for name in sorted(OURS) for file in sorted((CHECKOUT / name).rglob("*.py"))]
    return {
        str(file.relative_to(CHECKOUT)): ast.parse(file.read_text(encoding="utf-8"))
        for file in files
        if "migrations" not in file.parts
    }


@cache
def page_words() -> frozenset[str]:
    """Give every word of the templates and of what they load."""
    files = [file for name in OURS for file in (CHECKOUT / name).rglob("*") if file.suffix in PAGES]
    return frozenset(word for file in files for word in WORD.findall(file.read_text(encoding="utf-8")))


@cache
def page_attributes() -> frozenset[str]:
    """Give every attribute that a template reads."""
    templates = [file for name in OURS for file in (CHECKOUT / name).rglob("*.html")]
    texts = [file.read_text(encoding="utf-8") for file in templates]
    return frozenset(name for text in texts for name in re.findall(r"\.(\w+)", text))


@cache
def written_for_people() -> str:
    """Give README and docs/ as one text, but for the page of commands, which is made from the commands."""
    pages = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages if page.name != "cli.md")


@cache
def text_of_tests() -> str:
    """Give the source of every test and helper as one text, but for the tests that walk the code."""
    files = [file for file in sorted((CHECKOUT / "tests").rglob("*.py")) if file.parent.name != "packaging"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Give every command that does something, under the words by which it is called."""
    yield from _below(tongzhan, "tongzhan", None)


def _below(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(command, info_name=name, parent=parent)
    if not isinstance(command, click.Group):
        yield context.command_path, command
        return
    for child in command.list_commands(context):
        found = command.get_command(context, child)
        assert found is not None, f"{context.command_path} lists {child}, which is not there"
        yield from _below(found, child, context)


def classes(bases: tuple[str, ...]) -> Iterator[tuple[str, ast.ClassDef]]:
    """Give each shipped class with a base whose name ends so, with its file."""
    for file, tree in shipped().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(last_name(base).endswith(bases) for base in node.bases):
                yield file, node


def last_name(node: ast.expr) -> str:
    """Give the last part of a dotted name; empty for any other expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
