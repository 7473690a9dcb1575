"""The award rules that a station prices by: the ledger's present ones, or else those of its own file."""

from __future__ import annotations

import logging

import msgspec

from cloud_sync.rules.award_rules import AwardRules
from cloud_sync.wire.publication import PublishedKind
from edge.downlink.folder import DownFolder, Glance

log = logging.getLogger(__name__)


class LedgerRules:
    """The held rules as the journal reads them; reads the file again only after it was replaced."""

    def __init__(self, folder: DownFolder, own: AwardRules) -> None:
        """Use `own`, those of the station's file, until the ledger's have come."""
        self._folder, self._rules = folder, own
        self._glance = Glance(folder.file(PublishedKind.RULES))

    def newest(self) -> AwardRules:
        """Return the rules for the next visit; the last ones while the file cannot be used."""
        try:
            if self._glance.is_new():
                self._read()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("the ledger's award rules cannot be read (%s); the last ones count", error)
        return self._rules

    def _read(self) -> None:
        held = self._folder.read(PublishedKind.RULES)
        if held.version:
            rules = msgspec.json.decode(held.content, type=AwardRules)
            if rules != self._rules:
                log.info("visits are priced by version %d of the award rules", rules.version)
            self._rules = rules
