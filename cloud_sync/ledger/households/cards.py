"""Cards: their households, whether they open lids, what they earn. Every change and undo is a record.

A card is named by its hash or by the first 12 or more of its digits. Every change takes the community's
lock first, so that a card does not change while one of its visits is settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cloud_sync.ledger.audit.write import find_or_add, write
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.downlink.versions import note_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import decide, said
from cloud_sync.ledger.points.held import release_card, restore
from cloud_sync.ledger.points.models import Card, CardRole, CardStatus, Household
from cloud_sync.ledger.points.posting import ChainEnd, atomically, lock
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError
from config.reading import typed

WHOLE = 64
"""Digits of a card's hash."""
_OF_A_HOUSEHOLD = frozenset({"bound", "unbound", "replaced"})
"""Kinds of records about whose card it is; all others are about what it may do."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who makes a change, and why; both empty if a command asks for neither."""

    by: str = ""
    reason: str = ""

    def as_record(self) -> dict[str, object]:
        """Return them for a record. InputError if only one is given."""
        if not self.by and not self.reason:
            return {}
        by, reason = said(self.by, self.reason)
        return {"by": by, "reason": reason}


def find_card(community: Community, text: str) -> Card:
    """Return the only card whose hash begins with these digits; InputError for none, and for several."""
    digits = typed.card(text)
    rows = Card.objects.select_related("household").filter(community=community, hash__startswith=digits)
    found = list(rows.order_by("pk")[:2])
    if not found:
        raise InputError(f"no card {digits[:12]}", "see: tongzhan ledger card list --config F")
    if len(found) > 1:
        raise InputError(f"{digits} begins the hashes of several cards", "give more of its digits")
    return found[0]


@atomically
def add_with_cards(
    community: Community, code: str, name: str, cards: Sequence[str], now: datetime
) -> tuple[Household, list[tuple[str, int]]]:
    """Add a household with its cards, all or nothing; return it, and each card with its points released.

    InputError as `add_household` and `bind_card`.
    """
    household = add_household(community, code, name, now)
    given = [(card, bind_card(household, card, now)) for card in cards]
    return household, [(str(find_card(community, card)), points) for card, points in given]


@atomically
def bind_card(
    household: Household, card_hash: str, now: datetime, attribution: Attribution | None = None
) -> int:
    """Give a card to a household, with the points that its visits held; return their number.

    InputError for an invalid hash, a card of another household, a blocked card, and a staff card.
    """
    end = lock(household.community)
    return _bind(end, household, _known(household.community, card_hash), now, attribution or Attribution())


@atomically
def unbind_card(card: Card, attribution: Attribution, now: datetime) -> str:
    """Take a card from its household, which keeps what the card earned; return the household's code."""
    row = _locked(card)
    if row.household is None:
        raise InputError(
            f"card {row} belongs to no household",
            f"see: tongzhan ledger card show {row} --community {card.community} --config F",
        )
    was = row.household
    _change(row, "unbound", attribution, now, {"household": None}, household=was.pk)
    return str(was)


@atomically
def replace_card(old: Card, new: str, attribution: Attribution, now: datetime) -> int:
    """Replace a lost card by a new one and block the lost one; return the points released."""
    end = lock(old.community)
    row = _fresh(old)
    if row.household is None:
        raise InputError(
            f"card {row} belongs to no household",
            f"bind the new card: tongzhan ledger card bind {new} CODE --community {old.community} --by NAME "
            "--reason WHY --config F",
        )
    household, other = row.household, _known(old.community, new)
    if other.pk == row.pk:
        raise InputError(f"{row} is the same card", "give the new card's hash")
    values = {"household": None, "status": CardStatus.BLOCKED}
    _change(row, "replaced", attribution, now, values, household=household.pk, by_card=other.pk)
    return _bind(end, household, other, now, attribution)


@atomically
def block_card(card: Card, attribution: Attribution, now: datetime) -> bool:
    """Block a card, so that it opens no lid; return whether that is new."""
    return _set(card, "status", CardStatus.BLOCKED, ("blocked", attribution, now))


@atomically
def unblock_card(card: Card, attribution: Attribution, now: datetime) -> bool:
    """Unblock a card; return whether it was blocked."""
    return _set(card, "status", CardStatus.ACTIVE, ("unblocked", attribution, now))


@atomically
def set_staff_card(community: Community, card_hash: str, attribution: Attribution | None = None) -> Card:
    """Make a card a staff card, which earns nothing; InputError for a household's card."""
    lock(community)
    card = _known(community, card_hash)
    if card.household is not None:
        raise InputError(
            f"card {card} is household {card.household}'s",
            f"give staff another card, or unbind it: tongzhan ledger card unbind {card}"
            f" --community {community} --by NAME --reason WHY --config F",
        )
    if card.role != CardRole.STAFF:
        _change(card, "staff", attribution or Attribution(), None, {"role": CardRole.STAFF})
    return card


@atomically
def end_staff_card(card: Card, attribution: Attribution, now: datetime) -> bool:
    """Make a staff card a resident's again, of no household; return whether it was one."""
    return _set(card, "role", CardRole.RESIDENT, ("resident", attribution, now))


@atomically
def suspect_card(card: Card, by: str, reason: str, now: datetime) -> bool:
    """Hold what this card earns from now on for a person; return whether that is new.

    InputError without who and why.
    """
    decide_first = f"suspects card {card.pk}: {reason}" if reason.strip() else ""
    row = _locked(card)
    decide(card.community, by, decide_first, now)
    if row.suspected_at is not None:
        return False
    _change(row, "suspected", Attribution(by, reason), now, {"suspected_at": now})
    return True


@atomically
def clear_card(card: Card, by: str, reason: str, now: datetime) -> bool:
    """End the suspicion of a card; what is held stays held. Return whether it was suspected.

    Points that were returned because the card was not registered are given to its household now.
    """
    end = lock(card.community)
    decide_first = f"clears card {card.pk}: {reason}" if reason.strip() else ""
    row = _locked(card)
    decide(card.community, by, decide_first, now)
    if row.suspected_at is None:
        return False
    _change(row, "cleared", Attribution(by, reason), now, {"suspected_at": None})
    if row.household is not None:
        restore(end, row, now)
    return True


def _bind(end: ChainEnd, household: Household, card: Card, now: datetime, attribution: Attribution) -> int:
    if card.household_id == household.pk:
        return 0
    if card.household is not None:
        raise InputError(
            f"card {card} is household {card.household}'s",
            f"unbind it first: tongzhan ledger card unbind {card} --community {card.community} --by NAME "
            "--reason WHY --config F",
        )
    if card.role == CardRole.STAFF:
        raise InputError(f"card {card} is a staff card", "give the household its own card")
    if card.status == CardStatus.BLOCKED:
        raise InputError(
            f"card {card} is blocked",
            f"unblock it: tongzhan ledger card unblock {card} --community {card.community} --by NAME "
            "--reason WHY --config F",
        )
    _change(card, "bound", attribution, now, {"household": household}, household=household.pk)
    return release_card(end, household, card, now)


def _known(community: Community, text: str) -> Card:
    """Return the card of that hash, under the lock; a whole hash never seen before gets its row."""
    digits = typed.card(text)
    if len(digits) < WHOLE:
        return find_card(community, digits)
    card, _ = find_or_add(Card, Deed.REGISTER_CARD, {}, community=community, hash=digits)
    return card


def _locked(card: Card) -> Card:
    """Lock the card's community and read the card again."""
    lock(card.community)
    return _fresh(card)


def _fresh(card: Card) -> Card:
    return Card.objects.select_related("household", "community").get(pk=card.pk)


def _set(card: Card, column: str, value: str, change: tuple[str, Attribution, datetime]) -> bool:
    row = _locked(card)
    kind, attribution, now = change
    attribution.as_record()
    if getattr(row, column) == value:
        return False
    _change(row, kind, attribution, now, {column: value})
    return True


def _change(
    card: Card,
    kind: str,
    attribution: Attribution,
    now: datetime | None,
    values: Mapping[str, object],
    **told: object,
) -> None:
    deed = Deed.REGISTER_CARD if kind in _OF_A_HOUSEHOLD else Deed.BLOCK_CARD
    write(card, deed, by=attribution.by, reason=attribution.reason, now=now, **values)
    note_card(card)
    records.register(card.community_id, kind, card, now, **told, **attribution.as_record())
