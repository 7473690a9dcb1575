"""Imports the community that an older version kept in ledger.toml.

Every step can be repeated, so that `init` may be killed at any point. The chain of transfers stays as it is;
the register gets a record only if a value of the file is new to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from django.db import transaction
from django.utils import timezone

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.communities.facts import Facts, checked, facts_of
from cloud_sync.ledger.communities.register import ADD, add_community, all_communities, note_change
from cloud_sync.ledger.keys import adopt_card_key, card_key_file, make_card_key
from cloud_sync.ledger.officers.register import rename_old_officers
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.accounts import open_accounts
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.models import MINT_LIMIT, Community
from cloud_sync.rules.award_rules import AwardRules
from config.errors import InputError
from config.ledger import LedgerSection, LedgerSettings
from config.reading.load_sorting import DEFAULT_SORTING

BY = "init"
REASON = "carried over from ledger.toml"


def carry_over(settings: LedgerSettings, rules: Sequence[AwardRules]) -> list[str]:
    """Import the community of ledger.toml unless that was done; return lines to show after `init`.

    `rules` are those that the file names. InputError if the file names a new community without its names.
    """
    old = settings.ledger
    if old.community is not None:
        _carry(old.community, old, rules)
        adopt_card_key(settings.state_dir, old.community)
        make_card_key(settings.state_dir, old.community)
    communities = all_communities()
    if len(communities) == 1:
        adopt_card_key(settings.state_dir, communities[0].slug)
    lines = [*_to_take_out(old, communities), *_without_key(settings, communities)]
    return [*lines, *rename_old_officers()]


@transaction.atomic
def _carry(slug: str, old: LedgerSection, rules: Sequence[AwardRules]) -> None:
    row = Community.objects.filter(slug=slug).first()
    if row is None:
        add_community(slug, _facts(old), rules)
        return
    open_accounts(row)
    if not row.sorting:
        _take_values(row, _facts(old))
    for version in rules:
        add_rules(row, version)


def _facts(old: LedgerSection) -> Facts:
    if old.name_zh is None or old.name_en is None:
        raise InputError(
            f"ledger.community names {old.community}, and ledger.name_zh or name_en is missing",
            f"add both, or take it out and {ADD}",
        )
    return checked(
        Facts(
            name_zh=old.name_zh,
            name_en=old.name_en,
            timezone=old.timezone,
            sorting=old.sorting or DEFAULT_SORTING,
            daily_mint_limit=MINT_LIMIT if old.daily_mint_limit is None else old.daily_mint_limit,
        )
    )


def _take_values(row: Community, wanted: Facts) -> None:
    """Set the values of the file in a community that an older version made; store what changed."""
    now, had = timezone.now(), facts_of(row)
    before, after = msgspec.structs.asdict(had), msgspec.structs.asdict(wanted)
    write(row, Deed.CHANGE_COMMUNITY, by=BY, reason=REASON, now=now, **after)
    names = [name for name in before if before[name] != after[name]]
    if names:
        note_change(row, ({n: before[n] for n in names}, {n: after[n] for n in names}), BY, REASON, now)
    if set(names) - {"sorting", "language"}:  # the register seals all other facts
        records.register(row.pk, "community", row, now)


def _to_take_out(old: LedgerSection, communities: Sequence[Community]) -> list[str]:
    if not communities:
        return [f"this ledger has no community yet; {ADD}"]
    if not old.old_keys:
        return []
    keys = ", ".join(old.old_keys)
    changes = "`tongzhan ledger community set` changes them"
    return [f"take {keys} out of ledger.toml: the database holds them now, and {changes}"]


def _without_key(settings: LedgerSettings, communities: Sequence[Community]) -> list[str]:
    files = [card_key_file(settings.state_dir, community.slug) for community in communities]
    return [f"no card key at {file}: restore it from a backup" for file in files if not file.exists()]
