"""The blocking jobs behind commands; each runs on a worker's thread and answers with an event."""

from __future__ import annotations

import logging
from dataclasses import replace

from edge.loop.parts import Parts
from edge.messages import (
    Capture,
    CaptureFailed,
    Classified,
    Classify,
    ClassifyFailed,
    Event,
    JournalRead,
    PhotosTaken,
)
from edge.ports import CameraError, ClassifierError, JournalError

log = logging.getLogger(__name__)


def capture(parts: Parts, command: Capture) -> Event:
    """Photograph a deposit."""
    try:
        photos = parts.camera.take(command.bin)
    except CameraError as error:
        log.warning("visit %s: no picture of deposit %s: %s", command.visit, command.deposit, error)
        return CaptureFailed(parts.clock.now(), command.visit, command.deposit, busy=not error.is_fault)
    return PhotosTaken(parts.clock.now(), command.visit, command.deposit, photos)


def classify(parts: Parts, command: Classify) -> Event:
    """Have the model look at a deposit."""
    try:
        verdict = parts.classifier.classify(command.photos)
    except ClassifierError as error:
        log.warning("visit %s: no verdict on deposit %s: %s", command.visit, command.deposit, error)
        return ClassifyFailed(parts.clock.now(), command.visit, command.deposit, busy=not error.is_fault)
    return Classified(parts.clock.now(), command.visit, command.deposit, verdict)


def read_journal(parts: Parts, known: JournalRead) -> Event:
    """Read the journal; if it refuses, return what was `known` before, with the refusal."""
    roster = known.roster
    try:
        roster = parts.journal.roster()
        depth = parts.journal.outbox()
        faults = parts.journal.faults()
    except JournalError as error:
        if known.refusal is not error.fault:
            log.error("%s", error)  # noqa: TRY400 (needs no traceback)
        return replace(known, at=parts.clock.now(), roster=roster, refusal=error.fault)
    if known.refusal is not None:
        log.info("the journal can be read again")
    return JournalRead(
        parts.clock.now(),
        roster,
        waiting=depth.waiting,
        refused=depth.refused,
        faults=faults,
        roster_age_s=parts.roster_age_s(),
    )
