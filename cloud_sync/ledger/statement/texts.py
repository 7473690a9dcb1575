"""The statement's words, in the language that is activated."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext

from cloud_sync.ledger.points.models import Timed, VisitSettlement, Withdrawn
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.stations.models import Community
from cloud_sync.rules.award_rules import HeldBy, LoweredBy, Outcome


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


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A day and a time of it, where `zone` is."""
    local = at.astimezone(zone)
    return f"{day(local.date(), now.astimezone(zone).date())} {local:%H:%M}"


def notes(row: VisitSettlement) -> tuple[str, ...]:
    """Why a visit brought less than the station said, or why its points wait; which day it was counted to."""
    found = []
    if not_given := row.lowered - row.withdrawn:
        found.append(_lowered(LoweredBy(row.lowered_by), not_given))
    if row.withdrawn:
        found.append(_withdrawn(Withdrawn(row.withdrawn_by), row.withdrawn))
    if row.held:
        found.append(_held(HeldBy(row.held_by), row.held))
    if row.timed == Timed.BOUNDED:
        found.append(gettext("The station's clock was wrong; the time is a guess in your favour."))
    return tuple(found)


def movement(purpose: Purpose, reason: str = "") -> str:
    """Why points moved other than by a visit; `reason` is what the person who decided so wrote down."""
    match purpose:
        case Purpose.AWARD:
            text = gettext("For a visit")
        case Purpose.HOLD:
            text = gettext("Points that wait")
        case Purpose.RELEASE:
            text = gettext("Points that waited are yours now")
        case Purpose.RETURN:
            text = gettext("Points that waited were not given")
        case Purpose.RESTORE:
            text = gettext("Points that had gone back are yours now, with your card")
        case Purpose.CORRECTION:
            text = gettext("The office took back points")
        case Purpose.OFFSET:
            text = gettext("Kept for what your home still owed")
    return gettext("%(text)s: %(reason)s") % {"text": text, "reason": reason} if reason else text


def forgiven(reason: str) -> str:
    """That a debt is no more."""
    return gettext("The office let your home off what it owed: %(reason)s") % {"reason": reason}


def given_later(points: int, on: date) -> str:
    """That a visit's points waited and have come since."""
    text = ngettext(
        "%(points)d point waited at first and was added on %(day)s.",
        "%(points)d points waited at first and were added on %(day)s.",
        points,
    )
    return text % {"points": points, "day": date_format(on, gettext("l j F Y"))}


def owed(points: int) -> str:
    """What a household still owes after corrections, and what becomes of that."""
    text = ngettext(
        "Your home still owes %(points)d point from a correction. It comes out of the next points.",
        "Your home still owes %(points)d points from corrections. They come out of the next points.",
        points,
    )
    return text % {"points": points}


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


def _withdrawn(by: Withdrawn, points: int) -> str:
    match by:
        case Withdrawn.EXPIRED:
            text = ngettext(
                "%(points)d point waited too long for this card to be registered and was not added.",
                "%(points)d points waited too long for this card to be registered and were not added.",
                points,
            )
        case Withdrawn.REFUSED:
            text = ngettext(
                "The office did not add %(points)d point. It can explain.",
                "The office did not add %(points)d points. It can explain.",
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
        case HeldBy.CHEATING:
            text = ngettext(
                "%(points)d point waits while the office looks into this card, a week at most.",
                "%(points)d points wait while the office looks into this card, a week at most.",
                points,
            )
        case HeldBy.CLONED | HeldBy.BACKDATED:
            text = ngettext(
                "%(points)d point waits while the office looks into the station.",
                "%(points)d points wait while the office looks into the station.",
                points,
            )
        case HeldBy.MINT_LIMIT:
            text = ngettext(
                "%(points)d point waits because this station counted unusually much that day.",
                "%(points)d points wait because this station counted unusually much that day.",
                points,
            )
    return text % {"points": points}
