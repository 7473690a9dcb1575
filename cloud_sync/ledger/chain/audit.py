"""Audit the ledger from its rows alone: sums, chain, register, signatures, and what the facts earn.

The audit names everything that is wrong, up to MOST lines a check, and finishes whatever the rows hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
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
"""Lines shown for one check; the rest are only counted."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit; `settled`, `held` and `lowered` are the points of all visits."""

    transfers: int
    sum: int
    """The sum of all accounts; it must be 0."""
    duplicates: int
    settled: int
    held: int
    lowered: int
    heads: Mapping[str, str]
    """Each community's last link, hex. A copy kept elsewhere can show later that nothing was rewritten."""
    breaks: Sequence[Break]
    signed: int
    """Batches whose signature was checked."""
    unsigned: int
    """Events from before signatures were kept."""
    erased: int
    """Erased households: the facts of their visits can no longer be read."""
    problems: tuple[str, ...]
    """One line for each thing that is wrong, a broken chain first."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def sums(self) -> dict[str, object]:
        """Return the figures of the whole ledger by name."""
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
        """Return what `tongzhan ledger verify --json` prints: the sums, and the problems if any."""
        figures = self.sums()
        if self.problems:
            figures["problems"] = list(self.problems)
        if self.breaks:
            figures |= {"broken_in": self.breaks[0].community, "broken_at": self.breaks[0].position}
        if heads:
            figures |= {"heads": dict(self.heads), "signed": self.signed, "unsigned": self.unsigned}
            figures["erased"] = self.erased
        return figures


def verify(community: Community | None = None) -> Audit:
    """Check one community, or the whole database, as of one instant; writers are not blocked."""
    with snapshot():
        communities: list[Community] = []
        unread = _finish("communities", lambda: _read_communities(communities, community))
        checks = [_Community(community) for community in communities]
        problems = [
            *unread,
            *chain.from_iterable(one.chain() for one in checks),
            *_finish("triggers", triggers.problems),
            *_finish("types", row_types.problems),
            *chain.from_iterable(one.rows() for one in checks),
        ]
        for name, check in sums.CHECKS.items():
            problems += _finish(name, partial(check, community))
        figures, heads = _Figures(), dict[str, str]()
        problems += _finish("figures", partial(figures.read, community))
        problems += _finish("heads", lambda: _read_heads(heads, community))
        return Audit(
            **asdict(figures),
            heads=heads,
            breaks=tuple(found for one in checks for found in one.breaks),
            signed=sum(one.signed.batches for one in checks),
            unsigned=sum(one.register.unsigned.events for one in checks),
            erased=sum(len(one.register.pseudonyms) for one in checks),
            problems=tuple(problems),
        )


def problems_of(community: Community) -> list[str]:
    """Return what is wrong with one community, within a transaction that wrote its rows; empty if nothing.

    Only what concerns the whole database, its triggers and types, is left to `verify`.
    """
    if sql.on_postgres():
        sql.execute("SET LOCAL DateStyle = 'ISO'", [])  # moments are read as text
    one = _Community(community)
    found = [*one.chain(), *one.rows()]
    for name, check in sums.CHECKS.items():
        found += _finish(name, partial(check, community))
    return found


def _read_communities(found: list[Community], only: Community | None) -> Iterator[str]:
    """Read all of them, or the only one, and have nothing to say; as a check, for their table may be gone."""
    found += Community.objects.order_by("pk") if only is None else [only]
    yield from ()


@dataclass
class _Figures:
    """What the ledger comes to; 0 where a table cannot be read."""

    transfers: int = 0
    sum: int = 0
    duplicates: int = 0
    settled: int = 0
    held: int = 0
    lowered: int = 0

    def read(self, community: Community | None) -> Iterator[str]:
        """Read those of one community, or of all, and have nothing to say."""
        here = {} if community is None else {"community": community}
        self.transfers = Transfer.objects.filter(**here).count()
        self.sum = Account.objects.filter(**here).aggregate(sum=Coalesce(Sum("balance"), 0))["sum"]
        totals = VisitSettlement.objects.filter(**here).aggregate(
            **{name: Coalesce(Sum(name), 0) for name in ("settled", "held", "lowered")}
        )
        self.settled, self.held, self.lowered = totals["settled"], totals["held"], totals["lowered"]
        self.duplicates = sums.duplicates(community)
        yield from ()


class _Community:
    """The checks of one community, which build on each other."""

    def __init__(self, community: Community) -> None:
        self.register, self.signed = Register(), SignedEvents()
        self.breaks: list[Break] = []
        self._community = community
        self._noted = _finish("register", lambda: register.walk(community, self.register))

    def chain(self) -> list[str]:
        """Return what is wrong with the chain of transfers."""
        return _finish("chain", self._find_breaks)

    def rows(self) -> list[str]:
        """Return what is wrong with the register, the signed batches, and the rows that depend on them."""
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
    """Run one check and return its lines, at most MOST; if it fails, say so and let the others run."""
    lines: list[str] = []
    more = 0
    try:
        with transaction.atomic() if sql.on_postgres() else nullcontext():
            for line in check():
                if len(lines) < MOST:
                    lines.append(line)
                else:
                    more += 1
    except Exception as error:  # noqa: BLE001 (a row may hold anything: the audit names it and goes on)
        said = (str(error).splitlines() or [""])[0]
        lines.append(f"the check of {name} cannot be finished ({type(error).__name__}: {said})")
    return [*lines, f"and {more} more of the check of {name}"] if more else lines


def _read_heads(found: dict[str, str], only: Community | None) -> Iterator[str]:
    """Read the last link of one community, or of each; empty if what is stored cannot be a link."""
    statement = (
        "SELECT c.slug, h.chain FROM points_chainhead h JOIN stations_community c "
        "ON c.id = h.community_id ORDER BY c.id"
    )
    for slug, link in sql.execute(statement, []):
        if only is not None and slug != only.slug:
            continue
        found[slug] = bytes(link).hex() if isinstance(link, bytes | memoryview) else ""
    yield from ()
