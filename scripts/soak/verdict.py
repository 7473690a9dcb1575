"""After the last fault: starts everything again, waits until all events have arrived, and judges.

Importable only after `cloud_sync.ledger.setup`.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

from scripts.soak.context import START_S, Running, must, wait
from scripts.soak.invariants import Evidence, judge, missing
from scripts.soak.journals import depth, read_journal, written
from scripts.soak.judge.evidence import read_events, read_ledger
from scripts.soak.report import Report
from scripts.soak.system import STATIONS
from scripts.testbed.processes import TONGZHAN

DRAIN_S = 600.0
"""Timeout of the last events; those that have not arrived by then are lost."""
LOOK_S = 0.5
VERIFY_S = 600.0
COMPLAINTS = 20
"""Most lines of the ledger's audit that are kept."""


def drain(running: Running) -> tuple[str, ...]:
    """Start everything again, let stations work and finish, wait for the ledger; return what failed.

    Each station must record something more, after all its faults.
    """
    system = running.system
    ours = tuple(name for name in system.starters if name not in system.engine.processes)
    stations = tuple(f"station-{name}" for name in STATIONS)
    running.tell("letting everything arrive")
    system.crew.end_these(ours)
    before = {name: written(system.state_dir(name)) for name in STATIONS}
    alive = wait(
        system,
        lambda: all(written(system.state_dir(name)) > before[name] for name in STATIONS),
        START_S,
        LOOK_S,
    )
    _finish(running, stations)
    arrived = wait(system, lambda: _has_arrived(running), DRAIN_S, LOOK_S)
    _finish(running, ours)
    must(system, system.engine.answers)
    failed = () if alive else (f"a station recorded nothing in {START_S:.0f} s after the last fault",)
    return failed if arrived else (*failed, f"not everything had arrived after {DRAIN_S:.0f} s")


def _finish(running: Running, names: tuple[str, ...]) -> None:
    running.system.held.update(names)
    running.system.crew.end_these(names)


def _has_arrived(running: Running) -> bool:
    """Return whether no event waits and the ledger has all of them: a receipt alone would not prove it."""
    system = running.system
    waiting = sum(depth(system.state_dir(name)) for name in STATIONS)
    running.tell_progress(f", {waiting} wait for their receipt")
    if waiting or not system.engine.answers():
        return False
    journals = [read_journal(system.state_dir(name), name) for name in STATIONS]
    return not missing(journals, read_events())


def judged(running: Running, failed: tuple[str, ...]) -> Report:
    """Judge all evidence and make the report; `failed` is the result of `drain`."""
    system, wishes = running.system, running.wishes
    verify = _verify(running)
    evidence = Evidence(
        journals=[
            *(read_journal(system.state_dir(name), name) for name in STATIONS),
            *running.losses.gone,
        ],
        ledger=read_ledger([] if verify.get("ok") is True else [str(verify)]),
        told=dict(running.telemetry.told),
        taken_back=running.losses.taken_back,
        blocked=running.blocked,
        beyond_lease_s=running.telemetry.beyond_lease_s,
        cards=tuple(running.losses.cards),
        lives=dict(running.telemetry.lives),
        looks=running.looks,
        town=running.town,
    )
    judgement = judge(evidence)
    counts = asdict(judgement) | {"problems": judgement.problems + failed + _damaged(running)}
    return Report(
        ok=not counts["problems"],
        engine=wishes.tier,
        seed=wishes.seed,
        kills=wishes.kills,
        seconds=round(time.monotonic() - running.began, 1),
        faults=running.done,
        restarts=system.ended,
        told=len(evidence.told),
        told_of=dict(Counter(station for station, _, _ in evidence.told)),
        verify=verify,
        beyond_lease_s=evidence.beyond_lease_s,
        timeline=tuple(running.timeline),
        replay=wishes.replay,
        **counts,
    )


def _damaged(running: Running) -> tuple[str, ...]:
    """Return the journals that a station found damaged: a kill must never damage one."""
    system = running.system
    found = [place for name in STATIONS for place in system.state_dir(name).glob("journal-damaged-*")]
    return tuple(f"{place.parent.name} set its journal aside as damaged: {place.name}" for place in found)


def _verify(running: Running) -> Mapping[str, object]:
    """Return the ledger's own audit, by the operator's command."""
    command = [*TONGZHAN, "ledger", "verify", "--json", "--config", str(running.system.ledger_toml)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=VERIFY_S)  # noqa: S603 (ours)
    try:
        said: dict[str, object] = json.loads(done.stdout)
    except ValueError:
        said = {"ok": False}
    complaints = [line for line in done.stderr.splitlines() if line][-COMPLAINTS:]
    return said | ({"complaints": complaints} if complaints else {})
