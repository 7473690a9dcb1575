"""A finding about one part, and its text in Chinese and English from texts.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from config.reading.load import load_toml
from config.station import Language
from config.words import Both, FaultWords

TEXTS = Path(__file__).parent / "texts.toml"


class Level(StrEnum):
    """The state of a part. Only FAILED makes the check fail: the station could not do its job."""

    OK = "ok"
    DOUBTFUL = "doubtful"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding for one part. `says` names a text in texts.toml, `values` fill its places.

    `part` names the kind of part in texts.toml; `which` is the part's id if there are several.
    """

    part: str
    level: Level
    says: str
    which: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Both] = field(default_factory=dict)
    """Values of places that differ by language."""
    mend: str = ""
    """Names a fix in texts.toml if the finding has several causes; empty: the fix of `says`."""
    fault: FaultWords | None = None
    """The fault catalogue's words, if the finding is one of the station's faults."""


class Line(msgspec.Struct, frozen=True):
    """One printed line, in one language. `mend` is empty if there is nothing to do."""

    part: str
    state: Level
    seen: str
    mend: str


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was seen, and the fix if there is one."""

    seen: Both
    mend: Both | None = None


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All texts of the check: states, kinds of parts, findings and fixes."""

    state: dict[str, Both]
    part: dict[str, Both]
    says: dict[str, Text]
    mend: dict[str, Both]
    """Fixes for findings that have several causes."""


def load_texts() -> Texts:
    """Load the texts that Tongzhan ships."""
    return load_toml(TEXTS, Texts)


def _after(meaning: Both, more: Both) -> Both:
    """Append more text to a fault's meaning."""
    return Both(meaning.zh + more.zh, f"{meaning.en} {more.en}".rstrip())


def line(finding: Finding, texts: Texts, language: Language) -> Line:
    """Put a finding into words in one language. KeyError for a text or a value that is missing."""
    text = texts.says[finding.says]
    seen, mend = text.seen, texts.mend[finding.mend] if finding.mend else text.mend
    if finding.fault is not None:
        seen, mend = _after(finding.fault.meaning, text.seen), finding.fault.mend
    part = texts.part[finding.part].within(language)
    words = {name: both.within(language) for name, both in finding.words.items()}
    values = {**finding.values, **words}
    return Line(
        part=f"{part} {finding.which}".rstrip(),
        state=finding.level,
        seen=seen.within(language).format_map(values),
        mend="" if mend is None else mend.within(language).format_map(values),
    )
