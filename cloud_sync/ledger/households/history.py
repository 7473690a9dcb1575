"""Every transfer of a household, found through indexes that exist for other reasons."""

from __future__ import annotations

from operator import attrgetter

from django.db.models import QuerySet

from cloud_sync.ledger.points.models import Household, Transfer


def transfers_of(household: Household, account: int) -> list[Transfer]:
    """Return every transfer to or from a household's account, in the chain's order.

    An index on debit and credit would cost each award two more writes. Awards are found by their visits;
    all other transfers name the household.
    """
    found = {row.pk: row for rows in ways(household) for row in rows}
    own = (row for row in found.values() if account in {row.debit_id, row.credit_id})
    return sorted(own, key=attrgetter("position"))


def ways(household: Household) -> tuple[QuerySet[Transfer], QuerySet[Transfer]]:
    """Return the transfers for a household's visits, and those that name it."""
    rows = Transfer.objects.select_related("event__station").defer("event__body")
    return rows.filter(event__settlement__household=household), rows.filter(household=household)
