"""Adds, finds and changes communities; every change keeps who made it and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from cloud_sync.ledger.audit.write import find_or_add, write
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.communities.facts import Facts, checked, facts_of
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.accounts import open_accounts
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.models import Rules
from cloud_sync.ledger.points.posting import atomically, lock
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.models import Community, CommunityChange
from cloud_sync.rules.award_rules import AwardRules
from config.errors import InputError
from config.reading import typed

LIST = "see: tongzhan ledger community list --config F"
ADD = "add one: tongzhan ledger community add SLUG --name-zh NAME --name-en NAME --config F"
MOST_NAMED = 8
"""Communities that an error names; a town may have more."""


def all_communities() -> list[Community]:
    """Return every community of the ledger, by slug."""
    return list(Community.objects.order_by("slug"))


def served_communities() -> list[Community]:
    """Return every community that has not moved to another ledger, by slug."""
    return list(Community.objects.filter(chain_head__moved_out=False).order_by("slug"))


def find_community(slug: str) -> Community:
    """Return the community of that slug; InputError for none."""
    name = typed.slug(slug)
    found = Community.objects.filter(slug=name).first()
    if found is None:
        raise InputError(f"no community {name!r} in this ledger", LIST if _slugs() else ADD)
    return found


def one_community(slug: str | None) -> Community:
    """Return the named community, or the only one; InputError if there is none, or no name and several."""
    if slug is not None:
        return find_community(slug)
    found = _slugs()
    if not found:
        raise InputError("this ledger has no community", ADD)
    if len(found) > 1:
        named = ", ".join(found[:MOST_NAMED]) + (", …" if len(found) > MOST_NAMED else "")
        raise InputError("this ledger has several communities", f"name one with --community: {named}")
    return find_community(found[0])


def chosen_communities(slug: str | None) -> list[Community]:
    """Return the named community, or all of them; InputError if there is none."""
    found = all_communities() if slug is None else [find_community(slug)]
    if not found:
        raise InputError("this ledger has no community", ADD)
    return found


def check_free(slug: str, facts: Facts) -> str:
    """Return the slug of a new community; raise the InputErrors of `add_community` without any change."""
    name, wanted = typed.topic_name("community", slug), checked(facts)
    found = Community.objects.filter(slug=name).first()
    if found is not None and facts_of(found) != wanted:
        raise InputError(
            f"community {name} is here already, as another",
            f"change it: tongzhan ledger community set {name} --by NAME --reason WHY --config F",
        )
    return name


@atomically
def add_community(slug: str, facts: Facts, rules: Sequence[AwardRules]) -> Community:
    """Add a community with its accounts, chain and award rules, all or nothing; repeating it changes nothing.

    InputError for invalid values, and for a slug that a community with other facts has.
    """
    name, wanted = check_free(slug, facts), checked(facts)
    values = msgspec.structs.asdict(wanted)
    community, is_new = find_or_add(Community, Deed.CHANGE_COMMUNITY, values, slug=name)
    open_accounts(community)
    if is_new:
        records.register(community.pk, "community", community)
    for version in rules:
        add_rules(community, version)
    return community


@atomically
def change_community(
    community: Community,
    wanted: Mapping[str, object],
    rules: Sequence[AwardRules],
    by: str,
    reason: str,
    now: datetime,
) -> bool:
    """Change a community's facts or add versions of its rules; return whether anything changed.

    Who, why, when and the values before and after are kept. The change applies to events that arrive from
    now on. InputError for invalid values, and without who and why.
    """
    by, reason = said(by, reason)
    lock(community)
    row = Community.objects.get(pk=community.pk)
    before, versions = facts_of(row), _versions(row)
    after = checked(msgspec.structs.replace(before, **wanted))
    for version in rules:
        add_rules(row, version)
    now_versions = _versions(row)
    if (before, versions) == (after, now_versions):
        return False
    note_change(row, _differing(before, after, versions, now_versions), by, reason, now)
    values = msgspec.structs.asdict(after)
    write(row, Deed.CHANGE_COMMUNITY, by=by, reason=reason, now=now, **values)
    records.register(row.pk, "community", row, now, by=by, reason=reason)
    return True


def note_change(
    community: Community,
    differing: tuple[Mapping[str, object], Mapping[str, object]],
    by: str,
    reason: str,
    now: datetime,
) -> None:
    """Store the values of a community before and after a change."""
    before, after = (msgspec.json.encode(part).decode() for part in differing)
    CommunityChange.objects.create(
        community=community, changed_at=now, by=by, reason=reason, before=before, after=after
    )


def _differing(
    before: Facts, after: Facts, versions: Sequence[int], now_versions: Sequence[int]
) -> tuple[dict[str, object], dict[str, object]]:
    """Return the values before and after, only those that differ."""
    old = msgspec.structs.asdict(before) | {"rules": list(versions)}
    new = msgspec.structs.asdict(after) | {"rules": list(now_versions)}
    names = [name for name in old if old[name] != new[name]]
    return {name: old[name] for name in names}, {name: new[name] for name in names}


def _slugs() -> list[str]:
    return list(Community.objects.order_by("slug").values_list("slug", flat=True))


def _versions(community: Community) -> list[int]:
    return list(
        Rules.objects.filter(community=community).order_by("version").values_list("version", flat=True)
    )
