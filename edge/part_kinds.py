"""Which part of a station a fault is of: its kind, which the fault's code tells, and its id within the kind.

Ids are unique within their kind alone: a bin and its reader may have one name. Pure.
"""

from __future__ import annotations

from enum import StrEnum, auto


class PartKind(StrEnum):
    """Kinds of parts, by the names that screens and checks have words for."""

    BIN = auto()
    READER = auto()
    CONTROLLER = auto()
    PORT = auto()
    """Of a reader or a controller, of which no two have the same id."""
    CAMERA = auto()
    MODEL = auto()
    EYE = auto()
    STATION = auto()


_KINDS = {
    "lid": PartKind.BIN,
    "smoke": PartKind.CONTROLLER,
    "panic": PartKind.CONTROLLER,
    "supply": PartKind.CONTROLLER,
    "cabinet": PartKind.CONTROLLER,
    "scale": PartKind.BIN,
    "reader": PartKind.READER,
    "controller": PartKind.CONTROLLER,
    "port": PartKind.PORT,
    "camera": PartKind.CAMERA,
    "model": PartKind.MODEL,
    "eye": PartKind.EYE,
}
"""By the first word of a fault's code."""


EYE = "eye"
"""The part that faults of the eye's process name."""
STATION = "station"
"""The part that faults of the whole station name; no controller may have this id."""


def kind_of(code: str, part: str) -> PartKind:
    """Return the kind of part that a fault is of; the station for a code of a newer version."""
    kind = _KINDS.get(code.partition("_")[0], PartKind.STATION)
    is_pis_own = kind is PartKind.CONTROLLER and part == STATION
    return PartKind.STATION if is_pis_own else kind
