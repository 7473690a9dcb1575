"""What tests of the station build again and again: bins, events, and a world that obeys its commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from cloud_sync.rules.award_rules import Award, AwardRules, Tally, award
from cloud_sync.wire.commands import RemoteCommand, Verb
from cloud_sync.wire.facts import Credential, Role, VisitFacts
from config.reading.load import load_toml
from config.sorting import Category
from config.station import OpenBy, VisitSection
from config.words import SHIPPED_WORDS
from edge.faults import Fault
from edge.messages import (
    ChamberChanged,
    Classified,
    CloseLid,
    Command,
    Granted,
    LidClosed,
    LidOpened,
    OpenLid,
    PhotosTaken,
    Prompt,
    Record,
    Recorded,
    Refused,
    RefusedBy,
    Say,
    Tick,
    VisitEvent,
)
from edge.visit.machine import step
from edge.visit.state import BinRule, State, Visit, VisitRules, next_deadline
from models.verdict import Verdict, VerdictState
from tests.waiting import turns

Kind = TypeVar("Kind", bound=Command)

RULES = load_toml(SHIPPED_WORDS.with_name("award_rules.v1.toml"), AwardRules)
WAITS = VisitSection(unseen_s=0.0)
"""Without a wait for the eye's last word, which has tests of its own."""
MODEL_NAME = "waste 1.0"


def card(name: str) -> str:
    """Give a card's hash that a person can tell apart in a failing test."""
    return name.encode().hex().rjust(64, "0")


def bin_rule(
    name: str = "kitchen",
    *,
    open_by: OpenBy = OpenBy.READER,
    category: Category = Category.KITCHEN,
    camera: str | None = "cam",
    weighed: bool = False,
) -> BinRule:
    """Give a bin; one opened by a reader has the reader `at-<name>`."""
    reader = f"at-{name}" if open_by is OpenBy.READER else None
    return BinRule(name, category, open_by, reader, camera, weighed)


def rules_of(*bins: BinRule, waits: VisitSection = WAITS) -> VisitRules:
    """Give a station of these bins."""
    return VisitRules({rule.id: rule for rule in bins}, waits)


def verdict(category: Category | None = Category.KITCHEN, label: str | None = "banana_peel") -> Verdict:
    """Give a sure verdict, or an unsure one without a category."""
    state = VerdictState.UNSURE if category is None else VerdictState.OK
    return Verdict(state, category, label, 0.93, MODEL_NAME)


EMPTY = Verdict(VerdictState.EMPTY, None, None, 0.99, MODEL_NAME)


def earned(facts: VisitFacts, before: Tally | None = None) -> Award:
    """Give what a visit earns under the shipped rules."""
    return award(facts.deposits, facts.role, RULES, before or Tally())


BOOT = "b" * 32
"""The token of a station's start."""


def command(verb: Verb, number: int = 1, **changed: Any) -> RemoteCommand:  # noqa: ANN401 (as RemoteCommand has them)
    """Give an officer's command to the station lane/gate; `number` makes its id."""
    made = RemoteCommand(f"{number:032x}", "lane", "gate", BOOT, 1e9, verb, "wang", "the cleaner waits")
    return msgspec.structs.replace(made, **changed)


@dataclass
class Scene:
    """A station's decisions, driven by hand: every method is one event at `now`."""

    rules: VisitRules = field(default_factory=lambda: rules_of(bin_rule()))
    state: State = field(default_factory=State)
    now: float = 100.0
    commands: list[Command] = field(default_factory=list)
    """What the last event, or the last passing of time, gave."""
    log: list[tuple[VisitEvent, tuple[Command, ...]]] = field(default_factory=list)

    def post(self, event: VisitEvent) -> list[Command]:
        """Step, and give the commands."""
        self.state, given = step(self.state, event, self.rules)
        self.commands = list(given)
        self.log.append((event, given))
        return self.commands

    def tap(
        self, reader: str = "at-kitchen", who: str = "zhang", role: Role = Role.RESIDENT
    ) -> list[Command]:
        return self.post(Granted(self.now, reader, card(who), Credential.EM4100, role))

    def refuse(self, reader: str = "at-kitchen", who: str = "thief") -> list[Command]:
        return self.post(Refused(self.now, reader, card(who), RefusedBy.BLOCKED))

    def opened(self, name: str = "kitchen") -> list[Command]:
        return self.post(LidOpened(self.now, name))

    def closed(self, name: str = "kitchen") -> list[Command]:
        return self.post(LidClosed(self.now, name))

    def throw(self, name: str = "kitchen", weight_g: int | None = None) -> list[Command]:
        return self.post(ChamberChanged(self.now, name, weight_g))

    def weighed(self, weight_g: int, name: str = "kitchen") -> list[Command]:
        """A scale is sure, as it is when the lid shuts."""
        return self.post(ChamberChanged(self.now, name, weight_g, by_scale=True))

    def photos(self, visit: int = 1, deposit: int = 1) -> list[Command]:
        return self.post(PhotosTaken(self.now, visit, deposit, ("photo",)))

    def judged(self, what: Verdict, visit: int = 1, deposit: int = 1) -> list[Command]:
        return self.post(Classified(self.now, visit, deposit, what))

    def seen_as(self, what: Verdict, visit: int = 1, deposit: int = 1) -> list[Command]:
        self.photos(visit, deposit)
        return self.judged(what, visit, deposit)

    def recorded(self) -> list[Command]:
        """Answer the last Record as a journal would, with what the shipped rules give."""
        command = self.record()
        return self.post(Recorded(self.now, command.visit, earned(command.facts)))

    def record(self) -> Record:
        """Give the last Record command."""
        return next(one for _, given in reversed(self.log) for one in given if isinstance(one, Record))

    def wait(self, seconds: float) -> list[Command]:
        """Let time pass, with a Tick at every deadline; gives all commands of that time."""
        until, given = self.now + seconds, list[Command]()
        while (due := next_deadline(self.state)) is not None and due <= until:
            self.now = max(self.now, due)
            given += self.post(Tick(self.now))
        self.now = until
        self.commands = given
        return given

    def open_bin(
        self, name: str = "kitchen", who: str = "zhang", role: Role = Role.RESIDENT
    ) -> list[Command]:
        """Tap at the bin's reader and let its lid arrive; gives the tap's commands."""
        given = self.tap(f"at-{name}", who, role)
        self.now += WAITS.travel_s
        self.opened(name)
        return given

    def shut_bin(self, name: str = "kitchen") -> list[Command]:
        """Let the lease run out and the lid arrive; gives the commands of its arrival."""
        patience = turns(f"the lease of {name} to end")
        while not any(isinstance(one, CloseLid) and one.bin == name for one in self.commands):
            next(patience)
            self.wait((next_deadline(self.state) or self.now) - self.now)
        self.now += WAITS.travel_s
        return self.closed(name)

    @property
    def visit(self) -> Visit:
        """Give the one visit in progress."""
        (found,) = self.state.visits
        return found

    @property
    def ended(self) -> bool:
        return not self.state.visits


def opens(commands: Iterable[Command]) -> list[str]:
    """Give the bins that these commands open."""
    return [one.bin for one in commands if isinstance(one, OpenLid)]


def closes(commands: Iterable[Command]) -> list[str]:
    """Give the bins whose lease these commands end."""
    return [one.bin for one in commands if isinstance(one, CloseLid)]


def said(commands: Iterable[Command]) -> list[Prompt]:
    """Give what these commands speak."""
    return [one.prompt for one in commands if isinstance(one, Say)]


def only(commands: Iterable[Command], kind: type[Kind]) -> Kind:
    """Give the one command of its kind."""
    (found,) = (one for one in commands if isinstance(one, kind))
    return found


def with_faults(*faults: Fault, full: Iterable[str] = ()) -> State:
    """Give a state that begins with faults or full bins."""
    return State(faults=frozenset(faults), full=frozenset(full))


ALL_FOUR: Mapping[str, Category] = {category.value: category for category in Category}


def four_bins(open_by: OpenBy) -> tuple[BinRule, ...]:
    """Give a bin of each category."""
    return tuple(bin_rule(name, open_by=open_by, category=category) for name, category in ALL_FOUR.items())
