"""Words for roles and deeds, in the language that is activated."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

from cloud_sync.ledger.officers.rights import Deed, OfficerRole

_ROLES: dict[OfficerRole, str] = {
    OfficerRole.ADMIN: gettext_noop("Administrator"),
    OfficerRole.CLERK: gettext_noop("Clerk"),
    OfficerRole.INSTRUCTOR: gettext_noop("Instructor"),
    OfficerRole.AUDITOR: gettext_noop("Auditor"),
    OfficerRole.INSTALLER: gettext_noop("Installer"),
}
_DEEDS: dict[Deed, str] = {
    Deed.SEE_RIGHTS: gettext_noop("Read who may do what"),
    Deed.KEEP_SIGN_IN: gettext_noop("Set up one's own second factor"),
    Deed.SEE_STATIONS: gettext_noop("See stations and alarms"),
    Deed.READ_LOGS: gettext_noop("Read a station's log"),
    Deed.ACKNOWLEDGE_ALARM: gettext_noop("Take on an alarm"),
    Deed.CLOSE_ALARM: gettext_noop("Close an alarm"),
    Deed.ADD_STATION: gettext_noop("Add a station"),
    Deed.RETIRE_STATION: gettext_noop("Retire a station"),
    Deed.CHANGE_STATION: gettext_noop("Change a station's names and limit"),
    Deed.ROTATE_KEYS: gettext_noop("Change a station's keys"),
    Deed.COMMAND_STATION: gettext_noop("Command a part of a station"),
    Deed.COMMAND_LID: gettext_noop("Open or close a lid from afar"),
    Deed.SEE_ASIDE: gettext_noop("See records that were set aside"),
    Deed.DECIDE_ASIDE: gettext_noop("Decide on records that were set aside"),
    Deed.SEE_POINTS: gettext_noop("See points on hold, debts and decisions"),
    Deed.SEE_HOUSEHOLDS: gettext_noop("See names of households"),
    Deed.KEEP_HOUSEHOLDS: gettext_noop("Add, rename and erase households"),
    Deed.REGISTER_CARD: gettext_noop("Register a card to a household, or undo that"),
    Deed.BLOCK_CARD: gettext_noop("Block a card"),
    Deed.END_LINKS: gettext_noop("Take back links to a statement"),
    Deed.DECIDE_HELD: gettext_noop("Give points on hold, or not"),
    Deed.TAKE_BACK: gettext_noop("Take back points that were given"),
    Deed.FORGIVE_DEBT: gettext_noop("Waive a debt"),
    Deed.CHANGE_COMMUNITY: gettext_noop("Change a community's settings"),
    Deed.NAME_OFFICERS: gettext_noop("Give roles to officers, and end them"),
    Deed.ISSUE_TOKEN: gettext_noop("Let a program read through the interface"),
    Deed.READ_AUDIT: gettext_noop("Read who did what"),
}


def role_text(role: OfficerRole) -> str:
    """Return a role's name."""
    return gettext(_ROLES[role])


def deed_text(deed: Deed) -> str:
    """Return a deed in a few words."""
    return gettext(_DEEDS[deed])
