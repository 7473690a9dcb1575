"""Work on a ledger that is killed: `python -m tests.ledger.dying CONFIG`, told what to do by lines on stdin.

A line holds a verb, a number of statements, and a database. The work runs in a child that is killed before
its statement of that number; the answer is `killed`, or `done` where it did not come so far. `upgrade`
upgrades the database; `init` prepares it for CONFIG; `apply` applies the messages of the file MESSAGES
beside it, a SQLite file; `import` takes in the community of the file MOVE beside it.
The children are forked from here, where no thread has ever run: a test's own process has had many.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from django.db import connection

from cloud_sync.ledger import setup
from tests.ledger.switching import use_database

MESSAGES = "messages"
MOVE = "community.move"
Count = Callable[[], None]
"""To be called before each statement."""


def upgrade_it(database: str, count: Count) -> None:
    """Upgrade the database of the moment."""
    from cloud_sync.ledger.db.upgrade import upgrade  # noqa: PLC0415 (once Django is set up)

    del database

    def counted(execute: Any, *arguments: Any) -> Any:  # noqa: ANN401 (Django's wrapper)
        count()
        return execute(*arguments)

    with connection.execute_wrapper(counted):
        upgrade()


def apply_them(database: str, count: Count) -> None:
    """Apply the messages that lie beside the database."""
    from cloud_sync.ledger.intake.apply import apply_messages  # noqa: PLC0415 (once Django is set up)
    from cloud_sync.ledger.intake.parse import Sent  # noqa: PLC0415
    from tests.ledger.town import NOW  # noqa: PLC0415

    raw = Path(database).with_name(MESSAGES).read_bytes()
    connection.ensure_connection()
    # The hot path goes past Django: SQLite itself tells of each statement, transactions' too.
    connection.connection.set_trace_callback(lambda _statement: count())
    apply_messages(msgspec.msgpack.decode(raw, type=list[Sent]), NOW)


def init_it(database: str, count: Count) -> None:
    """Prepare the database for a ledger.toml of an older version, which lies beside it."""
    from cloud_sync.ledger.db import sql  # noqa: PLC0415 (once Django is set up)
    from cloud_sync.ledger.db.database import prepare  # noqa: PLC0415
    from config.ledger import load_ledger  # noqa: PLC0415

    del database

    def counted(execute: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 (any function's)
        count()
        return execute(*arguments, **named)

    # The ledger's own statements go past Django's wrappers.
    sql.execute = partial(counted, sql.execute)
    sql._execute_many = partial(counted, sql._execute_many)  # noqa: SLF001
    with connection.execute_wrapper(counted):
        prepare(load_ledger(Path(sys.argv[1])))


def import_it(database: str, count: Count) -> None:
    """Take in the community whose file lies beside the database, at the ledger that the file is for."""
    from cloud_sync.ledger.moving import arrival  # noqa: PLC0415 (once Django is set up)
    from cloud_sync.ledger.moving.file import FileHead  # noqa: PLC0415
    from tests.ledger.town import NOW  # noqa: PLC0415

    path = Path(database).with_name(MOVE)
    with path.open("rb") as file:
        header = msgspec.json.decode(file.readline(), type=FileHead)
    found = arrival.look_at(path, header.to_key, header.key)
    connection.ensure_connection()
    connection.connection.set_trace_callback(lambda _statement: count())
    arrival.take_in(path, found, "Wang", "a district of its own", NOW, lambda _: None)


WORK: dict[str, Callable[[str, Count], None]] = {
    "upgrade": upgrade_it,
    "apply": apply_them,
    "init": init_it,
    "import": import_it,
}


def killed_after(statements: int, work: Callable[[str, Count], None], database: str) -> bool:
    """Do something in a child that is killed before its statement of that number; whether it came so far."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        if status and not os.WIFSIGNALED(status):
            raise SystemExit("the work failed before it was killed")
        return bool(status)
    left = statements

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        work(database, count)
    except BaseException:  # noqa: BLE001 (a forked child must not go on as its parent)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Answer each line."""
    setup(Path(sys.argv[1]))
    for line in sys.stdin:
        verb, statements, database = line.rstrip("\n").split(" ", 2)
        use_database(database)
        killed = killed_after(int(statements), WORK[verb], database)
        print("killed" if killed else "done", flush=True)  # noqa: T201 (its answer)


if __name__ == "__main__":
    main()
