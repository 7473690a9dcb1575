"""The soak's judgement: silent where all is well, and never silent about a planted defect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.soak.invariants import NAMED, Account, Evidence, Ledger, judge, missing
from scripts.soak.judge.rows import EventId, Journal, Row, Settlement


def name(sequence: int, station: str = "north", epoch: str = "e1") -> EventId:
    return (station, epoch, sequence)


def award(points: int, *, receipted: bool = True, card: str = "card", digest: str = "same") -> Row:
    return Row(digest, points, card, receipted)


ALARM = Row("alarm", None, None, receipted=True)


def settled(points: int, held: int = 0, lowered: int = 0) -> Settlement:
    given = points + held
    return Settlement(points + held + lowered, points, held, lowered, given=given, waiting=held)


def ledger(*settlements: tuple[EventId, Settlement], alarms: Sequence[EventId] = ()) -> Ledger:
    words = dict(settlements).values()
    given, waiting = sum(word.given for word in words), sum(word.waiting for word in words)
    return Ledger(
        events=[*(event for event, _ in settlements), *alarms],
        refused={},
        settlements=list(settlements),
        accounts=[
            Account("issuing", -given, -given, may_owe=True),
            Account("suspense", waiting, waiting, may_owe=False),
            Account("household 1", given - waiting, given - waiting, may_owe=False),
        ],
    )


SOUND = Evidence(
    journals=[
        Journal("north", {name(1): award(3), name(2): ALARM, name(3): award(5), name(4): award(0)}),
        Journal("north", {name(9, epoch="e0"): award(2)}, gone=True),
    ],
    ledger=ledger(
        (name(1), settled(2, lowered=1)),
        (name(3), settled(0, held=5)),
        (name(4), settled(0)),
        (name(9, epoch="e0"), settled(2)),
        alarms=[name(2)],
    ),
    told={name(1): 3, name(2): 0, name(9, epoch="e0"): 2},
)


def with_rows(rows: Mapping[EventId, Row], *, gone: bool = False) -> Evidence:
    more = Journal("north", rows, gone)
    return replace(SOUND, journals=[*SOUND.journals, more])


def with_ledger(**changes: object) -> Evidence:
    return replace(SOUND, ledger=replace(SOUND.ledger, **changes))  # type: ignore[arg-type]


def test_a_sound_system_has_no_problem_and_right_sums() -> None:
    judgement = judge(SOUND)
    assert judgement.problems == ()
    assert (judgement.events, judgement.awards, judgement.awards_of) == (5, 4, {"north": 4})
    assert judgement.settled + judgement.held + judgement.lowered == judgement.provisional == 10
    assert (judgement.settled, judgement.held, judgement.lowered) == (4, 5, 1)
    assert judgement.lost == judgement.twice == judgement.gone_with_card == 0


UNSETTLED = [pair for pair in SOUND.ledger.settlements if pair[0] != name(1)]

PLANTED = {
    "an award is not in the ledger": (with_rows({name(7): award(4)}), "lost: north e1/7"),
    "an alarm is not in the ledger": (with_rows({name(7): ALARM}), "lost: north e1/7"),
    "an award that was never receipted is not in the ledger": (
        with_rows({name(7): award(4, receipted=False)}),
        "lost: north e1/7",
    ),
    "a receipted award of a lost card is not in the ledger": (
        with_rows({name(7): award(4)}, gone=True),
        "lost: north e1/7",
    ),
    "an event is stored twice": (with_ledger(events=[*SOUND.ledger.events, name(1)]), "twice: north e1/1"),
    "a visit is settled twice": (
        with_ledger(settlements=[*SOUND.ledger.settlements, (name(1), settled(3))]),
        "twice: north e1/1",
    ),
    "a visit arrived and was not settled": (
        with_ledger(settlements=UNSETTLED),
        "not settled, or for other points: north e1/1: 3 on the journal, None in the ledger",
    ),
    "the ledger speaks of other points than the station": (
        with_ledger(settlements=[*UNSETTLED, (name(1), settled(4))]),
        "not settled, or for other points: north e1/1: 3 on the journal, 4 in the ledger",
    ),
    "settled, held and lowered do not come to what was spoken": (
        with_ledger(settlements=[*UNSETTLED, (name(1), replace(settled(2, lowered=1), lowered=0))]),
        "does not add up: north e1/1: settled 2, held 0, lowered 0",
    ),
    "a transfer was made twice": (
        with_ledger(settlements=[*UNSETTLED, (name(1), replace(settled(3), given=6))]),
        "does not add up: north e1/1: transfers gave 6",
    ),
    "a transfer is missing": (
        with_ledger(settlements=[*UNSETTLED, (name(1), replace(settled(3), given=0))]),
        "does not add up: north e1/1: transfers gave 0",
    ),
    "held points do not wait": (
        with_ledger(settlements=[*UNSETTLED, (name(1), replace(settled(0, held=3), waiting=0))]),
        "does not add up: north e1/1: transfers gave 3, of which 0 wait",
    ),
    "the ledger has an event that nobody wrote": (
        with_ledger(events=[*SOUND.ledger.events, name(77)]),
        "in the ledger, on no journal: north e1/77",
    ),
    "an event was refused": (
        with_ledger(refused={name(1): "malformed"}),
        "refused: north e1/1: malformed",
    ),
    "a record that the station had told of is gone from its journal": (
        replace(SOUND, told={**SOUND.told, name(8): 2}),
        "told, but not on the journal: north e1/8 is not there",
    ),
    "the journal has other points than the station told": (
        replace(SOUND, told={**SOUND.told, name(1): 2}),
        "told, but not on the journal: north e1/1 has 3 points, the station said 2",
    ),
    "an epoch was drawn twice": (
        with_rows({name(1): award(3, digest="other")}, gone=True),
        "two contents under one name: north e1/1",
    ),
    "all accounts together hold something": (
        with_ledger(accounts=[*SOUND.ledger.accounts, Account("household 2", 1, 1, may_owe=False)]),
        "all accounts together hold 1, not 0",
    ),
    "a balance is not what its transfers come to": (
        with_ledger(accounts=[*SOUND.ledger.accounts, Account("household 2", 0, 4, may_owe=False)]),
        "household 2 holds 0, its transfers come to 4",
    ),
    "a household is below zero": (
        with_ledger(
            accounts=[
                *SOUND.ledger.accounts,
                Account("household 2", -2, -2, may_owe=False),
                Account("household 3", 2, 2, may_owe=False),
            ]
        ),
        "household 2 is below its floor: -2",
    ),
    "the ledger's own audit complains": (
        with_ledger(audit=["the chain breaks at 7"]),
        "ledger verify: the chain breaks at 7",
    ),
    "a lid opened for a blocked card": (
        replace(SOUND, blocked={"card"}, journals=[Journal("north", {name(1): award(3)})]),
        "opened for a blocked card: north e1/1",
    ),
    "a lid was driven open beyond its lease": (
        replace(SOUND, beyond_lease_s=0.2),
        "a lid was driven open 0.200 s beyond its lease",
    ),
}


@pytest.mark.parametrize(("evidence", "line"), PLANTED.values(), ids=PLANTED)
def test_a_planted_defect_is_found_and_named(evidence: Evidence, line: str) -> None:
    assert any(problem.startswith(line) for problem in judge(evidence).problems)


def test_lost_and_doubled_ones_are_counted() -> None:
    evidence = with_rows({name(7): award(4), name(8): ALARM})
    doubled = replace(evidence.ledger, events=[*evidence.ledger.events, name(1), name(1)])
    judgement = judge(replace(evidence, ledger=doubled))
    assert (judgement.lost, judgement.twice) == (2, 1)


# --- restored images and backups ------------------------------------------------------------------


def test_what_only_a_lost_card_had_and_was_never_receipted_is_gone_with_it_and_counted() -> None:
    judgement = judge(with_rows({name(7): award(4, receipted=False)}, gone=True))
    assert judgement.problems == ()
    assert judgement.gone_with_card == 1


def test_what_a_lost_card_had_and_the_ledger_took_before_its_receipt_came_is_not_gone() -> None:
    on_its_way = Journal("north", {name(9, epoch="e0"): award(2, receipted=False)}, gone=True)
    judgement = judge(replace(SOUND, journals=[SOUND.journals[0], on_its_way]))
    assert judgement.problems == ()
    assert judgement.gone_with_card == 0


def test_what_a_lost_card_had_and_a_restored_ledger_lost_is_gone_and_counted() -> None:
    evidence = replace(with_rows({name(7): award(4)}, gone=True), taken_back={name(7)})
    judgement = judge(evidence)
    assert judgement.problems == ()
    assert (judgement.gone_with_card, judgement.lost) == (1, 0)


def test_what_is_on_a_card_in_a_station_is_never_excused() -> None:
    evidence = replace(with_rows({name(7): award(4)}), taken_back={name(7)})
    assert judge(evidence).lost == 1


def test_a_row_on_the_image_as_well_as_on_the_lost_card_must_arrive() -> None:
    journals = [*SOUND.journals, Journal("north", {name(7): award(4, receipted=False)}, gone=True)]
    both = [*journals, Journal("north", {name(7): award(4, receipted=False)})]
    judgement = judge(replace(SOUND, journals=both))
    assert (judgement.lost, judgement.gone_with_card) == (1, 0)


def test_what_is_missing_is_what_stations_still_have_and_the_ledger_has_not() -> None:
    journals = [
        Journal("north", {name(1): award(1), name(2): award(1)}),
        Journal("north", {name(3): award(1)}, gone=True),
    ]
    assert missing(journals, {name(1)}) == {name(2)}


def test_many_problems_of_one_kind_are_named_up_to_a_few_and_then_counted() -> None:
    problems = judge(with_rows({name(number): award(1) for number in range(100, 120)})).problems
    assert len(problems) == NAMED + 1
    assert problems[-1] == f"lost: and {20 - NAMED} more"


@given(
    points=st.lists(st.integers(0, 9), min_size=1, max_size=30),
    lost=st.data(),
)
def test_whichever_award_is_left_out_is_the_one_that_is_named(points: list[int], lost: st.DataObject) -> None:
    rows = {name(number): award(each) for number, each in enumerate(points, 1)}
    words = [(event, settled(row.points or 0)) for event, row in rows.items()]
    whole = Evidence([Journal("north", rows)], ledger(*words), {})
    assert judge(whole).problems == ()
    left_out = lost.draw(st.sampled_from(sorted(rows)))
    short = ledger(*(pair for pair in words if pair[0] != left_out))
    problems = judge(replace(whole, ledger=short)).problems
    assert problems == (f"lost: north e1/{left_out[2]}",)
