"""`all` for tests: what is asked of no value at all was not tested."""

from __future__ import annotations

from collections.abc import Iterable


def all_of_some(values: Iterable[object]) -> bool:
    """Whether all of these hold; fails when there are none, for then it would hold whatever the code does."""
    found = list(values)
    assert found, "all() was asked of nothing: whatever the code did, it would hold"
    return False not in map(bool, found)
