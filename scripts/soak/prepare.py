"""Sets up a soak's town: engines, ledger, people, keys, a first backup and first images."""

from __future__ import annotations

import tomllib
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud_sync.ledger.install import init
from cloud_sync.ledger.keys import read_card_key, read_signing_key
from cloud_sync.wire.facts import Role
from config.ledger import SHIPPED_RULES, load_ledger
from edge.sim.people.town import Neighbourhood, neighbourhood
from edge.sync.keys import make_keys
from scripts.demonstration.town import COMMUNITY
from scripts.soak.context import must
from scripts.soak.judge.pricing import prices_of
from scripts.soak.judge.reckoning import Town
from scripts.soak.plan import Fault, Kind
from scripts.soak.station import townspeople
from scripts.soak.system import QUICK, SLOW_SEED, STATIONS, System
from scripts.testbed.engines import DATABASE


def prepare(system: System) -> tuple[Town, frozenset[str]]:
    """Make and start everything; return the judge's knowledge, and the blocked cards."""
    system.make()
    system.hold(*(name for name in system.starters if name != DATABASE))
    must(system, system.engine.answers)
    system.engine.prepare()
    init(system.ledger_toml)
    secrets = load_ledger(system.ledger_toml).state_dir
    card_key = read_card_key(secrets, COMMUNITY)
    slow = neighbourhood(Random(SLOW_SEED), card_key)  # noqa: S311 (invents people, guards nothing)
    people = (townspeople(card_key, system.residents), slow)
    _settle(system, people, card_key, read_signing_key(secrets).public_key())
    system.guard()
    _save(system)
    system.release(*system.starters)
    return _town(system, people), frozenset(one.blocked.card for one in people)


def _town(system: System, people: tuple[Neighbourhood, ...]) -> Town:
    place = load_ledger(system.ledger_toml).ledger
    with Path((place.rules or SHIPPED_RULES)[0]).open("rb") as rules:
        prices = prices_of(tomllib.load(rules))
    known = [person for one in people for person in one.known]
    return Town(
        prices,
        ZoneInfo(place.timezone),
        {person.card: person.household for person in known if person.household is not None},
        frozenset(person.card for person in known if person.role is Role.STAFF),
        frozenset(QUICK),
    )


def _settle(
    system: System, people: tuple[Neighbourhood, ...], card_key: bytes, ledger_key: Ed25519PublicKey
) -> None:
    """Bind cards, make stations' keys, admit them."""
    from scripts.demonstration.seeding import admit, bind_cards  # noqa: PLC0415 (models need Django set up)

    for one in people:
        bind_cards(one)
    roster = {card: entry for one in people for card, entry in one.roster.items()}
    for station in STATIONS:
        folder = system.state_dir(station)
        keys = make_keys(folder, card_key, ledger_key)
        admit(station, keys.signing.public_key().public_bytes_raw().hex(), folder, roster)


def _save(system: System) -> None:
    """Make a first image of every card and a first backup, so that each can be restored at any time."""
    from scripts.soak.faults import Faults, Losses  # noqa: PLC0415 (models need Django set up)

    first = Faults(system, Losses())
    for station in STATIONS:
        first.strike(Fault(0.0, Kind.IMAGE, station))
    first.strike(Fault(0.0, Kind.BACKUP, "ledger"))
