"""`tongzhan bench sync`: from outbox to receipt by real processes, against the ledger's own speed."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32
from zoneinfo import ZoneInfo

import click
import msgspec

from cloud_sync.rules.award_rules import AwardRules, Tally, award
from cloud_sync.transport.resend import WINDOW
from cloud_sync.wire.envelope import encode_event, seal_batch, take_batch
from cloud_sync.wire.facts import Event, Stamp
from config.ledger import load_ledger
from config.reading.load import load_toml
from config.words import SHIPPED_WORDS
from edge.journal.repair import take_over
from edge.journal.salvage import JournalRow, Salvaged
from edge.journal.schema import open_journal
from edge.journal.store import SqliteJournal
from edge.station_file import load_station
from edge.sync.keys import StationKeys, make_keys
from edge.sync.outbox import Outbox, epoch_of
from scripts.bench.outbox import STAMP, visit
from scripts.bench.result import Result, percentile, show
from scripts.demonstration.folder import Folder, any_free_ports
from scripts.demonstration.town import COMMUNITY, STATION, write_configuration
from scripts.testbed.processes import Crew, crew

PACE_S = 0.05
"""Pause between two visits while the outbox is drained: a busy station."""
QUIET = 40
"""Records before the drain begins."""
PATIENCE_S = 300.0
BROKER = "import sys; from iotcore import Broker; Broker(int(sys.argv[1]), '127.0.0.1').run_forever()"


@click.command()
@click.option("--events", type=click.IntRange(200), default=5000, show_default=True, help="In the outbox.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def sync(events: int, *, as_json: bool) -> None:
    """Drain a station's outbox through broker, worker and receipts, while the station records visits.

    `limit` is what the same ledger applies without broker, worker or station, packed into messages as a
    station packs them and as many in one transaction as a station has on their way, for so many wait for
    a worker. `single_events_s` is its speed with one message a transaction. Half of each is applied
    before, half after.
    """
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="tongzhan-bench-", ignore_cleanup_errors=True) as folder:
        show(_measure(Folder(Path(folder)), events), as_json=as_json)


@dataclass(frozen=True, slots=True)
class Drained:
    """The time of the drain, and of the station's own records before and during it."""

    events: int
    seconds: float
    quiet_s: list[float]
    busy_s: list[float]


def _measure(folder: Folder, events: int) -> Result:
    ports = any_free_ports()
    write_configuration(folder, ports, str(folder.root / "run"))
    station = load_station(folder.station_toml).station
    keys = _prepare_ledger(folder, Path(station.state_dir))
    fill(Path(station.state_dir), "a" * 16, events)
    before = _apply_both(keys, "b", events // 2)
    with crew(folder.logs) as ours:
        ours.launch("broker", [sys.executable, "-c", BROKER, str(ports.broker)])
        ours.start("ingest", ["ledger", "ingest", "--config", str(folder.ledger_toml)])
        drained = _drain(
            Path(station.state_dir),
            ours,
            lambda: ours.start("sync", ["station", "sync", "--config", str(folder.station_toml)]),
        )
    after = _apply_both(keys, "c", events // 2)
    together, single = (events // 2 * 2 / (one + other) for one, other in zip(before, after, strict=True))
    return _result(drained, together, single)


def _result(drained: Drained, limit: float, single: float) -> Result:
    ours = drained.events / drained.seconds
    return Result(
        name="sync",
        ours=ours,
        limit=limit,
        ratio=ours / limit,
        peers={},
        unit="events/s",
        details={
            "events": drained.events,
            "messages_a_transaction": WINDOW,
            "single_events_s": single,
            "record_quiet_p50_ms": 1000 * percentile(drained.quiet_s, 0.5),
            "record_quiet_p99_ms": 1000 * percentile(drained.quiet_s, 0.99),
            "record_while_draining_p50_ms": 1000 * percentile(drained.busy_s, 0.5),
            "record_while_draining_p99_ms": 1000 * percentile(drained.busy_s, 0.99),
        },
    )


def _prepare_ledger(folder: Folder, state_dir: Path) -> StationKeys:
    """Make the ledger, its households and its station; return the station's keys."""
    from cloud_sync.ledger.install import init  # noqa: PLC0415 (Django is set up while this runs)
    from cloud_sync.ledger.keys import read_card_key, read_signing_key  # noqa: PLC0415

    init(folder.ledger_toml)
    from django.utils import timezone  # noqa: PLC0415 (Django is set up now)

    from cloud_sync.ledger.households.cards import bind_card  # noqa: PLC0415
    from cloud_sync.ledger.households.register import add_household  # noqa: PLC0415
    from cloud_sync.ledger.stations.models import Community  # noqa: PLC0415
    from scripts.demonstration.seeding import admit  # noqa: PLC0415

    secrets = load_ledger(folder.ledger_toml).state_dir
    keys = make_keys(state_dir, read_card_key(secrets, COMMUNITY), read_signing_key(secrets).public_key())
    admit(STATION, keys.signing.public_key().public_bytes_raw().hex(), state_dir, {})
    community = Community.objects.get(slug=COMMUNITY)
    for card in sorted({visit(number).card for number in range(100)}):
        bind_card(add_household(community, card[-8:]), card, timezone.now())
    return keys


def fill(folder: Path, epoch: str, events: int) -> None:
    """Put visits of the past weeks into a journal as if its station had recorded them."""
    with closing(open_journal(folder)) as journal:
        take_over(journal, Salvaged(None, tuple(_records(epoch, events)), {}))


def _records(epoch: str, events: int) -> Iterator[JournalRow]:
    rules = _rules()
    began = time.time() - events * 60
    for number in range(events):
        facts = visit(number, deposits=1)
        earned = award(facts.deposits, facts.role, rules, Tally())
        priced = msgspec.structs.replace(facts, rules=rules.version, provisional=earned.points)
        stamp = Stamp(began + number * 60, trusted=True, boot=STAMP.boot, monotonic_s=60.0 * number)
        event = encode_event(Event(epoch, number + 1, stamp, priced))
        lines = msgspec.json.encode(earned.lines)
        day = time.strftime("%Y-%m-%d", time.gmtime(stamp.wall_s))
        values = (facts.card, day, earned.points, earned.counted, lines)
        yield JournalRow(number + 1, event, crc32(event), *values, None, None)


def _rules() -> AwardRules:
    return load_toml(SHIPPED_WORDS.with_name("award_rules.v1.toml"), AwardRules)


def _apply_both(keys: StationKeys, name: str, events: int) -> tuple[float, float]:
    """Return the seconds for this many events, with WINDOW messages in a transaction and with one."""
    return _apply(keys, _packed(f"{name}0", events), WINDOW), _apply(keys, _packed(f"{name}1", events), 1)


def _packed(epoch: str, events: int) -> list[list[bytes]]:
    """Pack this many events into batches as a station does."""
    left = [record.event for record in _records(epoch.rjust(16, "0"), events)]
    packed: list[list[bytes]] = []
    while left:
        packed.append(take_batch(left))
        left = left[len(packed[-1]) :]
    return packed


def _apply(keys: StationKeys, batches: Sequence[Sequence[bytes]], at_once: int) -> float:
    """Return the ledger's seconds for these batches, several in one transaction."""
    from django.utils import timezone  # noqa: PLC0415 (Django is set up now)

    from cloud_sync.ledger.intake.apply import apply_messages  # noqa: PLC0415
    from cloud_sync.ledger.intake.parse import Sent  # noqa: PLC0415

    sent = [
        Sent(seal_batch(keys.signing, COMMUNITY, STATION, batch), COMMUNITY, STATION) for batch in batches
    ]
    began = time.perf_counter()
    for at in range(0, len(sent), at_once):
        if not apply_messages(sent[at : at + at_once], timezone.now()):
            raise RuntimeError("a batch earned no receipt")
    return time.perf_counter() - began


def _drain(state_dir: Path, ours: Crew, start: Callable[[], None]) -> Drained:
    """Record visits at a busy station's pace before and while `start`'s process drains the journal.

    Counts from the first receipt on, so that no start of a process is measured.
    """
    journal = SqliteJournal(state_dir, "d" * 16, _rules(), ZoneInfo("Asia/Shanghai"))
    with closing(Outbox(state_dir)) as outbox, closing(journal):
        whole, first = outbox.depth(), epoch_of(outbox.oldest() or 0)
        quiet = [_record(journal, number) for number in range(QUIET)]
        start()
        busy: list[float] = []
        deadline = time.monotonic() + PATIENCE_S
        began: tuple[float, int] | None = None
        while (oldest := outbox.oldest()) is not None and epoch_of(oldest) == first:
            freed = whole + len(quiet) + len(busy) - outbox.depth()
            if began is None and freed:
                began = time.perf_counter(), freed
            if (fallen := ours.fallen()) or time.monotonic() > deadline:
                raise RuntimeError(fallen or f"{whole - freed} events still wait")
            busy.append(_record(journal, QUIET + len(busy)))
    if began is None:
        raise RuntimeError("the outbox was empty before it was looked at: name more events")
    return Drained(whole - began[1], time.perf_counter() - began[0], quiet, busy)


def _record(journal: SqliteJournal, number: int) -> float:
    """Record one visit a little later than the last; return how long that took."""
    time.sleep(PACE_S)
    began = time.perf_counter()
    journal.record_visit(visit(number, deposits=1), msgspec.structs.replace(STAMP, wall_s=time.time()))
    return time.perf_counter() - began
