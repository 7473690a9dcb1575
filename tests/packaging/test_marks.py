"""What the code holds itself to: small rooms, short functions, one name for one thing, no import cycles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter, defaultdict

import grimp
import pytest

from scripts.lazy import OURS
from tests.packaging.source import CHECKOUT, shipped

MOST_AT_THE_TOP, MOST_IN_A_ROOM = 8, 12
"""Modules of a folder, its __init__ left out."""
LONGEST_LINES = 50
"""Of a function's body."""
HEAVY = {"numpy", "cv2", "onnxruntime"}

SAME_NAME = {
    ("cloud_sync", "DatabaseSchemaEditor"): "Django looks for this name in each kind of database",
    ("cloud_sync", "DatabaseWrapper"): "Django looks for this name in each kind of database",
    ("cloud_sync", "Meta"): "Django's name",
    ("cloud_sync", "Event"): "an event as it travels, and the row that it becomes",
}
"""Classes of one name within a top-level package, with the concept that they share."""


def test_a_room_has_at_most_twelve_modules_and_edges_top_eight() -> None:
    rooms = Counter(file.rpartition("/")[0] for file in shipped() if not file.endswith("/__init__.py"))
    assert rooms["edge"] <= MOST_AT_THE_TOP
    assert {room: count for room, count in rooms.items() if count > MOST_IN_A_ROOM} == {}


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{file} {node.name}"
        for file, tree in shipped().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > LONGEST_LINES
    ]
    assert long == []


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function below its docstring."""
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
        first = node.body[1]
    return (node.body[-1].end_lineno or first.lineno) - first.lineno + 1


def test_no_class_name_stands_for_two_things_within_a_package() -> None:
    places = defaultdict[tuple[str, str], set[str]](set)
    for file, tree in shipped().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[file.partition("/")[0], node.name].add(file)
    twice = {name: sorted(files) for name, files in places.items() if len(files) > 1}
    assert {name: files for name, files in twice.items() if name not in SAME_NAME} == {}
    assert sorted(SAME_NAME.keys() - twice) == [], "they stand once now"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """The imports of our packages, those of types too: all are plain."""
    return grimp.build_graph(*sorted(OURS), cache_dir=None)


def test_no_module_imports_itself_in_a_circle(graph: grimp.ImportGraph) -> None:
    circles = [
        module
        for module in sorted(graph.modules)
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.chain_exists(importer=imported, imported=module)
    ]
    assert circles == []


def test_visits_are_decided_without_numpy_opencv_and_onnx_runtime() -> None:
    code = f"import sys, edge.visit.machine; sys.exit(', '.join({HEAVY} & set(sys.modules)) or 0)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_connection_to_a_database_is_closed_and_not_only_committed() -> None:
    """`with sqlite3.connect(…)` leaves it open; Python 3.13 warns of that, wherever it is collected."""
    files = [
        file for folder in ("tests", *sorted(OURS)) for file in sorted((CHECKOUT / folder).rglob("*.py"))
    ]
    open_ended = [
        f"{file.relative_to(CHECKOUT)}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.With)
        and any(ast.unparse(item.context_expr).startswith("sqlite3.connect(") for item in node.items)
    ]
    assert open_ended == []
