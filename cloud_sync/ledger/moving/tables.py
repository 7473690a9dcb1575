"""Which tables hold rows of a community, and which of them go with it.

A table that can be reached from a community by references stands in one of the two lists; a test walks all
models for one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from django.apps import apps
from django.db import models

from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Community

BY_NAME = "its slug"
"""The path of a table that names the community by its slug."""

MOVING: Mapping[str, str] = MappingProxyType(
    {
        "stations.Community": "pk",
        "stations.CommunityChange": "community",
        "stations.Station": "community",
        "stations.StationKey": "station__community",
        "stations.Epoch": "station__community",
        "stations.Event": "station__community",
        "stations.Conflict": "station__community",
        "stations.Stray": "station__community",
        "stations.Dismissal": "community",
        "stations.Alarm": BY_NAME,
        "points.Rules": "community",
        "points.Decision": "community",
        "points.Household": "community",
        "points.Card": "community",
        "points.Account": "community",
        "points.ChainHead": "community",
        "points.Record": "community",
        "points.SignedBatch": "station__community",
        "points.Minted": "station__community",
        "points.VisitSettlement": "community",
        "points.Transfer": "community",
        "points.Debt": "household__community",
        "points.DebtPart": "debt__household__community",
        "fleet.Reading": "station__community",
        "fleet.StationAlarm": "community",
        "fleet.AlarmChange": "alarm__community",
        "fleet.Maintenance": "station__community",
        "ledger_downlink.Published": "community",
        "ledger_downlink.RosterChange": "community",
    }
)
"""The tables that go with a community, each with the way to it; a row comes after all that it refers to."""

STAYING: Mapping[str, str] = MappingProxyType(
    {
        "enrolment.Invitation": "a code names the ledger that made it; the other ledger makes its own",
        "enrolment.BrokerLogin": "passwords are the broker's; the other ledger's stations get their own",
        "enrolment.Succession": "no key may be changing when a community moves; the rest is over",
        "officers.Grant": "officers are the town's; the other ledger names its own",
        "fleet.StationStatus": "each station says it again once it sends to the other ledger",
        "commanding.Command": "it says what this ledger's officers had stations do, sealed by its key",
        "tokens.Token": "it lets a program read this ledger; the other makes its own",
        "audit.AuditEntry": "it says what people did at this ledger, by this ledger's numbers",
        "moving.Departure": "it says what left this ledger",
        "moving.Arrival": "it says what came to this ledger",
    }
)
"""Tables that stay, and why."""

OF_THE_LEDGER = {"points.ChainHead": frozenset({"key_shift", "moved_out"})}
"""Columns that each ledger has of its own."""
KEYS = frozenset({"stations.Dismissal.row"})
"""Columns that hold a key without being a reference."""

Field: TypeAlias = "models.Field[object, object]"


def model_of(label: str) -> type[models.Model]:
    """Return the model of a label such as `points.Transfer`."""
    return apps.get_model(label)


def rows_of(label: str, community: Community) -> models.QuerySet[models.Model]:
    """Return a community's rows of one table, in the order of their keys."""
    path = MOVING[label]
    found = model_of(label)._base_manager.order_by("pk")  # noqa: SLF001 (Django's documented name)
    if path == BY_NAME:
        return found.filter(community=community.slug).exclude(reason=Cause.MOVED)
    return found.filter(**{path: community.pk})


def fields_of(label: str) -> list[Field]:
    """Return the columns that go with a row, in the order of the table."""
    own = OF_THE_LEDGER.get(label, frozenset())
    fields = model_of(label)._meta.concrete_fields  # noqa: SLF001 (Django's documented name)
    return [field for field in fields if field.attname not in own]


def is_key(label: str, field: Field) -> bool:
    """Return whether a column holds a primary key of the ledger."""
    return field.primary_key or field.is_relation or f"{label}.{field.attname}" in KEYS


def numbered() -> list[tuple[str, str]]:
    """Return table and column of every key that the database counts up."""
    metas = [model_of(label)._meta for label in MOVING]  # noqa: SLF001 (Django's documented name)
    return [(meta.db_table, str(meta.pk.column)) for meta in metas if isinstance(meta.pk, models.AutoField)]
