"""Every thread of the product is started in one place, where its end cannot go unnoticed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = ("config", "models", "firmware_bridge", "cloud_sync", "edge", "scripts")
ALLOWED = Path("config/process/threads.py")
STARTERS = {
    "Thread",
    "Timer",
    "ThreadPoolExecutor",
    "ThreadPool",
    "start_new_thread",
    "start_joinable_thread",
    "to_thread",
    "run_in_executor",
    "create_task",
}
"""Names by which Python runs something that nobody need wait for."""


def started(source: str) -> list[str]:
    """What a file calls, or derives from, that runs beside it."""
    names = []
    for node in ast.walk(ast.parse(source)):
        uses = [node.func] if isinstance(node, ast.Call) else getattr(node, "bases", [])
        for used in uses:
            name = used.attr if isinstance(used, ast.Attribute) else getattr(used, "id", "")
            if name in STARTERS:
                names.append(f"line {used.lineno}: {name}")
    return names


@pytest.mark.parametrize("folder", FOLDERS)
def test_only_one_file_starts_threads(folder: str) -> None:
    files = [file.relative_to(CHECKOUT) for file in (CHECKOUT / folder).rglob("*.py")]
    assert files
    found = {
        str(file): names
        for file in files
        if file != ALLOWED and (names := started((CHECKOUT / file).read_text(encoding="utf-8")))
    }
    assert found == {}, "start it by config.process.threads.thread, which says what its end means"


@pytest.mark.parametrize(
    "line",
    [
        "threading.Thread(target=f)",
        "Thread(target=f).start()",
        "class My(threading.Thread): pass",
        "Timer(1, f)",
    ],
)
def test_a_thread_that_is_started_elsewhere_is_seen(line: str) -> None:
    assert started(line)
    assert started((CHECKOUT / ALLOWED).read_text(encoding="utf-8"))
