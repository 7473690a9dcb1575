"""Households, their cards, and the link to a household's statement."""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.db import transaction

from cloud_sync.facts import CardHash
from cloud_sync.ledger.points.decisions import decide
from cloud_sync.ledger.points.models import Account, AccountKind, Card, CardRole, Household
from cloud_sync.ledger.points.posting import atomically, lock
from cloud_sync.ledger.points.waiting import release_card
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


@atomically
def bind_card(household: Household, card_hash: str, now: datetime) -> int:
    """Give a card to a household, and with it the points its visits held; how many points those were.

    InputError for what is no card hash, a card of another household, and a staff card.
    """
    end = lock(household.community)
    card = _known_card(household.community, card_hash)
    if card.household_id == household.pk:
        return 0
    if card.household is not None:
        raise InputError(f"card {card} is household {card.household}'s", "give each its own card")
    if card.role == CardRole.STAFF:
        raise InputError(f"card {card} is a staff card", "give the household its own card")
    card.household = household
    card.save(update_fields=["household"])
    return release_card(end, household, card, now)


@atomically
def set_staff_card(community: Community, card_hash: str) -> Card:
    """Make a card a staff card, which earns nothing; InputError for a household's card."""
    lock(community)
    card = _known_card(community, card_hash)
    if card.household is not None:
        raise InputError(f"card {card} is household {card.household}'s", "give staff another card")
    card.role = CardRole.STAFF
    card.save(update_fields=["role"])
    return card


@atomically
def suspect_card(card: Card, by: str, reason: str, now: datetime) -> None:
    """From now on what this card earns waits for a person; InputError unless it says who and why."""
    lock(card.community)
    decide(card.community, by, f"suspects card {card}: {reason}", now)
    Card.objects.filter(pk=card.pk, suspected_at=None).update(suspected_at=now)


@atomically
def clear_card(card: Card, by: str, reason: str, now: datetime) -> None:
    """No longer suspect a card; what already waits still waits for a person."""
    lock(card.community)
    decide(card.community, by, f"clears card {card}: {reason}", now)
    Card.objects.filter(pk=card.pk).update(suspected_at=None)


def _known_card(community: Community, card_hash: str) -> Card:
    """The card of that hash, under the lock; one never seen before gets its row."""
    card, _ = Card.objects.select_related("household").get_or_create(
        community=community, hash=_card_hash(card_hash)
    )
    return card


def _card_hash(text: str) -> str:
    try:
        return msgspec.convert(text, type=CardHash)
    except msgspec.ValidationError:
        raise InputError(f"{text!r} is no card hash", "give 64 lower-case hex digits") from None
