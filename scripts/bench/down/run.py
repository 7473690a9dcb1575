"""`tongzhan bench down`: how soon a card that is blocked at the ledger is refused at stations."""

from __future__ import annotations

import logging
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING  # noqa: TID251 (one class needs Django set up)

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud_sync.ledger.install import init
from cloud_sync.transport.mailbox import Mailbox
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from config.station import CloudSection
from scripts.bench.down.stations import (
    Fetchers,
    Place,
    Whole,
    bare_fetches,
    refused_after,
    whole_stations,
)
from scripts.bench.fleet.stations import card, station_key, station_name
from scripts.bench.result import Result, percentile, show
from scripts.demonstration.folder import Ports
from scripts.demonstration.town import COMMUNITY, ledger_toml
from scripts.soak.system import PORTS
from scripts.testbed.engines import LOOPBACK, Engine, LaptopEngine, Tier, TownEngine
from scripts.testbed.ports import free_ports
from scripts.testbed.processes import Crew, crew

if TYPE_CHECKING:
    from cloud_sync.ledger.stations.models import Community  # its class needs Django set up

CLICKS = 10
UP_S = 120.0
_BARE = """
import sys, asyncio, pathlib
body = pathlib.Path(sys.argv[2]).read_bytes()
head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
async def answer(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            writer.write(head + body)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()
asyncio.run(main())
"""


@click.command()
@click.option("--cards", type=click.IntRange(100, 100_000), default=20_000, show_default=True, help="Cards.")
@click.option("--online", type=click.IntRange(1, 200), default=30, show_default=True, help="Whole stations.")
@click.option(
    "--simulated", type=click.IntRange(1, 5000), default=1000, show_default=True, help="Fetching stations."
)
@click.option(
    "--engine",
    type=click.Choice([tier.value for tier in Tier]),
    default=Tier.LAPTOP.value,
    show_default=True,
    help="Broker and database.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def down(*, cards: int, online: int, simulated: int, engine: str, as_json: bool) -> None:
    """Time from a click at the ledger to a refused tap, and to the changed roster at many stations.

    A whole station has its files, its broker and its loop's reads of the roster. The figure is their 99th
    percentile; the limit is that of a bare MQTT message with the same bytes to as many. Simulated stations
    fetch the change by signed requests, and beside them as many bare requests fetch the same bytes.
    """
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="tongzhan-down-") as name, ExitStack() as stack:
        root = Path(name)
        root.chmod(0o711)  # PostgreSQL and mosquitto run as other users where we are root
        ours = stack.enter_context(crew(root / "logs"))
        house = _Rig(root, ours, Tier(engine), free_ports(PORTS + 1))
        house.set_up(cards, max(online, simulated))
        result = _measure(house, root, online, simulated)
    show(result, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Bytes:
    """The sizes of a whole roster and of a change, and the change itself."""

    whole: int
    change: bytes


class _Rig:
    """The benchmark's own broker, database, worker and pages."""

    def __init__(self, root: Path, ours: Crew, tier: Tier, port: int) -> None:
        self.tier, self.port = tier, port
        self.crew = ours
        self._root, self._toml = root, root / "ledger.toml"
        self.url = f"http://{LOOPBACK}:{port + 2}"
        self._engine: Engine = (
            LaptopEngine(root, port) if tier is Tier.LAPTOP else TownEngine(root, port, port + 1)
        )
        self.place: Place | None = None

    def set_up(self, cards: int, stations: int) -> None:
        """Make the ledger with its cards and stations, and start everything."""
        self._engine.make()
        for name in self._engine.processes:
            self._engine.start(name, self.crew)
        self.wait(self._engine.answers, "the database")
        self._engine.prepare()
        text = ledger_toml(self._engine.database, Ports(0, self.port + 2, self.port))
        # One machine plays all stations: as behind a proxy, no bound on one address applies.
        text = text.replace("[pages]\n", f'[pages]\nproxies = ["{LOOPBACK}"]\n')
        self._toml.touch(0o600)  # it may hold a password
        self._toml.write_text(text, encoding="utf-8")
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(init(self._toml).public_key))
        _fill(cards, stations)
        self.crew.start("serve", ["ledger", "serve", "--config", str(self._toml)])
        self.crew.start("worker", ["ledger", "ingest", "--config", str(self._toml)])
        self.place = Place(COMMUNITY, self.url, self.port, key)

    def wait(self, done: Callable[[], object], what: str) -> None:
        """Wait for something of ours; RuntimeError after UP_S."""
        until = time.monotonic() + UP_S
        while not done():
            if (fallen := self.crew.fallen()) or time.monotonic() > until:
                raise RuntimeError(fallen or f"{what} did not come up in {UP_S:.0f} s")
            time.sleep(0.05)


def _measure(house: _Rig, root: Path, online: int, simulated: int) -> Result:
    place = house.place
    if place is None:
        raise RuntimeError("the ledger was not set up")
    sizes = _sizes()
    with whole_stations(place, online, root / "stations") as stations:
        house.wait(lambda: all(one.holds for one in stations), "a station's roster")
        blocked_s = _clicks(stations)
    fetched_s, retries = _changed(place, simulated)
    bare_s = _bare(house, root, sizes.change, simulated)
    mqtt_s = _pushed(place, sizes.change, online)
    ours, limit = percentile(blocked_s, 0.99), percentile(mqtt_s, 0.99)
    return Result(
        name="down",
        ours=ours,
        limit=limit,
        ratio=limit / ours,
        peers={"mqtt_push": limit, "bare_http": percentile(bare_s, 0.99)},
        unit="s",
        details={
            "block_p50_s": round(percentile(blocked_s, 0.5), 3),
            "block_p99_s": round(ours, 3),
            "roster_bytes": sizes.whole,
            "delta_bytes": len(sizes.change),
            "roster_1000_p50_s": round(percentile(fetched_s, 0.5), 3),
            "roster_1000_p99_s": round(percentile(fetched_s, 0.99), 3),
            "bare_http_p99_s": round(percentile(bare_s, 0.99), 3),
            "mqtt_push_p99_s": round(limit, 4),
            "online_stations": online,
            "simulated_stations": simulated,
            "retries": retries,
            "engine": str(house.tier),
        },
    )


def _clicks(stations: list[Whole]) -> list[float]:
    took: list[float] = []
    for number in range(CLICKS):
        took += refused_after(stations, card(number), lambda one=number: _block(one))  # type: ignore[misc]
    return took


def _changed(place: Place, simulated: int) -> tuple[list[float], int]:
    """Block one more card and let all simulated stations fetch the change."""
    from cloud_sync.ledger.downlink.versions import present  # noqa: PLC0415 (models need Django set up)
    from cloud_sync.wire.publication import PublishedKind  # noqa: PLC0415

    fetchers = Fetchers(place, simulated)
    fetchers.prepare()
    have = present(_community(), PublishedKind.ROSTER).version
    box = Mailbox(topics.notice(place.community), size=1)
    heard = threading.Event()
    with ExitStack() as stack:
        link = MqttLink(CloudSection(port=place.broker), "bench-notice", [], mailboxes=[box], lasting=False)
        link.start()
        stack.callback(link.stop)
        box.take(UP_S)  # the retained notice of what is held
        clicked = time.monotonic()
        _block(CLICKS)
        box.take(UP_S)
        heard.set()
        return fetchers.fetch_all(have, heard, clicked), fetchers.retries


def _bare(house: _Rig, root: Path, body: bytes, count: int) -> list[float]:
    file = root / "change"
    file.write_bytes(body)
    house.crew.launch("bare", [sys.executable, "-c", _BARE, str(house.port + PORTS), str(file)])
    port = house.port + PORTS
    house.wait(lambda: _answers(port), "the bare server")
    return bare_fetches(LOOPBACK, port, count)


def _answers(port: int) -> bool:
    try:
        return bool(bare_fetches(LOOPBACK, port, 1))
    except ConnectionError:
        return False


def _pushed(place: Place, body: bytes, online: int) -> list[float]:
    """Send the same bytes by MQTT to as many sessions; the seconds until each has them, over CLICKS times."""
    took: list[float] = []
    with ExitStack() as stack:
        boxes = [Mailbox("bench/down", size=1) for _ in range(online)]
        links = [
            MqttLink(CloudSection(port=place.broker), f"bench-push-{one}", [], mailboxes=[box], lasting=False)
            for one, box in enumerate(boxes)
        ]
        for link in links:
            link.start()
            stack.callback(link.stop)
        until = time.monotonic() + UP_S
        while not all(link.connected for link in links) and time.monotonic() < until:
            time.sleep(0.05)
        for _ in range(CLICKS):
            began = time.monotonic()
            links[0].publish("bench/down", body)
            arrivals = (time.monotonic() - began for box in boxes if box.take(UP_S) is not None)
            took += arrivals
    return took


def _sizes() -> _Bytes:
    """Return what the ledger publishes as a whole and after one change."""
    from django.conf import settings  # noqa: PLC0415

    from cloud_sync.ledger.downlink.documents import Documents  # noqa: PLC0415 (models need Django set up)
    from cloud_sync.ledger.downlink.versions import present  # noqa: PLC0415
    from cloud_sync.ledger.keys import read_signing_key  # noqa: PLC0415
    from cloud_sync.wire.publication import PublishedKind  # noqa: PLC0415

    documents = Documents(read_signing_key(settings.LEDGER.state_dir))
    community = _community()
    whole = documents.document(community, PublishedKind.ROSTER, 0).signed or b""
    have = present(community, PublishedKind.ROSTER).version
    _block(CLICKS + 1)
    return _Bytes(len(whole), documents.document(community, PublishedKind.ROSTER, have).signed or b"")


def _block(number: int) -> None:
    from django.utils import timezone  # noqa: PLC0415 (models need Django set up)

    from cloud_sync.ledger.households.cards import Attribution, block_card, find_card  # noqa: PLC0415

    found = find_card(_community(), card(number))
    block_card(found, Attribution("bench", "a lost card"), timezone.now())


def _community() -> Community:
    from cloud_sync.ledger.stations.models import Community  # noqa: PLC0415

    return Community.objects.get(slug=COMMUNITY)


def _fill(cards: int, stations: int) -> None:
    """Register stations and cards; those of one household, because only their number counts here."""
    from django.db import connections, transaction  # noqa: PLC0415 (models need Django set up)

    from cloud_sync.ledger.households.register import add_household  # noqa: PLC0415
    from cloud_sync.ledger.points.models import Card  # noqa: PLC0415
    from cloud_sync.ledger.stations.registry import add_station  # noqa: PLC0415

    with transaction.atomic():
        community = _community()
        for number in range(stations):
            add_station(
                community, station_name(number), station_key(number).public_key().public_bytes_raw().hex()
            )
        household = add_household(community, "1")
        rows = (Card(community=community, hash=card(number), household=household) for number in range(cards))
        Card.objects.bulk_create(rows, batch_size=1000)
    connections.close_all()
