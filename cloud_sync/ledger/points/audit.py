"""The audit: sums that must agree and a chain that must be whole, read from the rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Sum
from django.db.models.functions import Coalesce

from cloud_sync.ledger.points import immutable, sums
from cloud_sync.ledger.points.models import Account, ChainHead, Transfer, VisitSettlement
from cloud_sync.ledger.points.snapshot import snapshot
from cloud_sync.ledger.points.walk import Break, find_break
from cloud_sync.ledger.stations.models import Community


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
            figures["heads"] = dict(self.heads)
        return figures


def verify() -> Audit:
    """Check the whole database as it stands at one instant; writers go on meanwhile."""
    with snapshot():
        communities = list(Community.objects.order_by("pk"))
        breaks = tuple(broken for community in communities if (broken := find_break(community)))
        duplicates = sums.duplicates()
        totals = VisitSettlement.objects.aggregate(
            **{name: Coalesce(Sum(name), 0) for name in ("settled", "held", "lowered")}
        )
        return Audit(
            transfers=Transfer.objects.count(),
            sum=Account.objects.aggregate(sum=Coalesce(Sum("balance"), 0))["sum"],
            duplicates=duplicates,
            heads={head.community.slug: bytes(head.chain).hex() for head in _heads()},
            breaks=breaks,
            problems=(*map(str, breaks), *immutable.problems(), *sums.problems(duplicates)),
            **totals,
        )


def _heads() -> Sequence[ChainHead]:
    return list(ChainHead.objects.select_related("community").order_by("pk"))
