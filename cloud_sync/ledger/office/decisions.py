"""Carries out an officer's decisions: each completely and once, with who, when and why.

Every function raises InputError, without any change, for a reason that is not one line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from cloud_sync.ledger.households.cards import Attribution, bind_card, unbind_card
from cloud_sync.ledger.households.register import find_household
from cloud_sync.ledger.office.groups import OF_A_CARD, group_of
from cloud_sync.ledger.office.pending import find_held
from cloud_sync.ledger.points.corrections import Corrected, correct
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.held import refuse, release
from cloud_sync.ledger.points.models import Card, Household, Transfer, VisitSettlement
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError


class DecidedError(InputError):
    """Somebody else decided meanwhile, or the wait ended."""


def give(community: Community, number: int, by: str, reason: str, now: datetime) -> int:
    """Release every visit of the group that event `number` names; return the points given."""
    by, reason = said(by, reason)
    return _decide_each(release, list(group_of(_held(community, number))), by, reason, now)


def withhold(community: Community, number: int, by: str, reason: str, now: datetime) -> int:
    """Refuse every visit of the group that event `number` names; return the points withheld."""
    by, reason = said(by, reason)
    return _decide_each(refuse, list(group_of(_held(community, number))), by, reason, now)


def register_card(
    community: Community, number: int, code: str, attribution: Attribution, now: datetime
) -> tuple[Card, int]:
    """Give the card of a held visit to the household `code`; return the card and the points released.

    InputError for an unknown household, a card of another one, a blocked card and a staff card.
    """
    visit = _held(community, number)
    if visit.held_by not in OF_A_CARD:
        raise InputError(f"visit {number} is not held for its card", "decide on the station")
    household = find_household(community, code)
    points = bind_card(household, visit.card_hash, now, attribution)
    return Card.objects.select_related("household").get(community=community, hash=visit.card_hash), points


def unregister_card(
    community: Community, number: int, attribution: Attribution, now: datetime
) -> Household | None:
    """Take a card from its household again; return that household, None if the card had none."""
    card = Card.objects.filter(community=community, pk=number).select_related("household").first()
    if card is None or card.household is None:
        return None
    household = card.household
    unbind_card(card, attribution, now)
    return household


def take_back(community: Community, position: int, by: str, reason: str, now: datetime) -> Corrected:
    """Correct a release: the points return, and what was spent is deducted from later ones.

    InputError for a transfer that does not exist, released nothing, or was corrected before.
    """
    transfer = Transfer.objects.filter(community=community, position=position).first()
    if transfer is None:
        mend = f"see: tongzhan ledger household history CODE --community {community} --config F"
        raise InputError(f"no transfer {position}", mend)
    return correct(transfer, by, reason, now)


def _decide_each(
    decide: Callable[[VisitSettlement, str, str, datetime], int],
    visits: Sequence[VisitSettlement],
    by: str,
    reason: str,
    now: datetime,
) -> int:
    """Decide on each visit in a transaction of its own, so that a large group does not delay settling.

    Visits that somebody else decided on meanwhile are left out; DecidedError if that was all of them.
    """
    points, decided = 0, 0
    for visit in visits:
        try:
            points += decide(visit, by, reason, now)
        except InputError:  # not the reason, which was checked before: this visit holds no points now
            continue
        decided += 1
    if not decided:
        raise DecidedError("none of these visits holds points", "somebody decided on them meanwhile")
    return points


def _held(community: Community, number: int) -> VisitSettlement:
    visit = find_held(community, number)
    if not visit.held_by:
        raise DecidedError(f"visit {number} holds no points", "somebody decided on it meanwhile")
    return visit
