"""The visit: step(state, event, rules) -> state, commands. Pure; the heart of the station.

A visit from tap to points:
Granted -> [OpenLid, Say] -> LidOpened -> ChamberChanged -> [Capture] -> PhotosTaken -> [Classify]
-> Classified -> [Say] -> LidClosed -> [Record] -> Recorded -> [Say points]

The tables say which phase follows which event. A row is an event, a column the phase it meets, a cell the
phase after it; "." leaves the phase as it is, "gone" means that there is no such thing. What else a handler
does is written where it stands. tests/edge/visit/test_table.py holds the tables to the code.

One bin's lid, for one visit (openings.py); waiting: the lid must first shut for another visit.
    event           gone      waiting   opening   open      closing
    Granted         opening   .         .         .         open
    Pressed         opening   .         .         .         open
    LidOpened       .         .         open      .         .
    LidClosed       .         opening   .         gone      gone
    LidObstructed   .         .         .         .         .
    LeaseTaken      .         .         .         .         .
    LeaseRefused    .         .         gone      .         .
    ChamberStirred  .         .         .         .         .
    Tick            .         gone      gone      closing   gone

One deposit (deposits.py); a tick gives up on what is overdue.
    event           gone       capturing    classifying  judged
    ChamberChanged  capturing  .            .            .
    PhotosTaken     .          classifying  .            .
    CaptureFailed   .          judged       .            .
    Classified      .          .            judged       .
    ClassifyFailed  .          .            judged       .
    Tick            .          judged       judged       .

The visit itself (taps.py, recording.py); active until every lid is shut, every deposit judged and nobody
has opened more for a while.
    event           gone     active     recording
    Granted         active   .          .
    Tick            .        recording  gone
    Recorded        .        .          gone
    RecordDelayed   .        .          .
    RecordFailed    .        .          gone

The station as a whole: these change no phase, unless a fault stops a lid or every motor, or the
station stops.
    Refused         says why the card opens nothing
    LevelChanged    a bin is full, or was emptied
    FaultRaised     the fault begins; it may end openings (a lid, an emergency) or leave them unseen (the eye)
    FaultCleared    the fault ends, if its owner may end it
    Ordered         an officer's command: it moves a lid by every rule of a card, or is answered at once
    StopRequested   open lids shut and nothing more is waited for; a final one ends every visit (stopping.py)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from edge.faults import CATALOGUE, LIDS_AWAY, Blocks
from edge.messages import (
    BinEvent,
    CaptureFailed,
    ChamberChanged,
    ChamberStirred,
    Classified,
    ClassifyFailed,
    Command,
    FaultCleared,
    FaultRaised,
    Granted,
    LeaseRefused,
    LeaseTaken,
    LevelChanged,
    LidClosed,
    LidObstructed,
    LidOpened,
    Ordered,
    PhotosTaken,
    Pressed,
    RecordDelayed,
    Recorded,
    RecordFailed,
    Refused,
    StopRequested,
    Tick,
    VisitEvent,
)
from edge.visit import deposits, emergency, openings, orders, recording, stopping, taps
from edge.visit.state import State, VisitRules
from edge.visit.step_context import StepContext


def step(state: State, event: VisitEvent, rules: VisitRules) -> tuple[State, tuple[Command, ...]]:
    """Return the state after an event, and its commands. Pass events in the order of their `at`."""
    context = StepContext(state, event.at, rules)
    if not isinstance(event, BinEvent) or event.bin in rules.bins:  # an unknown bin is ignored
        HANDLERS[type(event)](context, event)
    context.each_visit(recording.finish_if_ready)
    orders.answer_what_ended(context, event)
    return context.state, tuple(context.commands)


def _chamber_changed(context: StepContext, event: ChamberChanged) -> None:
    if deposits.chamber_changed(context, event) and not event.by_scale:
        openings.renew_if_current(context, event.bin)


def _chamber_stirred(context: StepContext, event: ChamberStirred) -> None:
    openings.renew_if_current(context, event.bin)


def _level_changed(context: StepContext, event: LevelChanged) -> None:
    full = context.state.full - {event.bin} | ({event.bin} if event.full else set())
    context.state = replace(context.state, full=full)


def _fault_raised(context: StepContext, event: FaultRaised) -> None:
    if event.fault in emergency.BEGUN_BY:
        emergency.begin(context, event)
        return
    context.raise_fault(event.fault, event.part)
    if CATALOGUE[event.fault].blocks is Blocks.SEEING:
        context.each_visit(deposits.eyes_lost)
    if event.fault in LIDS_AWAY:
        openings.lid_lost(context, event.part)


def _fault_cleared(context: StepContext, event: FaultCleared) -> None:
    context.clear_fault(event.fault, event.part)
    emergency.mover_changed(context, event)


def _tick(context: StepContext, event: Tick) -> None:
    del event
    context.each_visit(deposits.deposits_overdue)
    context.each_visit(openings.openings_overdue)
    context.each_visit(recording.recording_overdue)


HANDLERS: Mapping[type, Callable[[StepContext, Any], None]] = MappingProxyType(
    {
        Granted: taps.granted,
        Refused: taps.refused,
        Pressed: taps.pressed,
        LidOpened: openings.lid_opened,
        LidClosed: openings.lid_closed,
        LidObstructed: openings.lid_obstructed,
        LeaseTaken: openings.lease_taken,
        LeaseRefused: openings.lease_refused,
        ChamberChanged: _chamber_changed,
        ChamberStirred: _chamber_stirred,
        LevelChanged: _level_changed,
        PhotosTaken: deposits.photos_taken,
        CaptureFailed: deposits.capture_failed,
        Classified: deposits.classified,
        ClassifyFailed: deposits.classify_failed,
        Recorded: recording.recorded,
        RecordDelayed: recording.record_delayed,
        RecordFailed: recording.record_failed,
        FaultRaised: _fault_raised,
        FaultCleared: _fault_cleared,
        Ordered: orders.ordered,
        StopRequested: stopping.stop_requested,
        Tick: _tick,
    }
)
"""The handler of each event; every kind of `VisitEvent` has a row."""
