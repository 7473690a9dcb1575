"""What the office's page shows, as values: sections of items, and what an officer can do about each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse

from cloud_sync.ledger.office.texts import Explained


class Field(StrEnum):
    """What a form asks for."""

    HOUSEHOLD = "household"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Action:
    """A button that opens a short form; nothing happens before that is sent."""

    url: str
    label: str
    """On the button that opens the form."""
    effect: str
    """What sending it does, and whether it can be undone."""
    submit: str
    """On the button that sends it."""
    fields: tuple[Field, ...] = (Field.REASON,)


def action_url(name: str, number: int | str) -> str:
    """Return the address that carries out one of the office's actions."""
    return reverse(name, args=[number])


@dataclass(frozen=True, slots=True)
class Technical:
    """What a technician wants to know, in the form that commands and logs use."""

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
    """Something that was decided lately: what, by whom, when and why; `undo` where the ledger allows it."""

    what: str
    decided: str
    undo: Action | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that waits in one community, and what was decided lately."""

    place: str
    sections: tuple[Section, ...]
    debts: str
    """How many debts are open; SHOWN and a plus sign for more."""
    done: tuple[Done, ...]
    links: tuple[str, ...]
    """Whose links were taken back, when, by whom and why; the latest first."""
    unlink: Action
