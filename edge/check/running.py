"""Judges the devices of a running station by its own report, because it has the pins and ports."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from config.station import StationSettings
from config.words import Words
from edge.check.devices import CheckOptions, Observed, judge
from edge.check.finding import Finding, Level
from edge.faults import FaultCode
from edge.panel.folder import RuntimeFolder
from edge.screen.state import LidPhase, LiveState

PARTS_SEEN_AT_WORK = 255.0
"""The brightness assumed for a running station's cameras: its faults would report a bad one."""


def running_state(settings: StationSettings) -> LiveState | None:
    """Return a running station's latest report; None if no station runs."""
    folder = RuntimeFolder(Path(settings.station.runtime_dir), time.time, time.monotonic)
    return folder.scene().live


def judge_running(
    settings: StationSettings,
    live: LiveState,
    words: Words,
    heard: Mapping[str, str] | None = None,
    explained: frozenset[FaultCode] = frozenset(),
) -> list[Finding]:
    """Judge every device by the running station's own faults and lids. Pure.

    `heard` is when its readers last sent data. `explained` faults are left out: another finding names their
    cause, which the station does not know.
    """
    shut = {bin_.id for bin_ in live.bins if bin_.lid in {LidPhase.SHUT, LidPhase.CLOSING}}
    observed = Observed(
        closed=shut,
        opened={bin_.id for bin_ in live.bins} - shut,
        heard=dict(heard or {}),
        faults={(fault.code, fault.part) for fault in live.faults if fault.code not in explained},
        weights=None,
        brightness={bin_.id: PARTS_SEEN_AT_WORK for bin_ in settings.bin if bin_.camera is not None},
    )
    return [Finding("station", Level.OK, "running"), *judge(settings, observed, CheckOptions(), words)]
