"""The statement's words, in the language that is activated."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from cloud_sync.ledger.points.models import Timed, VisitSettlement, Withdrawn
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.rules.award_rules import HeldBy, LoweredBy, Outcome


def deposit(of: Outcome, label: str = "", belongs: str = "") -> str:
    """Say to the person who made it how a deposit ended.

    `label` names the thing and may be plural or empty; `belongs` names the bin of one that was wrong.
    """
    match of:
        case Outcome.RIGHT:
            return gettext("%(label)s: right bin") % {"label": label} if label else gettext("Right bin")
        case Outcome.WRONG:
            text = (
                gettext("%(label)s: next time, please use the %(bin)s bin.")
                if label
                else gettext("Next time, please use the %(bin)s bin.")
            )
            return text % {"label": label, "bin": belongs}
        case Outcome.UNSURE:
            return gettext("Could not tell what it was. You get points all the same.")
        case Outcome.UNSEEN:
            return gettext("The camera did not see it. You get points all the same.")
        case Outcome.NOTHING:
            return gettext("Nothing was seen going in.")


def day(of: date, today: date) -> str:
    """Return a day as people call it."""
    if of == today:
        return gettext("Today")
    if of == today - timedelta(days=1):
        return gettext("Yesterday")
    # Translators: a date such as Friday 20 November; see Django's date formats.
    return date_format(of, gettext("l j F") if of.year == today.year else gettext("l j F Y"))


def short_day(of: date, today: date) -> str:
    """Return a day inside a sentence, without its weekday."""
    # Translators: a date such as 20 November; see Django's date formats.
    return date_format(of, gettext("j F") if of.year == today.year else gettext("j F Y"))


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return a day and a time of it, in the time zone `zone`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    recent = local.date() >= today - timedelta(days=1)
    shown = day(local.date(), today) if recent else short_day(local.date(), today)
    return f"{shown} {local:%H:%M}"


def within(when: str) -> str:
    """Return a moment as it stands inside a sentence: "today" in place of "Today"."""
    return when[:1].lower() + when[1:]


def notes(row: VisitSettlement) -> tuple[str, ...]:
    """Say why a visit earned less than the station said, why points are on hold, and how it was timed."""
    found = []
    if not_earned := row.lowered - row.withdrawn:
        found.append(_lowered(LoweredBy(row.lowered_by), not_earned))
    if row.withdrawn:
        found.append(_withdrawn(Withdrawn(row.withdrawn_by), row.withdrawn))
    if row.held:
        found.append(_held(HeldBy(row.held_by), row.held))
    if row.timed == Timed.DOUBTED and not row.held:
        found.append(gettext("The day of this visit is not known yet."))
    if row.timed == Timed.BOUNDED:
        found.append(gettext("The time is an estimate, made in your favour."))
    return tuple(found)


def movement(purpose: Purpose, reason: str = "") -> str:
    """Say why points moved without a visit; `reason` is what the person who decided wrote down."""
    match purpose:
        case Purpose.AWARD:
            text = gettext("For a visit")
        case Purpose.HOLD:
            text = gettext("Points on hold")
        case Purpose.RELEASE:
            text = gettext("Points on hold are yours now")
        case Purpose.RETURN:
            text = gettext("Points on hold were not given")
        case Purpose.LOWER:
            text = gettext("Points on hold were beyond the day's limit")
        case Purpose.RESTORE:
            text = gettext("Points that had gone back are yours now, with your card")
        case Purpose.CORRECTION:
            text = gettext("The office took back points")
        case Purpose.OFFSET:
            text = gettext("Used for points your home owed")
    return _because(text, reason)


def waived_because(reason: str) -> str:
    """Say that a debt was waived, and why."""
    return _because(gettext("The office waived points your home owed"), reason)


def to_deduct(points: int) -> str:
    """Name points that were spent before a correction and come out of later ones."""
    return ngettext("%(points)d point to deduct", "%(points)d points to deduct", points) % {"points": points}


def waived(points: int) -> str:
    """Name points of a debt that need not be repaid."""
    return ngettext("%(points)d point waived", "%(points)d points waived", points) % {"points": points}


def not_given(points: int) -> str:
    """Name held points that were not given."""
    return ngettext("%(points)d point not given", "%(points)d points not given", points) % {"points": points}


def _because(text: str, reason: str) -> str:
    return gettext("%(text)s: %(reason)s") % {"text": text, "reason": reason} if reason else text


def given_later(points: int, on: date, today: date) -> str:
    """Say that a visit's points were on hold and have arrived since."""
    text = ngettext(
        "%(points)d point was on hold at first and arrived on %(day)s.",
        "%(points)d points were on hold at first and arrived on %(day)s.",
        points,
    )
    return text % {"points": points, "day": short_day(on, today)}


def owed(points: int) -> str:
    """Say what a household still owes after corrections, and how it is repaid."""
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
                "%(points)d point was not added because this card was not registered in time.",
                "%(points)d points were not added because this card was not registered in time.",
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
                "%(points)d point is on hold until this card is registered to your home.",
                "%(points)d points are on hold until this card is registered to your home.",
                points,
            )
        case HeldBy.CHEATING:
            text = ngettext(
                "%(points)d point is on hold while the office looks into this card, a week at most.",
                "%(points)d points are on hold while the office looks into this card, a week at most.",
                points,
            )
        case HeldBy.CLONED | HeldBy.BACKDATED:
            text = ngettext(
                "%(points)d point is on hold while the office looks into the station.",
                "%(points)d points are on hold while the office looks into the station.",
                points,
            )
        case HeldBy.LEDGER_CLOCK:
            text = ngettext(
                "%(points)d point is on hold until the ledger's clock is right, then arrives by itself.",
                "%(points)d points are on hold until the ledger's clock is right, then arrive by themselves.",
                points,
            )
        case HeldBy.MINT_LIMIT:
            text = ngettext(
                "%(points)d point is on hold because this station counted unusually many that day.",
                "%(points)d points are on hold because this station counted unusually many that day.",
                points,
            )
    return text % {"points": points}
