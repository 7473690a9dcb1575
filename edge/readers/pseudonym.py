"""From what a reader's decoder gives to what the station may know: a card's pseudonym."""

from __future__ import annotations

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential
from edge.messages import Tapped
from firmware_bridge.decoders.em4100 import CardBits, canonical, is_fob


class Cards:
    """Hashes card numbers with the community's key, at the width by which the community knows its fobs.

    A number lives only between a decoder and here; nothing keeps or logs it.
    """

    def __init__(self, key: bytes, width: CardBits = CardBits.ALL) -> None:
        """ValueError for a key of the wrong length: it is refused now, not at the first tap."""
        card_hash(key, Credential.EM4100, "")
        self._key, self._width = key, width

    def tap(self, number: str, reader: str, at: float, again_s: float = 0.0) -> Tapped | None:
        """Give the event of a fob, None for a number that no fob has; `again_s` as in `Tapped`.

        ValueError for a reader that gives fewer bits than the community's width.
        """
        known_by = canonical(number, self._width)
        if not (is_fob(number) and is_fob(known_by)):
            return None
        return Tapped(
            at, reader, card_hash(self._key, Credential.EM4100, known_by), Credential.EM4100, again_s
        )
