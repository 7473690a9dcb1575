"""The page of a demo on screen, and the counts that it shows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Error as SqliteError

from cloud_sync.service.web.gate import Bounds
from cloud_sync.service.web.server import WebServer
from config.process.threads import interrupt, thread
from edge.panel.serve import listen
from scripts.demonstration.day import Day
from scripts.demonstration.folder import Ports
from scripts.demonstration.strip.counts import Comparison, read_kept
from scripts.demonstration.strip.state import Visitors
from scripts.testbed.ports import LOOPBACK

log = logging.getLogger(__name__)

COUNT_EVERY_S = 1.0
"""How often journal and ledger are compared while the demo runs."""
BOUNDS = Bounds(connections=32)
CLOSE_WITHIN_S = 3


@contextmanager
def serving(app: object, ports: Ports) -> Iterator[None]:
    """Serve the demo's page in a thread; InputError if its port is taken."""
    listener = listen(LOOPBACK, ports.page)
    server = WebServer(app, BOUNDS, timeout_graceful_shutdown=CLOSE_WITHIN_S)
    worker = thread(partial(server.run, sockets=[listener]), "page", interrupt)
    worker.start()
    try:
        yield
    finally:
        server.should_exit = True
        worker.join()
        listener.close()


@contextmanager
def counting(comparison: Comparison, visitors: Visitors, day: Callable[[], Day]) -> Iterator[None]:
    """Compare journal and ledger, read the day and the last resident's balance, once a second in a thread."""
    from django.db import Error as LedgerError  # noqa: PLC0415 (needs the ledger's settings)

    from scripts.demonstration.seeding import balance_of, let_go  # noqa: PLC0415 (as above)

    stopping = threading.Event()

    def count() -> None:
        while not stopping.is_set():
            try:
                comparison.refresh()
                visitors.day = day()
                visitors.balance = None if visitors.last is None else balance_of(visitors.last)
            except (SqliteError, LedgerError, OSError) as error:
                log.info(
                    "not counted this time: %s", error
                )  # a busy file; the strip says how old its counts are
            stopping.wait(COUNT_EVERY_S)
        let_go()

    worker = thread(count, "count", interrupt)
    worker.start()
    try:
        yield
    finally:
        stopping.set()
        worker.join()


def comparison(state_dir: Path, epoch: Callable[[], str]) -> Comparison:
    """Compare the run that `epoch` names, in the journal of `state_dir` and in the ledger."""
    from scripts.demonstration.seeding import read_arrived  # noqa: PLC0415 (needs the ledger's settings)

    return Comparison(lambda: read_kept(state_dir, epoch()), lambda: read_arrived(epoch()))
