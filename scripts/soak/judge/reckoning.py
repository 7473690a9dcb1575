"""Compares what people did and saw with journals and ledger. Pure.

The judge's own `pricing` prices every visit again from what the simulated residents threw in. If a record was
written but its witness was killed before it reported it, the record itself is priced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from itertools import pairwise

from cloud_sync.wire.facts import DepositFacts, VisitFacts
from edge.sim.people.witnessed import LidStoodOpen, PointsSpoken, RecordKept, ThingThrown
from scripts.soak.judge.pricing import (
    NOTHING,
    RIGHT,
    UNSEEN,
    UNSURE,
    WRONG,
    Day,
    Days,
    Deposit,
    Prices,
    earn,
    settle,
)
from scripts.soak.judge.rows import EventId, Journal, Row, Settlement

ROUNDING_S = 0.01
LATE_S = 5.0
"""A station in real time may learn of a lid this much later than people see it."""
LONGEST_S = 400.0
"""A visit that began this long after a lid opened is another visit."""
DAY_S = 86_400
UNDATED = "doubted"
"""The ledger's mark for a visit whose day it does not know yet: it does not count to any day."""


@dataclass(frozen=True, slots=True)
class Town:
    """The truth about cards and bins. `certain` names stations that use the stand-in for the model."""

    prices: Prices
    zone: tzinfo
    households: Mapping[str, str]
    """By card, only bound cards."""
    staff: frozenset[str]
    certain: frozenset[str]


@dataclass
class Life:
    """What was seen and heard during one run of a station."""

    threw: list[ThingThrown] = field(default_factory=list)
    opened: list[LidStoodOpen] = field(default_factory=list)
    spoke: list[PointsSpoken] = field(default_factory=list)
    kept: list[RecordKept] = field(default_factory=list)
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing thrown in: the bin's category, and the expected outcome."""

    bin: str
    outcome: str


def truths(lives: Mapping[tuple[str, str], Life], looks: Mapping[str, str]) -> dict[EventId, list[Seen]]:
    """Return, by record, what was thrown in during every recorded visit; `looks` are by a thing's name."""
    found = {}
    for (station, epoch), life in lives.items():
        for kept in life.kept:
            if kept.card is not None:
                found[station, epoch, kept.sequence] = [
                    Seen(one.bin, _outcome(one, looks))
                    for one in life.threw
                    if one.card == kept.card and kept.began_at - ROUNDING_S <= one.at <= kept.ended_at
                ]
    return found


def _outcome(threw: ThingThrown, looks: Mapping[str, str]) -> str:
    if threw.category is None:
        return NOTHING
    look = looks.get(threw.name, UNSURE)
    if look == UNSURE:
        return UNSURE
    return RIGHT if look == threw.bin else WRONG


def stated(deposit: DepositFacts) -> str:
    """Return a deposit's outcome by its record."""
    verdict = deposit.verdict
    if verdict is None:
        return UNSEEN
    if verdict.state.value != "ok":
        return NOTHING if verdict.state.value == "empty" else UNSURE
    return RIGHT if verdict.category == deposit.bin_category else WRONG


def counted(truth: Mapping[EventId, Sequence[Seen]], town: Town) -> Counter[str]:
    """Count how often each outcome was expected."""
    return Counter(
        seen.outcome for name, deposits in truth.items() if name[0] in town.certain for seen in deposits
    )


def unlike_the_truth(
    rows: Mapping[EventId, Row], truth: Mapping[EventId, Sequence[Seen]], town: Town
) -> Iterator[str]:
    """Yield records that differ from what was thrown in."""
    for name, seen in sorted(truth.items()):
        visit = rows[name].visit if name in rows else None
        if visit is None:
            continue
        thrown = [(one.bin, one.outcome) for one in seen]
        written = [(one.bin, stated(one)) for one in visit.deposits]
        is_true = thrown == written if name[0] in town.certain else may_be_told(thrown, written)
        if not is_true:
            yield f"{_name(name)}: thrown in {_list(thrown)}, on the journal {_list(written)}"


def may_be_told(thrown: Sequence[tuple[str, str]], written: Sequence[tuple[str, str]]) -> bool:
    """Whether an eye that may have died could tell so; what a thing was taken for does not matter.

    It tells of nothing more than was thrown in, and of less only beside a deposit that counts as unseen.
    """
    had = Counter(bin_id for bin_id, _ in thrown)
    seen = Counter(bin_id for bin_id, outcome in written if outcome != UNSEEN)
    unseen = Counter(bin_id for bin_id, outcome in written if outcome == UNSEEN)
    return all(seen[one] <= had[one] and (seen[one] == had[one] or unseen[one]) for one in {*had, *seen})


def priced_wrong_at_stations(
    journals: Sequence[Journal], truth: Mapping[EventId, Sequence[Seen]], town: Town
) -> Iterator[str]:
    """Price the awards of each journal again in their order; yield differences."""
    for journal in journals:
        days = Days()
        for name, row in journal.rows.items():
            if row.visit is None or row.stamp is None or row.points is None:
                continue
            whose, day = row.visit.card, _station_day(row, town.zone)
            deposits = _deposits(name, row.visit, truth, town)
            is_staff = row.visit.card in town.staff
            earned = earn(deposits, town.prices, days.of(whose, day), staff=is_staff)
            if earned.points != row.points:
                yield f"{_name(name)}: {row.points} spoken, {earned.points} earned by {_list(deposits)}"
            days.add(whose, day, row.points, earned.deposits)


def priced_wrong_in_ledger(
    rows: Mapping[EventId, Row],
    settlements: Sequence[tuple[EventId, Settlement]],
    truth: Mapping[EventId, Sequence[Seen]],
    town: Town,
) -> Iterator[str]:
    """Compare each settlement, in the ledger's order, with what it must be; yield differences."""
    days = Days()
    for name, said in sorted(settlements, key=lambda pair: pair[1].order):
        row = rows.get(name)
        if row is None or row.visit is None or row.points is None:
            continue  # told as lost, or as one that nobody wrote
        card = row.visit.card
        whose = town.households.get(card, card)
        deposits = _deposits(name, row.visit, truth, town)
        dated = said.timed != UNDATED
        before = days.of(whose, said.day) if dated else Day()
        earned = earn(deposits, town.prices, before, staff=card in town.staff)
        word = settle(row.points, earned, bound=card in town.households, dated=dated)
        have = (said.settled, said.held, said.lowered, said.lowered_by, said.held_by)
        want = (word.settled, word.held, word.lowered, word.lowered_by, word.held_by)
        if have != want:
            yield f"{_name(name)}: the ledger says {_words(have)}, the rules {_words(want)}"
        if (
            said.timed == "stated"
            and row.stamp is not None
            and said.day != _date(row.stamp.wall_s, town.zone)
        ):
            yield f"{_name(name)}: counted to {said.day}, stamped otherwise"
        if dated:
            days.add(whose, said.day, said.settled + said.held, earned.deposits)


def unlike_what_was_seen(rows: Mapping[EventId, Row], lives: Mapping[tuple[str, str], Life]) -> Iterator[str]:
    """Yield recorded openings that nobody saw, and lids that people saw open without a visit."""
    for (station, epoch), life in sorted(lives.items()):
        left = list(life.opened)
        for kept in life.kept:
            row = rows.get((station, epoch, kept.sequence))
            for opening in row.visit.openings if row is not None and row.visit is not None else ():
                at = kept.began_at + opening.opened_s
                near = [one for one in left if one.bin == opening.bin and abs(one.at - at) < LATE_S]
                if near:
                    left.remove(min(near, key=lambda one: abs(one.at - at)))
                else:
                    yield f"{_name((station, epoch, kept.sequence))}: nobody saw {opening.bin} open"
        last = max((kept.began_at for kept in life.kept), default=0.0)
        if not life.refusals:  # a disk that refuses loses visits, and says so
            for one in left:
                if one.at + LONGEST_S < last:
                    yield f"{station} {epoch}: {one.bin} stood open at {one.at:.1f} s for no visit"


def unlike_what_was_heard(
    rows: Mapping[EventId, Row],
    lives: Mapping[tuple[str, str], Life],
    town: Town,
) -> Iterator[str]:
    """Yield spoken points that are not in the journal in that order."""
    for (station, epoch), life in sorted(lives.items()):
        names = [(station, epoch, kept.sequence) for kept in life.kept if kept.card is not None]
        written = iter([_sentence(rows[name], town) for name in names if name in rows])
        for spoke in life.spoke:
            heard = (spoke.prompt.removesuffix("_before"), spoke.points)  # said of the visitor before
            if not any(heard == sentence for sentence in written):
                yield f"{station} {epoch}: heard {spoke.prompt} {spoke.points}, of no visit"
                break


def out_of_order(lives: Mapping[tuple[str, str], Life]) -> Iterator[str]:
    """Yield records whose visits ended in another order than they were written in."""
    for (station, epoch), life in sorted(lives.items()):
        for before, after in pairwise(one for one in life.kept if one.card is not None):
            if after.ended_at < before.ended_at - ROUNDING_S:
                yield f"{_name((station, epoch, after.sequence))} ended before the one kept before it"


def _sentence(row: Row, town: Town) -> tuple[str, int]:
    points, visit = row.points or 0, row.visit
    if visit is None:
        return "", points
    if visit.card in town.staff:
        return "staff_done", points
    if all(stated(deposit) == NOTHING for deposit in visit.deposits):
        return "no_deposit", points
    if not points:
        return "no_points", points
    return ("points" if visit.card in town.households else "points_held"), points


def _deposits(
    name: EventId, visit: VisitFacts, truth: Mapping[EventId, Sequence[Seen]], town: Town
) -> list[Deposit]:
    if name in truth and name[0] in town.certain:
        return [(seen.bin, seen.outcome) for seen in truth[name]]
    return [(deposit.bin_category.value, stated(deposit)) for deposit in visit.deposits]


def _station_day(row: Row, zone: tzinfo) -> str:
    stamp = row.stamp
    if stamp is None:
        return ""
    return _date(stamp.wall_s, zone) if stamp.trusted else f"{stamp.boot} {int(stamp.monotonic_s // DAY_S)}"


def _date(unix_s: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(unix_s, UTC).astimezone(zone).date().isoformat()


def _words(said: tuple[int, int, int, str, str]) -> str:
    settled, held, lowered, lowered_by, held_by = said
    return f"settled {settled}, held {held} {held_by}, lowered {lowered} {lowered_by}".strip()


def _list(deposits: Sequence[tuple[str, str]]) -> str:
    return ", ".join(" ".join(one).strip() for one in deposits) or "nothing"


def _name(name: EventId) -> str:
    station, epoch, sequence = name
    return f"{station} {epoch}/{sequence}"
