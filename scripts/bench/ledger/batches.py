"""The input of a benchmark: a town's people, and signed batches of their visits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync.wire import envelope
from cloud_sync.wire.facts import (
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
from scripts.bench.ledger.minimal_schema import Row

BATCH = 100
HOUSEHOLDS = 4400
STATIONS = 30


def people() -> dict[str, Ed25519PrivateKey]:
    """Make stations, and households with an account and a card each; return the stations' keys."""
    from cloud_sync.ledger.points.models import Account, Card, Household  # noqa: PLC0415 (Django is set up now)
    from cloud_sync.ledger.stations.models import Community  # noqa: PLC0415
    from cloud_sync.ledger.stations.registry import add_station  # noqa: PLC0415

    community = Community.objects.get()
    households = Household.objects.bulk_create(
        Household(community=community, code=str(number)) for number in range(HOUSEHOLDS)
    )
    Account.objects.bulk_create(
        Account(community=community, kind="household", household=household) for household in households
    )
    Card.objects.bulk_create(
        Card(community=community, hash=_card(number), household=household)
        for number, household in enumerate(households)
    )
    keys = {f"gate-{number}": Ed25519PrivateKey.generate() for number in range(STATIONS)}
    for slug, key in keys.items():
        add_station(community, slug, key.public_key().public_bytes_raw().hex())
    return keys


def message(keys: Mapping[str, Ed25519PrivateKey], number: int, now: datetime) -> tuple[bytes, str]:
    """Return the signed batch of this number, and its station."""
    station = f"gate-{number % STATIONS}"
    bodies = [_body(number * BATCH + place, now) for place in range(BATCH)]
    return envelope.seal_batch(keys[station], "bench", station, bodies), station


def visit_of_first(number: int, now: datetime) -> bytes:
    """Return the first station's event of this number: its sequences count up from 1."""
    return _body(number // BATCH * BATCH * STATIONS + number % BATCH, now)


def lean_rows(number: int, now: datetime) -> list[Row]:
    """Return the same batch in the form of the lean ledger."""
    first = number * BATCH
    return [
        (number % STATIONS, _epoch(number), event, _body(event, now), 1 + _household(event))
        for event in range(first, first + BATCH)
    ]


def _card(number: int) -> str:
    return f"{number:064x}"


def _body(number: int, now: datetime) -> bytes:
    """Make a visit with one thing in the right bin, of a household chosen by a hash of the number."""
    verdict = VerdictFacts(VerdictState.OK, 0.97, "waste-1", Category.KITCHEN, "banana")
    facts = VisitFacts(
        _card(_household(number)),
        Credential.EM4100,
        Role.RESIDENT,
        12.0,
        (OpeningFacts("kitchen", 1.0, 9.0),),
        (DepositFacts("kitchen", Category.KITCHEN, 3.0, verdict),),
        1,
        2,
    )
    sequence = number // (BATCH * STATIONS) * BATCH + number % BATCH + 1
    stamp = Stamp(now.timestamp(), trusted=True, boot="boot", monotonic_s=float(number))
    return envelope.encode_event(Event(_epoch(number // BATCH), sequence, stamp, facts))


def _epoch(batch: int) -> str:
    """Return the epoch of the station that sends the batch of this number."""
    return f"aa{batch % STATIONS:014x}"


def _household(number: int) -> int:
    return (
        number * 2_654_435_761 % 2**32 % HOUSEHOLDS
    )  # Knuth's multiplicative hash: spread, and the same again
