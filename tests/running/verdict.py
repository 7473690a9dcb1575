"""May a failure be tried once more, and is a run green? Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tests.running.outcomes import Outcome
from tests.running.stages import Stage, stage_of

MOST_FLAKES = 3
"""More tests than this that fail and then pass are no bad minute of the machine."""

NEVER_TWICE = (
    "tests/cloud_sync/rules/",
    "tests/edge/journal/",
    "tests/edge/visit/",
    "tests/ledger/chain/",
    "tests/ledger/intake/test_a",
    "tests/ledger/intake/test_slips.py",
    "tests/ledger/intake/test_together.py",
    "tests/ledger/points/",
    "tests/ledger/settling/",
    "tests/soak/",
)
"""Tests of crashes, soaks, rules, settlement, the chain and visits: their first failure counts, as that of
every property does, because what they find may come once in a hundred runs and still lose a point."""


def may_try_again(failure: Outcome) -> bool:
    """Tell whether a failed test is one that a busy machine may fail."""
    if failure.is_property or failure.nodeid.startswith(NEVER_TWICE):
        return False
    return stage_of(failure.nodeid) is not Stage.PURE


def worth_trying_again(failures: Sequence[Outcome]) -> bool:
    """Tell whether trying once more can still make the run green."""
    return 0 < len(failures) <= MOST_FLAKES and all(may_try_again(failure) for failure in failures)


def known_flakes(failures: Sequence[Outcome], earlier: Collection[str]) -> list[Outcome]:
    """Name the failures that were forgiven once before: a second time is a defect of the test."""
    return [failure for failure in failures if failure.nodeid in earlier]
