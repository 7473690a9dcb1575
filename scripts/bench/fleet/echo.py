"""Replaces the ledger as the benchmark's limit: answers every batch at once and does nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

from cloud_sync.wire import topics
from scripts.bench.fleet.connection import Connection

COMMUNITY = "echo"


async def echo(port: int) -> None:
    """Answer until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    def answer(topic: str, _payload: bytes) -> None:
        connection.publish(topics.receipts(*topics.station_of(topic)), b"taken", retain=True)

    connection = Connection("echo", topics.events(COMMUNITY, "+"), answer)
    await connection.open(port)
    await stopping.wait()
    connection.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(echo(int(sys.argv[1])))
