"""Close a community for its move to another ledger, take it back, and note that the other ledger has it.

Closing takes every lock under which the community changes, so that nothing is applied after the heads that
are stored with it; from then on `posting.lock`, `records.register` and the workers refuse it.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.enrolment.models import Succession
from cloud_sync.ledger.intake import store
from cloud_sync.ledger.moving.models import MAX_TO, Departure
from cloud_sync.ledger.moving.proofs import is_confirmed, public_key
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.models import ChainHead
from cloud_sync.ledger.points.posting import atomically, lock
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError
from config.reading import typed

NUMBER_BYTES = 16


def move_out(community: Community, *, to: str, to_key: str, by: str, reason: str, now: datetime) -> Departure:
    """Close a community here, for the ledger with the public key `to_key` to take in.

    InputError if it is closed already, if `verify` finds something wrong, and without who and why.
    """
    by, reason = said(by, reason)
    where, key = typed.line("where it goes", to, MAX_TO), public_key("the other ledger's key", to_key)
    if (gone := departure_of(community)) is not None:
        raise InputError(
            f"community {community} was moved out already, to {gone.to}",
            f"write its file: tongzhan ledger community export {community} FILE --config F",
        )
    audit = verify(community)
    if not audit.ok:
        raise InputError(
            f"community {community} cannot move: {audit.problems[0]}",
            f"see: tongzhan ledger verify --community {community} --config F",
        )
    return _close(community, where, key, by, reason, now)


@atomically
def _close(community: Community, to: str, to_key: str, by: str, reason: str, now: datetime) -> Departure:
    store.lock(list(community.stations.values_list("pk", flat=True)))
    lock(community)
    _refuse_changing_keys(community)
    head = ChainHead.objects.get(community=community)
    gone = Departure(
        community=community,
        number=secrets.token_hex(NUMBER_BYTES),
        to=to,
        to_key=to_key,
        by=by,
        reason=reason,
        left_at=now,
        position=head.position,
        chain=head.chain,
        records=head.records,
        records_chain=head.records_chain,
    )
    write(gone, Deed.CHANGE_COMMUNITY, by=by, reason=reason, now=now)
    ChainHead.objects.filter(community=community).update(moved_out=True)
    return gone


def _refuse_changing_keys(community: Community) -> None:
    """Raise InputError while a station has a new key that was not heard: the old ones must end here."""
    rows = Succession.objects.filter(key__station__community=community, over_at=None)
    if (changing := rows.select_related("key__station").first()) is not None:
        station = changing.key.station
        raise InputError(
            f"station {station} is changing its key",
            f"wait until it was heard, a day at most: tongzhan ledger station list --community {community} "
            "--config F",
        )


@atomically
def take_back(community: Community, by: str, reason: str, now: datetime) -> Departure:
    """Open a community here again; a file that was written of it is then of no use any more.

    InputError if it never left, if the other ledger has it, and without who and why.
    """
    by, reason = said(by, reason)
    gone = _departure(community)
    if gone.confirmed_at is not None:
        raise InputError(
            f"community {community} is in the ledger at {gone.to}, which confirmed it", "leave it there"
        )
    values = {"ended_at": now, "ended_by": by, "ended_reason": reason}
    write(gone, Deed.CHANGE_COMMUNITY, by=by, reason=reason, now=now, **values)
    ChainHead.objects.filter(community=community).update(moved_out=False)
    return gone


@atomically
def note_arrival(community: Community, code: str, now: datetime) -> Departure:
    """Note that the other ledger has the community, by the code that its import printed.

    Repeating it changes nothing. InputError if it never left, and for a code that is not of this move.
    """
    gone = _departure(community)
    if not is_confirmed(code, gone.to_key, gone.number, community.slug, gone.shown):
        raise InputError(
            f"this code does not say that {community} arrived",
            "give the code that `community import` printed at the other ledger",
        )
    if gone.confirmed_at is None:
        write(gone, Deed.CHANGE_COMMUNITY, now=now, confirmed_at=now)
    return gone


def departure_of(community: Community) -> Departure | None:
    """Return where a community went; None if it is here."""
    return Departure.objects.filter(community=community, ended_at=None).first()


def _departure(community: Community) -> Departure:
    gone = Departure.objects.select_for_update().filter(community=community, ended_at=None).first()
    if gone is None:
        raise InputError(
            f"community {community} has not moved out",
            f"see: tongzhan ledger community show {community} --config F",
        )
    return gone
