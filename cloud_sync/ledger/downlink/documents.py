"""The signed bytes that stations fetch, made once for all stations that need the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db.models import Q

from cloud_sync.ledger.downlink.models import Published, RosterChange
from cloud_sync.ledger.downlink.versions import present, raw, standing
from cloud_sync.ledger.points.models import Card, CardRole, CardStatus, Rules
from cloud_sync.ledger.stations.models import Community
from cloud_sync.wire.publication import PublishedKind, VersionStatement, seal
from cloud_sync.wire.roster import CardStanding, digest, pack
from config.errors import InputError

Place = TypeVar("Place")
Thing = TypeVar("Thing")

MOST_KEPT = 24
"""Documents in memory; one of 20,000 cards has 660 kB."""
TRIES = 5
"""Reads of a content that changes meanwhile."""


@dataclass(frozen=True, slots=True)
class Document:
    """A version, and its signed bytes; None if the station has it."""

    version: int
    signed: bytes | None


class OlderLedgerError(InputError):
    """A station holds a later version than the ledger: a backup was restored."""


class Documents:
    """Makes documents for one process, and keeps the last ones. Thread-safe."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str, int, int], bytes] = OrderedDict()
        self._wholes: OrderedDict[tuple[int, str], tuple[int, bytes]] = OrderedDict()

    def document(self, community: Community, kind: PublishedKind, have: int) -> Document:
        """Return what brings a station that has version `have` up to date.

        InputError if nothing of this kind is published; OlderLedgerError if the station is ahead.
        """
        now = present(community, kind)
        if have == now.version:
            return Document(now.version, None)
        if have > now.version:
            raise OlderLedgerError(
                f"this ledger's {kind} has version {now.version}, and the station holds the later {have}",
                "after a restored backup: tongzhan ledger published renew --config F",
            )
        with self._lock:
            version, content = self._whole(community, kind)
            row = Published.objects.get(pk=now.pk)
            base = have if kind is PublishedKind.ROSTER and row.log_from <= have < version else 0
            return Document(version, self._signed(community, kind, version, base, content))

    def _whole(self, community: Community, kind: PublishedKind) -> tuple[int, bytes]:
        """Return the present version and its content, which belong together."""
        place = (community.pk, str(kind))
        for _ in range(TRIES):
            version = present(community, kind).version
            kept = self._wholes.get(place)
            if kept is not None and kept[0] == version:
                return kept
            content = _roster(community) if kind is PublishedKind.ROSTER else _rules(community)
            if present(community, kind).version == version:  # no change was committed in between
                self._wholes[place] = (version, content)
                _forget_beyond(self._wholes)
                return version, content
        raise InputError(f"the {kind} of {community} changes all the time", "ask again in a minute")

    def _signed(
        self, community: Community, kind: PublishedKind, version: int, base: int, whole: bytes
    ) -> bytes:
        place = (community.pk, str(kind), version, base)
        if (kept := self._kept.get(place)) is not None:
            return kept
        content = whole if base == 0 else _changes(community, base, version)
        if base and len(content) >= len(whole):
            return self._signed(community, kind, version, 0, whole)
        statement = VersionStatement(community.slug, str(kind), version, base, digest(whole))
        made = self._kept[place] = seal(self._key, statement, content)
        _forget_beyond(self._kept)
        return made


def _forget_beyond(kept: OrderedDict[Place, Thing]) -> None:
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)


def _roster(community: Community) -> bytes:
    known = Q(household__isnull=False) | Q(role=CardRole.STAFF) | Q(status=CardStatus.BLOCKED)
    rows = Card.objects.filter(known, community=community).values_list("hash", "household", "role", "status")
    roster: dict[bytes, CardStanding] = {}
    for text, household, role, status in rows.iterator(chunk_size=5000):
        if (card := raw(text)) is not None:
            roster[card] = standing(household, role, status)
    return pack(roster)


def _changes(community: Community, base: int, version: int) -> bytes:
    rows = RosterChange.objects.filter(community=community, version__gt=base, version__lte=version)
    changed = rows.order_by("version", "pk").values_list("card", "standing")
    return pack({bytes.fromhex(card): CardStanding(standing_) for card, standing_ in changed})


def _rules(community: Community) -> bytes:
    row = Rules.objects.filter(community=community).order_by("-version").first()
    if row is None:
        raise InputError(
            f"{community} has no award rules",
            f"give it some: tongzhan ledger community set {community} --rules FILE"
            " --by NAME --reason WHY --config F",
        )
    return bytes(row.body)
