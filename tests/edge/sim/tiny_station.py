"""The smallest station for a simulated world: the pure parts, stepped on one thread."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import config
from cloud_sync.rules.award_rules import AwardRules, Tally, award
from cloud_sync.wire.facts import VisitFacts
from config.reading.load import load_toml
from config.station import StationSettings
from edge.messages import (
    Alarm,
    Capture,
    CaptureFailed,
    Classified,
    Classify,
    CloseLid,
    Command,
    Event,
    OpenLid,
    PhotosTaken,
    Record,
    Recorded,
    Say,
    Tapped,
    Tick,
)
from edge.ports import CameraError
from edge.sim.world import World
from edge.visit.access import HeldCards, decide
from edge.visit.machine import step
from edge.visit.state import State, next_deadline, visit_rules
from models.verdict import Verdict, VerdictState

AWARD_RULES = load_toml(Path(config.__file__).parent / "award_rules.v1.toml", AwardRules)


class TinyStation:
    """Inbox and station in one. Its verdicts are always true: they come from the world itself."""

    def __init__(self, settings: StationSettings) -> None:
        self.rules = visit_rules(settings)
        self.state = State()
        self.taps: list[Tapped] = []
        self.events: list[Event] = []
        self.commands: list[Command] = []
        self.records: list[VisitFacts] = []
        self.let_in: set[str] = set()
        """The cards that a lid was opened for."""
        self._held = HeldCards()
        self._queue: deque[Event] = deque()

    def join(self, world: World) -> None:
        self.world = world

    def post(self, event: Event) -> None:
        self._queue.append(event)

    @property
    def is_idle(self) -> bool:
        return not self.state.visits and not self._queue

    def next_deadline(self) -> float | None:
        return next_deadline(self.state)

    def run_pending(self) -> None:
        while True:
            due, now = self.next_deadline(), self.world.timeline.clock.now()
            if self._queue:
                self._take(self._queue.popleft())
            elif due is not None and due <= now:
                self._take(Tick(now))
            else:
                return

    def said(self, prompt: str) -> int:
        return sum(isinstance(command, Say) and command.prompt == prompt for command in self.commands)

    @property
    def faults_raised(self) -> set[tuple[str, str]]:
        alarms = [command for command in self.commands if isinstance(command, Alarm)]
        return {(alarm.fault, alarm.part) for alarm in alarms if alarm.raised}

    def _take(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Tapped):
            is_held = self._held.is_held(event, self.rules.waits.held_card_s)
            self._held = self._held.seen(event)
            if is_held:
                return
            self.taps.append(event)
            self._step(decide(event, self.world.roster))
        else:
            self._step(event)

    def _step(self, event: object) -> None:
        self.state, commands = step(self.state, event, self.rules)  # type: ignore[arg-type]
        for command in commands:
            self.commands.append(command)
            self._do(command)

    def _do(self, command: Command) -> None:
        now = self.world.timeline.clock.now()
        match command:
            case OpenLid(number, bin_id, lease_s):
                visit = self.state.visit(number)
                assert visit is not None
                self.let_in.add(visit.card)
                self.world.lids[bin_id].open(lease_s)
            case CloseLid(bin=bin_id):
                self.world.lids[bin_id].end_lease()
            case Capture(visit, deposit, bin_id):
                try:
                    photos = self.world.camera.take(bin_id)
                except CameraError:
                    self.post(CaptureFailed(now, visit, deposit))
                else:
                    self.post(PhotosTaken(now, visit, deposit, photos))
            case Classify(visit, deposit, _):
                self.post(Classified(now, visit, deposit, self._verdict(visit, deposit)))
            case Record(visit, facts):
                self.records.append(facts)
                self.post(Recorded(now, visit, award(facts.deposits, facts.role, AWARD_RULES, Tally())))

    def _verdict(self, visit: int, deposit: int) -> Verdict:
        found = self.state.visit(visit)
        assert found is not None
        thing = self.world.plant.bins[found.deposits[deposit - 1].bin].top
        assert thing is not None
        if thing.category is None:
            return Verdict(VerdictState.EMPTY, None, None, 0.9, "truth")
        return Verdict(VerdictState.OK, thing.category, thing.name, 0.9, "truth")
