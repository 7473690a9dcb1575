"""Points on the screen and in the voice: each award once, long enough, and taken by nobody for their own."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count, groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.rules.award_rules import Award, Line, Outcome
from cloud_sync.wire.facts import Credential, Role
from config.reading.load_sorting import load_sorting
from config.sorting import Category
from config.words import load_words
from edge.loop.inbox import QueueInbox
from edge.loop.workers import InlineWorkers
from edge.messages import (
    Capture,
    CaptureFailed,
    ChamberChanged,
    CloseLid,
    Command,
    Granted,
    JournalRead,
    LidClosed,
    LidOpened,
    OpenLid,
    Photo,
    Prompt,
    Record,
    Recorded,
    Say,
    Tick,
    VisitEvent,
)
from edge.screen.awards import (
    BETWEEN_S,
    CROWD,
    MOST_WAITING,
    SHOWN_IN_A_CROWD_S,
    SHOWN_S,
    Awards,
    ShownAward,
)
from edge.screen.prompts import PromptRenderer
from edge.screen.publisher import INTERVAL_S, QUIET_S, Screen
from edge.screen.state import LiveFolder, LivePoints, LiveState, LiveText
from edge.screen.view import HELD_PROMPTS, StationLabel
from edge.visit.machine import step
from edge.visit.state import State, next_deadline
from tests.edge.builders import WAITS, bin_rule, card, rules_of
from tests.edge.workbench import HandClock

BINS = ("one", "two", "three")
RULES = rules_of(*(bin_rule(name, category=Category.OTHER) for name in BINS))
PROMPTS = PromptRenderer(load_words(), load_sorting(), {})
LABEL = StationLabel("lane", "gate", LiveText("莲巷", "Lane"))
LITTLE = 1e-6


@dataclass(frozen=True)
class Resident:
    """Who comes: so long after the one before, to which bin, to earn what, and how slow the disk then is."""

    gap_s: float
    bin: str
    points: int
    is_known: bool
    disk_s: float


RESIDENTS = st.builds(
    Resident,
    gap_s=st.floats(0.0, 12.0),
    bin=st.sampled_from(BINS),
    points=st.integers(0, 9),
    is_known=st.booleans(),
    disk_s=st.floats(0.0, 8.0),
)


class NotingFolder(LiveFolder):
    """A screen's folder that keeps every state in memory."""

    def __init__(self, street: Street) -> None:
        super().__init__(Path("nowhere"))
        self._street = street

    def write_state(self, live: LiveState) -> None:
        self._street.shown.append((self._street.now, live.points, self._street.state.current))

    def drop_picture(self) -> None:
        return


def no_picture(photo: Photo) -> bool:
    raise AssertionError(photo)


@dataclass
class Street:
    """Residents one after another at a station whose lids, camera and disk answer by themselves."""

    state: State = field(default_factory=State)
    now: float = 1000.0
    shown: list[tuple[float, LivePoints | None, int | None]] = field(default_factory=list)
    spoken: list[tuple[Say, int | None]] = field(default_factory=list)
    earned: dict[int, LivePoints] = field(default_factory=dict)
    """What each visit was given, by its number."""

    driven: list[tuple[float, Command]] = field(default_factory=list)
    """Every lid command, and when it went out."""

    def __post_init__(self) -> None:
        self._order = count()
        self._due: list[tuple[float, int, VisitEvent]] = []
        self._residents: dict[str, Resident] = {}
        self._clock = HandClock()
        self._workers = InlineWorkers(QueueInbox())
        self._screen = Screen(NotingFolder(self), RULES, LABEL, PROMPTS, self._clock, no_picture)

    def live_through(self, residents: list[Resident]) -> None:
        at = self.now
        for number, resident in enumerate(residents):
            at += resident.gap_s
            who = card(f"resident {number}")
            self._residents[who] = resident
            role = Role.RESIDENT if resident.is_known else Role.UNKNOWN
            self._later(at, Granted(at, f"at-{resident.bin}", who, Credential.EM4100, role))
        for moment in self._moments():
            self.now = self._clock.at = moment
            while self._due and self._due[0][0] <= self.now:
                self._post(heapq.heappop(self._due)[2])
            due = next_deadline(self.state)
            if due is not None and due <= self.now:
                self._post(Tick(self.now))
            self._screen.write(self.state, JournalRead(0.0), self._workers)

    def _moments(self) -> Iterator[float]:
        """Give the next moment at which anything is due, until all has been quiet for long."""
        quiet_since = self.now
        while self.now - quiet_since < 2 * QUIET_S:
            times = [self._due[0][0]] if self._due else []
            times += [due for due in (next_deadline(self.state),) if due is not None]
            if times:
                quiet_since = max(self.now, min(times))
            yield max(self.now, min([*times, self._screen.next_due()]))

    def _later(self, at: float, event: VisitEvent) -> None:
        heapq.heappush(self._due, (at, next(self._order), event))

    def _post(self, event: VisitEvent) -> None:
        self.state, commands = step(self.state, event, RULES)
        for command in commands:
            self._obey(command)
        self._screen.changed(self.state)

    def _obey(self, command: Command) -> None:
        arrives_at = self.now + WAITS.travel_s
        if isinstance(command, OpenLid | CloseLid):
            self.driven.append((self.now, command))
        match command:
            case OpenLid(visit, name, _) if self.state.visit(visit) is not None:
                self._later(arrives_at, LidOpened(arrives_at, name))
                self._later(arrives_at + 1, ChamberChanged(arrives_at + 1, name))
            case CloseLid(_, name):
                self._later(arrives_at, LidClosed(arrives_at, name))
            case Capture(visit, deposit, _):
                self._later(self.now, CaptureFailed(self.now, visit, deposit, busy=True))
            case Record(visit, facts):
                resident = self._residents[facts.card]
                award = Award((Line(Outcome.UNSEEN, resident.points, resident.points),))
                at = self.now + resident.disk_s
                self._later(at, Recorded(at, visit, award))
                if resident.points:
                    self.earned[visit] = LivePoints(resident.points, not resident.is_known, visit)
            case Say():
                self.spoken.append((command, self.state.current))
                self._screen.said(command)
            case _:
                pass


@given(st.lists(RESIDENTS, min_size=1, max_size=9))
def test_every_award_is_shown_once_to_its_own_resident_and_to_nobody_else(residents: list[Resident]) -> None:
    street = Street()
    street.live_through(residents)
    runs = [
        (visit, list(states))
        for visit, states in groupby(street.shown, lambda one: one[1].visit if one[1] else None)
    ]
    told = [say.visit for say, _ in street.spoken if say.visit is not None]
    assert [visit for visit, _ in runs if visit is not None] == told, "each once, in the order of the disk"
    assert sorted(told) == sorted(street.earned), "an award that nobody was told"
    least_s = SHOWN_S if len(residents) <= CROWD else SHOWN_IN_A_CROWD_S
    for number, (visit, states) in enumerate(runs):
        for _, points, current in states:
            if points is None:
                continue
            expected = street.earned[points.visit]
            assert (points.points, points.held) == (expected.points, expected.held)
            assert points.before == (current not in (None, visit)), "taken for the next one's"
        if visit is not None and number + 1 < len(runs):
            stood_s = runs[number + 1][1][0][0] - states[0][0]
            assert stood_s >= least_s - INTERVAL_S - LITTLE


@given(st.lists(RESIDENTS, min_size=1, max_size=9))
def test_every_award_is_spoken_once_and_held_ones_say_so(residents: list[Resident]) -> None:
    street = Street()
    street.live_through(residents)
    awards = [(say, current) for say, current in street.spoken if say.visit is not None]
    for say, current in awards:
        assert say.visit is not None
        expected = street.earned[say.visit]
        assert say.points == expected.points > 0
        assert (say.prompt in HELD_PROMPTS) == expected.held
        of_another = say.prompt in {Prompt.POINTS_BEFORE, Prompt.POINTS_HELD_BEFORE}
        assert of_another == (current is not None)
    assert len({say.visit for say, _ in awards}) == len(awards)


@given(st.lists(RESIDENTS, min_size=1, max_size=9))
def test_no_lid_waits_for_points(residents: list[Resident]) -> None:
    """Lids are driven at the same times however much was earned."""

    def driven(points: int) -> list[tuple[float, Command]]:
        street = Street()
        street.live_through([replace(one, points=points) for one in residents])
        return street.driven

    assert driven(0) == driven(9)


# --- the queue alone ----------------------------------------------------------------------------


def award(visit: int, points: int = 2) -> ShownAward:
    return ShownAward(visit, points, held=False)


def test_an_award_stays_until_the_next_visit_begins() -> None:
    awards = Awards().add(award(1), 10.0)
    assert awards.at(1000.0, None).shown == award(1)
    assert awards.at(10.0 + SHOWN_S, 2).shown is None
    assert awards.at(10.0 + SHOWN_S, 1).shown == award(1)


def test_an_award_stays_for_its_time_though_the_next_card_has_been_tapped() -> None:
    awards = Awards().add(award(1), 10.0)
    assert awards.at(10.0 + SHOWN_S - LITTLE, 2).shown == award(1)


def test_nothing_is_shown_of_an_award_of_zero() -> None:
    assert Awards().add(award(1, 0), 10.0) == Awards()


def test_awards_take_turns_with_a_gap_between_and_in_a_crowd_faster() -> None:
    awards = Awards()
    for visit in range(CROWD + 2):
        awards = awards.add(award(visit), 0.0)
    over_at = SHOWN_IN_A_CROWD_S
    assert awards.at(over_at, None).shown is None
    following = awards.at(over_at, None).at(over_at + BETWEEN_S, None)
    assert following.shown == award(1)
    assert following.at(over_at + BETWEEN_S + SHOWN_IN_A_CROWD_S, None).shown == award(1), "few wait now"


@pytest.mark.parametrize("quiet", [True, False])
def test_what_waits_is_not_forgotten_by_a_quiet_station(quiet: bool) -> None:  # noqa: FBT001
    awards = Awards().add(award(1), 0.0)
    if not quiet:
        awards = awards.add(award(2), 0.0)
    assert (awards.forget(QUIET_S) == Awards()) is quiet


def test_the_queue_is_bounded() -> None:
    awards = Awards()
    for visit in range(10 * MOST_WAITING):
        awards = awards.add(award(visit), 0.0)
    assert len(awards.waiting) == MOST_WAITING
    assert awards.waiting[-1] == award(10 * MOST_WAITING - 1)
