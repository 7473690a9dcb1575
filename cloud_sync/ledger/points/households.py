"""Households, their cards, and the link to a household's statement."""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.db import transaction

from cloud_sync.facts import CardHash
from cloud_sync.ledger.points.accounts import Purpose, lock_accounts, post, transfer
from cloud_sync.ledger.points.models import Account, AccountKind, Card, CardRole, Household, VisitSettlement
from cloud_sync.ledger.points.settlement import lock_cards
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError

MAX_CODE = 32


def add_household(community: Community, code: str, name: str = "") -> Household:
    """The household of that code with its account, made if it is new."""
    if not code.strip() or len(code) > MAX_CODE:
        raise InputError(f"{code!r} is no household code", f"use 1 to {MAX_CODE} characters")
    with transaction.atomic():
        household, _ = Household.objects.get_or_create(
            community=community, code=code, defaults={"name": name}
        )
        Account.objects.get_or_create(
            household=household, defaults={"community": community, "kind": AccountKind.HOUSEHOLD}
        )
    return household


def find_household(community: Community, code: str) -> Household:
    """The household of that code; InputError if there is none."""
    household = Household.objects.filter(community=community, code=code).first()
    if household is None:
        raise InputError(f"no household {code}", "add it: tongzhan ledger household add CODE")
    return household


def bind_card(household: Household, card_hash: str, now: datetime) -> int:
    """Give a card to a household, and with it the points its visits held; how many points those were.

    InputError for what is no card hash, a card of another household, and a staff card.
    """
    community = household.community
    with transaction.atomic():
        card = lock_cards(community, {_card_hash(card_hash)})[card_hash]
        if card.household_id == household.pk:
            return 0
        if card.household is not None:
            raise InputError(f"card {card} is household {card.household}'s", "give each its own card")
        if card.role == CardRole.STAFF:
            raise InputError(f"card {card} is a staff card", "give the household its own card")
        card.household = household
        card.save(update_fields=["household"])
        return _release(household, card, now)


def set_staff_card(community: Community, card_hash: str) -> Card:
    """Make a card a staff card, which earns nothing; InputError for a household's card."""
    with transaction.atomic():
        card = lock_cards(community, {_card_hash(card_hash)})[card_hash]
        if card.household is not None:
            raise InputError(f"card {card} is household {card.household}'s", "give staff another card")
        card.role = CardRole.STAFF
        card.save(update_fields=["role"])
    return card


def _release(household: Household, card: Card, now: datetime) -> int:
    """Move what the card's visits held from suspense to the household; the locked card keeps others out."""
    accounts = lock_accounts(household.community, {household.pk})
    rows = VisitSettlement.objects.filter(
        community=household.community, card_hash=card.hash, household=None
    ).select_related("event__station__community")
    to = accounts.household[household.pk]
    transfers = [
        transfer(row.event, Purpose.RELEASE, accounts.suspense, to, row.held, now) for row in rows if row.held
    ]
    post(transfers)
    for row in rows:
        row.household = household
        row.settled, row.held, row.held_by = row.settled + row.held, 0, ""
    VisitSettlement.objects.bulk_update(rows, ["household", "settled", "held", "held_by"], batch_size=200)
    return sum(row.points for row in transfers)


def _card_hash(text: str) -> str:
    try:
        return msgspec.convert(text, type=CardHash)
    except msgspec.ValidationError:
        raise InputError(f"{text!r} is no card hash", "give 64 lower-case hex digits") from None
