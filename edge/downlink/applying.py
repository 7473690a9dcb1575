"""Decide what a publication makes of what a station holds: the next version, or a refusal. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cloud_sync.wire.publication import Publication, PublishedKind
from cloud_sync.wire.roster import RosterError, changed, unpack


@dataclass(frozen=True, slots=True)
class Held:
    """One kind as the station holds it, whole; version 0: nothing yet."""

    version: int = 0
    content: bytes = b""


class RefusedError(Exception):
    """A publication that must not be taken; what is held stays. `ask_whole`: the whole may do."""

    def __init__(self, what: str, mend: str, *, ask_whole: bool = False) -> None:
        self.what, self.mend, self.ask_whole = what, mend, ask_whole
        super().__init__(f"{what}; {mend}")


OLDER = "after a restored backup, on the ledger: tongzhan ledger published renew --config F"
FOREIGN = "correct station.community, or ask the ledger's administrator"
UNREADABLE = "upgrade the station, or the ledger"
DAMAGED = "nothing: it is fetched again"


def taken(held: Held, publication: Publication, community: str, kind: PublishedKind) -> Held:
    """Return what the station holds after this publication; RefusedError if it may not be taken."""
    told = publication.statement
    if (told.community, told.kind) != (community, str(kind)):
        raise RefusedError(f"the ledger sent the {told.kind} of {told.community}", FOREIGN)
    if told.version < held.version:
        raise RefusedError(f"version {told.version} is older than {held.version}, which is held", OLDER)
    content = publication.content
    if told.base:
        content = _changed(held, publication)
    if hashlib.sha256(content).hexdigest() != told.digest:
        raise RefusedError(
            f"version {told.version} does not lead where it says", DAMAGED, ask_whole=bool(told.base)
        )
    if kind is PublishedKind.ROSTER and not told.base:
        _readable(content)
    return Held(told.version, content)


def _changed(held: Held, publication: Publication) -> bytes:
    told = publication.statement
    if told.base != held.version:
        raise RefusedError(
            f"changes since {told.base} do not fit version {held.version}", DAMAGED, ask_whole=True
        )
    try:
        return changed(held.content, unpack(publication.content, delta=True))
    except RosterError as error:
        raise RefusedError(f"the changes cannot be read ({error})", DAMAGED, ask_whole=True) from None


def _readable(content: bytes) -> None:
    try:
        unpack(content)
    except RosterError as error:
        raise RefusedError(f"the roster cannot be read ({error})", UNREADABLE) from None
