"""Erases a household: cuts the link from its records to its identity; its transfers and every sum stay.

The bytes of its events are emptied, because they hold its cards' hashes. A random pseudonym replaces those
hashes, its code and its name, and the salts are removed, so that its seals reveal nothing. An event's
digest stays, as it is part of the chain: only somebody with the card's number, the community's card key and
every figure of a visit could still recognise that visit.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import F, Q

from cloud_sync.ledger.audit.write import empty_entries, note
from cloud_sync.ledger.chain import evidence, records
from cloud_sync.ledger.chain.checks.signed import sum_of
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.downlink.versions import forget_changes
from cloud_sync.ledger.households.register import ERASED
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.models import Card, Household, Record, SignedBatch, VisitSettlement
from cloud_sync.ledger.points.posting import atomically, lock
from cloud_sync.ledger.stations.models import Alarm, Community, Conflict, Event, EventState, Stray
from config.errors import InputError
from config.reading.typed import SHORTEST_CARD

TOKEN_BYTES = 8
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """The outcome of an erasure."""

    pseudonym: str
    """The household's code from now on."""
    cards: int
    visits: int


def erase_household(household: Household, by: str, reason: str, now: datetime) -> Erased:
    """Erase a household for good. InputError without who and why, and for one that is erased already."""
    _overwrite_what_goes()
    erased = _erase(household, by, reason, now)
    _leave_nothing_in_the_log()
    household.refresh_from_db()
    return erased


@atomically
def _erase(household: Household, by: str, reason: str, now: datetime) -> Erased:
    by, reason = said(by, reason)
    community = household.community
    lock(community)
    row = Household.objects.get(pk=household.pk)
    if row.code.startswith(ERASED):
        raise InputError(
            f"household {row} was erased before", "see: tongzhan ledger verify --heads --json --config F"
        )
    pseudonym = ERASED + secrets.token_hex(TOKEN_BYTES)
    cards = _cards_of(row)
    hashes = [card.hash for card in cards]
    visits = VisitSettlement.objects.filter(community=community)
    visits = visits.filter(Q(household=row) | Q(card_hash__in=hashes))
    events = set(visits.values_list("pk", flat=True)) | set(_naming(community, hashes))
    batches = list(_empty_batches(community, events))
    for some in _parts(sorted(events)):
        Event.objects.filter(pk__in=some).update(body=b"")
        VisitSettlement.objects.filter(pk__in=some).update(card_hash=pseudonym)
    for number, card in enumerate(cards, 1):
        card.hash, card.salt = f"{pseudonym}.{number}", b""
        card.save(update_fields=["hash", "salt"])
        records.register(community.pk, "erased", card, now)
    empty_entries([row, *cards])
    note(Deed.KEEP_HOUSEHOLDS, row, after={"erased": True}, by=by, reason=reason, now=now)
    forget_changes(community)
    row.code, row.name, row.salt, row.links_ended = pseudonym, "", b"", F("links_ended") + 1
    row.save(update_fields=["code", "name", "salt", "links_ended"])
    row.refresh_from_db()
    told = {"by": by, "reason": reason, "pseudonym": pseudonym, "batches": batches}
    records.register(community.pk, "erased", row, now, **told)
    return Erased(pseudonym, len(cards), visits.model.objects.filter(card_hash=pseudonym).count())


def _cards_of(household: Household) -> list[Card]:
    """Return its cards, and cards without a household that were its last."""
    last: dict[int, int] = {}
    shift = records.shift_of(household.community_id)
    for record in _about_cards(household.community):
        told = records.read(bytes(record.body), shift)
        if told.household is not None:
            last[int(told.row.partition("/")[2])] = told.household
    gone = [card for card, whose in last.items() if whose == household.pk]
    rows = Card.objects.filter(Q(household=household) | Q(household=None, pk__in=gone))
    return list(rows.select_related("community").order_by("pk"))


def _about_cards(community: Community) -> Iterator[Record]:
    kinds = ("found", "bound", "unbound", "replaced")
    rows = Record.objects.filter(community=community, kind__in=kinds).order_by("position")
    return rows.iterator(chunk_size=AT_ONCE)


def _naming(community: Community, hashes: Collection[str]) -> Iterator[int]:
    """Yield keys of refused events that hold one of these hashes; empty other evidence at once."""
    wanted = [hash_.encode() for hash_ in hashes]
    home = {"station__community": community}
    for row in Event.objects.filter(state=EventState.REFUSED, **home).iterator(chunk_size=AT_ONCE):
        if any(hash_ in bytes(row.body) for hash_ in wanted):
            yield row.pk
    for alarm in Alarm.objects.filter(community=community.slug).iterator(chunk_size=AT_ONCE):
        if any(hash_[:SHORTEST_CARD] in alarm.detail for hash_ in hashes):
            Alarm.objects.filter(pk=alarm.pk).update(detail="erased")
    for model in (Conflict, Stray):
        for item in model.objects.filter(**home).iterator(chunk_size=AT_ONCE):
            if any(hash_ in bytes(item.body) for hash_ in wanted):
                model.objects.filter(pk=item.pk).update(body=b"")


def _empty_batches(community: Community, events: Collection[int]) -> Iterator[tuple[int, str]]:
    """Empty batches that held one of these events; yield each with the sum that checks its other events."""
    rows = SignedBatch.objects.filter(station__community=community).order_by("pk")
    for batch in rows.iterator(chunk_size=AT_ONCE):
        held = [
            found
            for epoch, first, last in evidence.read_runs(bytes(batch.holds))
            for found in Event.objects.filter(
                station=batch.station_id, epoch=epoch, sequence__gte=first, sequence__lte=last
            )
            .order_by("sequence")
            .values_list("pk", "digest")
        ]
        if any(key in events for key, _ in held):
            SignedBatch.objects.filter(pk=batch.pk).update(body=b"")
            yield batch.pk, sum_of([digest for _, digest in held])


def _parts(keys: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _overwrite_what_goes() -> None:
    """Have SQLite overwrite changed rows with zeros; PostgreSQL keeps old rows until its next VACUUM."""
    if not sql.on_postgres():
        sql.execute("PRAGMA secure_delete = ON", [])


def _leave_nothing_in_the_log() -> None:
    """Move SQLite's write-ahead log into the database and empty it, unless a reader holds it."""
    if not sql.on_postgres() and not connection.in_atomic_block:
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)", [])
