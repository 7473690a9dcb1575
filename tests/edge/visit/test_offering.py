"""Each deposit is offered to the eye once it is judged, with its household's word, and again for an alarm."""

from __future__ import annotations

from functools import partial

from cloud_sync.wire.facts import Credential, Role
from config.sorting import Category
from edge.faults import FaultCode
from edge.messages import FaultRaised, Granted, LidObstructed
from edge.roster import CardState, Filming, RosterEntry
from edge.visit.access import decide
from edge.visit.offering import REMEMBERED_S, ClipOffers, OfferClip
from tests.edge.builders import Scene, card, verdict
from tests.edge.visit.test_cards import tap_of

AGREED = Filming(consents=True)


class Offered:
    """A scene, and what the eye was offered so far."""

    def __init__(self) -> None:
        self.scene, self.memory, self.offers = Scene(), ClipOffers(), list[OfferClip]()

    def do(self, act: object) -> None:
        assert callable(act)
        before = self.scene.state
        act()
        self.memory, offers = self.memory.step(before, self.scene.state, self.scene.now)
        self.offers += offers

    def visit(self) -> None:
        grant = Granted(self.scene.now, "at-kitchen", card("zhang"), Credential.EM4100, Role.RESIDENT, AGREED)
        self.do(lambda: self.scene.post(grant))
        self.do(self.scene.opened)

    def throw(self, number: int = 1) -> None:
        self.do(self.scene.throw)
        self.do(lambda: self.scene.photos(deposit=number))
        self.do(lambda: self.scene.judged(verdict(Category.KITCHEN), deposit=number))


def test_a_deposit_is_offered_once_when_it_is_judged_with_its_pictures_and_consent() -> None:
    offered = Offered()
    offered.visit()
    offered.throw()
    began = offered.scene.now
    offered.scene.now += 1
    offered.throw(2)
    offered.do(offered.scene.closed)
    assert [(one.deposit, one.at, one.filming, one.has_alarm) for one in offered.offers] == [
        (1, began, AGREED, False),
        (2, began + 1, AGREED, False),
    ]
    assert {one.visit_at for one in offered.offers} == {began}
    assert offered.offers[0].photos == ("photo",)


def test_an_alarm_of_the_bin_soon_after_offers_the_deposit_again() -> None:
    offered = Offered()
    offered.visit()
    offered.throw()
    offered.scene.now += REMEMBERED_S
    offered.do(
        lambda: offered.scene.post(FaultRaised(offered.scene.now, FaultCode.LID_STUCK_OPEN, "kitchen"))
    )
    assert [(one.deposit, one.has_alarm) for one in offered.offers] == [(1, False), (1, True)]


def test_an_alarm_much_later_of_another_bin_or_of_a_reader_is_none_of_the_deposits() -> None:
    offered = Offered()
    offered.visit()
    offered.throw()
    for code, part in (
        (FaultCode.LID_STUCK_OPEN, "paper"),
        (FaultCode.READER_FAILED, "kitchen"),
        (FaultCode.SCALE_SILENT, "kitchen"),
    ):
        offered.do(partial(offered.scene.post, FaultRaised(offered.scene.now, code, part)))
    offered.scene.now += REMEMBERED_S + 0.1
    offered.do(
        lambda: offered.scene.post(FaultRaised(offered.scene.now, FaultCode.LID_STUCK_OPEN, "kitchen"))
    )
    assert [one.has_alarm for one in offered.offers] == [False]


def test_an_alarm_that_lasts_from_an_earlier_visit_is_no_reason() -> None:
    offered = Offered()
    offered.do(lambda: offered.scene.post(FaultRaised(offered.scene.now, FaultCode.LID_FORCED, "kitchen")))
    offered.scene.now += 5
    offered.visit()
    offered.throw()
    offered.do(lambda: offered.scene.post(LidObstructed(offered.scene.now, "kitchen")))
    assert [one.has_alarm for one in offered.offers] == [False]


def test_a_tap_carries_what_the_roster_says_of_filming() -> None:
    roster = {card("li"): RosterEntry(CardState.ACTIVE, Role.RESIDENT, AGREED)}
    known, stranger = decide(tap_of("li"), roster), decide(tap_of("nobody"), roster)
    assert isinstance(known, Granted)
    assert isinstance(stranger, Granted)
    assert known.filming.consents
    assert not stranger.filming.consents
