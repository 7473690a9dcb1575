"""What cannot be applied now is kept, named, and may be applied later, once; what is not believed alarms."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_batch, apply_messages, reapply
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.points.models import Transfer, VisitSettlement
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.alarms import MAX_STRANGERS, Cause, close_alarm, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Event, EventKind, EventState, Station, StationKey
from cloud_sync.wire import envelope
from cloud_sync.wire.envelope import EpochReceipt, Lost
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.town import EPOCH, NOW, RIGHT, Town, card, event, rules, stamp, visit_facts

pytestmark = BOTH
LATER = NOW + timedelta(days=2)


def test_a_visit_by_rules_that_came_later_is_applied_then_and_only_once(town: Town) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    sent = event(1, visit_facts(1, RIGHT, provisional=9, rules=2), at=stamp(trusted=False))
    town.deliver(sent)
    row = Event.objects.get()
    with pytest.raises(InputError, match="unknown_rules"):
        reapply(row, LATER)
    add_rules(town.community, rules(2, right=9))
    assert reapply(row, LATER)
    assert not reapply(row, LATER)
    assert town.balance(household) == 9
    settlement = VisitSettlement.objects.get()
    assert settlement.happened_at == NOW
    assert Transfer.objects.get().created_at == LATER
    assert town.deliver(sent, now=LATER).receipt.epochs == (EpochReceipt(EPOCH, 1),)
    assert verify().ok, verify().problems


def test_what_was_malformed_then_and_can_be_read_now_is_applied(town: Town) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    VisitSettlement.objects.all().delete()
    triggers.release()
    Transfer.objects.all()._raw_delete("default")  # noqa: SLF001 (past our guard)
    Event.objects.update(kind=EventKind.UNREAD, state=EventState.REFUSED, reason="malformed")
    assert reapply(Event.objects.get(), LATER)
    assert Event.objects.get().kind == EventKind.VISIT
    assert VisitSettlement.objects.get().held == 2


def test_what_still_cannot_be_read_stays_where_it_is(town: Town) -> None:
    town.deliver(b'{"epoch":"%s","sequence":1}' % EPOCH.encode())
    with pytest.raises(InputError, match="malformed"):
        reapply(Event.objects.get(), LATER)
    assert Event.objects.get().state == EventState.REFUSED


def test_an_event_larger_than_any_may_be_is_set_aside_whole(town: Town) -> None:
    large = b'{"epoch":"%s","sequence":1,"more":"%s"}' % (EPOCH.encode(), b"x" * 20_000)
    applied = town.deliver(large, event(2, visit_facts(1, RIGHT, provisional=2)))
    assert applied.receipt.epochs == (EpochReceipt(EPOCH, 2, ((1, "too_large"),)),)
    assert bytes(Event.objects.get(sequence=1).body) == large
    assert town.suspense == 2


CAUSES: dict[str, Cause] = {
    "a stranger's signature": Cause.UNKNOWN_KEY,
    "a changed byte": Cause.SIGNATURE,
    "no header": Cause.UNREADABLE,
    "another's body": Cause.FOREIGN,
    "a later version": Cause.VERSION,
    "too much": Cause.TOO_LARGE,
    "a retired station": Cause.RETIRED_STATION,
}


def message(town: Town, what: str) -> bytes:
    good = town.seal(event(1, visit_facts(1, RIGHT, provisional=2)))
    stranger = Ed25519PrivateKey.generate()
    if what == "a retired station":
        Station.objects.update(active=False)
    made = {
        "a stranger's signature": envelope.seal_batch(stranger, "sunny-garden", "east-gate", []),
        "a changed byte": good[:-5] + b"!" + good[-4:],
        "no header": b"noise",
        "another's body": envelope.seal_batch(town.station("east-gate"), "sunny-garden", "west-gate", []),
        "a later version": good.replace(b'"v":1', b'"v":2', 1),
        "too much": good + b" " * 70_000,
    }
    return made.get(what, good)


@pytest.mark.parametrize("what", CAUSES)
def test_a_message_that_is_not_believed_raises_one_alarm_however_often_it_comes(
    town: Town, what: str
) -> None:
    sent = message(town, what)
    for minutes in range(3):
        now = NOW + timedelta(minutes=minutes)
        assert apply_batch(sent, "sunny-garden", "east-gate", now) is None
    alarm = Alarm.objects.get()
    assert (alarm.reason, alarm.times, alarm.station) == (CAUSES[what], 3, "east-gate")
    assert (alarm.first_at, alarm.last_at) == (NOW, NOW + timedelta(minutes=2))


def test_an_alarm_that_was_closed_opens_anew(town: Town) -> None:
    for _ in range(2):
        apply_batch(b"noise", "sunny-garden", "nowhere", NOW)
        close_alarm(Alarm.objects.get(closed_at=None), "officer Li", NOW)
    assert [alarm.times for alarm in Alarm.objects.all()] == [1, 1]
    apply_batch(b"noise", "sunny-garden", "nowhere", NOW)
    with pytest.raises(InputError, match="who closes the alarm"):
        close_alarm(Alarm.objects.get(closed_at=None), " ", NOW)
    assert town.community.pk


@pytest.mark.usefixtures("town")
def test_whoever_invents_stations_does_not_fill_the_ledger() -> None:
    for number in range(MAX_STRANGERS + 30):
        raise_alarm("sunny-garden", f"ghost-{number}", Cause.UNKNOWN_STATION, "noise", NOW)
    assert Alarm.objects.count() == MAX_STRANGERS + 1
    assert Alarm.objects.get(station="*").times == 30


def test_of_messages_taken_together_those_that_are_believed_count(town: Town) -> None:
    good = [town.seal(event(number, visit_facts(1, RIGHT, provisional=2))) for number in (1, 2)]
    sent = [Sent(payload, "sunny-garden", "east-gate") for payload in (good[0], b"noise", good[1], good[0])]
    (applied,) = apply_messages(sent, NOW).values()
    assert (applied.new, applied.known, applied.receipt.epochs) == (2, 1, (EpochReceipt(EPOCH, 2),))
    assert apply_messages([sent[1]], NOW) == {}


def test_a_receipt_names_the_keys_that_are_believed_no_longer(town: Town) -> None:
    assert town.deliver().receipt.retired == ()
    StationKey.objects.create(
        station=Station.objects.get(), key_id="0" * 16, public=bytes(32), retired_at=NOW
    )
    assert town.deliver().receipt.retired == ("0" * 16,)


def test_what_a_station_lost_is_passed_over_once_it_says_so_and_a_person_is_told(town: Town) -> None:
    deliver(town, visit(1), visit(5), visit(6))
    assert town.through() == 1
    deliver(town, visit(5), visit(6), lost=(Lost(EPOCH, 2, 4),))
    assert town.through() == 6
    (alarm,) = Alarm.objects.filter(reason=Cause.LOST)
    assert alarm.detail == f"{EPOCH}/2 to 4"
    deliver(town, visit(5), visit(6), lost=(Lost(EPOCH, 2, 4),))
    assert Alarm.objects.get(reason=Cause.LOST).times == 1


def test_a_loss_without_an_event_behind_it_or_elsewhere_moves_nothing(town: Town) -> None:
    deliver(town, visit(1))
    deliver(town, visit(4), lost=(Lost(EPOCH, 2, 4),))
    deliver(town, visit(4), lost=(Lost("f" * 16, 2, 3),))
    deliver(town, visit(4), lost=(Lost(EPOCH, 3, 3),))
    assert town.through() == 1
    assert not Alarm.objects.filter(reason=Cause.LOST).exists()


def test_an_event_that_was_thought_lost_still_counts_when_it_turns_up(town: Town) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    deliver(town, visit(3), lost=(Lost(EPOCH, 1, 2),))
    assert town.through() == 3
    deliver(town, visit(2))
    assert town.balance(household) == 4
    assert town.through() == 3


def visit(sequence: int) -> bytes:
    return event(sequence, visit_facts(1, RIGHT, provisional=2))


def deliver(town: Town, *events: bytes, lost: tuple[Lost, ...] = ()) -> None:
    key = town.station("east-gate")
    message = envelope.seal_batch(key, town.community.slug, "east-gate", events, lost)
    assert apply_batch(message, town.community.slug, "east-gate", NOW) is not None
