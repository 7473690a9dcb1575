"""Fills the demo's ledger and station with a small town; idempotent.

Importable only after `cloud_sync.ledger.setup`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card, set_staff_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.models import Account, AccountKind, Transfer, VisitSettlement
from cloud_sync.ledger.statement.links import statement_link
from cloud_sync.ledger.stations.models import Community, Event, EventState
from cloud_sync.ledger.stations.registry import add_station
from cloud_sync.wire.facts import Role
from edge.journal.repair import open_mended
from edge.roster import RosterEntry
from edge.sim.people.town import Neighbourhood
from edge.sync.outbox import Outbox
from scripts.demonstration.report import LedgerSide
from scripts.demonstration.strip.counts import Arrived
from scripts.demonstration.town import COMMUNITY, STATION


def seed(people: Neighbourhood, station_key: str, station_dir: Path) -> dict[str, str]:
    """Admit the station, bind every known card, give the station its roster.

    `station_key` is the station's public key in hex. Returns each resident's statement link by card.
    """
    links = bind_cards(people)
    admit(STATION, station_key, station_dir, people.roster)
    return links


def bind_cards(people: Neighbourhood) -> dict[str, str]:
    """Make households and bind every known card; return each resident's statement link by card."""
    community = Community.objects.get(slug=COMMUNITY)
    links = {}
    for person in people.known:
        if person.role is Role.STAFF:
            set_staff_card(community, person.card)
        elif person.household is not None:
            household = add_household(community, person.household)
            bind_card(household, person.card, timezone.now())
            links[person.card] = statement_link(household)
    return links


def admit(station: str, public_key: str, station_dir: Path, roster: Mapping[str, RosterEntry]) -> None:
    """Admit a station to the ledger, and give it its roster."""
    add_station(Community.objects.get(slug=COMMUNITY), station, public_key)
    journal, _ = open_mended(station_dir, timezone.now())  # sets aside a journal of an older program
    journal.close()
    outbox = Outbox(station_dir)
    try:
        outbox.replace_roster(roster)
    finally:
        outbox.close()


def read_ledger(epoch: str) -> LedgerSide:
    """Read the ledger's part of the run with this `epoch`, and all events that it ever applied."""
    run = VisitSettlement.objects.filter(event__epoch=epoch)
    sums = run.aggregate(held=Sum("held"), lowered=Sum("lowered"), settled=Sum("settled"))
    given = Transfer.objects.filter(event__epoch=epoch, debit__kind=AccountKind.ISSUING)
    audit = verify()
    applied = Event.objects.filter(state=EventState.APPLIED).values_list("epoch", "sequence")
    return LedgerSide(
        held=sums["held"] or 0,
        lowered=sums["lowered"] or 0,
        settled=sums["settled"] or 0,
        transferred=given.aggregate(points=Sum("points"))["points"] or 0,
        twice=audit.duplicates,
        problems=audit.problems,
        applied=frozenset((name, sequence) for name, sequence in applied),
    )


def read_arrived(epoch: str) -> Arrived:
    """Count how often each event of the run is in the ledger, and how many transfers are there twice."""
    applied = Event.objects.filter(epoch=epoch, state=EventState.APPLIED)
    times = applied.values_list("sequence").annotate(times=Count("pk"))
    transfers = Transfer.objects.filter(event__epoch=epoch).values("event", "purpose")
    doubled = transfers.annotate(times=Count("pk")).filter(times__gt=1).count()
    return Arrived(dict(times), doubled)


def balance_of(card: str) -> int | None:
    """Return the points of a card's household; None if the card has none."""
    account = Account.objects.filter(household__cards__hash=card).values_list("balance", flat=True)
    return account.first()


def let_go() -> None:
    """Close this thread's connection to the ledger's database."""
    connection.close()
