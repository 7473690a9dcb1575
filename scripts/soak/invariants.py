"""What must hold after every soak. Pure: evidence in, problems out.

What a card's restored image must and must not cost:

- A row that only the lost card had, and that the ledger had receipted, is settled all the same.
- A row that only the lost card had, and that was never receipted, is gone with the card, unless the
  ledger took it and only the receipt was under way. It is counted, as `gone_with_card`.
- If the ledger had such a row and was itself restored from a backup that lacks it, before the card was
  lost (and had sent again) or after, nobody has that row any more: the same count.

Every row of a journal that still is in a station must be in the ledger, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.soak.judge import reckoning
from scripts.soak.judge.reckoning import Life, Town
from scripts.soak.judge.rows import EventId, Journal, Row, Settlement

NAMED = 5
"""Most problems of one kind that are named; the rest are counted."""
LEASE_TOLERANCE_S = 0.001
"""Rounding of the simulated clock."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its balance, the sum of its transfers, and whether it may be negative."""

    name: str
    balance: int
    moved: int
    may_owe: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger's content. An event or a settlement is in its list as often as it is stored."""

    events: Sequence[EventId]
    refused: Mapping[EventId, str]
    settlements: Sequence[tuple[EventId, Settlement]]
    accounts: Sequence[Account]
    audit: Sequence[str] = ()
    """What `tongzhan ledger verify` found wrong."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All evidence of a soak."""

    journals: Sequence[Journal]
    ledger: Ledger
    told: Mapping[EventId, int]
    """Points of every record that a station reported as written."""
    taken_back: Collection[EventId] = ()
    """Events that the ledger lost when it was restored from a backup."""
    blocked: Collection[str] = ()
    """Cards for which no lid may open."""
    beyond_lease_s: float = 0.0
    cards: Sequence[Journal] = ()
    """The content of each replaced card at that time."""
    lives: Mapping[tuple[str, str], Life] = field(default_factory=dict)
    """What people did, saw and heard, by station and epoch."""
    looks: Mapping[str, str] = field(default_factory=dict)
    """The stand-in's verdict on each thing, by its name."""
    town: Town | None = None
    """None: nothing is priced."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The counts, and a line for each problem."""

    events: int
    awards: int
    awards_of: Mapping[str, int]
    """By station."""
    provisional: int
    settled: int
    held: int
    lowered: int
    gone_with_card: int
    """Records lost with a card that was replaced by an older image of it."""
    gone_points: int
    """The points of these records."""
    lost: int
    twice: int
    outcomes: Mapping[str, int]
    """The expected outcomes of what was thrown in, counted: right, wrong and so on."""
    problems: tuple[str, ...] = field(default=())


def judge(evidence: Evidence) -> Judgement:
    """Compare the journals with the ledger, and the ledger with itself."""
    alive, gone = _rows(evidence.journals, gone=False), _rows(evidence.journals, gone=True)
    gone = {name: row for name, row in gone.items() if name not in alive}
    have = Counter(evidence.ledger.events)
    lost = sorted(_lost(alive, gone, have, evidence.taken_back))
    twice = sorted(_twice(have, evidence.ledger))
    settlements = dict(evidence.ledger.settlements)
    gone_for_good = [name for name in gone if name not in have and name not in lost]
    truth = reckoning.truths(evidence.lives, evidence.looks)
    awards = Counter(name[0] for name, row in (alive | gone).items() if row.points is not None)
    return Judgement(
        events=len(have),
        awards=awards.total(),
        awards_of=dict(awards),
        provisional=sum(words.provisional for words in settlements.values()),
        settled=sum(words.settled for words in settlements.values()),
        held=sum(words.held for words in settlements.values()),
        lowered=sum(words.lowered for words in settlements.values()),
        gone_with_card=len(gone_for_good),
        gone_points=sum(gone[name].points or 0 for name in gone_for_good),
        lost=len(lost),
        twice=len(twice),
        outcomes={} if evidence.town is None else dict(reckoning.counted(truth, evidence.town)),
        problems=(
            *_named("lost", (_name(name) for name in lost)),
            *_named("twice", (_name(name) for name in twice)),
            *_problems(evidence, alive | gone, settlements),
            *_reckoned(evidence, alive | gone, truth),
        ),
    )


def missing(journals: Sequence[Journal], events: Collection[EventId]) -> set[EventId]:
    """Return the rows of the stations' journals that the ledger does not have yet."""
    return _rows(journals, gone=False).keys() - events


def _rows(journals: Sequence[Journal], *, gone: bool) -> dict[EventId, Row]:
    found: dict[EventId, Row] = {}
    for journal in journals:
        if journal.gone is gone:
            for name, row in journal.rows.items():
                if name not in found or row.receipted:
                    found[name] = row
    return found


def _lost(
    alive: Mapping[EventId, Row],
    gone: Mapping[EventId, Row],
    have: Mapping[EventId, int],
    taken_back: Collection[EventId],
) -> set[EventId]:
    receipted = {name for name, row in gone.items() if row.receipted and name not in taken_back}
    return {name for name in alive.keys() | receipted if name not in have}


def _twice(have: Mapping[EventId, int], ledger: Ledger) -> set[EventId]:
    settled = Counter(name for name, _ in ledger.settlements)
    return {name for counts in (have, settled) for name, times in counts.items() if times > 1}


def _problems(
    evidence: Evidence, rows: Mapping[EventId, Row], settlements: Mapping[EventId, Settlement]
) -> Iterator[str]:
    ledger, have = evidence.ledger, set(evidence.ledger.events)
    yield from _named("not settled, or for other points", _unlike(rows, have, settlements))
    yield from _named("does not add up", _wrong_sums(settlements))
    yield from _named("in the ledger, on no journal", (_name(name) for name in sorted(have - rows.keys())))
    yield from _named("refused", (f"{_name(name)}: {why}" for name, why in sorted(ledger.refused.items())))
    yield from _named("told, but not on the journal", _forgotten(evidence.told, rows))
    yield from _named("two contents under one name", _collisions(evidence.journals))
    yield from _account_problems(ledger.accounts)
    yield from _named("ledger verify", ledger.audit)
    opened = (_name(name) for name, row in sorted(rows.items()) if row.card in set(evidence.blocked))
    yield from _named("opened for a blocked card", opened)
    if evidence.beyond_lease_s > LEASE_TOLERANCE_S:
        yield f"a lid was driven open {evidence.beyond_lease_s:.3f} s beyond its lease"


def _reckoned(
    evidence: Evidence, rows: Mapping[EventId, Row], truth: Mapping[EventId, Sequence[reckoning.Seen]]
) -> Iterator[str]:
    """Yield what contradicts the rules, or what people did, saw and heard."""
    town = evidence.town
    if town is None:
        return
    now = [*(journal for journal in evidence.journals if not journal.gone), *evidence.cards]
    ledger = reckoning.priced_wrong_in_ledger(rows, evidence.ledger.settlements, truth, town)
    yield from _named("not what was thrown in", reckoning.unlike_the_truth(rows, truth, town))
    yield from _named("priced wrong at the station", reckoning.priced_wrong_at_stations(now, truth, town))
    yield from _named("settled against the rules", ledger)
    yield from _named("not what was seen", reckoning.unlike_what_was_seen(rows, evidence.lives))
    yield from _named("not what was heard", reckoning.unlike_what_was_heard(rows, evidence.lives, town))
    yield from _named("out of order", reckoning.out_of_order(evidence.lives))


def _unlike(
    rows: Mapping[EventId, Row], have: Collection[EventId], settlements: Mapping[EventId, Settlement]
) -> Iterator[str]:
    """Yield awards that arrived, but whose settlement is missing or has other points."""
    for name in sorted(rows.keys() & set(have)):
        points = rows[name].points
        words = settlements.get(name)
        if points is not None and (words is None or words.provisional != points):
            yield f"{_name(name)}: {points} on the journal, {words and words.provisional} in the ledger"


def _wrong_sums(settlements: Mapping[EventId, Settlement]) -> Iterator[str]:
    for name, words in sorted(settlements.items()):
        if words.settled + words.held + words.lowered != words.provisional:
            yield f"{_name(name)}: settled {words.settled}, held {words.held}, lowered {words.lowered}"
        if (words.given, words.waiting) != (words.settled + words.held, words.held):
            yield f"{_name(name)}: transfers gave {words.given}, of which {words.waiting} wait; {words}"


def _forgotten(told: Mapping[EventId, int], rows: Mapping[EventId, Row]) -> Iterator[str]:
    for name, points in sorted(told.items()):
        if name not in rows:
            yield f"{_name(name)} is not there"
        elif (rows[name].points or 0) != points:
            yield f"{_name(name)} has {rows[name].points} points, the station said {points}"


def _collisions(journals: Sequence[Journal]) -> Iterator[str]:
    first: dict[EventId, str] = {}
    for journal in journals:
        for name, row in journal.rows.items():
            if first.setdefault(name, row.digest) != row.digest:
                yield _name(name)


def _account_problems(accounts: Sequence[Account]) -> Iterator[str]:
    total = sum(account.balance for account in accounts)
    if total:
        yield f"all accounts together hold {total}, not 0"
    for account in accounts:
        if account.balance != account.moved:
            yield f"{account.name} holds {account.balance}, its transfers come to {account.moved}"
        if account.balance < 0 and not account.may_owe:
            yield f"{account.name} is below its floor: {account.balance}"


def _named(kind: str, lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    """Yield the first few problems of a kind, and how many more there are."""
    found = list(lines)
    yield from (f"{kind}: {line}" for line in found[:NAMED])
    if len(found) > NAMED:
        yield f"{kind}: and {len(found) - NAMED} more"


def _name(name: EventId) -> str:
    station, epoch, sequence = name
    return f"{station} {epoch}/{sequence}"
