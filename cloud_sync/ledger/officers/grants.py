"""Gives officers roles and ends them; the town never loses its last admin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.officers.models import Grant
from cloud_sync.ledger.officers.rights import Deed, OfficerRole, Rights
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.posting import atomically
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError
from config.reading import typed

LIST = "see: tongzhan ledger officer list --config F"


def rights_of(user: AbstractBaseUser | AnonymousUser) -> Rights:
    """Return what an officer may do now; nothing for somebody who is not signed in."""
    if not user.is_authenticated:
        return Rights()
    rows = Grant.objects.filter(officer=user.pk, until=None).values_list("role", "community")
    return Rights(frozenset((OfficerRole(role), place) for role, place in rows))


def seen_by(rights: Rights, deed: Deed) -> list[Community]:
    """Return the communities in which a deed is allowed, by slug."""
    return [one for one in all_communities() if rights.may(deed, one.pk)]


def role_named(name: str) -> OfficerRole:
    """Return the role of that name; InputError for none."""
    try:
        return OfficerRole(typed.slug(name))
    except ValueError:
        raise InputError(f"no role {name!r}", f"use one of: {', '.join(OfficerRole)}") from None


@atomically
def give_role(
    officer: User, role: OfficerRole, community: Community | None, by: str, reason: str, now: datetime
) -> bool:
    """Give an officer a role in a community or, for None, in the town; return whether that is new.

    InputError without who and why.
    """
    by, reason = said(by, reason)
    if _held(officer, role, community).exists():
        return False
    grant = Grant(officer=officer, role=role, community=community, since=now, by=by, reason=reason)
    write(grant, Deed.NAME_OFFICERS, by=by, reason=reason, now=now)
    return True


@atomically
def end_role(
    officer: User, role: OfficerRole, community: Community | None, by: str, reason: str, now: datetime
) -> None:
    """End an officer's role. InputError for a role that they do not have, and for the town's last admin."""
    by, reason = said(by, reason)
    found = _held(officer, role, community).first()
    if found is None:
        place = community or "the town"
        raise InputError(f"{officer.username} is not {role} of {place}", LIST)
    _end([found], by, reason, now)


@atomically
def end_all_roles(officer: User, by: str, reason: str, now: datetime) -> int:
    """End every role of an officer; return how many. InputError for the town's last admin."""
    by, reason = said(by, reason)
    found = list(Grant.objects.filter(officer=officer, until=None).order_by("pk"))
    _end(found, by, reason, now)
    return len(found)


def roles_of(officer: User) -> list[Grant]:
    """Return an officer's roles in force: those of the town, then by community."""
    rows = Grant.objects.filter(officer=officer, until=None).select_related("community")
    return sorted(rows, key=lambda row: (row.community.slug if row.community else "", row.role))


def _held(officer: User, role: OfficerRole, community: Community | None) -> QuerySet[Grant]:
    return Grant.objects.filter(officer=officer, role=role, community=community, until=None)


def _end(grants: Sequence[Grant], by: str, reason: str, now: datetime) -> None:
    _keep_an_admin({grant.pk for grant in grants})
    for grant in grants:
        values = {"until": now, "ended_by": by, "ended_reason": reason}
        write(grant, Deed.NAME_OFFICERS, by=by, reason=reason, now=now, **values)


def _keep_an_admin(ending: set[int]) -> None:
    """Raise InputError if the town would have no admin after these grants end; locks the admins' grants."""
    admins = Grant.objects.select_for_update().filter(role=OfficerRole.ADMIN, community=None, until=None)
    there = set(admins.filter(officer__is_active=True).order_by("pk").values_list("pk", flat=True))
    if there and there <= ending:
        raise InputError(
            "the town would have no admin",
            "give somebody else the role first: "
            "tongzhan ledger officer grant NAME --role admin --reason WHY --config F",
        )
