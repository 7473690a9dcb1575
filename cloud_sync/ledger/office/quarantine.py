"""Applies events that were set aside once that is possible, dismisses evidence, or shows it again.

Each change happens completely and once; dismissals keep who, when and why. The evidence never changes.
"""

from __future__ import annotations

from datetime import datetime

from cloud_sync.ledger.audit.write import note, write
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.intake import store
from cloud_sync.ledger.intake.apply import reapply
from cloud_sync.ledger.office.decisions import DecidedError
from cloud_sync.ledger.office.pending import Row, find_aside
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import MAX_BY, said
from cloud_sync.ledger.points.posting import atomically
from cloud_sync.ledger.stations.models import Community, Conflict, Dismissal, Event, Stray
from config.errors import InputError
from config.reading import typed

SEE = "see: tongzhan ledger aside list --config F"


@atomically
def apply_aside(community: Community, number: str, now: datetime) -> None:
    """Apply an event that was set aside. InputError says why that is still impossible."""
    row = find_aside(community, number)
    if not isinstance(row, Event):
        raise InputError(
            f"{number} is evidence and cannot be applied",
            f"see: tongzhan ledger aside show {number} --community {community} --config F",
        )
    if reapply(row, now):
        note(Deed.DECIDE_ASIDE, row, before={"reason": row.reason}, after={"applied": True}, now=now)


@atomically
def dismiss(community: Community, number: str, by: str, reason: str, now: datetime) -> Dismissal:
    """Dismiss something set aside: lists and receipts leave it out from now on.

    After a conflict is dismissed, the first event still counts. The next receipt tells the station, whose
    fault ends with its last refusal. InputError without who and why, and for what is dismissed already.
    """
    by, reason = said(by, reason)
    row = find_aside(community, number)
    store.lock([row.station_id])
    if (earlier := _dismissal_of(row)) is not None:
        raise DecidedError(f"{number} was dismissed by {earlier.by} ({earlier.reason})", SEE)
    made = Dismissal(community=community, kind=_kind(row), row=row.pk, by=by, reason=reason, dismissed_at=now)
    write(made, Deed.DECIDE_ASIDE, by=by, reason=reason, now=now)
    records.register(community.pk, "dismissed", made, now, by=by, reason=reason)
    _tell_station(row, now)
    return made


@atomically
def show_again(community: Community, number: str, by: str, now: datetime) -> Dismissal:
    """End a dismissal: lists and receipts name it again. InputError for what is not dismissed."""
    by = typed.line("who decides", by, MAX_BY)
    row = find_aside(community, number)
    store.lock([row.station_id])
    found = _dismissal_of(row)
    if found is None:
        raise DecidedError(f"{number} is not dismissed", SEE)
    write(found, Deed.DECIDE_ASIDE, by=by, now=now, ended_at=now, ended_by=by)
    records.register(community.pk, "shown_again", found, now, by=by)
    _tell_station(row, now)
    return found


def _dismissal_of(row: Row) -> Dismissal | None:
    return Dismissal.objects.filter(kind=_kind(row), row=row.pk, ended_at=None).first()


def _kind(row: Row) -> Dismissal.Kind:
    match row:
        case Event():
            return Dismissal.Kind.EVENT
        case Conflict():
            return Dismissal.Kind.CONFLICT
        case Stray():
            return Dismissal.Kind.STRAY


def _tell_station(row: Row, now: datetime) -> None:
    if not isinstance(row, Stray):  # no receipt names a stray
        store.name_again(row.station_id, row.epoch, now)
