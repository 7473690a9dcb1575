"""Upgrades that are killed: `python -m tests.ledger.dying CONFIG`, told what to do by lines on stdin.

A line holds a number of statements and a database. The upgrade of that database runs in a child that is
killed before its statement of that number; the answer is `killed`, or `done` where it did not come so far.
The children are forked from here, where no thread has ever run: a test's own process has had many.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from django.db import connection

from cloud_sync.ledger import setup
from tests.ledger.switching import use_database


def killed_after(statements: int) -> bool:
    """Upgrade in a child that is killed before its statement of that number; whether it came so far."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        if status and not os.WIFSIGNALED(status):
            raise SystemExit("an upgrade failed before it was killed")
        return bool(status)
    left = statements

    def count(execute: Any, *arguments: Any) -> Any:  # noqa: ANN401 (Django's wrapper)
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*arguments)

    from cloud_sync.ledger.upgrade import upgrade  # noqa: PLC0415 (once Django is set up)

    with connection.execute_wrapper(count):
        upgrade()
    os._exit(0)


def main() -> None:
    """Answer each line."""
    setup(Path(sys.argv[1]))
    for line in sys.stdin:
        statements, database = line.rstrip("\n").split(" ", 1)
        use_database(database)
        print("killed" if killed_after(int(statements)) else "done", flush=True)  # noqa: T201 (its answer)


if __name__ == "__main__":
    main()
