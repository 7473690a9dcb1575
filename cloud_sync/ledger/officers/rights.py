"""Who may do what: one table of roles and deeds, which pages ask, which a page shows, and which a test reads.

An officer holds grants, each a role for one community or for the whole town. A community that a grant covers
is the officer's own, any other is foreign; what concerns the whole town is foreign to a grant of a community.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Place = int | None
"""A community's primary key; None for the whole town."""


class OfficerRole(StrEnum):
    """What an officer is in a community or in the town."""

    ADMIN = "admin"
    CLERK = "clerk"
    INSTRUCTOR = "instructor"
    AUDITOR = "auditor"
    INSTALLER = "installer"


class Scope(StrEnum):
    """Whether a grant covers the community that a deed concerns."""

    OWN = "own"
    FOREIGN = "foreign"


class Reach(StrEnum):
    """Where a role may do a deed."""

    NOWHERE = "nowhere"
    OWN = "own"
    ANYWHERE = "anywhere"
    """In foreign communities too."""


class Deed(StrEnum):
    """Everything that an officer can do; each page and each form is one of these."""

    SEE_RIGHTS = "see_rights"
    KEEP_SIGN_IN = "keep_sign_in"
    """One's own second factor."""
    SEE_STATIONS = "see_stations"
    """Stations, what they report, and alarms."""
    READ_LOGS = "read_logs"
    ACKNOWLEDGE_ALARM = "acknowledge_alarm"
    CLOSE_ALARM = "close_alarm"
    ADD_STATION = "add_station"
    RETIRE_STATION = "retire_station"
    CHANGE_STATION = "change_station"
    """Its names and its limit."""
    ROTATE_KEYS = "rotate_keys"
    COMMAND_STATION = "command_station"
    COMMAND_LID = "command_lid"
    SEE_ASIDE = "see_aside"
    DECIDE_ASIDE = "decide_aside"
    SEE_POINTS = "see_points"
    """Points on hold, debts and decisions, with the codes of households."""
    SEE_HOUSEHOLDS = "see_households"
    """Names of households."""
    KEEP_HOUSEHOLDS = "keep_households"
    """Add, rename and erase them."""
    REGISTER_CARD = "register_card"
    BLOCK_CARD = "block_card"
    END_LINKS = "end_links"
    DECIDE_HELD = "decide_held"
    TAKE_BACK = "take_back"
    FORGIVE_DEBT = "forgive_debt"
    CHANGE_COMMUNITY = "change_community"
    NAME_OFFICERS = "name_officers"
    ISSUE_TOKEN = "issue_token"  # noqa: S105 (a deed's name)
    READ_AUDIT = "read_audit"

    @property
    def asks_again(self) -> bool:
        """Whether the officer must confirm who they are, unless they did so within the last minutes."""
        return self in MONEY or self in LIDS or self in KEYS


MONEY = frozenset(
    {Deed.REGISTER_CARD, Deed.DECIDE_HELD, Deed.DECIDE_ASIDE, Deed.TAKE_BACK, Deed.FORGIVE_DEBT}
)
"""Deeds that may move points."""
LIDS = frozenset({Deed.COMMAND_LID})
KEYS = frozenset({Deed.NAME_OFFICERS, Deed.ISSUE_TOKEN, Deed.ROTATE_KEYS})
"""Deeds that let somebody or something in."""

_NO, _OWN, _ANY = Reach.NOWHERE, Reach.OWN, Reach.ANYWHERE
_ROWS: Mapping[Deed, tuple[Reach, Reach, Reach, Reach, Reach]] = {
    # the columns:         admin clerk instructor auditor installer
    Deed.SEE_RIGHTS: (_ANY, _ANY, _ANY, _ANY, _ANY),
    Deed.KEEP_SIGN_IN: (_ANY, _ANY, _ANY, _ANY, _ANY),
    Deed.SEE_STATIONS: (_OWN, _OWN, _OWN, _OWN, _OWN),
    Deed.READ_LOGS: (_OWN, _NO, _NO, _OWN, _OWN),
    Deed.ACKNOWLEDGE_ALARM: (_OWN, _OWN, _OWN, _NO, _OWN),
    Deed.CLOSE_ALARM: (_OWN, _OWN, _NO, _NO, _OWN),
    Deed.ADD_STATION: (_OWN, _NO, _NO, _NO, _OWN),
    Deed.RETIRE_STATION: (_OWN, _NO, _NO, _NO, _NO),
    Deed.CHANGE_STATION: (_OWN, _NO, _NO, _NO, _OWN),
    Deed.ROTATE_KEYS: (_OWN, _NO, _NO, _NO, _OWN),
    Deed.COMMAND_STATION: (_OWN, _NO, _NO, _NO, _OWN),
    Deed.COMMAND_LID: (_OWN, _NO, _NO, _NO, _OWN),
    Deed.SEE_ASIDE: (_OWN, _OWN, _NO, _OWN, _OWN),
    Deed.DECIDE_ASIDE: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.SEE_POINTS: (_OWN, _OWN, _NO, _OWN, _NO),
    Deed.SEE_HOUSEHOLDS: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.KEEP_HOUSEHOLDS: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.REGISTER_CARD: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.BLOCK_CARD: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.END_LINKS: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.DECIDE_HELD: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.TAKE_BACK: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.FORGIVE_DEBT: (_OWN, _OWN, _NO, _NO, _NO),
    Deed.CHANGE_COMMUNITY: (_OWN, _NO, _NO, _NO, _NO),
    Deed.NAME_OFFICERS: (_OWN, _NO, _NO, _NO, _NO),
    Deed.ISSUE_TOKEN: (_OWN, _NO, _NO, _NO, _NO),
    Deed.READ_AUDIT: (_OWN, _NO, _NO, _OWN, _NO),
}
TABLE: Mapping[Deed, Mapping[OfficerRole, Reach]] = {
    deed: dict(zip(OfficerRole, row, strict=True)) for deed, row in _ROWS.items()
}


@dataclass(frozen=True, slots=True)
class Rights:
    """The grants that an officer holds now."""

    grants: frozenset[tuple[OfficerRole, Place]] = frozenset()

    def may(self, deed: Deed, place: Place) -> bool:
        """Return whether a grant allows a deed in a community, or in the whole town."""
        return any(allows(role, deed, scope_of(own, place)) for role, own in self.grants)


def allows(role: OfficerRole, deed: Deed, scope: Scope) -> bool:
    """Return whether the table lets a role do a deed there."""
    reach = TABLE[deed][role]
    return reach is Reach.ANYWHERE or (reach is Reach.OWN and scope is Scope.OWN)


def scope_of(own: Place, place: Place) -> Scope:
    """Return what a place is to a grant for `own`."""
    return Scope.OWN if own is None or own == place else Scope.FOREIGN
