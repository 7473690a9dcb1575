"""The statement's words, in the language that is activated."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext

from cloud_sync.award_rules import HeldBy, LoweredBy, Outcome
from cloud_sync.ledger.points.models import VisitSettlement
from cloud_sync.ledger.stations.models import Community


def in_chinese() -> bool:
    """Whether the reader's language is Chinese."""
    return (get_language() or "").startswith("zh")


def name(community: Community) -> str:
    """A community's name."""
    return community.name_zh if in_chinese() else community.name_en


def outcome(of: Outcome) -> str:
    """How a deposit ended, to the person who made it."""
    match of:
        case Outcome.RIGHT:
            return gettext("Right bin")
        case Outcome.WRONG:
            return gettext("Next time:")
        case Outcome.UNSURE:
            return gettext("Could not tell what it was. You get points all the same.")
        case Outcome.UNSEEN:
            return gettext("The camera did not see it. You get points all the same.")
        case Outcome.NOTHING:
            return gettext("Nothing was seen going in")


def day(of: date, today: date) -> str:
    """A day as people call it."""
    if of == today:
        return gettext("Today")
    if of == today - timedelta(days=1):
        return gettext("Yesterday")
    # Translators: a date such as Friday 20 November; see Django's date formats.
    return date_format(of, gettext("l j F") if of.year == today.year else gettext("l j F Y"))


def notes(row: VisitSettlement) -> tuple[str, ...]:
    """Why a visit brought less than the station said, or why its points wait."""
    found = []
    if row.lowered:
        found.append(_lowered(LoweredBy(row.lowered_by), row.lowered))
    if row.held:
        found.append(_held(HeldBy(row.held_by), row.held))
    return tuple(found)


def _lowered(by: LoweredBy, points: int) -> str:
    match by:
        case LoweredBy.DAILY_POINTS:
            text = ngettext(
                "Your home has reached the day's limit of points, so %(points)d point was not added.",
                "Your home has reached the day's limit of points, so %(points)d points were not added.",
                points,
            )
        case LoweredBy.DAILY_DEPOSITS:
            text = ngettext(
                "Your home has reached the day's limit of items, so %(points)d point was not added.",
                "Your home has reached the day's limit of items, so %(points)d points were not added.",
                points,
            )
        case LoweredBy.STAFF:
            text = gettext("A staff card earns no points.")
        case LoweredBy.RECOUNTED:
            text = ngettext(
                "The station said %(points)d point too many. The office can explain.",
                "The station said %(points)d points too many. The office can explain.",
                points,
            )
    return text % {"points": points}


def _held(by: HeldBy, points: int) -> str:
    match by:
        case HeldBy.UNKNOWN_CARD:
            text = ngettext(
                "%(points)d point waits until this card is registered to your home.",
                "%(points)d points wait until this card is registered to your home.",
                points,
            )
    return text % {"points": points}
