"""One soak from first process to last: set up, strike, let everything arrive, judge."""

from __future__ import annotations

import heapq
import itertools
import json
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from cloud_sync.ledger.install import init
from cloud_sync.ledger.keys import read_card_key, read_signing_key
from config.ledger import load_ledger
from edge.keys import make_keys
from edge.sim.people import neighbourhood
from scripts.demonstration.places import Folder
from scripts.demonstration.processes import TONGZHAN, crew
from scripts.soak.checks import Evidence, judge, missing
from scripts.soak.hearing import Hearing, hearing
from scripts.soak.photos import draw_photos
from scripts.soak.plan import Fault, Kind, make_plan
from scripts.soak.proxy import network
from scripts.soak.report import Report
from scripts.soak.station import townspeople
from scripts.soak.system import SLOW_SEED, STATIONS, System

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.sim.people import Neighbourhood
    from scripts.soak.engines import Tier
    from scripts.soak.faults import Losses

LOOK_S = 0.05
TELL_S = 10.0
LEAST_RESIDENTS, MOST_RESIDENTS = 60, 1000
"""More in a longer soak, so that daily caps are reached by some and not by all."""
START_S = 120.0
"""So long may engines and stations take to be up at the beginning."""
RECORD_S = 300.0
"""So long may the visits take that were asked for, after the last fault."""
DRAIN_S = 600.0
"""So long may the last events take to arrive; what is not there by then is lost."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked of the soak. `visits` is the least number of records by quick stations."""

    root: Path
    seed: int
    kills: int
    tier: Tier
    visits: int
    first_port: int


@dataclass
class Soak:
    """A running soak."""

    wishes: Wishes
    system: System
    hearing: Hearing
    losses: Losses
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    timeline: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    told_at: float = 0.0


def soak(wishes: Wishes, tell: Callable[[str], None]) -> Report:
    """Run a soak to its end and judge it. InputError for what a person can mend."""
    with ExitStack() as stack:
        stack.enter_context(Folder(wishes.root).claimed())
        heard = stack.enter_context(hearing())
        ours = stack.enter_context(crew(wishes.root / "logs"))
        net = stack.enter_context(network())
        photos = draw_photos(wishes.root / "photos")
        residents = min(LEAST_RESIDENTS + wishes.kills, MOST_RESIDENTS)
        system = System(wishes.root, photos, wishes.tier, ours, net, heard.pipe, wishes.first_port, residents)
        tell("making the ledger and the town")
        blocked = _prepare(system)
        from scripts.soak.faults import Losses  # noqa: PLC0415 (models need Django set up)

        running = Soak(wishes, system, heard, Losses(), tell)
        _strike_all(running)
        _record_enough(running)
        verify, drained = _drain(running)
        return _judged(running, blocked, verify, drained)


def _prepare(system: System) -> frozenset[str]:
    """Engines, ledger, people, keys, a first backup and first images; the blocked cards."""
    system.make()
    system.hold(*(name for name in system.starters if name not in system.engine.processes))
    _wait(system, system.engine.answers, START_S)
    system.engine.prepare()
    init(system.ledger_toml)
    from scripts.demonstration.seeding import admit, bind_cards  # noqa: PLC0415 (models need Django set up)
    from scripts.soak.faults import Faults, Losses  # noqa: PLC0415 (as above)

    secrets = load_ledger(system.ledger_toml).state_dir
    card_key, ledger_key = read_card_key(secrets), read_signing_key(secrets).public_key()
    people = _people(card_key, system.residents)
    for one in people:
        bind_cards(one)
    roster = {card: entry for one in people for card, entry in one.roster.items()}
    for station in STATIONS:
        keys = make_keys(system.state_dir(station), card_key, ledger_key)
        admit(station, keys.signing.public_key().public_bytes_raw().hex(), system.state_dir(station), roster)
    first = Faults(system, Losses())
    for station in STATIONS:
        first.strike(Fault(0.0, Kind.IMAGE, station))
    first.strike(Fault(0.0, Kind.BACKUP, "ledger"))
    system.release(*system.starters)
    return frozenset(one.blocked.card for one in people)


def _people(card_key: bytes, residents: int) -> tuple[Neighbourhood, ...]:
    slow = neighbourhood(Random(SLOW_SEED), card_key)  # noqa: S311 (invents people, guards nothing)
    return townspeople(card_key, residents), slow


def _strike_all(running: Soak) -> None:
    """Go through the plan; what lasts is ended when its time comes."""
    from scripts.soak.faults import Faults  # noqa: PLC0415 (models need Django set up)

    wishes, faults = running.wishes, Faults(running.system, running.losses)
    endings: list[tuple[float, int, Callable[[], None]]] = []
    order = itertools.count()
    running.tell(f"striking: {wishes.kills} kills, and other faults among them")
    _wait(running.system, lambda: len(running.hearing.told) > 0, START_S)
    running.began = time.monotonic()
    for fault in make_plan(wishes.seed, wishes.kills, running.system.cast):
        _live_until(running, running.began + fault.at_s, endings)
        running.timeline.append(f"{time.monotonic() - running.began:8.2f} s  {fault}")
        running.done[fault.kind] += 1
        end = faults.strike(fault)
        if end is not None:
            heapq.heappush(endings, (time.monotonic() + fault.lasts_s, next(order), end))
    _live_until(running, max([when for when, *_ in endings], default=0.0), endings)


def _live_until(running: Soak, when: float, endings: list[tuple[float, int, Callable[[], None]]]) -> None:
    """Keep everything up until a moment, ending what is over by then."""
    while True:
        now = time.monotonic()
        while endings and endings[0][0] <= now:
            heapq.heappop(endings)[2]()
        running.system.keep_up()
        _tell_progress(running)
        if now >= when:
            return
        time.sleep(min(LOOK_S, when - now))


def _tell_progress(running: Soak) -> None:
    now = time.monotonic()
    if now - running.told_at >= TELL_S:
        running.told_at = now
        kills, told = running.done[Kind.KILL], len(running.hearing.told)
        running.tell(f"{now - running.began:6.0f} s: {kills} of {running.wishes.kills} kills, {told} records")


def _record_enough(running: Soak) -> None:
    """Let stations go on until what was asked for is on their journals."""
    wanted = running.wishes.visits
    _wait(running.system, lambda: len(running.hearing.told) >= wanted, RECORD_S, must=False)


def _drain(running: Soak) -> tuple[Mapping[str, object], bool]:
    """Start everything anew, let stations finish, and wait until all of it is in the ledger; audit it."""
    from scripts.soak.evidence import depth, read_events, read_journal  # noqa: PLC0415 (needs Django)

    system = running.system
    stations = tuple(f"station-{name}" for name in STATIONS)
    running.tell("letting everything arrive")
    told = len(running.hearing.told)
    for name in system.starters:
        if name not in system.engine.processes:
            system.crew.end_one(name)
    _wait(
        system, lambda: system.engine.answers() and len(running.hearing.told) > told + 2, START_S, must=False
    )
    system.held.update(stations)
    for name in stations:
        system.crew.end_one(name)

    def arrived() -> bool:
        waiting = sum(depth(system.state_dir(name)) for name in STATIONS)
        if time.monotonic() - running.told_at >= TELL_S:
            running.told_at = time.monotonic()
            running.tell(f"{waiting} events wait for their receipt")
        if waiting or not system.engine.answers():
            return False
        journals = [read_journal(system.state_dir(name), name) for name in STATIONS]
        return not missing(journals, read_events())

    drained = _wait(system, arrived, DRAIN_S, must=False, look_s=0.5)
    for name in system.starters:
        if name not in system.engine.processes:
            system.held.add(name)
            system.crew.end_one(name)
    _wait(system, system.engine.answers, START_S)
    return _verify(system), drained


def _verify(system: System) -> dict[str, object]:
    """What the ledger's own audit says, by the command that an operator has for it."""
    command = [*TONGZHAN, "ledger", "verify", "--json", "--config", str(system.ledger_toml)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603 (ours)
    try:
        said: dict[str, object] = json.loads(done.stdout)
    except ValueError:
        said = {"ok": False}
    return said | {"complaints": [line for line in done.stderr.splitlines() if line][-20:]}


def _judged(
    running: Soak,
    blocked: frozenset[str],
    verify: Mapping[str, object],
    drained: bool,  # noqa: FBT001 (a fact)
) -> Report:
    from scripts.soak.evidence import read_journal, read_ledger  # noqa: PLC0415 (models need Django set up)

    system, wishes = running.system, running.wishes
    complaints = [] if verify.get("ok") else [str(verify)]
    evidence = Evidence(
        journals=[
            *(read_journal(system.state_dir(name), name) for name in STATIONS),
            *running.losses.gone,
        ],
        ledger=read_ledger(complaints),
        told=dict(running.hearing.told),
        excused=running.losses.excused,
        blocked=blocked,
        beyond_lease_s=running.hearing.beyond_lease_s,
    )
    judgement = judge(evidence)
    late = () if drained else (f"not everything had its receipt after {DRAIN_S:.0f} s",)
    counts = asdict(judgement) | {"problems": judgement.problems + late}
    return Report(
        ok=not counts["problems"],
        engine=wishes.tier,
        seed=wishes.seed,
        kills=wishes.kills,
        seconds=round(time.monotonic() - running.began, 1),
        faults=running.done,
        restarts=system.ended,
        told=len(evidence.told),
        verify=verify,
        beyond_lease_s=evidence.beyond_lease_s,
        timeline=tuple(running.timeline),
        replay=f"tongzhan soak --engine {wishes.tier} --seed {wishes.seed} --kills {wishes.kills}",
        **counts,
    )


def _wait(
    system: System, done: Callable[[], bool], within_s: float, *, must: bool = True, look_s: float = LOOK_S
) -> bool:
    """Keep everything up until something is so; TimeoutError if it `must` and does not come."""
    until = time.monotonic() + within_s
    while not done():
        if time.monotonic() > until:
            if must:
                raise TimeoutError(f"the system did not come up in {within_s:.0f} s; see its logs")
            return False
        system.keep_up()
        time.sleep(look_s)
    return True
