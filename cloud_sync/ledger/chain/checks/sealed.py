"""Check rows against the register: bindings, keys, limits, decisions, waits, and stations' points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.apps import apps
from django.db import models

from cloud_sync.ledger.chain import records, seals
from cloud_sync.ledger.chain.checks.register import Register
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.stations.models import Community

HOME = {
    "stations_community": "id = %s",
    "stations_stationkey": "station_id IN (SELECT id FROM stations_station WHERE community_id = %s)",
    "points_debt": "household_id IN (SELECT id FROM points_household WHERE community_id = %s)",
}
"""How to find a community's rows in tables that have no column for the community."""


def problems(community: Community, register: Register) -> Iterator[str]:
    """Yield a line for each row that differs from the register or is missing in it."""
    for table in seals.SEALED:
        yield from _of_table(table, community, register)
    yield from _waits(community, register)
    yield from _minted(community, register)
    yield from _unknown_visits(community, register)


def _of_table(table: str, community: Community, register: Register) -> Iterator[str]:
    named = {name for name in register.seals if name.startswith(f"{table}/")}
    columns = seals.SEALED[table]
    wanted = ", ".join(_selected(table, column) for column in columns)
    where = HOME.get(table, "community_id = %s")
    statement = f"SELECT id, {wanted} FROM {table} WHERE {where} ORDER BY id"  # noqa: S608 (constants)
    for key, *values in sql.stream(statement, [community.pk]):
        name = f"{table}/{key}"
        if name not in named:
            if not _is_only_seen(table, values):
                yield f"{table} {key}: it has no record in the register"
            continue
        named.discard(name)
        if _seal(table, key, values, register.shift) != register.seals[name]:
            yield f"{table} {key}: it was edited (one of {', '.join(columns)})"
    for name in sorted(named):
        yield f"{name.replace('/', ' ')}: it is gone"


def _is_only_seen(table: str, values: Sequence[object]) -> bool:
    if table != "points_card":
        return False
    row = dict(zip(seals.SEALED[table], values, strict=True))
    return (
        row["household_id"] is None
        and row["suspected_at"] is None
        and (row["status"], row["role"]) == ("active", "resident")
    )


def _selected(table: str, column: str) -> str:
    """Return the SQL for a column; a moment is read as text, so that an invalid one can be named."""
    return f'CAST("{column}" AS TEXT)' if _is_moment(table, column) else f'"{column}"'


def _is_moment(table: str, column: str) -> bool:
    app, _, name = table.partition("_")
    model = apps.get_model(app, name)
    fields = {field.attname: field for field in model._meta.concrete_fields}  # noqa: SLF001 (documented)
    return isinstance(fields[column], models.DateTimeField)


def _seal(table: str, key: int, values: Sequence[object], shift: int) -> str:
    """Return the seal of a row as it is now; empty if it cannot be read."""
    columns = seals.SEALED[table]
    try:
        plain = [
            sql.moment_of(value) if isinstance(value, str) and _is_moment(table, column) else value
            for column, value in zip(columns, values, strict=True)
        ]
        return seals.seal(table, key - shift, seals.own_keys(columns, plain, shift))
    except (TypeError, ValueError):
        return ""


_WAITING = (
    "SELECT event_id, held, held_by, CAST(held_since AS TEXT), held_at_s, withdrawn, withdrawn_by "
    "FROM points_visitsettlement WHERE community_id = %s AND (held != 0 OR withdrawn != 0 "
    "OR held_by != '' OR held_since IS NOT NULL OR withdrawn_by != '') ORDER BY event_id"
)


def _waits(community: Community, register: Register) -> Iterator[str]:
    for event, held, held_by, since, *rest in sql.stream(_WAITING, [community.pk]):
        try:
            tag = seals.waits_tag((event - register.shift, held, held_by, records.moment_us(since), *rest))
        except (TypeError, ValueError):
            tag = ""
        if register.waits.get(event) != tag:
            yield f"the settlement of event {event}: how it waits or was withdrawn is not what was noted"


def _minted(community: Community, register: Register) -> Iterator[str]:
    statement = (
        "SELECT m.station_id, CAST(m.day AS TEXT), m.points FROM points_minted m "
        "JOIN stations_station s ON s.id = m.station_id WHERE s.community_id = %s"
    )
    left = dict(register.minted)
    for station, day, points in sql.stream(statement, [community.pk]):
        noted = left.pop((station, day), 0)
        if noted != points:
            yield f"points_minted: station {station} brought {noted} on {day}, not {points}"
    for (station, day), points in sorted(left.items()):
        if points:
            yield f"points_minted: the {points} points that station {station} brought on {day} are gone"


def _unknown_visits(community: Community, register: Register) -> Iterator[str]:
    statement = "SELECT event_id FROM points_visitsettlement WHERE community_id = %s ORDER BY event_id"
    for (event,) in sql.stream(statement, [community.pk]):
        if not isinstance(event, int) or event not in register.settled:
            yield f"the settlement of event {event} is in no record"
