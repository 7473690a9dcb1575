"""Whatever the network does to batches, the ledger ends in the same state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card, set_staff_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.models import VisitSettlement
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.models import Community, Epoch, Event
from cloud_sync.wire.facts import AlarmFacts, DepositFacts
from tests.engines import BOTH
from tests.ledger.town import (
    HAZARDOUS,
    NOTHING,
    NOW,
    RIGHT,
    UNSEEN,
    WRONG,
    Town,
    card,
    event,
    rules,
    visit_facts,
)

pytestmark = BOTH

ROOMY, TIGHT = 2, 3
"""Versions of the rules: with caps that nobody reaches, and with caps that everybody does."""
STATIONS = ("east-gate", "west-gate")
EPOCHS = {"east-gate": ("0" * 14 + "a1", "0" * 14 + "a2"), "west-gate": ("0" * 14 + "b1", "0" * 14 + "b2")}
BOUND, STAFF, UNKNOWN = 1, 2, 3
WORTH: dict[DepositFacts, int] = {RIGHT: 2, HAZARDOUS: 2, WRONG: 0, UNSEEN: 1, NOTHING: 0}


@dataclass(frozen=True)
class Sent:
    """One event as it lies in a station's journal."""

    station: str
    body: bytes


@st.composite
def journals(draw: st.DrawFn, version: int) -> list[Sent]:
    """What two stations wrote, each event once, in two epochs."""
    sent: list[Sent] = []
    for station in STATIONS:
        for epoch in EPOCHS[station]:
            sequences = range(1, draw(st.integers(0, 6)) + 1)
            sent += [Sent(station, draw(bodies(epoch, sequence, version))) for sequence in sequences]
    return sent


@st.composite
def bodies(draw: st.DrawFn, epoch: str, sequence: int, version: int) -> bytes:
    kind = draw(st.sampled_from(["visit"] * 6 + ["alarm", "malformed", "unknown rules"]))
    if kind == "malformed":
        return b'{"epoch":"%s","sequence":%d,"facts":{}}' % (epoch.encode(), sequence)
    if kind == "alarm":
        return event(sequence, AlarmFacts("lid_stuck", "kitchen", raised=True), epoch=epoch)
    deposits = draw(st.lists(st.sampled_from(list(WORTH)), max_size=5))
    spoken = sum(WORTH[deposit] for deposit in deposits)
    facts = visit_facts(
        draw(st.sampled_from([BOUND, STAFF, UNKNOWN])),
        *deposits,
        provisional=spoken,
        rules=99 if kind == "unknown rules" else version,
    )
    return event(sequence, facts, epoch=epoch)


@st.composite
def deliveries(draw: st.DrawFn, journal: list[Sent]) -> list[list[Sent]]:
    """The journal cut into batches of one station each, in any order, with any repetition, all of it."""
    extra = draw(st.lists(st.sampled_from(journal), max_size=10)) if journal else []
    order = draw(st.permutations(journal + extra))
    batches: list[list[Sent]] = []
    for sent in order:
        if batches and batches[-1][0].station == sent.station and draw(st.booleans()):
            batches[-1].append(sent)
        else:
            batches.append([sent])
    return batches


def fresh_town(new_database: Callable[[], str]) -> Town:
    new_database()
    town = Town(Community.objects.get())
    add_rules(town.community, rules(ROOMY, points=10_000, deposits=1000))
    add_rules(town.community, rules(TIGHT, points=5, deposits=4))
    bind_card(add_household(town.community, "1-1-101"), card(BOUND), NOW)
    set_staff_card(town.community, card(STAFF))
    for station in STATIONS:
        town.station(station)
    return town


def outcome(town: Town, batches: list[list[Sent]]) -> dict[str, object]:
    for batch in batches:
        town.deliver(*(sent.body for sent in batch), station=batch[0].station)
    return {
        "balances": town.balances,
        "through": sorted(Epoch.objects.values_list("station__slug", "epoch", "through")),
        "events": sorted(Event.objects.values_list("station__slug", "epoch", "sequence", "state", "reason")),
    }


hostile = settings(
    max_examples=max(5, settings().max_examples // 15),  # each makes dozens of durable transactions
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@hostile
@given(st.data())
def test_any_order_and_repetition_end_in_the_same_balances_and_through(
    new_database: Callable[[], str], data: st.DataObject
) -> None:
    journal = data.draw(journals(ROOMY))
    in_order = outcome(fresh_town(new_database), [[sent] for sent in journal])
    shuffled = outcome(fresh_town(new_database), data.draw(deliveries(journal)))
    assert shuffled == in_order
    assert len(Event.objects.all()) == len(journal)
    assert verify().ok


@hostile
@given(st.data())
def test_where_caps_bite_order_may_move_points_but_never_make_or_lose_any(
    new_database: Callable[[], str], data: st.DataObject
) -> None:
    journal = data.draw(journals(TIGHT))
    town = fresh_town(new_database)
    first = outcome(town, data.draw(deliveries(journal)))
    assert outcome(town, data.draw(deliveries(journal))) == first
    audit = verify()
    assert audit.ok, audit.problems
    spoken = sum(row.provisional for row in VisitSettlement.objects.all())
    assert audit.settled + audit.held + audit.lowered == spoken
    assert all(0 <= balance <= 5 for name, balance in town.balances.items() if name.startswith("household"))
