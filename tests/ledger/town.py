"""A community, its stations and their batches, for tests: real keys, real signatures, a real database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zlib import crc32

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import models, transaction

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.intake.apply import Applied, apply_batch
from cloud_sync.ledger.points.clock import count_running
from cloud_sync.ledger.points.models import Account, AccountKind, Household
from cloud_sync.ledger.stations.models import Community, Epoch, Station
from cloud_sync.ledger.stations.registry import add_station
from cloud_sync.rules.award_rules import AwardRules, DailyCaps, OutcomePoints
from cloud_sync.wire import envelope
from cloud_sync.wire.facts import (
    AlarmFacts,
    Credential,
    DepositFacts,
    Event,
    OpeningFacts,
    Role,
    Stamp,
    VerdictFacts,
    VisitFacts,
)
from config.sorting import Category
from models.verdict import VerdictState

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""
EPOCH = "00000000000000aa"
"""Of the east gate's journal."""


def epoch_of(station: str) -> str:
    """The epoch of a station's journal: no two stations have the same."""
    return EPOCH if station == "east-gate" else f"{crc32(station.encode()):016x}"


def thrown(category: Category, into: Category) -> DepositFacts:
    """A deposit that the model is sure of."""
    verdict = VerdictFacts(VerdictState.OK, 0.97, "waste-1", category, label="thing")
    return DepositFacts(f"{into}-bin", into, 3.0, verdict)


RIGHT = thrown(Category.KITCHEN, into=Category.KITCHEN)
"""2 points."""
HAZARDOUS = thrown(Category.HAZARDOUS, into=Category.HAZARDOUS)
"""5 points."""
WRONG = thrown(Category.RECYCLABLE, into=Category.KITCHEN)
UNSURE = DepositFacts("blue", Category.RECYCLABLE, 5.0, VerdictFacts(VerdictState.UNSURE, 0.4, "waste-1"))
"""1 point."""
UNSEEN = DepositFacts("blue", Category.RECYCLABLE, 6.0)
"""1 point."""
NOTHING = DepositFacts("blue", Category.RECYCLABLE, 7.0, VerdictFacts(VerdictState.EMPTY, 0.9, "waste-1"))


def card(number: int) -> str:
    """A card's hash."""
    return f"{number:064x}"


def visit_facts(
    card_number: int, *deposits: DepositFacts, provisional: int, rules: int = 1, role: Role = Role.RESIDENT
) -> VisitFacts:
    """A visit that opened the bins it threw things into."""
    bins = dict.fromkeys(deposit.bin for deposit in deposits)
    openings = tuple(OpeningFacts(bin_, 1.0, 9.0) for bin_ in bins)
    return VisitFacts(
        card(card_number), Credential.EM4100, role, 12.0, openings, deposits, rules, provisional
    )


def stamp(at: datetime = NOW, *, trusted: bool = True) -> Stamp:
    return Stamp(wall_s=at.timestamp(), trusted=trusted, boot="boot", monotonic_s=10.0)


def event(
    sequence: int, facts: VisitFacts | AlarmFacts, *, epoch: str = EPOCH, at: Stamp | None = None
) -> bytes:
    """One event as the station wrote it."""
    return envelope.encode_event(Event(epoch, sequence, at or stamp(), facts))


@dataclass
class Town:
    """One community in the test's own database."""

    community: Community
    stations: dict[str, Ed25519PrivateKey] = field(default_factory=dict)

    def station(self, slug: str) -> Ed25519PrivateKey:
        """The signing key of a station, admitted when first asked for."""
        if slug not in self.stations:
            key = self.stations[slug] = Ed25519PrivateKey.generate()
            add_station(self.community, slug, key.public_key().public_bytes_raw().hex())
        return self.stations[slug]

    def seal(self, *events: bytes, station: str = "east-gate") -> bytes:
        """A batch that this station signed."""
        return envelope.seal_batch(self.station(station), self.community.slug, station, events)

    def deliver(self, *events: bytes, station: str = "east-gate", now: datetime = NOW) -> Applied:
        """Apply a batch that must earn its receipt."""
        applied = apply_batch(self.seal(*events, station=station), self.community.slug, station, now)
        assert applied is not None
        return applied

    def balance(self, household: Household) -> int:
        return Account.objects.get(household=household).balance

    def limit(self, points: int, station: str | None = None) -> None:
        """Let stations bring so much in a day: one of them, or all that have no limit of their own."""
        if station is None:
            row: models.Model = Community.objects.get(pk=self.community.pk)
        else:
            row = Station.objects.get(community=self.community, slug=station)
        setattr(row, "daily_mint_limit", points)  # noqa: B010 (of two models)
        row.save()
        with transaction.atomic():
            records.register(self.community.pk, "limit", row)

    @property
    def suspense(self) -> int:
        return Account.objects.get(community=self.community, kind=AccountKind.SUSPENSE).balance

    @property
    def balances(self) -> dict[str, int]:
        return {str(account): account.balance for account in Account.objects.order_by("pk")}

    def through(self, station: str = "east-gate") -> int:
        row = Station.objects.get(community=self.community, slug=station)
        return Epoch.objects.get(station=row, epoch=epoch_of(station)).through

    def wait(self, how_long: timedelta, since: datetime = NOW) -> datetime:
        """Let so much time pass in which the ledger runs; when that is then."""
        count_running(self.community, 0, since)
        count_running(self.community, int(how_long.total_seconds()), since + how_long)
        return since + how_long


def rules(version: int, *, points: int = 30, deposits: int = 12, right: int = 2) -> AwardRules:
    """Rules with these figures."""
    caps = DailyCaps(points=points, deposits=deposits)
    return AwardRules(version, dict.fromkeys(Category, right), OutcomePoints(neutral=1, wrong=0), caps)
