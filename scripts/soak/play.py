"""One soak from first process to last: set up, strike, let everything arrive, judge."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from contextlib import ExitStack

from scripts.demonstration.folder import Folder
from scripts.soak.context import LOOK_S, Running, Wishes, must, wait
from scripts.soak.plan import make_plan
from scripts.soak.prepare import prepare
from scripts.soak.report import Report
from scripts.soak.system import System
from scripts.soak.telemetry import telemetry
from scripts.testbed.pictures import draw_photos, looks_like
from scripts.testbed.processes import crew
from scripts.testbed.proxy import network

LEAST_RESIDENTS, MOST_RESIDENTS = 60, 1000
"""More in a longer soak, so that some reach the daily caps and some do not."""
RECORD_S = 300.0
"""Timeout of the requested visits after the last fault."""


def soak(wishes: Wishes, tell: Callable[[str], None]) -> Report:
    """Run a soak to its end and judge it. InputError for problems that a person can fix."""
    with ExitStack() as stack:
        stack.enter_context(Folder(wishes.root).claimed())
        heard = stack.enter_context(telemetry())
        ours = stack.enter_context(crew(wishes.root / "logs"))
        net = stack.enter_context(network())
        photos = draw_photos(wishes.root / "photos")
        residents = min(LEAST_RESIDENTS + wishes.kills, MOST_RESIDENTS)
        system = System(wishes.root, photos, wishes.tier, ours, net, heard.pipe, wishes.first_port, residents)
        tell("making the ledger and the town")
        town, blocked = prepare(system)
        looks = {file.stem: looks_like(file.stem) for file in photos.rglob("*.jpg")}
        from scripts.soak.faults import Losses  # noqa: PLC0415 (as above)
        from scripts.soak.verdict import drain, judged  # noqa: PLC0415 (models need Django set up)

        running = Running(wishes, system, heard, Losses(), blocked, town, looks, tell)
        _strike_all(running)
        wait(system, lambda: len(heard.told) >= wishes.visits, RECORD_S)
        return judged(running, drain(running))


Endings = list[tuple[float, int, "Callable[[], None]"]]
"""A heap of what ends each lasting fault, by time."""


def _strike_all(running: Running) -> None:
    """Go through the plan; end lasting faults when their time comes."""
    from scripts.soak.faults import Faults  # noqa: PLC0415 (models need Django set up)

    wishes, faults = running.wishes, Faults(running.system, running.losses)
    endings: Endings = []
    order = itertools.count()
    running.tell(f"striking: {wishes.kills} kills, and other faults among them; replay: {wishes.replay}")
    must(running.system, lambda: len(running.telemetry.told) > 0)
    running.began = time.monotonic()
    held_s = 0.0  # by strikes that had to wait, as for a database that recovers: the rest keeps its distances
    for fault in make_plan(wishes.seed, wishes.kills, running.system.cast):
        _live_until(running, running.began + held_s + fault.at_s, endings)
        running.timeline.append(f"{time.monotonic() - running.began:8.2f} s  {fault}")
        running.done[fault.kind] += 1
        struck = time.monotonic()
        end = faults.strike(fault)
        held_s += time.monotonic() - struck
        if end is not None:
            heapq.heappush(endings, (time.monotonic() + fault.lasts_s, next(order), end))
    _live_until(running, max((when for when, *_ in endings), default=0.0), endings)


def _live_until(running: Running, when: float, endings: Endings) -> None:
    """Keep everything running until a moment, and end the faults that are over by then."""
    while True:
        now = time.monotonic()
        while endings and endings[0][0] <= now:
            heapq.heappop(endings)[2]()
        running.system.keep_up()
        running.tell_progress()
        if now >= when:
            return
        time.sleep(min(LOOK_S, when - now))
