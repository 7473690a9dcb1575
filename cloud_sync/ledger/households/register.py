"""Adds, finds and renames households."""

from __future__ import annotations

import shlex
from datetime import datetime

from django.db.models import Q

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.models import Account, AccountKind, Household
from cloud_sync.ledger.points.models.holders import MAX_CODE, MAX_NAME
from cloud_sync.ledger.points.posting import atomically, lock
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError
from config.reading import typed

ERASED = "erased-"
"""Prefix of an erased household's code and of its cards' hashes."""


@atomically
def add_household(community: Community, code: str, name: str = "", now: datetime | None = None) -> Household:
    """Return the household of that code, created with its account if it is new.

    Later visits dated before the day of `now` are held for a person. InputError for an invalid code or name,
    and for another name than the stored one.
    """
    wanted, called = household_code(code), household_name(name)
    lock(community)
    found = _stored(community, wanted, code)
    if found is None:
        return _new(community, wanted, called, now)
    if called and called != found.name:
        has = f"as {found.name!r}" if found.name else "without a name"
        raise InputError(
            f"household {found} is here {has}, not as {called!r}",
            f"rename it: tongzhan ledger household rename {found} --name {shlex.quote(called)}"
            f" --community {community} --by NAME --reason WHY --config F",
        )
    return found


def find_household(community: Community, code: str) -> Household:
    """Return the household of that code; InputError for none."""
    wanted = household_code(code)
    household = _stored(community, wanted, code)
    if household is None:
        mend = "see: tongzhan ledger household list --config F"
        raise InputError(f"no household {wanted}", mend)
    return household


@atomically
def rename_household(
    household: Household, *, code: str | None, name: str | None, by: str, reason: str, now: datetime
) -> bool:
    """Change a household's name, code, or both; return whether anything changed.

    InputError for a code that another household has.
    """
    by, reason = said(by, reason)
    community = household.community
    lock(community)
    row = Household.objects.get(pk=household.pk)
    wanted = row.code if code is None else household_code(code)
    called = row.name if name is None else household_name(name)
    if (row.code, row.name) == (wanted, called):
        return False
    taken = Household.objects.filter(community=community, code=wanted).exclude(pk=row.pk).first()
    if taken is not None:
        raise InputError(f"household {taken} is another one", "choose a code that is free")
    write(row, Deed.KEEP_HOUSEHOLDS, by=by, reason=reason, now=now, code=wanted, name=called)
    records.register(community.pk, "renamed", row, now, by=by, reason=reason)
    household.refresh_from_db()
    return True


def household_code(text: str) -> str:
    """Return a household's code as it is stored; InputError for an invalid one."""
    return typed.code("household code", text, MAX_CODE)


def household_name(text: str) -> str:
    """Return a household's name as it is stored, which may be empty; InputError for an invalid one."""
    return typed.line("the household's name", text, MAX_NAME, may_be_empty=True)


def _stored(community: Community, wanted: str, as_typed: str) -> Household | None:
    """Return the household of this code; prefer one stored exactly as typed, before codes were normalised."""
    rows = Household.objects.filter(Q(code=wanted) | Q(code=as_typed.strip()), community=community)
    return min(rows, key=lambda row: row.code != as_typed.strip()) if rows else None


def _new(community: Community, code: str, name: str, now: datetime | None) -> Household:
    if code.lower().startswith(ERASED):
        raise InputError(f"{code!r} is no household code", "codes of erased households begin so")
    household = Household(community=community, code=code, name=name)
    write(household, Deed.KEEP_HOUSEHOLDS, now=now)
    account = Account(household=household, community=community, kind=AccountKind.HOUSEHOLD, opened_at=now)
    write(account, Deed.KEEP_HOUSEHOLDS, now=now)
    records.register(community.pk, "added", household)
    records.register(community.pk, "account", account)
    return household
