"""What no sequence of events may bring about, however long and however odd.

An observer that knows nothing of the machine's inside watches events and commands, and holds them
against the promises of the design. Time is virtual; ticks come on time, or late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.envelope import decode_event, encode_event, take_batch
from cloud_sync.wire.facts import (
    MAX_DEPOSITS,
    MAX_NAME,
    MAX_OPENINGS,
    MAX_WALL_S,
    Credential,
    Event,
    Role,
    Stamp,
    VisitFacts,
)
from config.reading.load_sorting import load_sorting
from config.sorting import Category
from config.station import OpenBy, VisitSection
from config.words import load_words
from edge.faults import EMERGENCIES, LIDS_AWAY, FaultCode, blocked_bins
from edge.journal.store import SqliteJournal
from edge.messages import (
    Capture,
    CaptureFailed,
    ChamberChanged,
    ChamberStirred,
    Classified,
    Classify,
    ClassifyFailed,
    CloseLid,
    Command,
    FaultCleared,
    FaultRaised,
    Granted,
    LevelChanged,
    LidClosed,
    LidObstructed,
    LidOpened,
    OpenLid,
    PhotosTaken,
    Pressed,
    Prompt,
    Record,
    RecordDelayed,
    Recorded,
    RecordFailed,
    Say,
    Tapped,
    Tick,
    VisitEvent,
)
from edge.roster import CardState, RosterEntry
from edge.screen.prompts import PromptRenderer
from edge.screen.state import bins_of, next_action
from edge.visit.access import decide
from edge.visit.emergency import BEGUN_BY, is_on
from edge.visit.machine import step
from edge.visit.state import MODEL, State, VisitRules, next_deadline
from models.verdict import Verdict, VerdictState
from tests.edge.builders import RULES, bin_rule, card, earned, rules_of, verdict

LONG_ENOUGH_S = 20_000.0
MOST_TICKS = 5_000
RARELY = 200
"""An argument, of 255, above which something goes wrong."""
LITTLE = 1e-6
SLUG = 32
"""The longest id that a configuration takes."""

BINS = ["kitchen".ljust(SLUG, "n"), "other".ljust(SLUG, "r"), "pressed".ljust(SLUG, "d"), "any", "blind"]
PLACES = [*BINS, "nowhere"]
READERS = [f"at-{name}" for name in BINS] + ["unheard-of"]
CARDS = ["zhang", "li", "wang", "cleaner", "stranger", "blocked", "fired"]
ROSTER = {
    card("zhang"): RosterEntry(CardState.ACTIVE, Role.RESIDENT),
    card("li"): RosterEntry(CardState.ACTIVE, Role.RESIDENT),
    card("wang"): RosterEntry(CardState.ACTIVE, Role.RESIDENT),
    card("cleaner"): RosterEntry(CardState.ACTIVE, Role.STAFF),
    card("blocked"): RosterEntry(CardState.BLOCKED, Role.RESIDENT),
    card("fired"): RosterEntry(CardState.BLOCKED, Role.STAFF),
}
BLOCKED = {card("blocked"), card("fired")}
LONG_VERDICT = Verdict(VerdictState.OK, Category.RECYCLABLE, "l" * MAX_NAME, 0.1234567, "m" * MAX_NAME)
VERDICTS = [
    verdict(Category.KITCHEN),
    verdict(Category.OTHER),
    verdict(None),
    Verdict(VerdictState.EMPTY, None, None, 1.0, "m"),
    LONG_VERDICT,
]
SPEAKS_OF_POINTS = {
    Prompt.POINTS,
    Prompt.POINTS_HELD,
    Prompt.POINTS_BEFORE,
    Prompt.POINTS_HELD_BEFORE,
    Prompt.NO_POINTS,
    Prompt.STAFF_DONE,
}
PROMPTS = PromptRenderer(load_words(), load_sorting(), {})
WAITS = [
    VisitSection(),
    VisitSection(lease_s=60, max_open_s=10, linger_s=0.5, max_visit_s=3600, max_deposits=50),
    VisitSection(lease_s=3, max_open_s=3600, travel_s=20, obstructed_s=3600, max_visit_s=3600),
]


def station(waits: VisitSection) -> VisitRules:
    """Give a station with a bin of every kind, and names as long as they may be."""
    return rules_of(
        bin_rule(BINS[0], category=Category.KITCHEN),
        bin_rule(BINS[1], category=Category.RECYCLABLE, weighed=True),
        bin_rule(BINS[2], category=Category.HAZARDOUS, open_by=OpenBy.BUTTON),
        bin_rule(BINS[3], category=Category.OTHER, open_by=OpenBy.ALL),
        bin_rule(BINS[4], category=Category.OTHER, camera=None),
        waits=waits,
    )


@dataclass
class Lease:
    """One opening of one lid, as someone who only sees events and commands knows it."""

    visit: int
    opened_at: float | None = None
    is_closing: bool = False


class Observer:
    """Holds events and commands against what the design promises."""

    def __init__(self, rules: VisitRules) -> None:
        self.rules = rules
        self.leases: dict[str, Lease] = {}
        self.asked: set[tuple[int, str]] = set()
        self.cards: dict[int, str] = {}
        self.thrown_into: dict[int, int] = {}
        """By the serial number of what was thrown, which is its weight: whose lid it fell into."""
        self.records: dict[int, Record] = {}

    def watch(self, before: State, event: VisitEvent, after: State, given: tuple[Command, ...]) -> None:
        """Look at one step."""
        if isinstance(event, LidOpened) and (lease := self.leases.get(event.bin)) and lease.opened_at is None:
            lease.opened_at = event.at
        if isinstance(event, Granted):
            self.asked |= {(after.next_visit - 1, name) for name in BINS}
            self.asked |= {(before.current, name) for name in BINS if before.current is not None}
        if isinstance(event, Pressed) and before.current is not None:
            self.asked.add((before.current, event.bin))
        for visit in after.visits:
            self.cards[visit.id] = visit.card
        if isinstance(event, ChamberChanged):
            self._thrown(before, event, after)
        self._shut(event, after, given)
        for command in given:
            self._obeyed(before, event, command)
        self._bounded(after)

    def _obeyed(self, before: State, event: VisitEvent, command: Command) -> None:
        match command:
            case OpenLid():
                self._granted_lease(before, event, command)
            case CloseLid(visit, name):
                assert not is_on(before), "a lid was driven in an emergency"
                lease = self.leases.get(name)
                assert lease is None or lease.visit == visit, "one visit ended another's lease"
                if lease is not None:
                    lease.is_closing = True
            case Record(visit, facts):
                assert visit not in self.records, "recorded twice"
                self.records[visit] = command
                raw = encode_event(Event("f" * 16, 2**53, LATE, facts))
                assert decode_event(raw).facts == facts, "the ledger would read something else"
                assert len(take_batch([raw, b"{}"])) == 2, "the event does not fit a batch"
            case Say(prompt=prompt):
                assert prompt not in SPEAKS_OF_POINTS or isinstance(event, Recorded), "points before the disk"
                spoken = PROMPTS.render(command)
                assert spoken.zh
                assert spoken.en

    def _granted_lease(self, before: State, event: VisitEvent, command: OpenLid) -> None:
        waits = self.rules.waits
        assert not is_on(before), "a lid was opened in an emergency"
        assert self.cards[command.visit] not in BLOCKED, "a blocked card opened a lid"
        assert 0 < command.lease_s <= min(waits.lease_s, waits.max_open_s) + LITTLE
        lease = self.leases.get(command.bin)
        if lease is None:
            assert (command.visit, command.bin) in self.asked, "a lid opened that nobody asked for"
            faulty = command.bin in blocked_bins(before.faults) and not isinstance(event, LidClosed)
            visit_is_staff = self.cards[command.visit] == card("cleaner")
            assert visit_is_staff or not faulty, "a faulted bin opened for a resident"
            self.leases[command.bin] = Lease(command.visit)
            return
        assert lease.visit == command.visit, "a lid under lease was opened for another visit"
        assert lease.opened_at is not None, "a lid on its way was commanded again"
        assert event.at + command.lease_s <= lease.opened_at + waits.max_open_s + LITTLE, "leased too long"
        if lease.is_closing:
            assert isinstance(event, Granted | Pressed), "a closing lid opened without a person asking"
            lease.is_closing = False

    def _shut(self, event: VisitEvent, after: State, given: tuple[Command, ...]) -> None:
        """An opening ends with its lid shut, or with a fault of the lid."""
        stuck = {one.part for one in after.faults if one.code is FaultCode.LID_STUCK_OPEN}
        for name, lease in list(self.leases.items()):
            arrived = isinstance(event, LidClosed) and event.bin == name and lease.opened_at is not None
            is_lost = isinstance(event, FaultRaised) and event.fault in LIDS_AWAY and event.part == name
            is_lost |= isinstance(event, FaultRaised) and event.fault in EMERGENCIES
            never_opened = (isinstance(event, Tick) or is_lost) and lease.opened_at is None
            gave_up = never_opened or (isinstance(event, Tick) and name in stuck)
            gave_up |= isinstance(event, FaultRaised) and event.fault in BEGUN_BY and name in stuck
            ended = after.holder(name) is None or after.holder(name)[0].id != lease.visit  # type: ignore[index]
            assert not ended or arrived or gave_up, "an opening ended though its lid did not"
            assert not arrived or ended or CloseLid(lease.visit, name) not in given
            if ended:
                del self.leases[name]

    def _thrown(self, before: State, event: ChamberChanged, after: State) -> None:
        added = {
            visit.id: visit.deposits[-1]
            for visit in after.visits
            if len(visit.deposits) > len(was.deposits if (was := before.visit(visit.id)) else ())
        }
        assert len(added) <= 1, "one thing fell into two visits"
        for number, deposit in added.items():
            lease = self.leases.get(event.bin)
            assert lease is not None, "a deposit into a lid that is not open"
            assert lease.visit == number, "a deposit of somebody else's lid"
            assert lease.opened_at is not None, "a deposit into a lid that is not open"
            assert deposit.weight_g == event.weight_g
            assert event.weight_g is not None
            self.thrown_into[event.weight_g] = number

    def _bounded(self, after: State) -> None:
        assert len(after.visits) <= self.rules.max_visits
        for visit in after.visits:
            assert len(visit.openings) + len(visit.closed) <= MAX_OPENINGS
            assert len(visit.deposits) <= MAX_DEPOSITS
        assert after.full <= set(BINS)
        assert all(one.part != "nowhere" for one in after.faults)
        next_action(after)
        bins_of(after, self.rules, blocked_bins(after.faults))

    def at_the_end(self) -> None:
        """Everything thrown into an open lid is in exactly one record: that of the lid's visit."""
        found = Counter(
            (deposit.weight_g, visit)
            for visit, record in self.records.items()
            for deposit in record.facts.deposits
            if deposit.weight_g is not None
        )
        assert found == Counter(self.thrown_into.items())


LATE = Stamp(MAX_WALL_S, trusted=False, boot="b" * MAX_NAME, monotonic_s=1e9 / 3)


class Play:
    """A station's life as a tape of bytes tells it: two bytes are one thing that happens, and to what."""

    def __init__(self, waits: VisitSection, price: Callable[[VisitFacts], Award] = earned) -> None:
        self.rules = station(waits)
        self.price = price
        self.observer = Observer(self.rules)
        self.state = State()
        self.now = 1000.0
        self.serial = 0
        self.log: list[tuple[VisitEvent, tuple[Command, ...]]] = []
        self.work: list[Capture | Classify | Record] = []

    def run(self, tape: bytes) -> None:
        """Play the tape, then let all be quiet, and look back."""
        for action, argument in zip(tape[::2], tape[1::2], strict=True):
            ACTIONS[action % len(ACTIONS)](self, argument)
        self.time_passes(LONG_ENOUGH_S)
        assert self.state.visits == (), "a visit that never ends"
        assert next_deadline(self.state) is None
        self.observer.at_the_end()

    def post(self, event: VisitEvent) -> None:
        before = self.state
        self.state, given_ = step(before, event, self.rules)
        self.log.append((event, given_))
        self.observer.watch(before, event, self.state, given_)
        self.work += [one for one in given_ if isinstance(one, Capture | Classify | Record)]

    # --- people ---------------------------------------------------------------------------------

    def tap(self, argument: int) -> None:
        reader, who = READERS[argument % len(READERS)], CARDS[argument // len(READERS) % len(CARDS)]
        self.post(decide(Tapped(self.now, reader, card(who), Credential.EM4100), ROSTER))

    def press(self, argument: int) -> None:
        self.post(Pressed(self.now, PLACES[argument % len(PLACES)]))

    def throw(self, argument: int) -> None:
        standing = [name for name, lease in self.observer.leases.items() if lease.opened_at is not None]
        self._throw(standing[argument % len(standing)] if standing else BINS[0])

    def throw_anywhere(self, argument: int) -> None:
        self._throw(PLACES[argument % len(PLACES)])

    def _throw(self, name: str) -> None:
        self.serial += 1
        self.post(ChamberChanged(self.now, name, self.serial))

    # --- wires ----------------------------------------------------------------------------------

    def a_lid_obeys(self, argument: int) -> None:
        leases = list(self.observer.leases.items())
        if leases:
            name, lease = leases[argument % len(leases)]
            self.post(LidClosed(self.now, name) if lease.is_closing else LidOpened(self.now, name))

    def a_switch_speaks(self, argument: int) -> None:
        kind = (LidOpened, LidClosed, LidObstructed, ChamberStirred)[argument % 4]
        self.post(kind(self.now, PLACES[argument // 4 % len(PLACES)]))

    def a_level_changes(self, argument: int) -> None:
        self.post(LevelChanged(self.now, PLACES[argument // 4 % len(PLACES)], full=argument % 4 == 0))

    def a_fault_changes(self, argument: int) -> None:
        codes = [code for code in FaultCode if code not in BEGUN_BY]
        code = codes[argument % len(codes)]
        part = [*BINS, "cam", MODEL][argument // len(codes) % (len(BINS) + 2)]
        self.post((FaultRaised if argument > RARELY else FaultCleared)(self.now, code, part))

    def an_emergency_comes_and_goes(self, argument: int) -> None:
        code = list(BEGUN_BY)[argument % len(BEGUN_BY)]
        if argument > RARELY:
            self.post(FaultRaised(self.now, code, "mcu"))
            return
        for each in EMERGENCIES:
            self.post(FaultCleared(self.now, each, "mcu"))
        self.tap(CARDS.index("cleaner") * len(READERS))

    # --- workers --------------------------------------------------------------------------------

    def a_worker_answers(self, argument: int) -> None:
        if self.work:
            self._answer(self.work.pop(argument % min(3, len(self.work))), argument)

    def _answer(self, work: Capture | Classify | Record, argument: int) -> None:
        is_well = argument < RARELY
        match work:
            case Capture(visit, deposit, _) if is_well:
                self.post(PhotosTaken(self.now, visit, deposit, ()))
            case Capture(visit, deposit, _):
                self.post(CaptureFailed(self.now, visit, deposit, busy=argument % 2 == 0))
            case Classify(visit, deposit, _) if is_well:
                self.post(Classified(self.now, visit, deposit, VERDICTS[argument % len(VERDICTS)]))
            case Classify(visit, deposit, _):
                self.post(ClassifyFailed(self.now, visit, deposit, busy=argument % 2 == 0))
            case Record(visit, facts) if is_well:
                self.post(Recorded(self.now, visit, self.price(facts)))
            case Record(visit, _) if argument % 2:
                self.post(RecordFailed(self.now, visit))
            case Record(visit, _):
                self.post(RecordDelayed(self.now, visit))
                self.work.append(work)  # it waits in memory, and may be kept much later

    def a_worker_speaks_unasked(self, argument: int) -> None:
        visit, deposit = argument % 16, argument // 16 % 4
        self.post(PhotosTaken(self.now, visit, deposit, ()))
        self.post(Classified(self.now, visit, deposit, VERDICTS[argument % len(VERDICTS)]))

    def the_same_again(self, argument: int) -> None:
        if self.log:
            again = replace(self.log[-1 - argument % min(4, len(self.log))][0], at=self.now)
            if not isinstance(again, ChamberChanged | Recorded):  # neither thing nor record comes twice
                self.post(again)

    # --- time -----------------------------------------------------------------------------------

    def a_moment_passes(self, argument: int) -> None:
        self.time_passes(argument / 64)

    def a_while_passes(self, argument: int) -> None:
        self.time_passes(argument / 4)

    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(MOST_TICKS):
            due = next_deadline(self.state)
            if due is None or due > until:
                self.now = until
                return
            self.now = max(self.now, due)
            self.post(Tick(self.now))
        raise AssertionError("time stands still")

    def the_station_stalls(self, argument: int) -> None:
        self.now += argument / 8  # and whatever comes next comes before the overdue Tick


ACTIONS: list[Callable[[Play, int], None]] = [
    *[Play.a_moment_passes] * 4,
    *[Play.a_while_passes] * 2,
    Play.the_station_stalls,
    *[Play.tap] * 3,
    Play.press,
    *[Play.throw] * 4,
    Play.throw_anywhere,
    *[Play.a_lid_obeys] * 6,
    Play.a_switch_speaks,
    Play.a_level_changes,
    Play.a_fault_changes,
    Play.an_emergency_comes_and_goes,
    *[Play.a_worker_answers] * 6,
    Play.a_worker_speaks_unasked,
    Play.the_same_again,
]


TAPES = st.binary(min_size=800, max_size=800)


@given(tape=TAPES, waits=st.sampled_from(WAITS))
def test_no_sequence_of_events_breaks_a_promise(tape: bytes, waits: VisitSection) -> None:
    play = Play(waits)
    play.run(tape)
    assert replayed([event for event, _ in play.log], play.rules) == [given_ for _, given_ in play.log]


@settings(max_examples=10)
@given(tape=TAPES, waits=st.sampled_from(WAITS))
def test_replaying_a_recorded_visits_events_reproduces_its_award(tape: bytes, waits: VisitSection) -> None:
    with TemporaryDirectory() as folder:
        journal = a_journal(Path(folder, "lived"))
        play = Play(waits, lambda facts: journal.record_visit(facts, LATE))
        play.run(tape)
        journal.close()
        events = [event for event, _ in play.log]
        again = a_journal(Path(folder, "replayed"))
        records = {
            one.visit: one
            for commands in replayed(events, play.rules)
            for one in commands
            if isinstance(one, Record)
        }
        for event in events:
            if isinstance(event, Recorded):
                assert again.record_visit(records[event.visit].facts, LATE) == event.award
        again.close()


def a_journal(folder: Path) -> SqliteJournal:
    return SqliteJournal(folder, "f" * 16, RULES, ZoneInfo("Asia/Shanghai"))


def replayed(events: list[VisitEvent], rules: VisitRules) -> list[tuple[Command, ...]]:
    """Give the commands of each event, from a fresh state."""
    state, all_given = State(), []
    for event in events:
        state, given_ = step(state, event, rules)
        all_given.append(given_)
    return all_given
