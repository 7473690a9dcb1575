"""The kind of a fault's part, found from the fault's code. Pure.

Ids of parts are unique only within their kind: a bin and its reader may have the same id.
"""

from __future__ import annotations

from enum import StrEnum, auto


class PartKind(StrEnum):
    """Kinds of parts, by the names that screens and checks have words for."""

    BIN = auto()
    READER = auto()
    CONTROLLER = auto()
    PORT = auto()
    """The port of a reader or a controller; no two of these have the same id."""
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
    "clips": PartKind.EYE,
}
"""Kinds by the first word of a fault's code."""


EYE = "eye"
"""The part in faults of the eye process and of its clips."""
STATION = "station"
"""The part in faults of the whole station; no controller may have this id."""


def kind_of(code: str, part: str) -> PartKind:
    """Return the kind of a fault's part; STATION for a code of a newer version."""
    kind = _KINDS.get(code.partition("_")[0], PartKind.STATION)
    is_pis_own = kind is PartKind.CONTROLLER and part == STATION
    return PartKind.STATION if is_pis_own else kind
