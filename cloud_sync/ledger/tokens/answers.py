"""What the reading API answers: stations, alarms and balances as JSON, a bounded number at a time."""

from __future__ import annotations

from datetime import datetime

from ninja import Schema

from cloud_sync.ledger.fleet.status import StationNow
from cloud_sync.ledger.fleet.waiting import Open
from cloud_sync.ledger.points.models import Account

A_PAGE, MOST = 50, 200


class StationAnswer(Schema):
    """One station: what it says of itself."""

    slug: str
    name_zh: str
    name_en: str
    condition: str
    """`online`, `offline` or `never`."""
    heard: datetime | None
    """When its last words came: while it is offline, since when it is silent."""
    outbox: int | None
    clock_ahead_s: float | None
    full: list[str]
    """Bins that are full."""
    model: str | None
    versions: dict[str, str]

    @classmethod
    def of(cls, one: StationNow) -> StationAnswer:
        """Make the answer about a station."""
        words, station = one.words, one.station
        return cls(
            slug=station.slug,
            name_zh=station.name_zh,
            name_en=station.name_en,
            condition=one.condition.value,
            heard=one.heard_at,
            outbox=words.outbox,
            clock_ahead_s=one.skew_s,
            full=[bin_.id for bin_ in words.bins if bin_.full],
            model=words.model,
            versions=dict(words.versions),
        )


class AlarmAnswer(Schema):
    """One open alarm of a station, or of its community's line."""

    number: int
    station: str | None
    fault: str
    part: str
    detail: str
    times: int
    first: datetime
    last: datetime
    silent_until: datetime | None
    """Until when it is acknowledged or its station in maintenance; null while it waits for a person."""

    @classmethod
    def of(cls, one: Open) -> AlarmAnswer:
        """Make the answer about an alarm."""
        row = one.row
        return cls(
            number=row.pk,
            station=None if row.station is None else row.station.slug,
            fault=row.fault,
            part=row.part,
            detail=row.detail,
            times=row.times,
            first=row.first_at,
            last=row.last_at,
            silent_until=one.silent_until,
        )


class BalanceAnswer(Schema):
    """One household's points, under its code; its name is nobody's business here."""

    household: str
    points: int

    @classmethod
    def of(cls, account: Account) -> BalanceAnswer:
        """Make the answer about a household's account."""
        return cls(household=str(account.household), points=account.balance)


class StationPageAnswer(Schema):
    """Some stations by slug; ask for those after `next`, if it is not null."""

    items: list[StationAnswer]
    next: str | None


class AlarmPageAnswer(Schema):
    """Some alarms by number; ask for those after `next`, if it is not null."""

    items: list[AlarmAnswer]
    next: int | None


class BalancePageAnswer(Schema):
    """Some balances; ask for those after `next`, if it is not null."""

    items: list[BalanceAnswer]
    next: int | None
