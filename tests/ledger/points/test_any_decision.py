"""With any events and decisions, in any order, and several workers: no point is created or lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import (
    Attribution,
    bind_card,
    block_card,
    clear_card,
    replace_card,
    suspect_card,
    unbind_card,
    unblock_card,
)
from cloud_sync.ledger.households.erasure import erase_household
from cloud_sync.ledger.households.register import add_household, find_household, rename_household
from cloud_sync.ledger.intake.apply import apply_batch
from cloud_sync.ledger.points.corrections import correct, forgive
from cloud_sync.ledger.points.held import expire, refuse, release
from cloud_sync.ledger.points.models import Account, Card, Debt, Household, Transfer, VisitSettlement
from cloud_sync.ledger.statement.page import make_statement
from cloud_sync.ledger.stations.models import Community, Event
from cloud_sync.wire.facts import DepositFacts
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, UNSEEN, Town, card, epoch_of, event, stamp, visit_facts

pytestmark = BOTH

STATIONS = ("east-gate", "west-gate")
CARDS = range(1, 5)
CODES = ("1-1-101", "1-1-102")
WORTH: dict[DepositFacts, int] = {RIGHT: 2, HAZARDOUS: 5, UNSEEN: 1}
WHAT = (
    "deliver",
    "deliver",
    "deliver",
    "correct",
    "forgive",
    "bind",
    "suspect",
    "clear",
    "unbind",
    "replace",
    "block",
    "unblock",
    "rename",
    "erase",
    "release",
    "refuse",
)

OFFICE = Attribution("officer", "asked for")

hostile = settings(
    max_examples=max(5, settings().max_examples // 10),  # each example is dozens of durable transactions
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Story:
    """Random days of one community."""

    def __init__(self, town: Town, data: st.DataObject) -> None:
        self.town, self.data, self.now = town, data, NOW
        self.sequences = dict.fromkeys(STATIONS, 0)
        self.spoken = 0
        for code in CODES:
            add_household(town.community, code)
        town.limit(20)

    def step(self) -> None:
        """Do one random thing; the ledger may refuse it."""
        days = timedelta(days=self.data.draw(st.sampled_from([0, 0, 1, 7, 90])))
        self.now = self.town.wait(days, self.now)
        try:
            getattr(self, self.data.draw(st.sampled_from((*WHAT, "expire"))))()
        except InputError:
            return

    def one(self, rows: list[object]) -> object:
        if not rows:
            raise InputError("nothing to decide on", "wait")
        return self.data.draw(st.sampled_from(rows))

    def deliver(self) -> None:
        station = self.data.draw(st.sampled_from(STATIONS))
        things = self.data.draw(st.lists(st.sampled_from(list(WORTH)), min_size=1, max_size=4))
        spoken = sum(WORTH[thing] for thing in things)
        self.sequences[station] += 1
        self.spoken += spoken
        at = stamp(self.now, trusted=self.data.draw(st.booleans()))
        facts = visit_facts(self.data.draw(st.sampled_from(CARDS)), *things, provisional=spoken)
        body = event(self.sequences[station], facts, at=at, epoch=epoch_of(station))
        self.town.deliver(body, station=station, now=self.now)

    def correct(self) -> None:
        transfer = self.one(list(Transfer.objects.order_by("pk")))
        assert isinstance(transfer, Transfer)
        correct(transfer, "officer", "a mistake", self.now)

    def forgive(self) -> None:
        debt = self.one(list(Debt.objects.order_by("pk")))
        assert isinstance(debt, Debt)
        forgive(debt, "officer", "our mistake", self.now)

    def bind(self) -> None:
        household = Household.objects.get(code=self.data.draw(st.sampled_from(CODES)))
        bind_card(household, card(self.data.draw(st.sampled_from(CARDS))), self.now)

    def suspect(self) -> None:
        found = self.one(list(Card.objects.order_by("pk")))
        assert isinstance(found, Card)
        suspect_card(found, "officer", "two places at once", self.now)

    def clear(self) -> None:
        found = self.one(list(Card.objects.order_by("pk")))
        assert isinstance(found, Card)
        clear_card(found, "officer", "a twin", self.now)

    def one_card(self) -> Card:
        found = self.one(list(Card.objects.order_by("pk")))
        assert isinstance(found, Card)
        return found

    def unbind(self) -> None:
        unbind_card(self.one_card(), OFFICE, self.now)

    def replace(self) -> None:
        replace_card(self.one_card(), card(self.data.draw(st.sampled_from(CARDS))), OFFICE, self.now)

    def block(self) -> None:
        block_card(self.one_card(), OFFICE, self.now)

    def unblock(self) -> None:
        unblock_card(self.one_card(), OFFICE, self.now)

    def rename(self) -> None:
        found = find_household(self.town.community, self.data.draw(st.sampled_from(CODES)))
        name = self.data.draw(st.sampled_from(["", "王家", "Wang"]))
        rename_household(found, code=None, name=name, by="officer", reason="asked for", now=self.now)

    def erase(self) -> None:
        code = self.data.draw(st.sampled_from(CODES))
        erase_household(find_household(self.town.community, code), "officer", "asked for", self.now)
        add_household(self.town.community, code)

    def held(self) -> VisitSettlement:
        row = self.one(list(VisitSettlement.objects.filter(held__gt=0).order_by("pk")))
        assert isinstance(row, VisitSettlement)
        return row

    def release(self) -> None:
        release(self.held(), "officer", "fine", self.now)

    def refuse(self) -> None:
        refuse(self.held(), "officer", "not fine", self.now)

    def expire(self) -> None:
        expire(self.town.community, self.now)


def lines_of(household: Household) -> int:
    """Return the sum of all lines of a statement, over all its pages."""
    total, before = 0, None
    while True:
        page = make_statement(household, NOW, before)
        total += sum(visit.points for day in page.days for visit in day.visits)
        total += sum(line.points for day in page.days for line in day.movements)
        if page.older is None:
            return total
        before = page.older


@hostile
@given(data=st.data())
def test_after_any_decisions_every_sum_agrees_and_the_chain_is_whole(
    new_database: Callable[[], str], data: st.DataObject
) -> None:
    new_database()
    story = Story(Town(Community.objects.get()), data)
    for _ in range(data.draw(st.integers(3, 25))):
        story.step()
    audit = verify()
    assert audit.ok, audit.problems
    assert audit.settled + audit.held + audit.lowered == story.spoken
    assert all(account.balance >= 0 for account in Account.objects.exclude(kind="issuing"))
    for household in Household.objects.all():
        assert lines_of(household) == Account.objects.get(household=household).balance


def test_workers_that_apply_the_same_batches_at_once_settle_each_visit_once(town: Town) -> None:
    for number in CARDS:
        bind_card(add_household(town.community, f"1-1-10{number}"), card(number), NOW)
    batches = [
        (station, town.seal(*bodies, station=station))
        for station in STATIONS
        for bodies in (
            [
                event(start + n, visit_facts(1 + n % 4, RIGHT, provisional=2), epoch=epoch_of(station))
                for n in range(1, 6)
            ]
            for start in range(0, 30, 5)
        )
    ]
    problems: list[Exception] = []

    def work(order: int) -> None:
        try:
            for station, message in batches[::order]:
                apply_batch(message, "sunny-garden", station, NOW)
        except Exception as problem:  # noqa: BLE001 (told to the test, which fails by it)
            problems.append(problem)
        finally:
            connection.close()

    workers = [Thread(target=work, args=[order]) for order in (1, -1, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not problems
    assert Event.objects.count() == VisitSettlement.objects.count() == 60
    audit = verify()
    assert audit.ok, audit.problems
    assert audit.settled + audit.lowered == 120
    assert all(town.through(station) == 30 for station in STATIONS)
