"""Stations to simulate: one for each way to open a bin, and a mixture."""

from __future__ import annotations

from config.sorting import Category
from config.station import (
    BinSection,
    CameraSection,
    Devices,
    OpenBy,
    StationSection,
    StationSettings,
    VisitSection,
)
from edge.readers.kinds.rdm6300 import Rdm6300Section

READER, BUTTON, ALL, MIXED, SHARED, SINGLE = "reader", "button", "all", "mixed", "shared", "single"
KINDS = (READER, BUTTON, ALL, MIXED, SHARED, SINGLE)
"""In all of these, a sensor sees each deposit."""
BLIND = "blind"


def station(kind: str, visit: VisitSection | None = None) -> StationSettings:
    """Build the settings of a station of one kind."""
    bins = BINS[kind]
    readers = tuple(dict.fromkeys(bin_.reader for bin_ in bins if bin_.reader)) or ("door",)
    return StationSettings(
        station=StationSection(
            community="lakeside", name="east", devices=Devices.SIMULATED, state_dir="state", runtime_dir="run"
        ),
        visit=visit or VisitSection(),
        bin=bins,
        reader=tuple(Rdm6300Section(id=reader) for reader in readers),
        camera=(CameraSection(id="eye"),),
    )


def _bins(open_by: OpenBy) -> tuple[BinSection, ...]:
    return tuple(
        BinSection(
            id=category.value,
            category=category,
            open_by=open_by,
            reader=f"at-{category}" if open_by is OpenBy.READER else None,
            camera="eye",
            weighed=category is Category.KITCHEN,
        )
        for category in Category
    )


BINS: dict[str, tuple[BinSection, ...]] = {
    READER: _bins(OpenBy.READER),
    BUTTON: _bins(OpenBy.BUTTON),
    ALL: _bins(OpenBy.ALL),
    MIXED: (
        BinSection(id="paper", category=Category.RECYCLABLE, reader="left", camera="eye"),
        BinSection(id="food", category=Category.KITCHEN, open_by=OpenBy.BUTTON, camera="eye"),
        BinSection(id="rest", category=Category.OTHER, open_by=OpenBy.ALL, weighed=True),
    ),
    SHARED: (
        BinSection(id="paper", category=Category.RECYCLABLE, reader="left", camera="eye"),
        BinSection(id="glass", category=Category.RECYCLABLE, reader="left", camera="eye"),
        BinSection(id="food", category=Category.KITCHEN, reader="right", camera="eye", weighed=True),
    ),
    BLIND: (BinSection(id="rest", category=Category.OTHER, reader="door"),),
    SINGLE: (BinSection(id="rest", category=Category.OTHER, reader="door", camera="eye"),),
}
