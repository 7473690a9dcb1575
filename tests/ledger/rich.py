"""A town with rows of every kind, for what must hold whatever a ledger holds."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db.models import F

from cloud_sync.ledger.communities.register import change_community
from cloud_sync.ledger.households.cards import (
    Attribution,
    bind_card,
    set_staff_card,
    suspect_card,
    unbind_card,
)
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_batch
from cloud_sync.ledger.office.quarantine import dismiss, show_again
from cloud_sync.ledger.points.corrections import correct, forgive
from cloud_sync.ledger.points.held import expire, refuse
from cloud_sync.ledger.points.models import Account, Card, Debt, Transfer, VisitSettlement
from cloud_sync.ledger.settling.mint_limit import set_mint_limit
from cloud_sync.ledger.statement.links import end_links
from cloud_sync.ledger.stations.models import Conflict
from cloud_sync.ledger.stations.registry import add_station, retire_key
from cloud_sync.wire import envelope
from cloud_sync.wire.facts import AlarmFacts
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, UNSURE, Town, card, event, stamp, visit_facts

DAY = timedelta(days=1)


def enrich(town: Town) -> None:
    """Give a town awards, waits, corrections, debts, limits, keys, decisions, and what was set aside."""
    home, next_door = (add_household(town.community, code, "王家") for code in ("3-2-501", "3-2-502"))
    bind_card(home, card(1), NOW)
    bind_card(home, card(2), NOW)
    set_staff_card(town.community, card(5))
    town.deliver(*(event(n, visit_facts(n, HAZARDOUS, RIGHT, provisional=7)) for n in (1, 2, 3)))
    town.deliver(event(4, AlarmFacts("lid_stuck_shut", "kitchen", raised=True)), b'{"no": "event"}')
    town.deliver(
        event(5, visit_facts(5, RIGHT, provisional=2)), event(6, visit_facts(1, provisional=0, rules=9))
    )
    later = stamp(NOW + 91 * DAY)
    town.deliver(event(7, visit_facts(4, UNSURE, provisional=1), at=later), now=NOW + 91 * DAY)
    expire(town.community, NOW + 91 * DAY)
    bind_card(next_door, card(6), NOW)
    suspect_card(Card.objects.get(hash=card(6)), "Li", "two places at once", NOW)
    town.deliver(
        event(8, visit_facts(6, RIGHT, provisional=2)), event(9, visit_facts(6, RIGHT, provisional=2))
    )
    refuse(VisitSettlement.objects.get(event__sequence=8), "Li", "the same bag", NOW)
    unbind_card(Card.objects.get(hash=card(6)), Attribution("Li", "moved away"), NOW)
    spent = town.balance(home) - 3  # gifts come later: past the ledger
    Account.objects.filter(household=home).update(balance=3)
    correct(Transfer.objects.get(event__sequence=1), "Li", "counted twice", NOW)
    Account.objects.filter(household=home).update(balance=F("balance") + spent)
    town.deliver(event(10, visit_facts(1, RIGHT, provisional=2)))
    forgive(Debt.objects.get(), "Li", "our mistake", NOW)
    set_mint_limit(town.community, "east-gate", 500, "Li", "few homes", NOW)
    end_links(home, "Li", "sent to a wrong number", NOW)
    town.station("west-gate")
    add_key(town, "west-gate")
    apply_batch(town.seal(event(1, visit_facts(1, RIGHT, provisional=2))), "sunny-garden", "east-gate", NOW)
    town.deliver(event(1, visit_facts(2, RIGHT, provisional=2), epoch="b" * 16), station="west-gate")
    dismiss(town.community, "s1", "Li", "an old Pi", NOW)
    dismiss(town.community, f"c{Conflict.objects.get().pk}", "Li", "the first stays", NOW)
    show_again(town.community, "s1", "Li", NOW)
    change_community(town.community, {"name_en": "Sunnier Garden"}, [], "Li", "so says the sign", NOW)


def add_key(town: Town, slug: str) -> None:
    """Let a station change its key."""
    old, new = town.stations[slug], Ed25519PrivateKey.generate()
    add_station(town.community, slug, new.public_key().public_bytes_raw().hex())
    retire_key(town.community, slug, envelope.key_id(old.public_key()), NOW)
    town.stations[slug] = new
