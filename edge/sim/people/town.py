"""The people around a simulated station: residents with households, staff, and strangers with cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product
from random import Random

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential, Role
from edge.roster import CardState, Filming, RosterEntry
from firmware_bridge.decoders.em4100 import CardBits, canonical

SURNAMES = "王李张刘陈杨黄赵周吴徐孙"
GIVEN_NAMES = ("芳", "伟", "敏", "静", "磊", "洋", "丽", "强", "玉兰", "建国", "秀英", "子涵")
PER_HOUSEHOLD = 2
"""Residents who share an account."""
STRANGERS = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A person with a card. `household` is None for staff and strangers.

    `number` is ten hex digits of an EM4100 fob, `card` its hash.
    """

    name: str
    household: str | None
    number: str
    card: str
    role: Role
    state: CardState = CardState.ACTIVE


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """All people who may come to the station."""

    residents: tuple[Person, ...]
    blocked: Person
    staff: Person
    strangers: tuple[Person, ...]
    """Their cards are not in the roster."""

    @property
    def known(self) -> tuple[Person, ...]:
        """All people whose card the ledger knows."""
        return (*self.residents, self.blocked, self.staff)

    @property
    def roster(self) -> dict[str, RosterEntry]:
        """The roster that the ledger would send the station; every household has agreed to clips."""
        agreed = Filming(consents=True)
        return {person.card: RosterEntry(person.state, person.role, agreed) for person in self.known}


def neighbourhood(
    rng: Random, card_key: bytes, residents: int = 12, width: CardBits = CardBits.ALL
) -> Neighbourhood:
    """Invent `residents` residents, two a household, one with a blocked card, one of staff, and strangers.

    Cards are hashed with the community's `card_key`; of a fob's number `width` bits count.
    """
    cards = _cards(rng, card_key, width)
    names = _names(rng)
    neighbours = tuple(
        Person(next(names), _household(number), *next(cards), Role.RESIDENT) for number in range(residents)
    )
    return Neighbourhood(
        residents=neighbours,
        blocked=Person(next(names), _household(residents), *next(cards), Role.RESIDENT, CardState.BLOCKED),
        staff=Person(next(names), None, *next(cards), Role.STAFF),
        strangers=tuple(Person("?", None, *next(cards), Role.UNKNOWN) for _ in range(STRANGERS)),
    )


def _household(resident: int) -> str:
    """Return a flat's code: building, staircase, door."""
    flat = resident // PER_HOUSEHOLD
    return f"{1 + flat // 24}-{1 + flat // 12 % 2}-{1 + flat // 2 % 6}0{1 + flat % 2}"


def _names(rng: Random) -> Iterator[str]:
    names = [surname + given for surname, given in product(SURNAMES, GIVEN_NAMES)]
    rng.shuffle(names)
    yield from names
    for lap in count(2):  # more people than names
        yield from (f"{name}{lap}" for name in names)


def _cards(rng: Random, card_key: bytes, width: CardBits) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    while True:
        number = f"{rng.getrandbits(40):010x}"
        known_by = canonical(number, width)
        if known_by not in seen:
            seen.add(known_by)
            yield number, card_hash(card_key, Credential.EM4100, known_by)
