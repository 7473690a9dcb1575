"""From what a reader's decoder gives to what the station may know: a card's pseudonym."""

from __future__ import annotations

from cloud_sync.cards import card_hash
from cloud_sync.facts import Credential
from edge.messages import Tapped
from firmware_bridge.readers.em4100 import CardBits, canonical


class Cards:
    """Hashes card numbers with the community's key, at the width by which the community knows its fobs.

    A number lives only between a decoder and here; nothing keeps or logs it.
    """

    def __init__(self, key: bytes, width: CardBits = CardBits.ALL) -> None:
        """ValueError for a key of the wrong length: it is refused now, not at the first tap."""
        card_hash(key, Credential.EM4100, "")
        self._key, self._width = key, width

    def tap(self, number: str, reader: str, at: float) -> Tapped:
        """The event of a fob; ValueError for a reader that gives fewer bits than the community's width."""
        card = card_hash(self._key, Credential.EM4100, canonical(number, self._width))
        return Tapped(at, reader, card, Credential.EM4100)
