"""The blocking jobs behind commands; each runs on a worker's thread and answers with an event."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from cloud_sync.facts import AlarmFacts
from edge.messages import (
    CaptureFailed,
    Classified,
    ClassifyFailed,
    JournalRead,
    PhotosTaken,
    Recorded,
    RecordFailed,
)
from edge.ports import CameraError, ClassifierError, JournalError

if TYPE_CHECKING:
    from cloud_sync.facts import Stamp
    from edge.messages import Alarm, Capture, Classify, Event, Record
    from edge.parts import Parts

log = logging.getLogger(__name__)


def capture(parts: Parts, command: Capture) -> Event:
    """Photograph a deposit."""
    try:
        photos = parts.camera.take(command.bin)
    except CameraError as error:
        log.warning("visit %s: no picture of deposit %s: %s", command.visit, command.deposit, error)
        return CaptureFailed(parts.clock.now(), command.visit, command.deposit)
    return PhotosTaken(parts.clock.now(), command.visit, command.deposit, photos)


def classify(parts: Parts, command: Classify) -> Event:
    """Have the model look at a deposit."""
    try:
        verdict = parts.classifier.classify(command.photos)
    except ClassifierError as error:
        log.warning("visit %s: no verdict on deposit %s: %s", command.visit, command.deposit, error)
        return ClassifyFailed(parts.clock.now(), command.visit, command.deposit)
    return Classified(parts.clock.now(), command.visit, command.deposit, verdict)


def record(parts: Parts, command: Record, stamp: Stamp) -> Event:
    """Keep a finished visit."""
    try:
        award = parts.journal.record_visit(command.facts, stamp)
    except JournalError as error:
        log.error("visit %s: %s", command.visit, error)  # noqa: TRY400 (one line says it all)
        return RecordFailed(parts.clock.now(), command.visit)
    log.info("visit %s: %s deposits, %s points", command.visit, len(award.lines), award.points)
    return Recorded(parts.clock.now(), command.visit, award)


def record_alarm(parts: Parts, command: Alarm, stamp: Stamp) -> None:
    """Keep an alarm; a disk that refuses it is already the alarm of the visit it refused."""
    try:
        parts.journal.record_alarm(AlarmFacts(str(command.fault), command.part, command.raised), stamp)
    except JournalError as error:
        log.error("%s", error)  # noqa: TRY400 (one line says it all)


def read_journal(parts: Parts, known: JournalRead) -> Event:
    """What the journal tells now; what was `known` before when the disk refuses."""
    try:
        roster = parts.journal.roster()
        waiting, refused = parts.journal.outbox()
        told = parts.journal.told()
    except JournalError as error:
        log.error("%s", error)  # noqa: TRY400 (one line says it all)
        return replace(known, at=parts.clock.now())
    return JournalRead(parts.clock.now(), roster, waiting, refused, told)
