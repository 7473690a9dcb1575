"""Every transfer of a household, found by indexes that are there for other reasons."""

from __future__ import annotations

from operator import attrgetter

from django.db.models import QuerySet

from cloud_sync.ledger.points.models import Household, Transfer


def transfers_of(household: Household, account: int) -> list[Transfer]:
    """Every transfer to or from a household's account, in the order of the chain.

    An index on debit and credit would cost each award two more writes. Awards are found by their visits,
    all others name the household themselves.
    """
    found = {row.pk: row for rows in ways(household) for row in rows}
    own = (row for row in found.values() if account in {row.debit_id, row.credit_id})
    return sorted(own, key=attrgetter("position"))


def ways(household: Household) -> tuple[QuerySet[Transfer], QuerySet[Transfer]]:
    """The transfers for a household's visits, and those that name it."""
    rows = Transfer.objects.select_related("event__station").defer("event__body")
    return rows.filter(event__settlement__household=household), rows.filter(household=household)
