"""What the installer's page says of each active fault, in one language. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from config.station import Language
from config.words import Both
from edge.faults import CATALOGUE, FaultCode, FaultKind, Severity
from edge.panel.vocabulary import Vocabulary
from edge.part_kinds import PartKind
from edge.screen.state import LiveFault, LiveState


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault in words; its code and its part's id stand small beside them, for the log and the manual."""

    title: str
    part: str
    meaning: str
    mend: str
    severity: Severity
    code: str
    part_id: str


def known_fault(code: str) -> FaultKind | None:
    """Return the catalogue's row for a fault; None for a fault that this version does not know."""
    return CATALOGUE[FaultCode(code)] if code in set(FaultCode) else None


def fault_rows(live: LiveState, language: Language, vocabulary: Vocabulary) -> list[FaultRow]:
    """Return every active fault in words; one that this version does not know is titled by its code."""
    return [_row(fault, live, language, vocabulary) for fault in live.faults]


def _row(fault: LiveFault, live: LiveState, language: Language, vocabulary: Vocabulary) -> FaultRow:
    kind, part = known_fault(fault.code), _part(fault, live, language, vocabulary)
    if kind is None:
        unknown = vocabulary.texts.fault_unknown.within(language)
        return FaultRow(fault.code, part, unknown, "", Severity.ERROR, fault.code, fault.part)
    words = vocabulary.words.fault[fault.code]
    title, meaning, mend = (text.within(language) for text in (words.title, words.meaning, words.mend))
    return FaultRow(title, part, meaning, mend, kind.severity, fault.code, fault.part)


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
    }
    return kinds.get(fault.kind, texts.part_station).within(language)
