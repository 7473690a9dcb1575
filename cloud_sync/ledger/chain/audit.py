"""The audit, read from the rows alone: sums, chain, register, signatures, and what the facts earn.

It names everything that is wrong, MOST of a kind, and ends with whatever the rows hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce

from cloud_sync.ledger.chain import sums
from cloud_sync.ledger.chain.check import Break, find_breaks
from cloud_sync.ledger.chain.checks import pricing, reach, register, row_types, sealed, signed
from cloud_sync.ledger.chain.checks.register import Register
from cloud_sync.ledger.chain.checks.signed import SignedEvents
from cloud_sync.ledger.db import sql, triggers
from cloud_sync.ledger.db.snapshot import snapshot
from cloud_sync.ledger.points.models import Account, Transfer, VisitSettlement
from cloud_sync.ledger.stations.models import Community

MOST = 20
"""Lines of one check; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the ledger comes to. Points in `settled`, `held` and `lowered` are those of all visits."""

    transfers: int
    sum: int
    """Of all accounts: 0."""
    duplicates: int
    settled: int
    held: int
    lowered: int
    heads: Mapping[str, str]
    """Each community's last link, hex: who notes it elsewhere can show later that nothing was rewritten."""
    breaks: Sequence[Break]
    signed: int
    """Batches whose signature was looked at."""
    unsigned: int
    """Events from before signatures were kept."""
    erased: int
    """Households whose pseudonym was cut: their visits' facts can be read no longer."""
    problems: tuple[str, ...]
    """One line for each thing that is wrong, a broken chain first."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def sums(self) -> dict[str, object]:
        """The figures of a whole ledger, by name."""
        return {
            "ok": self.ok,
            "transfers": self.transfers,
            "sum": self.sum,
            "duplicates": self.duplicates,
            "settled": self.settled,
            "held": self.held,
            "lowered": self.lowered,
        }

    def as_json(self, *, heads: bool = False) -> dict[str, object]:
        """What `tongzhan ledger verify --json` prints: the sums, and what is wrong where something is."""
        figures = self.sums()
        if self.problems:
            figures["problems"] = list(self.problems)
        if self.breaks:
            figures |= {"broken_in": self.breaks[0].community, "broken_at": self.breaks[0].position}
        if heads:
            figures |= {"heads": dict(self.heads), "signed": self.signed, "unsigned": self.unsigned}
            figures["erased"] = self.erased
        return figures


def verify() -> Audit:
    """Check the whole database as it stands at one instant; writers go on meanwhile."""
    with snapshot():
        checks = [_Community(community) for community in Community.objects.order_by("pk")]
        problems = [
            *chain.from_iterable(one.chain() for one in checks),
            *_finish("triggers", triggers.problems),
            *_finish("types", row_types.problems),
            *chain.from_iterable(one.rows() for one in checks),
        ]
        duplicates = sums.duplicates()
        for name, check in sums.CHECKS.items():
            problems += _finish(name, check)
        totals = VisitSettlement.objects.aggregate(
            **{name: Coalesce(Sum(name), 0) for name in ("settled", "held", "lowered")}
        )
        return Audit(
            transfers=Transfer.objects.count(),
            sum=Account.objects.aggregate(sum=Coalesce(Sum("balance"), 0))["sum"],
            duplicates=duplicates,
            heads=_heads(),
            breaks=tuple(found for one in checks for found in one.breaks),
            signed=sum(one.signed.batches for one in checks),
            unsigned=sum(one.register.unsigned.events for one in checks),
            erased=sum(len(one.register.pseudonyms) for one in checks),
            problems=tuple(problems),
            **totals,
        )


class _Community:
    """The checks of one community, which build on each other."""

    def __init__(self, community: Community) -> None:
        self.register, self.signed = Register(), SignedEvents()
        self.breaks: list[Break] = []
        self._community = community
        self._noted = _finish("register", lambda: register.walk(community, self.register))

    def chain(self) -> list[str]:
        """What is wrong with its transfers' chain."""
        return _finish("chain", self._find_breaks)

    def rows(self) -> list[str]:
        """What is wrong with its register, its signed batches, and all that hangs on them."""
        community, noted = self._community, self.register
        return [
            *self._noted,
            *_finish("signatures", lambda: signed.walk(community, noted, self.signed)),
            *_finish("rows", lambda: sealed.problems(community, noted)),
            *_finish("prices", lambda: pricing.problems(community, noted)),
            *_finish("epochs", lambda: reach.problems(community, noted, self.signed)),
        ]

    def _find_breaks(self) -> Iterator[str]:
        for found in find_breaks(self._community, self.register.pseudonyms):
            if len(self.breaks) < MOST:
                self.breaks.append(found)
            yield str(found)


def _finish(name: str, check: Callable[[], Iterable[str]]) -> list[str]:
    """The lines of one check, at most MOST; one that cannot be finished says so, and the others go on."""
    lines: list[str] = []
    more = 0
    try:
        with transaction.atomic() if sql.on_postgres() else nullcontext():
            for line in check():
                if len(lines) < MOST:
                    lines.append(line)
                else:
                    more += 1
    except Exception as error:  # noqa: BLE001 (whatever a row may hold, an audit names it and goes on)
        said = (str(error).splitlines() or [""])[0]
        lines.append(f"the check of {name} cannot be finished ({type(error).__name__}: {said})")
    return [*lines, f"and {more} more of the check of {name}"] if more else lines


def _heads() -> Mapping[str, str]:
    """Each community's last link; empty where it has none that could be one."""
    statement = (
        "SELECT c.slug, h.chain FROM points_chainhead h JOIN stations_community c "
        "ON c.id = h.community_id ORDER BY c.id"
    )
    return {
        slug: bytes(link).hex() if isinstance(link, bytes | memoryview) else ""
        for slug, link in sql.execute(statement, [])
    }
