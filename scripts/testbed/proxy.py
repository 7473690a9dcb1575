"""A network that can be cut, silenced, delayed and throttled: TCP proxies on one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from config.process.threads import interrupt, thread

LOOPBACK = "127.0.0.1"
CHUNK = 2048
"""Bytes passed on at once: few, so that a throttle or a cut can fall within a message."""


@dataclass
class _Link:
    """One proxy. `passing` is clear while nothing may go through."""

    target: int
    passing: asyncio.Event = field(default_factory=asyncio.Event)
    refusing: bool = False
    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)


class Network:
    """Links by name. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._links: dict[str, _Link] = {}
        self._servers: list[asyncio.Server] = []
        self._thread = thread(self._loop.run_forever, "network", interrupt)
        self._thread.start()

    def open(self, name: str, port: int, target: int) -> None:
        """Listen on `port` and pass everything on to `target`; OSError if the port is taken."""
        self._do(self._open(name, port, target))

    def cut(self, name: str) -> None:
        """Reset every connection of a link, and refuse new ones."""
        self._do(self._cut(name, refusing=True))

    def silence(self, name: str) -> None:
        """Keep connections open, but pass nothing on."""
        self._do(self._set(name, silent=True))

    def delay(self, name: str, delay_s: float) -> None:
        """Delay every chunk by this time."""
        self._do(self._set(name, delay_s=delay_s))

    def throttle(self, name: str, bytes_per_s: float) -> None:
        """Limit the rate of each direction of each connection."""
        self._do(self._set(name, bytes_per_s=bytes_per_s))

    def heal(self, name: str) -> None:
        """Make a link perfect again. Silenced bytes go through late."""
        self._do(self._set(name))

    def close(self) -> None:
        """End every connection and the thread."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, doing: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(doing, self._loop).result(10.0)

    async def _open(self, name: str, port: int, target: int) -> None:
        link = self._links[name] = _Link(target)
        link.passing.set()
        self._servers.append(
            await asyncio.start_server(lambda reader, writer: _serve(link, reader, writer), LOOPBACK, port)
        )

    async def _set(
        self, name: str, *, silent: bool = False, delay_s: float = 0.0, bytes_per_s: float = 0.0
    ) -> None:
        link = self._links[name]
        link.refusing, link.delay_s, link.bytes_per_s = False, delay_s, bytes_per_s
        if silent:
            link.passing.clear()
        else:
            link.passing.set()

    async def _cut(self, name: str, *, refusing: bool) -> None:
        link = self._links[name]
        link.refusing = refusing
        for writer in tuple(link.writers):
            writer.transport.abort()
        link.passing.set()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for name in self._links:
            await self._cut(name, refusing=True)
        ours = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not ours]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _serve(link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client's connection."""
    if link.refusing:
        writer.transport.abort()
        return
    try:
        far_reader, far_writer = await asyncio.open_connection(LOOPBACK, link.target)
    except OSError:
        writer.transport.abort()
        return
    ends = {writer, far_writer}
    link.writers |= ends
    with suppress(OSError, asyncio.CancelledError):
        await _either(_pump(link, reader, far_writer), _pump(link, far_reader, writer))
    link.writers -= ends
    for end in ends:
        end.transport.abort()


async def _either(*pumps: Coroutine[object, object, None]) -> None:
    """Run both directions until one ends: a half-open MQTT connection is useless."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        await link.passing.wait()
        if link.delay_s:
            await asyncio.sleep(link.delay_s)
        if link.bytes_per_s:
            await asyncio.sleep(len(chunk) / link.bytes_per_s)
        writer.write(chunk)
        await writer.drain()


@contextmanager
def network() -> Iterator[Network]:
    """Make a network that ends in any case."""
    ours = Network()
    try:
        yield ours
    finally:
        ours.close()
