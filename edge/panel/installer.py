"""Words for the installer's page: active faults and the last readings of cabinets. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cloud_sync.wire.station_state import (
    CabinetReading,
    DoorReading,
    SupplyReading,
    TemperatureReading,
)
from config.station import Language
from config.words import Both
from edge.faults import CATALOGUE, FaultCode, FaultKind, Severity
from edge.panel.texts import PanelTexts
from edge.panel.vocabulary import Vocabulary
from edge.part_kinds import PartKind
from edge.screen.state import LiveFault, LiveState

_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault in words; its code and its part's id are in small print, for the log and the manual."""

    title: str
    part: str
    meaning: str
    mend: str
    severity: Severity
    urgency: str
    """The severity in words: not everybody can see the colour."""
    code: str
    part_id: str


def known_fault(code: str) -> FaultKind | None:
    """Return a fault's row of the catalogue; None for a fault that this version does not know."""
    return CATALOGUE[FaultCode(code)] if code in set(FaultCode) else None


def fault_rows(live: LiveState, language: Language, vocabulary: Vocabulary) -> list[FaultRow]:
    """Return every active fault in words; one that this version does not know is titled by its code."""
    return [_row(fault, live, language, vocabulary) for fault in live.faults]


def _row(fault: LiveFault, live: LiveState, language: Language, vocabulary: Vocabulary) -> FaultRow:
    kind, part = known_fault(fault.code), _part(fault, live, language, vocabulary)
    if kind is None:
        unknown = vocabulary.texts.fault_unknown.within(language)
        urgency = _urgency(Severity.ERROR, language, vocabulary)
        return FaultRow(fault.code, part, unknown, "", Severity.ERROR, urgency, fault.code, fault.part)
    words = vocabulary.words.fault[fault.code]
    title, meaning, mend = (text.within(language) for text in (words.title, words.meaning, words.mend))
    urgency = _urgency(kind.severity, language, vocabulary)
    return FaultRow(title, part, meaning, mend, kind.severity, urgency, fault.code, fault.part)


def _urgency(severity: Severity, language: Language, vocabulary: Vocabulary) -> str:
    texts = vocabulary.texts
    return (texts.fault_soon if severity is Severity.ERROR else texts.fault_watch).within(language)


def _part(fault: LiveFault, live: LiveState, language: Language, vocabulary: Vocabulary) -> str:
    """Name the part: a bin by its category, every other part by its kind."""
    category = next((bin_.category for bin_ in live.bins if bin_.id == fault.part), None)
    if fault.kind == PartKind.BIN and category is not None:
        named = vocabulary.category(category, language)
        return f"{named}桶" if language is Language.CHINESE else f"{named} bin"
    texts = vocabulary.texts
    kinds: dict[str, Both] = {
        PartKind.BIN: texts.part_bin,
        PartKind.READER: texts.part_reader,
        PartKind.CONTROLLER: texts.part_controller,
        PartKind.PORT: texts.part_port,
        PartKind.CAMERA: texts.part_camera,
        PartKind.MODEL: texts.part_model,
        PartKind.EYE: texts.part_eye,
    }
    return kinds.get(fault.kind, texts.part_station).within(language)


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One value that a cabinet's sensor reported; `icon` is its drawing's name."""

    icon: str
    title: str
    part_id: str
    value: str
    age: str


def reading_rows(
    readings: Iterable[CabinetReading], language: Language, texts: PanelTexts
) -> list[ReadingRow]:
    """Return every reading in words, with its unit and how long ago it was reported."""
    return [_reading_row(reading, language, texts) for reading in readings]


def _reading_row(reading: CabinetReading, language: Language, texts: PanelTexts) -> ReadingRow:
    match reading:
        case TemperatureReading(value=value, unit=unit):
            icon, title, shown = "temperature", texts.reading_temperature, f"{value:.1f} {unit}"
        case SupplyReading(value=value, unit=unit):
            icon, title, shown = "supply", texts.reading_supply, f"{value:.1f} {unit}"
        case DoorReading(is_open=is_open):
            state = texts.door_open if is_open else texts.door_shut
            icon, title, shown = "door", texts.reading_door, state.within(language)
    return ReadingRow(icon, title.within(language), reading.part, shown, _age(reading.age_s, language, texts))


def roster_line(live: LiveState, language: Language, texts: PanelTexts) -> str:
    """Say when the list of cards was last checked with the ledger; empty where none has come from it."""
    if live.roster_age_s is None:
        return ""
    words = (texts.roster_now, texts.roster_minutes, texts.roster_hours, texts.roster_days)
    return _in_words(live.roster_age_s, words, language)


def _age(age_s: float, language: Language, texts: PanelTexts) -> str:
    return _in_words(age_s, (texts.age_now, texts.age_minutes, texts.age_hours, texts.age_days), language)


def _in_words(age_s: float, words: tuple[Both, Both, Both, Both], language: Language) -> str:
    """Return an age in words: in days or hours from two of them on, else in minutes, or as just now."""
    now, minutes, hours, days = words
    if age_s < _MINUTE_S:
        return now.within(language)
    for least_s, unit_s, unit in ((2 * _DAY_S, _DAY_S, days), (2 * _HOUR_S, _HOUR_S, hours)):
        if age_s >= least_s:
            return unit.within(language).format(count=int(age_s // unit_s))
    return minutes.within(language).format(count=int(age_s // _MINUTE_S))
