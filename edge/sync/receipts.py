"""Which of the ledger's receipts are believed, and when one that covers less than the last."""

from __future__ import annotations

import logging

from cloud_sync.wire.envelope import EnvelopeError, Receipt, key_id, open_receipt
from edge.faults import FaultCode
from edge.sync.keys import StationIdentity
from edge.sync.outbox import Outbox
from edge.sync.receipting import NOTHING, Noted

log = logging.getLogger(__name__)

DOUBT_S = 5.0
"""How long a receipt that covers less than the last is doubted: it may only have arrived out of order."""


class Receipts:
    """Notes the ledger's receipts in the outbox. Every method may raise sqlite3.Error: then call it again."""

    def __init__(self, sender: StationIdentity, outbox: Outbox) -> None:
        """Believe only receipts for this station, signed by the ledger whose key `sender` has."""
        self.is_retired = False
        """The ledger no longer believes this station's key."""
        self._sender = sender
        self._key = key_id(sender.keys.signing.public_key())
        self._ledger_keys = {key_id(sender.keys.ledger): sender.keys.ledger}
        self._outbox = outbox
        self._doubted: tuple[Receipt, float] | None = None
        self._has_told = False

    def note(self, message: bytes, now: float) -> Noted:
        """Note one receipt, but queue nothing again yet; `now` is monotonic."""
        receipt = self._believed(message)
        if receipt is None:
            return NOTHING
        noted = self._outbox.note_receipts(receipt.epochs, take_back=False)
        if self._outbox.would_take_back(receipt.epochs):
            self._doubted = receipt, self._doubted[1] if self._doubted else now
        else:
            self._doubted = None
        self._notice_retirement(is_so=self._key in receipt.retired)
        return self._log_refused(noted)

    def settle(self, now: float) -> Noted:
        """Believe a receipt that covers less than the last, once no better one came within DOUBT_S."""
        if self._doubted is None or now - self._doubted[1] < DOUBT_S:
            return NOTHING
        noted = self._outbox.note_receipts(self._doubted[0].epochs)
        self._doubted = None
        if noted.taken_back:
            log.warning("the ledger lost %d events that it had; they are sent again", noted.taken_back)
        return self._log_refused(noted)

    def _believed(self, message: bytes) -> Receipt | None:
        try:
            receipt = open_receipt(message, self._ledger_keys)
        except EnvelopeError as error:
            log.error("receipt rejected: %s", error)  # noqa: TRY400 (needs no traceback)
            return None
        if (receipt.community, receipt.station) != (self._sender.community, self._sender.station):
            log.error("receipt rejected: it is for station %s/%s", receipt.community, receipt.station)
            return None
        return receipt

    def _notice_retirement(self, *, is_so: bool) -> None:
        if self._has_told and is_so == self.is_retired:
            return
        self._outbox.tell(FaultCode.STATION_KEY_RETIRED, is_so=is_so)
        self._has_told, self.is_retired = True, is_so
        if is_so:
            log.error(
                "the ledger retired this station's key %s; events wait here until it has a new one", self._key
            )

    @staticmethod
    def _log_refused(noted: Noted) -> Noted:
        for epoch, sequence, reason in noted.refused:
            log.error("the ledger set event %s/%s aside: %s", epoch, sequence, reason)
        return noted
