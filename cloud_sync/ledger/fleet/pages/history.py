"""A station's readings over time, as charts and tables in the language that is activated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from cloud_sync.ledger.fleet.models import Grain, Reading
from cloud_sync.ledger.fleet.pages.chart import Lines, draw
from cloud_sync.ledger.fleet.readings import SLOT_S, slot_of
from cloud_sync.ledger.statement.texts import moment
from cloud_sync.ledger.stations.models import Station

TABLE_ROWS = 50
"""The latest readings, below the charts."""
DAY = timedelta(days=1)


class HowFar(StrEnum):
    """How far back the charts go."""

    DAY = "day"
    WEEK = "week"
    QUARTER = "quarter"
    YEAR = "year"


REACH = {HowFar.DAY: DAY, HowFar.WEEK: 7 * DAY, HowFar.QUARTER: 90 * DAY, HowFar.YEAR: 366 * DAY}
GRAINS = {
    HowFar.DAY: tuple(Grain),
    HowFar.WEEK: tuple(Grain),
    HowFar.QUARTER: (Grain.DAY, Grain.HOUR),
    HowFar.YEAR: (Grain.DAY,),
}
GAP_S = {HowFar.DAY: 1800.0, HowFar.WEEK: 1800.0, HowFar.QUARTER: 3 * 3600.0, HowFar.YEAR: 2.5 * 86_400}
MOST = 2200
"""Readings of one chart: 90 days of one an hour are 2,160."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One measure's line."""

    title: str
    lines: Lines
    lowest: str
    highest: str
    said: str
    """The same in words, for those who do not see it."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One reading; a dash stands for what was not measured."""

    when: str
    outbox: str
    temperature: str
    supply: str
    clock: str
    full: str


@dataclass(frozen=True, slots=True)
class HowFarLink:
    """One entry of the choice of a span."""

    name: str
    span: HowFar
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class History:
    """A station's readings over a span."""

    spans: tuple[HowFarLink, ...]
    charts: tuple[Chart, ...]
    rows: tuple[TableRow, ...]
    began: str
    ended: str


Value = Callable[[Reading], float | None]


def history_of(station: Station, span: HowFar, now: datetime) -> History:
    """Read a station's readings over a span; `charts` is empty if there are none."""
    zone = ZoneInfo(station.community.timezone)
    first = now - REACH[span]
    rows = Reading.objects.filter(station=station, grain__in=GRAINS[span], slot__gte=slot_of(first))
    readings = list(rows.order_by("-slot")[:MOST])[::-1]
    charts = [
        _chart(title, unit, value, readings, (first, now), GAP_S[span]) for title, unit, value in _measures()
    ]
    return History(
        spans=tuple(HowFarLink(_word(one), one, one is span) for one in HowFar),
        charts=tuple(chart for chart in charts if chart is not None),
        rows=tuple(_table_row(row, now, zone) for row in readings[: -TABLE_ROWS - 1 : -1]),
        began=moment(first, now, zone),
        ended=moment(now, now, zone),
    )


def _measures() -> tuple[tuple[str, str, Value], ...]:
    return (
        (gettext("Records waiting"), "", lambda row: row.outbox),
        (gettext("Hottest cabinet"), " °C", lambda row: row.hottest_c),
        (gettext("Lowest supply"), " V", lambda row: row.lowest_v),
        (gettext("Clock ahead"), " s", lambda row: row.skew_s),
    )


def _chart(
    title: str,
    unit: str,
    value: Value,
    readings: Sequence[Reading],
    between: tuple[datetime, datetime],
    gap_s: float,
) -> Chart | None:
    found = [(_at(row), float(number)) for row in readings if (number := value(row)) is not None]
    if not found:
        return None
    lines = draw(found, *between, gap_s)
    lowest, highest, last = (f"{number:g}{unit}" for number in (lines.lowest, lines.highest, found[-1][1]))
    text = gettext("%(title)s: between %(lowest)s and %(highest)s, last %(last)s")
    return Chart(
        title,
        lines,
        lowest,
        highest,
        text % {"title": title, "lowest": lowest, "highest": highest, "last": last},
    )


def _at(row: Reading) -> datetime:
    return datetime.fromtimestamp(row.slot * SLOT_S, UTC)


def _table_row(row: Reading, now: datetime, zone: ZoneInfo) -> TableRow:
    def shown(value: float | None, unit: str = "") -> str:
        return "–" if value is None else f"{value:g}{unit}"

    return TableRow(
        when=moment(_at(row), now, zone),
        outbox=shown(row.outbox),
        temperature=shown(row.hottest_c, " °C"),
        supply=shown(row.lowest_v, " V"),
        clock=shown(row.skew_s, " s"),
        full=row.full or "–",
    )


def _word(span: HowFar) -> str:
    match span:
        case HowFar.DAY:
            return gettext("A day")
        case HowFar.WEEK:
            return gettext("A week")
        case HowFar.QUARTER:
            return gettext("90 days")
        case HowFar.YEAR:
            return gettext("A year")
