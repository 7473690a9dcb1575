"""For any mix of movers and any order of events: no motor runs while a panic input is pressed.

Lids move by the rules that the keeper and the firmware have (`lid_motion`), in virtual time; links to their
movers come and go, movers forget what they knew, hands are in the way, and the station restarts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire.facts import Credential, Role
from config.station import VisitSection
from edge.faults import FaultCode
from edge.messages import (
    CloseLid,
    FaultCleared,
    FaultRaised,
    Granted,
    LidClosed,
    LidObstructed,
    LidOpened,
    OpenLid,
    ResumeMotors,
    StopMotors,
    Tick,
    VisitEvent,
)
from edge.part_kinds import STATION
from edge.visit.emergency import is_on
from edge.visit.machine import step
from edge.visit.state import State, next_deadline
from firmware_bridge import lid_motion
from firmware_bridge.h_bridge import Drive
from firmware_bridge.lid_motion import (
    GrantLease,
    LeaseRequest,
    LidInputs,
    Motion,
    RevokeLease,
    halted,
    lid_times,
)
from tests.edge.builders import bin_rule, card, rules_of

WAITS = VisitSection(lease_s=3, travel_s=1, max_open_s=6, obstructed_s=4, linger_s=0.1)
TIMES = lid_times(WAITS)
STEP_S = 0.1
BINS = ["kitchen", "other", "glass", "paper"]
RULES = rules_of(*(bin_rule(name) for name in BINS), waits=WAITS)


@dataclass
class ModelLid:
    """One lid with its switches, at whatever moves it."""

    bin: str
    motion: Motion = field(default_factory=Motion)
    place: float = 0.0
    is_obstructed: bool = False
    said: str = ""

    @property
    def seen(self) -> LidInputs:
        return LidInputs(self.place >= 1, self.place <= 0, self.is_obstructed)

    def turn(self, request: LeaseRequest | None, now: float) -> None:
        self.motion = lid_motion.step(self.motion, request, self.seen, now, TIMES)

    def move(self) -> None:
        way = {Drive.OPEN: 1, Drive.SHUT: -1, Drive.OFF: 0}[self.motion.drive]
        self.place = min(1.0, max(0.0, self.place + way * STEP_S / WAITS.travel_s))


@dataclass
class ModelMover:
    """A controller, whose panic input stops it by itself, or a keeper, which has none."""

    name: str
    lids: list[ModelLid]
    has_inputs: bool
    is_linked: bool = True
    is_stopped: bool = False
    is_pressed: bool = False
    owes_stop: bool = False
    """The station's end says it again when there is a link."""

    def stop_motors(self, now: float) -> None:
        self.owes_stop = True
        if self.is_linked:
            self.halt(now)

    def resume_motors(self) -> None:
        self.owes_stop = False
        if self.is_linked and not self.is_pressed:
            self.is_stopped = False

    def halt(self, now: float) -> None:
        self.is_stopped = True
        for lid in self.lids:
            lid.motion = halted(lid.motion, now)

    def ask(self, lid: ModelLid, request: LeaseRequest, now: float) -> bool:
        """Whether a stopped mover refused; one that is away hears nothing."""
        if self.is_linked and not self.is_stopped:
            lid.turn(request, now)
        return self.is_linked and self.is_stopped


class Life:
    """One station's life among its movers."""

    def __init__(self, keeper_bins: int) -> None:
        first = [ModelLid(name) for name in BINS[:keeper_bins]]
        rest = [ModelLid(name) for name in BINS[keeper_bins:]]
        self.movers = [
            ModelMover("keeper", first, has_inputs=False),
            ModelMover("mcu", rest[::2], has_inputs=True),
            ModelMover("second", rest[1::2], has_inputs=True),
        ]
        self.state, self.now, self.latch = State(), 1000.0, False

    # --- the station -----------------------------------------------------------------------------

    def post(self, event: VisitEvent) -> None:
        self.state, commands = step(self.state, event, RULES)
        for command in commands:
            match command:
                case OpenLid(_, bin_id, lease_s):
                    assert not is_on(self.state), "a lid is opened in an emergency"
                    self._ask(bin_id, GrantLease(lease_s))
                case CloseLid(_, bin_id):
                    assert not is_on(self.state), "a lid is driven in an emergency"
                    self._ask(bin_id, RevokeLease())
                case StopMotors():
                    for mover in self.movers:
                        mover.stop_motors(self.now)
                case ResumeMotors():
                    for mover in self.movers:
                        mover.resume_motors()
        self.latch = is_on(self.state)

    def _ask(self, bin_id: str, request: LeaseRequest) -> None:
        for mover in self.movers:
            for lid in mover.lids:
                if (
                    lid.bin == bin_id
                    and mover.ask(lid, request, self.now)
                    and isinstance(request, GrantLease)
                ):
                    self.post(FaultRaised(self.now, FaultCode.EMERGENCY_STOP, STATION))
                    return

    # --- what happens ----------------------------------------------------------------------------

    def tap(self, argument: int) -> None:
        role = Role.STAFF if argument % 3 == 0 else Role.RESIDENT
        reader = f"at-{BINS[argument % len(BINS)]}"
        pressed = any(mover.is_pressed and mover.is_linked for mover in self.movers)
        was_on = is_on(self.state)
        self.post(Granted(self.now, reader, card(str(argument % 5)), Credential.EM4100, role))
        if was_on and not is_on(self.state):
            assert role is Role.STAFF, "a resident ended an emergency"
            assert not pressed, "an emergency ended while an input is pressed"

    def press(self, argument: int) -> None:
        self._input(argument, is_pressed=True)

    def release(self, argument: int) -> None:
        self._input(argument, is_pressed=False)

    def _input(self, argument: int, *, is_pressed: bool) -> None:
        mover = self.movers[1 + argument % 2]
        mover.is_pressed = is_pressed
        if is_pressed:
            mover.halt(self.now)
        self._report(mover)

    def _report(self, mover: ModelMover) -> None:
        if mover.is_linked and mover.has_inputs:
            kind = FaultRaised if mover.is_pressed else FaultCleared
            self.post(kind(self.now, FaultCode.PANIC, mover.name))

    def lose_link(self, argument: int) -> None:
        mover = self.movers[argument % len(self.movers)]
        mover.is_linked = False
        for lid in mover.lids:
            if not mover.is_stopped:
                lid.turn(RevokeLease(), self.now)
            self.post(FaultRaised(self.now, FaultCode.LID_UNREACHABLE, lid.bin))

    def find_link(self, argument: int) -> None:
        mover = self.movers[argument % len(self.movers)]
        mover.is_linked = True
        if mover.owes_stop:
            mover.halt(self.now)
        elif mover.is_stopped and not mover.has_inputs:
            self.post(FaultRaised(self.now, FaultCode.EMERGENCY_STOP, STATION))
        self._report(mover)
        for lid in mover.lids:
            self.post(FaultCleared(self.now, FaultCode.LID_UNREACHABLE, lid.bin))

    def restart_mover(self, argument: int) -> None:
        """It forgets all and finds its lids where they are; a keeper reads the latch, inputs are read."""
        mover = self.movers[argument % len(self.movers)]
        self.lose_link(argument)
        mover.is_stopped = (self.latch and not mover.has_inputs) or mover.is_pressed
        for lid in mover.lids:
            lid.motion = Motion() if mover.is_stopped else lid_motion.found(lid.seen, self.now)

    def restart_station(self, argument: int) -> None:
        del argument
        for number, mover in enumerate(self.movers):
            self.lose_link(number)
            mover.owes_stop = False
        was_on, self.state = self.latch, State()
        if was_on:
            self.post(FaultRaised(self.now, FaultCode.EMERGENCY_STOP, STATION))
        for number in range(len(self.movers)):
            self.find_link(number)

    def hand(self, argument: int) -> None:
        lids = [lid for mover in self.movers for lid in mover.lids]
        lid = lids[argument % len(lids)]
        lid.is_obstructed = not lid.is_obstructed

    def time_passes(self, argument: int) -> None:
        for _ in range(1 + argument % 20):
            self.now += STEP_S
            for mover in self.movers:
                for lid in mover.lids:
                    self._live(mover, lid)
            due = next_deadline(self.state)
            if due is not None and due <= self.now:
                self.post(Tick(self.now))

    def _live(self, mover: ModelMover, lid: ModelLid) -> None:
        blocks = lid.motion.blocks
        lid.turn(None, self.now)
        lid.move()
        self.look(mover, lid)
        said = "open" if lid.seen.opened else "shut" if lid.seen.closed else ""
        if not mover.is_linked:
            return
        if said and said != lid.said:
            self.post((LidOpened if said == "open" else LidClosed)(self.now, lid.bin))
        if lid.motion.blocks > blocks:
            self.post(LidObstructed(self.now, lid.bin))
        lid.said = said

    def look(self, mover: ModelMover, lid: ModelLid) -> None:
        drive = lid.motion.drive
        if mover.is_pressed:
            assert drive is Drive.OFF, "a motor runs beside its own pressed button"
        if mover.is_linked and is_on(self.state):
            assert drive is Drive.OFF, "a motor runs in an emergency"
        if any(other.is_pressed and other.is_linked for other in self.movers):
            assert is_on(self.state), "a pressed button that nobody notices"


ACTIONS: list[Callable[[Life, int], None]] = [
    *[Life.time_passes] * 6,
    *[Life.tap] * 6,
    Life.press,
    *[Life.release] * 2,
    Life.lose_link,
    *[Life.find_link] * 3,
    Life.restart_mover,
    Life.restart_station,
    Life.hand,
]


@given(
    tape=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 255)), max_size=120),
    keeper_bins=st.integers(0, 4),
)
def test_no_motor_runs_while_a_panic_input_is_pressed_and_nothing_opens_until_the_reset(
    tape: list[tuple[Callable[[Life, int], None], int]], keeper_bins: int
) -> None:
    life = Life(keeper_bins)
    for action, argument in tape:
        action(life, argument)
