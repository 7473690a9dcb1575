"""Which files each file of the checkout needs: imports, names of modules and of files in its texts, fixtures.

Imports come from grimp, the library under import-linter. What it cannot see is read from the source: a
module named in a text (Django's apps, a program that a test starts), a data file named or globbed in one, and
the conftest.py files that pytest loads with a test. Where that is unclear a file needs more rather than less.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath

import grimp

from scripts.lazy import OURS

PACKAGES = sorted({*OURS, "tests"})
DOTTED = re.compile(rf"\b(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
FROM = re.compile(rf"\bfrom ((?:{'|'.join(PACKAGES)})[\w.]*) import (\w+)")
PATTERN = re.compile(r"[\w./{}-]*\*[\w.*/{}-]*")
"""A text that is a glob, such as "*.po"."""
HOLE = "\0"
"""Stands in a text for what an f-string fills in."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one Python file says in texts, docstrings left out."""

    texts: frozenset[str] = frozenset()
    commands: Mapping[str, str] = field(default_factory=dict)
    """Commands of a table of `Entry` values, and the module of each; these are no texts."""


class Files:
    """The checkout's files and what stands in those of Python."""

    def __init__(self, files: Mapping[str, Source]) -> None:
        """Take every file by its path from the checkout's root; a file that is not Python has no texts."""
        self.sources = files
        self._by_name: dict[str, list[str]] = {}
        for file in files:
            self._by_name.setdefault(PurePosixPath(file).name, []).append(file)

    def of_module(self, module: str) -> str | None:
        """Give the file of a module, or of the longest part of its name that is one."""
        while module:
            path = module.replace(".", "/")
            for file in (f"{path}.py", f"{path}/__init__.py"):
                if file in self.sources:
                    return file
            module = module.rpartition(".")[0]
        return None

    def named_in(self, text: str) -> Iterator[str]:
        """Give the files that a text names: as modules, by their path or name, or by a pattern."""
        for module in [*DOTTED.findall(text), *(f"{a}.{b}" for a, b in FROM.findall(text))]:
            file = self.of_module(module)
            if file is not None:
                yield file
                yield from self._below(file)
        if HOLE in text or (PATTERN.fullmatch(text) and "." in text):
            yield from self._matching(text)
            return
        for word in re.split(r"[\s'\"()=,;:]+", text):
            if "." in word or "/" in word:
                yield from self._at(word.rstrip("."))

    def _below(self, file: str) -> Iterator[str]:
        """Give all Python files of a package that is named whole, as Django's apps are."""
        folder, name = file.rsplit("/", 1)
        if name == "__init__.py" and folder.count("/") > 0:
            yield from (one for one in self._python if one.startswith(f"{folder}/"))

    @cached_property
    def _suffixes(self) -> set[str]:
        return {PurePosixPath(name).suffix for name in self._by_name} - {""}

    @cached_property
    def _python(self) -> list[str]:
        return [file for file in self.sources if file.endswith(".py")]

    def _at(self, path: str) -> Iterator[str]:
        parts = PurePosixPath(path).parts
        for file in self._by_name.get(parts[-1], ()) if parts else ():
            if file.endswith("/" + "/".join(parts)) or file == path:
                yield file

    def _matching(self, text: str) -> Iterator[str]:
        """Give the files whose names fit a pattern that ends in a suffix, such as "*.po"."""
        name = text.rpartition("/")[2].replace(HOLE, "*")
        stem, _, suffix = name.rpartition(".")
        if stem and f".{suffix}" in self._suffixes and PATTERN.fullmatch(name):
            for known, files in self._by_name.items():
                if fnmatchcase(known, name):
                    yield from files


def read_needs(root: Path, listed: Collection[str]) -> dict[str, set[str]]:
    """Read what each of the listed files of a checkout needs directly, by paths from its root."""
    files = Files({name: read_source(root / name) for name in listed})
    needs = {file: _texts_and_folders(files, file) for file in files.sources}
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    for module in graph.modules:
        file = files.of_module(module)
        if file is not None:
            imported = map(files.of_module, graph.find_modules_directly_imported_by(module))
            needs[file] |= {one for one in imported if one is not None}
    _add_readers(files, needs)
    _follow_commands(files, needs)
    return needs


def read_source(path: Path) -> Source:
    """Read a file's texts and its table of commands; nothing where there is no Python."""
    if path.suffix != ".py":
        return Source()
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return Source()
    commands = dict(_commands(tree))
    texts = {text for text in _texts(tree) if text not in commands.values()}
    return Source(frozenset(texts), commands)


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
        return
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    body = getattr(node, "body", None)
    docstring = body[0] if isinstance(body, list) and body and _is_text(body[0]) else None
    for child in ast.iter_child_nodes(node):
        if child is not docstring:
            yield from _texts(child)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _commands(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Call):
                called, first = value.func, value.args[:1]
                if (
                    isinstance(called, ast.Name)
                    and called.id == "Entry"
                    and isinstance(first[0], ast.Constant)
                ):
                    yield str(key.value), str(first[0].value)


def _texts_and_folders(files: Files, file: str) -> set[str]:
    """Give what a file needs by its texts and by where it stands: packages above it, and conftest.py."""
    texts = files.sources[file].texts
    found = {named for text in texts for named in files.named_in(text) if not is_test(named)}
    if file.endswith(".py"):
        above = [str(folder) for folder in PurePosixPath(file).parents if str(folder) != "."]
        names = ("conftest.py",) if file.startswith("tests/") else ("__init__.py",)
        found |= {f"{folder}/{name}" for folder in above for name in names} & files.sources.keys()
    return found - {file}


def _add_readers(files: Files, needs: dict[str, set[str]]) -> None:
    """Have a package's data that no shipped file names be needed by all of that package.

    What scripts/ holds for the shell, such as systemd's units, is read by the tests that name it.
    """
    named = {
        one
        for file, wanted in needs.items()
        for one in wanted
        if not file.startswith("tests/") or one.startswith("scripts/")
    }
    for file in files.sources:
        if file.endswith(".py") or file in named:
            continue
        package = next(
            (str(above) for above in PurePosixPath(file).parents if f"{above}/__init__.py" in needs), ""
        )
        for reader in needs if package else ():
            if reader.startswith(f"{package}/") and reader.endswith(".py"):
                needs[reader].add(file)


def _follow_commands(files: Files, needs: dict[str, set[str]]) -> None:
    """Have a test that reaches the command line need the commands that it names; all, if it names none.

    The table itself names all commands, so that otherwise each test that runs one would need them all.
    """
    tables = {file: source.commands for file, source in files.sources.items() if source.commands}
    for test in [file for file in needs if is_test(file)]:
        followed: set[str] = set()
        while found := (tables.keys() & (reached := reach(needs, [test])).keys()) - followed:
            texts = [text for file in reached if _speaks(file) for text in files.sources[file].texts]
            spoken = {text.split(" ")[0] for text in texts}
            for table in found:
                named = [tables[table][name] for name in tables[table].keys() & spoken]
                modules = map(files.of_module, named or tables[table].values())
                needs[test] |= {one for one in modules if one is not None}
            followed |= found


def _speaks(file: str) -> bool:
    return file.startswith(("tests/", "scripts/testbed/", "scripts/soak/", "scripts/demonstration/"))


def is_test(file: str) -> bool:
    """Tell whether pytest collects this file."""
    path = PurePosixPath(file)
    return path.parts[0] == "tests" and path.name.startswith("test_") and path.suffix == ".py"


def reach(edges: Mapping[str, Collection[str]], starts: Collection[str]) -> dict[str, int]:
    """Give every file that can be reached, and in how few steps; the starts themselves in none."""
    steps = dict.fromkeys(starts, 0)
    queue = list(steps)
    for file in queue:
        for further in edges.get(file, ()):
            if further not in steps:
                steps[further] = steps[file] + 1
                queue.append(further)
    return steps
