"""The communities of a ledger: added with all that hangs on one, found, changed by somebody for a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.communities.facts import Facts, checked, facts_of
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
"""Communities that an error names; a town has more."""


def all_communities() -> list[Community]:
    """Every community of the ledger, by its slug."""
    return list(Community.objects.order_by("slug"))


def find_community(slug: str) -> Community:
    """The community of that slug; InputError for none."""
    name = typed.slug(slug)
    found = Community.objects.filter(slug=name).first()
    if found is None:
        raise InputError(f"no community {name!r} in this ledger", LIST if _slugs() else ADD)
    return found


def one_community(slug: str | None) -> Community:
    """The community that is named, or the only one; InputError where there is none, or which is not said."""
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
    """The community that is named, else all of them; InputError for none."""
    found = all_communities() if slug is None else [find_community(slug)]
    if not found:
        raise InputError("this ledger has no community", ADD)
    return found


def check_free(slug: str, facts: Facts) -> str:
    """The name that a new community gets; InputError as `add_community`, before anything is made for it."""
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
    """Add a community with its accounts, chain and award rules, all or nothing; again changes nothing.

    InputError for what will not do, and for a community that is here and is another.
    """
    name, wanted = check_free(slug, facts), checked(facts)
    community, is_new = Community.objects.get_or_create(slug=name, defaults=msgspec.structs.asdict(wanted))
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
    """Give a community other facts, or further versions of its rules; whether that changed anything.

    Who, why and when, and what was before and after, are kept. It holds for what comes from now on.
    InputError for what will not do, and without who and why.
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
    for name, value in msgspec.structs.asdict(after).items():
        setattr(row, name, value)
    row.save()
    records.register(row.pk, "community", row, now, by=by, reason=reason)
    return True


def note_change(
    community: Community,
    differing: tuple[Mapping[str, object], Mapping[str, object]],
    by: str,
    reason: str,
    now: datetime,
) -> None:
    """Keep what a community was before and after a change."""
    before, after = (msgspec.json.encode(part).decode() for part in differing)
    CommunityChange.objects.create(
        community=community, changed_at=now, by=by, reason=reason, before=before, after=after
    )


def _differing(
    before: Facts, after: Facts, versions: Sequence[int], now_versions: Sequence[int]
) -> tuple[dict[str, object], dict[str, object]]:
    """Only what differs."""
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
