"""The settings of one station (station.toml), typed and checked as a whole."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.sorting import Category
from config.wiring import (
    ControllerSection,
    LevelSection,
    LidSection,
    PanicSection,
    Pin,
    ReaderSection,
    ScaleSection,
    Slug,
)

MAX_READERS = 9
LONGEST_LEASE_S = 60.0
"""Longest time that one command may hold a lid, whatever moves it; docs/protocol.md has the same bound."""
AMinute = Annotated[float, Meta(gt=0, le=60)]
"""Seconds that a person waits at the station."""


class Devices(StrEnum):
    """Where a station's readers, lids and cameras come from."""

    REAL = "real"
    SIMULATED = "simulated"


class OpenBy(StrEnum):
    """What opens a bin: its own reader, a tap and then its button, or any tap."""

    READER = "reader"
    BUTTON = "button"
    ALL = "all"


class Language(StrEnum):
    """The languages of every screen and prompt."""

    CHINESE = "zh"
    ENGLISH = "en"


DisplayName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=r"^\S([^\x00-\x1f\x7f]*\S)?\Z",
        description="a name of at most 40 letters, without spaces around it",
    ),
]
"""The name that people use for a place."""


class StationSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The station's name and folders."""

    community: Slug
    """The community's name at the ledger."""
    name: Slug
    """The station's name at the ledger."""
    name_zh: DisplayName | None = None
    """The station's name on its screen, such as 东门桶站. Made from `name` if absent."""
    name_en: DisplayName | None = None
    community_zh: DisplayName | None = None
    """The community's name on the screen, such as 荷花里. Made from `community` if absent."""
    community_en: DisplayName | None = None
    devices: Devices
    state_dir: str
    """Folder of the journal and the keys, on disk. Relative to the configuration file."""
    runtime_dir: str
    """Folder of the screen's live state, in memory, such as /run/tongzhan."""
    card_bits: Literal[24, 32, 40] = 40
    """How many of a fob's lower bits are its number, the same in the whole community: as many as its
    narrowest reader sends. A Wiegand 26 reader sends 24, Wiegand 34 sends 32, an RDM6300 all 40."""
    timezone: str = "Asia/Shanghai"
    language: Language = Language.CHINESE
    rules: str = "award_rules.v1.toml"
    """The award rules: a file beside the configuration, or else one shipped with Tongzhan."""


class CloudSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The MQTT broker."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    tls_ca: str | None = None
    """Certificate authority file. Without it TLS is off, and only a loopback host is allowed."""
    username: str | None = None
    password_file: str | None = None


class StationCloudSection(CloudSection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The MQTT broker, and the ledger's pages."""

    ledger_url: str | None = None
    """Address of the ledger's pages, such as https://points.example.org: roster, rules and settings come from
    there. Absent: nothing comes down, and cards are set at the station."""
    ledger_ca: str | None = None
    """Certificate authority file for `ledger_url`; absent: the authorities that this computer trusts."""


class ModelSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The model bundle, and the city's sorting rules."""

    bundle: str | None = None
    """A bundle's folder; if absent, the one shipped with Tongzhan."""
    sorting: str = "beijing"
    threads: Annotated[int, Meta(ge=1, le=8)] = 2


class VisitSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Time limits of a visit, in seconds."""

    lease_s: Annotated[float, Meta(gt=0, le=LONGEST_LEASE_S)] = 8.0
    max_open_s: Annotated[float, Meta(gt=0, le=600)] = 40.0
    """Longest time that a lid stays open for one opening, however often its lease is renewed."""
    travel_s: Annotated[float, Meta(ge=0.05, le=30)] = 2.0
    """A lid's travel time from shut to open; more than twice this plus a second is a fault. A motor may run
    for one and a half times this against a blocked lid."""
    obstructed_s: Annotated[float, Meta(gt=0, le=65)] = 20.0
    """How long the station tries to shut an obstructed lid."""
    linger_s: AMinute = 5.0
    """After the last lid shut, how long the resident may open another bin in the same visit."""
    choose_s: AMinute = 12.0
    """How long the station waits for a bin's button after a tap."""
    unseen_s: Annotated[float, Meta(ge=0, le=60)] = 3.0
    """How long the eye may still report something, or fall silent, after a lid shut over nothing."""
    capture_s: AMinute = 3.0
    classify_s: AMinute = 6.0
    record_s: AMinute = 10.0
    max_visit_s: Annotated[float, Meta(gt=0, le=3600)] = 180.0
    held_card_s: AMinute = 2.0
    """A card that a reader reports again within this time is one held card, not a second tap."""
    max_deposits: Annotated[int, Meta(ge=1, le=50)] = 12
    """Deposits counted for one opening of one lid."""


class CameraSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One camera over one or more bins."""

    id: Slug
    source: Annotated[str, Meta(min_length=1)] | Annotated[int, Meta(ge=0, le=255)] = 0
    """A V4L2 number or device path, or a URL that OpenCV can open; tongzhan-eye.service has no network."""
    width: Annotated[int, Meta(ge=160, le=4096)] = 640
    height: Annotated[int, Meta(ge=120, le=4096)] = 480


class ClipsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Clips of chosen deposits: only of bins with a `tray`, and only of households that agreed to them."""

    daily: Annotated[int, Meta(ge=0, le=1000)] = 60
    """Clips that the station keeps of one day, the most informative ones. Those of alarms and of households
    with an open appeal come on top. 0 keeps no others."""
    random_share: Annotated[float, Meta(ge=0, le=1)] = 0.05
    """Share of all deposits that are kept at random, to measure how often the model is right."""
    keep_hours: Annotated[float, Meta(ge=1, le=24 * 90)] = 72.0
    """A clip is deleted after this long; those of alarms and appeals after ten times as long."""
    most_mb: Annotated[int, Meta(ge=1, le=100_000)] = 500
    """Most megabytes of clips on the disk; beyond that the least needed ones are deleted."""
    leave_mb: Annotated[int, Meta(ge=0, le=1_000_000)] = 500
    """Clips are deleted until so many megabytes of the disk are free: the journal goes first."""


Corner = tuple[float, float]
"""A corner of a polygon: across and down, as fractions of the picture's width and height."""


class BinSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One bin: its category, what opens it, which camera sees it."""

    id: Slug
    category: Category
    open_by: OpenBy = OpenBy.READER
    reader: Slug | None = None
    button: Pin | None = None
    """Connects the pin to ground while pressed."""
    camera: Slug | None = None
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """The bin's mouth in the picture: left, top, right, bottom as fractions of its size."""
    tray: Annotated[tuple[Corner, ...], Meta(max_length=32)] = ()
    """The tray's outline in the picture, at least three corners. Everything outside it is masked in what is
    kept or shown. Without it the bin has no clips."""
    weighed: bool = False
    """Simulated devices only: the bin stands on a scale. Real devices use `scale`."""
    scale: ScaleSection | None = None
    """Weighs deposits; without a camera, deposits are counted by weight."""
    lid: LidSection | None = None
    full_switch: Pin | None = None
    """Connects the pin to ground while the bin is full."""
    level: LevelSection | None = None
    """Measures how full the bin is; use this or `full_switch`, not both."""

    @property
    def has_scale(self) -> bool:
        """Whether deposits are weighed."""
        return self.weighed or self.scale is not None


class StationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole station.toml. `[[bin]]`, `[[reader]]`, `[[camera]]`, `[[controller]]` are lists of tables."""

    station: StationSection
    cloud: StationCloudSection = StationCloudSection()
    model: ModelSection = ModelSection()
    visit: VisitSection = VisitSection()
    clips: ClipsSection = ClipsSection()
    bin: Annotated[tuple[BinSection, ...], Meta(min_length=1, max_length=8)]
    reader: Annotated[tuple[ReaderSection, ...], Meta(min_length=1, max_length=MAX_READERS)]
    """Each kind has its own type; `config.reading.reader_tables` adds the kinds."""
    camera: tuple[CameraSection, ...] = ()
    panic: PanicSection | None = None
    controller: Annotated[tuple[ControllerSection, ...], Meta(max_length=4)] = ()
