"""The tables that `[[reader]]` may be, one for each kind of reader; the caller passes the kinds in."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from config.station import MAX_READERS, StationSettings
from config.wiring import ReaderSection


class ReaderTables:
    """The kinds of readers that a station.toml may name."""

    def __init__(self, sections: tuple[type[ReaderSection], ...], default: str) -> None:
        """`sections` are tagged with their kind; a table without a `kind` is of the kind `default`."""
        self._default = default
        self.record = _record(sections)
        """StationSettings whose readers are one of `sections`."""

    def with_default_kind(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the file's data with a `kind` in every reader's table that names none."""
        readers = data.get("reader")
        if not isinstance(readers, list):
            return data
        named = [{"kind": self._default, **one} if isinstance(one, dict) else one for one in readers]
        return data | {"reader": named}


def _record(sections: tuple[type[ReaderSection], ...]) -> type[StationSettings]:
    union: Any = reduce(operator.or_, sections)
    readers = Annotated[tuple[union, ...], Meta(min_length=1, max_length=MAX_READERS)]
    made: Any = msgspec.defstruct(
        StationSettings.__name__,
        [("reader", readers)],
        bases=(StationSettings,),
        frozen=True,
        forbid_unknown_fields=True,
        kw_only=True,
    )
    record: type[StationSettings] = made
    return record
