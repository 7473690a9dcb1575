"""A station that runs holds its own pins and ports, so its devices are judged by what it says of itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from config.station import StationSettings
from config.words import Words
from edge.check.devices import Observed, Wanted, judge
from edge.check.finding import Finding, Level
from edge.faults import FaultCode
from edge.panel.folder import RuntimeFolder
from edge.screen.state import LidPhase, LiveState

PARTS_SEEN_AT_WORK = 255.0
"""A running station's camera is believed: its own faults would tell otherwise."""


def running_state(settings: StationSettings) -> LiveState | None:
    """What a running station said of itself in the last seconds; None when none runs."""
    folder = RuntimeFolder(Path(settings.station.runtime_dir), time.time, time.monotonic)
    return folder.scene().live


def judge_running(
    settings: StationSettings,
    live: LiveState,
    words: Words,
    heard: Mapping[str, str] | None = None,
    explained: frozenset[FaultCode] = frozenset(),
) -> list[Finding]:
    """Say of every device how it is, by the running station's own faults and lids. Pure.

    `heard` says when its readers last sent anything. Faults that are `explained` are left out: what was found
    of them elsewhere names a cause that the station does not know.
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
    return [Finding("station", Level.OK, "running"), *judge(settings, observed, Wanted(), words)]
