"""The cards that a station knows: the ledger's roster, and above it what was set at the station itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from cloud_sync.wire.facts import Role
from cloud_sync.wire.publication import PublishedKind
from cloud_sync.wire.roster import CardStanding, RosterError, unpack
from edge.downlink.folder import DownFolder, Glance
from edge.roster import CardState, RosterEntry

log = logging.getLogger(__name__)

_ENTRIES = {
    CardStanding.RESIDENT: RosterEntry(CardState.ACTIVE, Role.RESIDENT),
    CardStanding.STAFF: RosterEntry(CardState.ACTIVE, Role.STAFF),
    CardStanding.BLOCKED: RosterEntry(CardState.BLOCKED, Role.UNKNOWN),
}


class LedgerCards:
    """The held roster as the loop reads it; reads the file again only after it was replaced."""

    def __init__(self, folder: DownFolder) -> None:
        self._folder = folder
        self._glance = Glance(folder.file(PublishedKind.ROSTER))
        self._entries: Mapping[str, RosterEntry] = {}

    def entries(self) -> Mapping[str, RosterEntry]:
        """Return the roster by card, the same object if unchanged; the last one if the file is unusable."""
        try:
            if self._glance.is_new():
                self._read()
        except (OSError, RosterError) as error:
            log.warning("the ledger's roster cannot be read (%s); the last one counts", error)
        return self._entries

    def _read(self) -> None:
        held = self._folder.read(PublishedKind.ROSTER)
        if held.version:
            roster = unpack(held.content)
            self._entries = {card.hex(): _ENTRIES[standing] for card, standing in roster.items()}


def merged(ledgers: Mapping[str, RosterEntry], local: Mapping[str, RosterEntry]) -> Mapping[str, RosterEntry]:
    """Return both as one. What the ledger blocked stays blocked; else the station's own entry counts."""
    if not ledgers or not local:
        return ledgers or local
    return {**ledgers, **{card: one for card, one in local.items() if not _is_blocked(ledgers.get(card))}}


def _is_blocked(entry: RosterEntry | None) -> bool:
    return entry is not None and entry.state is CardState.BLOCKED
