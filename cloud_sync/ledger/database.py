"""The ledger's database: made, brought up to date, and checked before anything runs on it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from cloud_sync.award_rules import AwardRules
from cloud_sync.ledger.points.accounts import open_accounts
from cloud_sync.ledger.points.rules import add_rules
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.upgrade import upgrade
from config.errors import InputError
from config.ledger import LedgerSettings, is_postgres
from config.load import load_toml

INIT = "run: tongzhan ledger init --config F"


def prepare(settings: LedgerSettings) -> None:
    """Migrate, and bring in the community, its accounts and its rules; again does no harm."""
    rules = [load_toml(file, AwardRules) for file in settings.rule_files]
    name = settings.ledger.database
    try:
        if not is_postgres(name):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
        upgrade()
    except (OSError, DatabaseError) as error:
        raise _unusable(name, error) from None
    community = _bring_in_community(settings)
    open_accounts(community)
    for version in rules:
        add_rules(community, version)


def check(settings: LedgerSettings) -> Community:
    """The community of these settings; InputError unless `prepare` has been here, in this version."""
    name = settings.ledger.database
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise _unusable(name, error) from None
    if waiting:
        raise InputError(f"database {_shown(name)} is not prepared for this version", INIT)
    community = Community.objects.filter(slug=settings.ledger.community).first()
    if community is None:
        raise InputError(f"database {_shown(name)} has no community {settings.ledger.community}", INIT)
    return community


def _bring_in_community(settings: LedgerSettings) -> Community:
    ledger = settings.ledger
    community, _ = Community.objects.update_or_create(
        slug=ledger.community,
        defaults={
            "name_zh": ledger.name_zh,
            "name_en": ledger.name_en,
            "timezone": ledger.timezone,
            "daily_mint_limit": ledger.daily_mint_limit,
        },
    )
    return community


def _unusable(name: str, error: Exception) -> InputError:
    said = (str(error).splitlines() or [type(error).__name__])[0]  # PostgreSQL goes on about the context
    return InputError(f"database {_shown(name)} cannot be used ({said})", "mend its path, rights or server")


def _shown(name: str) -> str:
    """A database's name without its password."""
    if not is_postgres(name):
        return name
    url = urlsplit(name)
    return f"{url.hostname}:{url.port or 5432}{url.path}"
