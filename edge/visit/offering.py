"""Deposits offered to the eye for a clip: each once it is judged, and again if an alarm follows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from edge.faults import EMERGENCIES, Fault, FaultCode
from edge.messages import Photo
from edge.part_kinds import PartKind, kind_of
from edge.roster import Filming
from edge.visit.state import Deposit, DepositPhase, State, Visit

REMEMBERED_S = 6.0
"""A deposit is offered again for an alarm that begins at most this long after it: the eye still has it."""
_OF_ALL = "*"
"""In place of a bin: an alarm of the whole station."""
_STATIONS = EMERGENCIES | {FaultCode.EMERGENCY_STOP}


@dataclass(frozen=True, slots=True)
class OfferClip:
    """A deposit that the eye may keep a clip of. Times are the clock's monotonic seconds."""

    visit_at: float
    """When the visit began, which names it."""
    deposit: int
    bin: str
    at: float
    filming: Filming
    has_alarm: bool
    """Whether an alarm of the bin or of the station began during the visit."""
    photos: tuple[Photo, ...] = field(compare=False, repr=False, default=())


@dataclass(frozen=True, slots=True)
class ClipOffers:
    """When the last alarm of each bin and of the station began. A scale's or a reader's is no such alarm."""

    alarmed_at: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def step(self, before: State, after: State, at: float) -> tuple[ClipOffers, tuple[OfferClip, ...]]:
        """Return the memory after one event, and the deposits to offer."""
        alarmed = {place for fault in after.faults - before.faults if (place := _place(fault)) is not None}
        new = self
        if alarmed:
            new = ClipOffers(MappingProxyType({**self.alarmed_at, **dict.fromkeys(alarmed, at)}))
        return new, tuple(new._offers(before, after, alarmed, at))

    def _offers(self, before: State, after: State, alarmed: set[str], at: float) -> Iterator[OfferClip]:
        for visit in after.visits:
            earlier = before.visit(visit.id)
            if earlier is visit and not alarmed:
                continue
            known = {} if earlier is None else {one.number: one.phase for one in earlier.deposits}
            for deposit in visit.deposits:
                is_judged = deposit.phase is DepositPhase.JUDGED
                was_judged = known.get(deposit.number) is DepositPhase.JUDGED
                is_alarming = bool(alarmed & {deposit.bin, _OF_ALL}) and at <= deposit.at + REMEMBERED_S
                if is_judged and (is_alarming or not was_judged):
                    yield self._offer(visit, deposit)

    def _offer(self, visit: Visit, deposit: Deposit) -> OfferClip:
        last = max(self.alarmed_at.get(place, -1.0) for place in (deposit.bin, _OF_ALL))
        return OfferClip(
            visit.started_at,
            deposit.number,
            deposit.bin,
            deposit.at,
            visit.filming,
            last >= visit.started_at,
            deposit.photos,
        )


def _place(fault: Fault) -> str | None:
    """Return the bin of a lid's alarm, _OF_ALL for an emergency, None for what is no alarm here."""
    if fault.code in _STATIONS:
        return _OF_ALL
    is_lids = kind_of(fault.code, fault.part) is PartKind.BIN and fault.code.startswith("lid")
    return fault.part if is_lids else None
