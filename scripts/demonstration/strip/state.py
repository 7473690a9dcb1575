"""The strip's content: who is at the simulated station, counts and switches, in one language."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cloud_sync.wire.facts import Role
from config.reading.load import load_toml
from config.sorting import Category, Sorting
from config.station import Language
from config.words import Both
from edge.roster import CardState
from edge.sim.people.town import Neighbourhood, Person
from scripts.demonstration.day import Day
from scripts.demonstration.strip.counts import Comparison
from scripts.demonstration.strip.switches import Switches

TEXTS = Path(__file__).parent / "texts.toml"


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every sentence of the strip in both languages."""

    simulated: Both
    simulated_why: Both
    nobody: Both
    taps: Both
    stranger: Both
    blocked: Both
    staff: Both
    statement: Both
    balance: Both
    office: Both
    demo_only: Both
    cut: Both
    plug: Both
    kill: Both
    start: Both
    network_up: Both
    network_cut: Both
    ledger_up: Both
    ledger_down: Both
    waiting: Both
    arrived: Both
    lost: Both
    twice: Both
    counted: Both
    counting: Both
    gone: Both
    day: Both
    day_of: Both
    day_wrong: Both
    other: Both


def load_texts() -> Texts:
    """Load the strip's texts."""
    return load_toml(TEXTS, Texts)


class StripView(msgspec.Struct, frozen=True):
    """The strip's content in one language; the page only lays it out."""

    who: str
    statement: str
    """The link's text; empty before the first resident with a household."""
    statement_url: str
    balance: str
    network: str
    network_button: str
    is_cut: bool
    ledger: str
    ledger_button: str
    is_down: bool
    waiting: str
    arrived: str
    lost: str
    twice: str
    is_whole: bool
    """No event is lost or there twice."""
    counted: str
    day: str
    """How many things came today; empty before the first."""
    by_category: dict[Category, str]


@dataclass
class Visitors:
    """The last tap and the last visit. The world's thread writes it, the page's thread reads it."""

    people: Neighbourhood
    bins: dict[str, Category]
    """The category of the bin at each reader."""
    links: dict[str, str]
    """Statement links by card."""
    at_bin: tuple[str, Category] | None = None
    """Card and category of the last tap."""
    last: str | None = None
    """The card of the last visit that has a statement."""
    balance: int | None = None
    day: Day = field(default_factory=dict)
    """What today brought, by category."""

    def tapped(self, reader: str, card: str) -> None:
        """Note a card held to a reader."""
        self.at_bin = (card, self.bins[reader])

    def recorded(self, card: str) -> None:
        """Note that a visit of this card is in the journal."""
        if card in self.links:
            self.last = card

    def person(self, card: str) -> Person | None:
        """Return the card's owner; None for an unregistered card."""
        return next((person for person in self.people.known if person.card == card), None)


class Strip:
    """Everything that the page requests."""

    def __init__(
        self, visitors: Visitors, switches: Switches, comparison: Comparison, sorting: Sorting
    ) -> None:
        self.texts = load_texts()
        self.switches = switches
        self.visitors = visitors
        self.comparison, self._sorting = comparison, sorting

    def view(self, language: Language) -> StripView:
        """Return the strip's present content."""
        text = {name: getattr(self.texts, name).within(language) for name in Texts.__struct_fields__}
        counts, switches, restarts = self.comparison.latest, self.switches, self.switches.restarts_in_s
        statement, url, balance = self._statement(text, language)
        lost, twice = (0, 0) if counts is None else (counts.lost, counts.twice)
        return StripView(
            who=self._who(text, language),
            statement=statement,
            statement_url=url,
            balance=balance,
            network=text["network_cut" if switches.is_cut else "network_up"],
            network_button=text["plug" if switches.is_cut else "cut"],
            is_cut=switches.is_cut,
            ledger=text["ledger_up" if restarts is None else "ledger_down"],
            ledger_button=text["kill"] if restarts is None else text["start"].format(s=math.ceil(restarts)),
            is_down=restarts is not None,
            waiting="" if counts is None else text["waiting"].format(n=counts.waiting),
            arrived="" if counts is None else text["arrived"].format(n=counts.arrived),
            lost="" if counts is None else text["lost"].format(n=lost),
            twice="" if counts is None else text["twice"].format(n=twice),
            is_whole=counts is not None and not (lost or twice),
            counted=text["counting"]
            if counts is None
            else text["counted"].format(s=round(time.monotonic() - counts.at)),
            day=self._day(text),
            by_category={
                category: text["day_wrong" if of.wrong else "day_of"].format(
                    bin=self._bin(category, language), n=of.things, wrong=of.wrong
                )
                for category, of in self.visitors.day.items()
            },
        )

    def statement_url(self, language: Language) -> str | None:
        """Return the address of the last resident's statement; None before the first."""
        link = self.visitors.links.get(self.visitors.last or "")
        return None if link is None else f"{link}?lang={language.value}"

    def _who(self, text: dict[str, str], language: Language) -> str:
        if self.visitors.at_bin is None:
            return text["nobody"]
        card, category = self.visitors.at_bin
        return text["taps"].format(name=self._name(card, text), bin=self._bin(category, language))

    def _bin(self, category: Category, language: Language) -> str:
        face = self._sorting.category[category]
        return face.zh if language is Language.CHINESE else face.en

    def _day(self, text: dict[str, str]) -> str:
        things = sum(of.things for of in self.visitors.day.values())
        return text["day"].format(n=things) if things else ""

    def _name(self, card: str, text: dict[str, str]) -> str:
        person = self.visitors.person(card)
        if person is None:
            return text["stranger"]
        if person.role is Role.STAFF:
            return text["staff"].format(name=person.name)
        return text["blocked"].format(name=person.name) if person.state is CardState.BLOCKED else person.name

    def _statement(self, text: dict[str, str], language: Language) -> tuple[str, str, str]:
        url = self.statement_url(language)
        person = self.visitors.person(self.visitors.last or "")
        if url is None or person is None:
            return "", "", ""
        points = self.visitors.balance
        balance = "" if points is None else text["balance"].format(points=points)
        return text["statement"].format(name=person.name), url, balance
