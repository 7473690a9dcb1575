"""A worker's periodic tasks for one community, and whether the clock is believed there.

The caller reads the clocks: `now` is calendar time, `ran_s` is monotonic.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from cloud_sync.ledger.intake.periodic import end_waits, standing_receipts
from cloud_sync.ledger.points.clock import count_running, find_doubt, look_at_clock
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.stations.models import Community
from cloud_sync.wire.envelope import Receipt

log = logging.getLogger(__name__)


class Chores:
    """The periodic tasks of one community in one worker."""

    def __init__(self, community: Community, ran_s: float) -> None:
        self.community = community
        self.doubt: Doubt | None = None
        """Why the calendar is not believed, as first found; None if it is believed."""
        self.is_clock_judged = False
        self.connections = 0
        """The link's count of connections when the community's receipts were last published."""
        self.due_s = 0.0
        self._counted_s = ran_s

    def are_due(self, connections: int, ran_s: float) -> bool:
        """Say whether the interval is over, or the broker may have lost its retained messages."""
        return self.connections != connections or ran_s >= self.due_s

    def calendar_was_set(self) -> None:
        """Require a new judgement of the clock before the next batch, and make the chores due."""
        self.due_s, self.is_clock_judged = 0.0, False

    def look_after(self, now: datetime, ran_s: float, answer: Callable[[Sequence[Receipt]], None]) -> None:
        """Count the worker's running time, end waits that are over, publish every station's receipt."""
        self.look_at_clock(now)
        seconds = int(ran_s - self._counted_s)
        count_running(self.community, seconds, now)
        self._counted_s += seconds
        if self.doubt is None:
            end_waits(self.community, now)
        for receipts in standing_receipts(self.community, self.believed(now)):
            answer(receipts)

    def look_at_clock(self, now: datetime) -> None:
        """Judge the calendar by the stations' times; log a change."""
        doubt = look_at_clock(self.community, now)
        self.is_clock_judged = True
        if (doubt is None) != (self.doubt is None):
            self.doubt = doubt
            if doubt:
                log.warning("ALARM: %s: %s", self.community, doubt)
            else:
                log.info("%s: the ledger's clock is believed", self.community)

    def look_for_the_doubts_end(self, now: datetime) -> None:
        """Make the chores due if new events ended the doubt, because visits wait for that."""
        if self.doubt is not None and find_doubt(self.community, now) is None:
            self.due_s = 0.0

    def believed(self, now: datetime) -> datetime | None:
        """Return `now` if the clock is believed, else None."""
        return now if self.doubt is None else None
