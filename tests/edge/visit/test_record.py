"""How a visit ends: on the disk, with its points spoken; or not on the disk, and that is said too."""

from __future__ import annotations

import pytest

from cloud_sync.rules.award_rules import Award, Line, Outcome
from cloud_sync.wire.facts import Credential, Role
from config.station import OpenBy
from edge.faults import Fault, FaultCode
from edge.messages import Alarm, Prompt, Record, RecordDelayed, Recorded, RecordFailed, Say
from edge.visit.recording import JOURNAL, MOMENT_S
from edge.visit.state import next_deadline
from tests.edge.builders import (
    EMPTY,
    WAITS,
    Scene,
    card,
    four_bins,
    only,
    opens,
    rules_of,
    said,
    verdict,
    with_faults,
)

DISK_FULL = Fault(FaultCode.JOURNAL_FAILED, JOURNAL)
DISK_SILENT = Fault(FaultCode.JOURNAL_SILENT, JOURNAL)


def one_deposit(scene: Scene) -> Scene:
    """Throw one thing in rightly and shut the bin: the visit is on its way to the disk."""
    scene.open_bin()
    scene.throw()
    scene.seen_as(verdict())
    scene.shut_bin()
    return scene


def test_the_record_says_who_what_and_how_long_and_leaves_the_price_to_the_journal() -> None:
    scene = one_deposit(Scene())
    facts = scene.record().facts
    assert (facts.card, facts.credential, facts.role) == (card("zhang"), Credential.EM4100, Role.RESIDENT)
    assert facts.duration_s == pytest.approx(WAITS.travel_s + WAITS.lease_s + WAITS.travel_s)
    assert (facts.rules, facts.provisional) == (0, 0)


def test_points_are_spoken_only_when_the_disk_has_them() -> None:
    scene = one_deposit(Scene())
    assert said(scene.commands) == []
    assert scene.recorded() == [Say(Prompt.POINTS, points=2, visit=1)]
    assert scene.ended


@pytest.mark.parametrize(
    ("role", "lines", "prompt"),
    [
        (Role.RESIDENT, (Line(Outcome.RIGHT, 2, 2),), Prompt.POINTS),
        (Role.UNKNOWN, (Line(Outcome.RIGHT, 2, 2),), Prompt.POINTS_HELD),
        (Role.RESIDENT, (Line(Outcome.WRONG, 0, 0),), Prompt.NO_POINTS),
        (Role.UNKNOWN, (Line(Outcome.RIGHT, 2, 0),), Prompt.NO_POINTS),
        (Role.RESIDENT, (Line(Outcome.NOTHING, 0, 0),), Prompt.NO_DEPOSIT),
        (Role.RESIDENT, (), Prompt.NO_DEPOSIT),
        (Role.STAFF, (Line(Outcome.RIGHT, 2, 0),), Prompt.STAFF_DONE),
        (Role.STAFF, (), Prompt.STAFF_DONE),
    ],
)
def test_the_closing_words(role: Role, lines: tuple[Line, ...], prompt: Prompt) -> None:
    scene = Scene()
    scene.open_bin(role=role)
    scene.shut_bin()
    assert said(scene.post(Recorded(scene.now, 1, Award(lines)))) == [prompt]


def test_a_visit_waits_for_the_verdict_on_its_last_deposit() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(1)
    scene.throw()
    scene.photos()
    scene.closed()
    assert not any(isinstance(one, Record) for one in scene.commands)
    assert said(scene.judged(verdict())) == [Prompt.RIGHT]
    assert only(scene.commands, Record).facts.deposits[0].verdict is not None


def test_nothing_is_added_to_a_visit_on_its_way_to_the_disk() -> None:
    scene = one_deposit(Scene())
    before = scene.visit
    scene.throw()
    scene.opened()
    assert scene.visit == before


def test_a_visit_that_opened_no_lid_leaves_no_record() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.BUTTON)))
    scene.tap("gate")
    scene.wait(60)
    assert scene.ended
    assert not any(isinstance(one, Record) for _, given in scene.log for one in given)


def test_an_empty_picture_alone_ends_as_no_deposit() -> None:
    scene = Scene()
    scene.open_bin()
    scene.throw()
    scene.seen_as(EMPTY)
    scene.shut_bin()
    assert said(scene.recorded()) == [Prompt.NO_DEPOSIT]


# --- a disk that fails --------------------------------------------------------------------------


def test_a_visit_that_the_disk_delays_still_gets_its_points_within_a_moment() -> None:
    scene = one_deposit(Scene())
    assert scene.post(RecordDelayed(scene.now, 1)) == []
    scene.wait(MOMENT_S - 0.01)
    scene.post(RecordDelayed(scene.now, 1))  # the second attempt gives no further moment
    assert said(scene.recorded()) == [Prompt.POINTS]
    assert scene.ended


def test_a_visit_that_the_disk_delays_for_longer_hears_that_its_points_are_not_saved_yet() -> None:
    scene = one_deposit(Scene())
    scene.post(RecordDelayed(scene.now, 1))
    scene.wait(MOMENT_S / 2)
    scene.post(RecordDelayed(scene.now, 1))
    assert said(scene.wait(MOMENT_S / 2)) == [Prompt.SAVED_LATER]
    assert scene.state.faults == {DISK_SILENT}
    assert scene.recorded() == [], "the resident has gone: nobody is spoken to"


def test_a_visit_that_is_lost_is_said_aloud_and_is_a_fault() -> None:
    scene = one_deposit(Scene())
    given = scene.post(RecordFailed(scene.now, 1))
    assert given == [Alarm(FaultCode.JOURNAL_FAILED, JOURNAL, raised=True), Say(Prompt.NOT_SAVED)]
    assert scene.ended


def test_a_disk_that_stays_silent_is_as_good_as_one_that_refuses() -> None:
    scene = one_deposit(Scene())
    assert scene.wait(WAITS.record_s - 0.01) == []
    given = scene.wait(0.01)
    assert said(given) == [Prompt.SAVED_LATER]
    assert scene.state.faults == {DISK_SILENT}


def test_lids_open_while_the_disk_is_faulted() -> None:
    scene = Scene(state=with_faults(DISK_FULL))
    assert opens(scene.tap()) == ["kitchen"]


def test_a_record_that_comes_after_all_speaks_no_points() -> None:
    scene = one_deposit(Scene())
    scene.wait(WAITS.record_s)
    assert scene.recorded() == []


def test_an_answer_about_a_visit_not_yet_on_its_way_does_not_end_it() -> None:
    scene = Scene()
    scene.open_bin()
    scene.post(Recorded(scene.now, 1, Award(())))
    scene.post(RecordFailed(scene.now, 1))
    assert [visit.id for visit in scene.state.visits] == [1]
    assert said(scene.commands) == []


def test_the_same_answer_twice_speaks_once() -> None:
    scene = one_deposit(Scene())
    assert said(scene.recorded()) == [Prompt.POINTS]
    assert scene.recorded() == []


# --- waiting ------------------------------------------------------------------------------------


def test_a_station_at_rest_waits_for_nothing() -> None:
    assert next_deadline(Scene().state) is None


def test_every_moment_of_a_visit_has_a_deadline() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.tap("at-kitchen")
    moments = [next_deadline(scene.state)]
    scene.now += 2
    scene.opened("kitchen")
    moments.append(next_deadline(scene.state))
    scene.throw("kitchen")
    moments.append(next_deadline(scene.state))
    scene.photos()
    moments.append(next_deadline(scene.state))
    scene.judged(verdict())
    scene.shut_bin("kitchen")
    moments.append(next_deadline(scene.state))
    scene.wait(WAITS.linger_s)
    moments.append(next_deadline(scene.state))
    assert None not in moments
    scene.recorded()
    assert next_deadline(scene.state) is None


def test_a_visit_left_alone_with_everything_broken_still_ends() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.ALL)))
    scene.tap("gate")
    scene.now += 2
    for name in scene.rules.bins:
        scene.opened(name)
        scene.throw(name)
    scene.wait(3600)
    assert scene.ended
