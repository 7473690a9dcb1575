"""A set of whole numbers stored as spans."""

from __future__ import annotations

from bisect import bisect_right


class Spans:
    """A set of whole numbers that are mostly consecutive."""

    def __init__(self) -> None:
        self._given: list[tuple[int, int]] = []
        self._merged: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """Add every number from `first` to `last`."""
        if self._given and self._given[-1][0] <= first <= self._given[-1][1] + 1:
            first = self._given[-1][0]
            last = max(last, self._given.pop()[1])
        self._given.append((first, last))
        self._merged = []

    def __contains__(self, number: int) -> bool:
        spans = self._spans()
        place = bisect_right(spans, number, key=lambda span: span[0])
        return place > 0 and number <= spans[place - 1][1]

    def _spans(self) -> list[tuple[int, int]]:
        """Return the spans in order, adjacent ones merged."""
        if not self._merged:
            for first, last in sorted(self._given):
                if self._merged and first <= self._merged[-1][1] + 1:
                    before = self._merged.pop()
                    self._merged.append((before[0], max(before[1], last)))
                else:
                    self._merged.append((first, last))
        return self._merged
