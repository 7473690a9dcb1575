"""From the number that a reader's decoder gives to what the station may know: a card's pseudonym."""

from __future__ import annotations

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential
from edge.messages import Tapped
from firmware_bridge.decoders.em4100 import CardBits, canonical, is_fob


class Cards:
    """Hashes card numbers with the community's key; fobs by the width that the community chose.

    A number exists only between a decoder and here; nothing stores or logs it.
    """

    def __init__(self, key: bytes, width: CardBits = CardBits.ALL) -> None:
        """ValueError for a key of the wrong length: it is refused now, not at the first tap."""
        card_hash(key, Credential.EM4100, "")
        self._key, self._width = key, width

    def tap(
        self,
        number: str,
        reader: str,
        at: float,
        again_s: float = 0.0,
        credential: Credential = Credential.EM4100,
    ) -> Tapped | None:
        """Return the event of a card, None for a number that no card has; `again_s` as in `Tapped`.

        ValueError for a fob of fewer bits than the community's width.
        """
        canonical_number = number
        if credential is Credential.EM4100:
            canonical_number = canonical(number, self._width)
            if not (is_fob(number) and is_fob(canonical_number)):
                return None
        card = card_hash(self._key, credential, canonical_number)
        return Tapped(at, reader, card, credential, again_s)
