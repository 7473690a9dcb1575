"""A conflict is closed by an officer: the first stays, the evidence too, and the station's fault ends."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from iotcore import Broker

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.intake import receipts
from cloud_sync.ledger.intake.periodic import standing_receipts
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.office import quarantine
from cloud_sync.ledger.office.decisions import DecidedError
from cloud_sync.ledger.office.pending import set_aside
from cloud_sync.ledger.points.models import Record
from cloud_sync.ledger.stations.models import Conflict, Dismissal, Epoch, Event
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from cloud_sync.wire.envelope import EpochReceipt
from cloud_sync.wire.facts import AlarmFacts
from config.errors import InputError
from config.ledger import load_ledger
from config.station import CloudSection
from edge.faults import FaultCode
from edge.sync.keys import StationIdentity, StationKeys
from edge.sync.outbox import Outbox
from edge.sync.process import Sync
from tests.edge.builders import bin_rule, rules_of
from tests.edge.workbench import Bench
from tests.engines import BOTH
from tests.ledger.conftest import PREPARED
from tests.ledger.intake.test_worker import worker_process
from tests.ledger.town import EPOCH, NOW, RIGHT, Town, event, stamp, visit_facts
from tests.waiting import until

pytestmark = BOTH
Run = Callable[..., subprocess.CompletedProcess[str]]
LATER = NOW + timedelta(days=40)
"""When receipts name an epoch of today no more."""
WHY = "its memory card was restored from a copy; looked at with the technician"


def contradict(town: Town, *sequences: int) -> None:
    """Send visits, and then others under the same names."""
    for points in (2, 1):
        town.deliver(*(event(n, visit_facts(1, RIGHT, provisional=points)) for n in sequences))


def named(town: Town) -> tuple[EpochReceipt, ...]:
    """What the station is told now."""
    ((receipt,),) = standing_receipts(town.community, NOW)
    return receipt.epochs


def dismiss(town: Town, number: str) -> Dismissal:
    return quarantine.dismiss(town.community, number, "Li", WHY, NOW)


def test_a_conflict_that_was_looked_at_is_named_no_more_and_its_evidence_stays(town: Town) -> None:
    contradict(town, 1, 2)
    assert named(town) == (EpochReceipt(EPOCH, 2, ((1, "conflict"), (2, "conflict"))),)
    first, second = (row.number for row in reversed(set_aside([town.community])))
    body = bytes(Conflict.objects.get(pk=int(first[1:])).body)
    made = dismiss(town, first)
    assert (made.by, made.reason, made.dismissed_at) == ("Li", WHY, NOW)
    assert named(town) == (EpochReceipt(EPOCH, 2, ((2, "conflict"),)),)
    dismiss(town, second)
    assert named(town) == (EpochReceipt(EPOCH, 2),)
    assert set_aside([town.community]) == []
    assert bytes(Conflict.objects.get(pk=int(first[1:])).body) == body
    assert [row.state for row in Event.objects.all()] == ["applied", "applied"]
    assert [(row.kind, WHY.encode() in bytes(row.body)) for row in Record.objects.order_by("pk")][-2:] == [
        ("dismissed", True)
    ] * 2
    assert verify().ok, verify().problems


def test_other_content_once_more_is_another_conflict_and_the_same_again_is_none(town: Town) -> None:
    contradict(town, 1)
    dismiss(town, f"c{Conflict.objects.get().pk}")
    assert town.deliver(event(1, visit_facts(1, RIGHT, provisional=1))).receipt.epochs == (
        EpochReceipt(EPOCH, 1),
    )
    assert town.deliver(event(1, visit_facts(1, RIGHT, provisional=7))).receipt.epochs == (
        EpochReceipt(EPOCH, 1, ((1, "conflict"),)),
    )


def test_an_event_that_can_be_applied_may_be_dismissed_too_and_shown_again(town: Town) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2, rules=9)))
    (row,) = set_aside([town.community])
    dismiss(town, row.number)
    assert named(town) == (EpochReceipt(EPOCH, 1),)
    quarantine.show_again(town.community, row.number, "Wang", NOW)
    assert named(town) == (EpochReceipt(EPOCH, 1, ((1, "unknown_rules"),)),)
    assert [aside.number for aside in set_aside([town.community])] == [row.number]
    assert verify().ok, verify().problems


@pytest.mark.parametrize(("by", "reason"), [("", WHY), ("Li", ""), ("Li", "two\nlines")])
def test_nothing_is_dismissed_without_who_and_why(town: Town, by: str, reason: str) -> None:
    contradict(town, 1)
    with pytest.raises(InputError):
        quarantine.dismiss(town.community, f"c{Conflict.objects.get().pk}", by, reason, NOW)
    assert Dismissal.objects.count() == 0
    assert named(town) == (EpochReceipt(EPOCH, 1, ((1, "conflict"),)),)


def test_a_second_word_on_the_same_is_refused_and_names_the_first(town: Town) -> None:
    contradict(town, 1)
    number = f"c{Conflict.objects.get().pk}"
    dismiss(town, number)
    with pytest.raises(DecidedError, match=r"was dismissed by Li \(its memory card"):
        quarantine.dismiss(town.community, number, "Wang", "another reason", NOW)
    quarantine.show_again(town.community, number, "Wang", NOW)
    with pytest.raises(DecidedError, match="is not dismissed"):
        quarantine.show_again(town.community, number, "Wang", NOW)
    assert quarantine.dismiss(town.community, number, "Wang", "another reason", NOW).by == "Wang"


def test_a_station_hears_of_a_decision_about_an_epoch_that_receipts_name_no_more(town: Town) -> None:
    contradict(town, 1)
    ((silent,),) = standing_receipts(town.community, LATER)
    assert silent.epochs == ()
    quarantine.dismiss(town.community, f"c{Conflict.objects.get().pk}", "Li", WHY, LATER)
    ((told,),) = standing_receipts(town.community, LATER)
    assert told.epochs == (EpochReceipt(EPOCH, 1),)
    assert town.deliver(now=LATER).receipt.epochs == (EpochReceipt(EPOCH, 1),)


def test_what_was_decided_of_old_epochs_does_not_fill_a_receipt(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MAX_RECEIPT_EPOCHS", 3)
    for number in range(1, 5):
        town.deliver(event(1, visit_facts(1, RIGHT, provisional=2), epoch=f"{number:016x}"))
    Epoch.objects.update(decided_at=LATER)
    new = f"{5:016x}"
    epochs = town.deliver(
        event(1, AlarmFacts("lid_forced", "kitchen", raised=True), epoch=new), now=LATER
    ).receipt.epochs
    # A full one would tell the station that what it does not name is lost.
    assert [one.epoch for one in epochs] == [new, f"{4:016x}"]


@contextmanager
def delivering(town: Town, bench: Bench, broker: CloudSection) -> Iterator[Sync]:
    """The sync process of the bench's station, in turns that the test makes."""
    ledger = read_signing_key(PREPARED / "state").public_key()
    sender = StationIdentity(
        "sunny-garden", "east-gate", StationKeys(town.station("east-gate"), b"k" * 32, ledger)
    )
    link = MqttLink(broker, "east-gate", [topics.receipts("sunny-garden", "east-gate")])
    outbox = Outbox(bench.folder)
    link.start()
    yield Sync(sender, outbox, link, bench.clock, random.Random(1))
    link.stop()
    outbox.close()


def test_the_stations_fault_ends_when_an_officer_closes_its_conflict(
    town: Town, config: Path, tongzhan: Run, tmp_path: Path
) -> None:
    broker = load_ledger(config).broker
    bench = Bench(tmp_path / "station", rules_of(bin_rule()))
    # The second was sent before the card's image was put back; the first is still to come, so no receipt
    # says beforehand that both are there.
    town.deliver(event(2, visit_facts(1, RIGHT, provisional=2)))
    for raised in (True, False):
        bench.journal.record_note(AlarmFacts("lid_forced", "kitchen", raised), stamp())
    connection.close()

    def refused() -> bool:
        sync.turn(0.01)
        bench.pass_time(1)
        return FaultCode.EVENTS_REFUSED in {fault.code for fault in bench.station.state.faults}

    with Broker(port=broker.port, listen="127.0.0.1"), delivering(town, bench, broker) as sync:
        with worker_process(config):
            until(refused)
        (listed,) = tongzhan("ledger", "aside", "list", "--json", "--config", config).stdout.splitlines()
        assert '"reason": "conflict"' in listed
        why = ("--by", "Li", "--reason", WHY, "--config", config)
        several = ("--station", "east-gate", "--because", "conflict")
        closed = tongzhan("ledger", "aside", "dismiss", *several, *why)
        assert (closed.returncode, closed.stdout.split(" is ")[1]) == (0, "off the list\n")
        with worker_process(config):  # which tells every station where it stands
            until(lambda: not refused())
    bench.close()
    assert tongzhan("ledger", "verify", "--config", config).returncode == 0
