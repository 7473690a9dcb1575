"""What the office's page shows, as values: sections of items, and what an officer can do about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse

from cloud_sync.ledger.office.texts import Explained
from cloud_sync.ledger.officers.rights import Deed, Rights
from cloud_sync.ledger.stations.models import Community


class Field(StrEnum):
    """What a form asks for."""

    HOUSEHOLD = "household"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Action:
    """A button that opens a short form; nothing happens until the form is sent."""

    deed: Deed
    """Shown only to officers who may do it."""
    url: str
    label: str
    """On the button that opens the form."""
    effect: str
    """What sending it does, and whether it can be undone."""
    submit: str
    """On the button that sends it."""
    fields: tuple[Field, ...] = (Field.REASON,)


@dataclass(frozen=True, slots=True)
class Shown:
    """The communities that a page shows, to whom, and whether it was filtered to one of several."""

    communities: tuple[Community, ...]
    rights: Rights
    is_filtered: bool = False

    @property
    def are_named(self) -> bool:
        """Say whether each row names its community."""
        return len(self.communities) > 1

    def where(self, deed: Deed) -> tuple[Community, ...]:
        """Return the communities shown in which the officer may do a deed."""
        return tuple(one for one in self.communities if self.rights.may(deed, one.pk))

    def allowed(self, community: Community, actions: Sequence[Action]) -> tuple[Action, ...]:
        """Return the actions that the officer may carry out there."""
        return tuple(action for action in actions if self.rights.may(action.deed, community.pk))

    def action_url(self, name: str, community: Community, *number: int | str) -> str:
        """Return the address that carries out one of the office's actions, and leads back to this page."""
        query = f"?community={community.slug}" if self.is_filtered else ""
        return reverse(name, args=[community.slug, *number]) + query


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a page's filter by community."""

    slug: str
    """Empty for all of them."""
    name: str
    is_chosen: bool


def chosen_query(choices: Sequence[Choice]) -> str:
    """Return the query that keeps the chosen community in an address; empty where none is chosen."""
    return next((f"?community={one.slug}" for one in choices if one.is_chosen and one.slug), "")


@dataclass(frozen=True, slots=True)
class Technical:
    """Technical details, in the form that commands and logs use."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits: what happened, what to do, the facts for it, and what can be done here."""

    said: Explained
    facts: tuple[str, ...]
    actions: tuple[Action, ...] = ()
    hint: str = ""
    technical: tuple[Technical, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Items of one kind; `more` says that there are more than are shown."""

    anchor: str
    title: str
    empty: str
    items: tuple[Item, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Done:
    """A recent decision: what, by whom, when and why; `undo` where the ledger allows it."""

    what: str
    decided: str
    undo: Action | None = None


@dataclass(frozen=True, slots=True)
class StationCounts:
    """How many stations there are, how many of them are online, and their alarms."""

    online: int
    all: int
    alarms: int
    """Groups of their alarms that wait for a person."""

    @property
    def away(self) -> int:
        """Return how many are not online."""
        return self.all - self.online


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that waits in the communities that are shown, and what was decided lately."""

    place: str
    choices: tuple[Choice, ...]
    """The communities to choose from; empty if there is only one."""
    sections: tuple[Section, ...]
    debts: str
    """How many debts are open; SHOWN and a plus sign for more, empty if the officer may not see them."""
    stations: StationCounts
    done: tuple[Done, ...]
    shows_links: bool
    """Whether the officer may see whose links were taken back."""
    links: tuple[str, ...]
    """Households whose links were taken back, with when, by whom and why; the latest first."""
    unlink: Action | None
    """None where several communities are shown: a household's code does not say which one it is in."""
    reads_audit: bool
    """Whether the officer may read who did what."""
    may_add_stations: bool
    """Whether the officer may add stations in a community that is shown."""
    may_unlink: bool
    """Whether the officer may take back links in a community that is shown."""

    @property
    def query(self) -> str:
        """Return what keeps the chosen community in an address; empty where none is chosen."""
        return chosen_query(self.choices)
