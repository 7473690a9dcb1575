"""The versions of the award rules that the ledger settles by."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import msgspec
from django.db import transaction

from cloud_sync.ledger.audit.write import find_or_add
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.downlink.versions import renew
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.models import Rules
from cloud_sync.ledger.stations.models import Community
from cloud_sync.rules.award_rules import AwardRules
from cloud_sync.wire.publication import PublishedKind
from config.errors import InputError


def add_rules(community: Community, rules: AwardRules) -> None:
    """Add a version; InputError if this version is stored with other content: it may be in use."""
    body = msgspec.json.encode(rules, order="sorted")
    with transaction.atomic():
        stored, is_new = find_or_add(
            Rules, Deed.CHANGE_COMMUNITY, {"body": body}, community=community, version=rules.version
        )
        if is_new:
            records.register(community.pk, "rules", stored)
            renew(community, PublishedKind.RULES)
    if bytes(stored.body) != body:
        what = f"award rules version {rules.version} of {community} are already here with other content"
        raise InputError(what, "give the changed rules the next version")


def known_rules(community: Community, versions: Collection[int]) -> dict[int, AwardRules]:
    """Return those of the versions that the ledger has."""
    statement = "SELECT version, body FROM points_rules WHERE community_id = %s AND version AMONG"
    rows = sql.select(statement, versions, [community.pk])
    return {version: _rules(bytes(body)) for version, body in rows}


@lru_cache(maxsize=64)
def _rules(body: bytes) -> AwardRules:
    """Read what `add_rules` stored; cached because every batch needs the same rules."""
    return msgspec.json.decode(body, type=AwardRules)
