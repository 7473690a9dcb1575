"""Stations that listen: whole ones with their files and broker, and many that only fetch."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire.api import publication
from cloud_sync.wire.facts import Credential
from cloud_sync.wire.publication import MAX_BYTES, PublishedKind, is_current, open_publication
from config.process.threads import thread
from config.station import StationCloudSection
from edge.downlink.cards import LedgerCards
from edge.downlink.folder import DownFolder
from edge.downlink.process import NOTICE_SPREAD_S, Downlink
from edge.ledger_api.client import LedgerAwayError, LedgerClient, LedgerRefusesError
from edge.loop.clocks import RealClock
from edge.loop.journal_client import JOURNAL_READ_S
from edge.messages import Refused, Tapped
from edge.sync.keys import StationIdentity, StationKeys
from edge.visit.access import decide
from scripts.bench.fleet.stations import station_key, station_name

AT_ONCE = 48
"""Requests of the simulated stations under way at a time; each is another connection."""
LOOK_S = 0.01
TRIES = 5
FROM_THE_FUTURE = 2**53 - 1
"""A version that no ledger has given."""
WAIT_S = 60.0

Task = TypeVar("Task")
Taken = TypeVar("Taken")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the ledger is, and by which key it signs."""

    community: str
    url: str
    broker: int
    ledger: Ed25519PublicKey

    def cloud(self) -> StationCloudSection:
        """Return what a station.toml would say of it."""
        return StationCloudSection(port=self.broker, ledger_url=self.url)

    def identity(self, number: int) -> StationIdentity:
        """Return a station of the fleet."""
        keys = StationKeys(station_key(number), bytes(32), self.ledger)
        return StationIdentity(self.community, station_name(number), keys)


class Whole:
    """A station's downlink as it ships, and its loop's reads of the roster at their own intervals."""

    def __init__(self, place: Place, number: int, folder: Path, jitter: random.Random) -> None:
        clock, identity = RealClock(), place.identity(number)
        held = DownFolder(folder / identity.station, place.community)
        client = LedgerClient(place.cloud(), identity, clock.now)
        self.downlink = Downlink(client, held, identity, clock, "boot", jitter=jitter)
        self.link = MqttLink(
            place.cloud(), f"bench-{identity.station}", [], mailboxes=[self.downlink.notices], lasting=False
        )
        self._cards = LedgerCards(held)
        self._known = self._cards.entries()
        self._look_at = time.monotonic() + jitter.uniform(0.0, JOURNAL_READ_S)

    def refuses(self, card: str) -> bool:
        """Return whether a tap of this card would be refused, by the loop's last read of the roster."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + JOURNAL_READ_S
            self._known = self._cards.entries()
        return isinstance(decide(Tapped(now, "r", card, Credential.EM4100), self._known), Refused)

    @property
    def holds(self) -> int:
        """The cards of its roster."""
        return len(self._cards.entries())


@contextmanager
def whole_stations(place: Place, count: int, folder: Path) -> Iterator[list[Whole]]:
    """Run stations, each with its downlink on a thread, until the block ends."""
    jitter = random.Random(1)  # noqa: S311 (spreads requests, guards nothing)
    stopping = threading.Event()
    with ExitStack() as stack:
        made = [Whole(place, number, folder, jitter) for number in range(count)]
        stack.callback(stopping.set)
        for number, station in enumerate(made):
            station.link.start()
            stack.callback(station.link.stop)
            thread(partial(station.downlink.run, stopping), f"downlink-{number}").start()
        yield made


def refused_after(stations: Sequence[Whole], card: str, click: Callable[[], None]) -> list[float]:
    """Block a card by `click`; return the seconds from there until each station refuses it."""
    clicked = time.monotonic()
    click()
    waiting, took = set(range(len(stations))), list[float]()
    while waiting and time.monotonic() < clicked + WAIT_S:
        for number in [one for one in waiting if stations[one].refuses(card)]:
            waiting.discard(number)
            took.append(time.monotonic() - clicked)
        time.sleep(LOOK_S)
    if waiting:
        raise RuntimeError(f"{len(waiting)} stations did not refuse a blocked card in {WAIT_S:g} s")
    return took


@dataclass
class Fetchers:
    """Many stations that fetch by signed requests and check what came; they keep no file."""

    place: Place
    count: int
    clients: list[LedgerClient] = field(default_factory=list)
    retries: int = 0

    def prepare(self) -> None:
        """Give each its first nonce, as a station has one from its last request: the ledger refuses this."""
        clock = RealClock()
        self.clients = [
            LedgerClient(self.place.cloud(), self.place.identity(number), clock.now)
            for number in range(self.count)
        ]
        _many_at_once(self._be_refused, self.clients)

    def fetch_all(self, have: int, heard: threading.Event, clicked: float) -> list[float]:
        """Once a notice was heard, let all fetch within the usual spread; the seconds since the click."""
        heard.wait(WAIT_S)
        jitter = random.Random(2)  # noqa: S311 (as above)
        due = sorted((jitter.uniform(0.0, NOTICE_SPREAD_S), one) for one in range(self.count))
        began = time.monotonic()

        def run(task: tuple[float, int]) -> float:
            time.sleep(max(0.0, began + task[0] - time.monotonic()))
            self._fetch(self.clients[task[1]], have)
            return time.monotonic() - clicked

        return _many_at_once(run, due)

    def _be_refused(self, client: LedgerClient) -> None:
        with suppress(LedgerRefusesError):
            client.ask("GET", publication(PublishedKind.ROSTER, FROM_THE_FUTURE), most_bytes=MAX_BYTES)
        client.close()

    def _fetch(self, client: LedgerClient, have: int) -> None:
        path = publication(PublishedKind.ROSTER, have)
        for _ in range(TRIES):
            try:
                answer = client.ask("GET", path, most_bytes=MAX_BYTES)
            except LedgerAwayError:
                self.retries += 1
                continue
            finally:
                client.close()
            told = open_publication(answer.body, self.place.ledger).statement
            named = (told.community, told.kind, told.version)
            if not is_current(self.place.ledger, named, answer.nonce, answer.current):
                raise RuntimeError("an answer is not proved to be the present one")
            return
        raise RuntimeError("the ledger did not answer")


def bare_fetches(host: str, port: int, count: int) -> list[float]:
    """Fetch the same bytes unsigned, as often and as many at once; the seconds since the first."""
    began = time.monotonic()

    def run(_: int) -> float:
        with closing(HTTPConnection(host, port)) as connection:
            connection.request("GET", "/")
            connection.getresponse().read()
        return time.monotonic() - began

    return _many_at_once(run, range(count))


def _many_at_once(run: Callable[[Task], Taken], tasks: Iterable[Task]) -> list[Taken]:
    """Run each task on one of AT_ONCE threads, in order; return what they gave. Raises the first error."""
    waiting = SimpleQueue[Task]()
    for task in tasks:
        waiting.put(task)
    given, failed = list[Taken](), list[Exception]()

    def work() -> None:
        with suppress(Empty):
            while not failed:
                given.append(run(waiting.get_nowait()))

    threads = [thread(work, f"fetch-{number}", failed.append) for number in range(AT_ONCE)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if failed:
        raise failed[0]
    return given
