"""What was found out about one part, and its words in Chinese and English, read from texts.toml."""

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
    """How a part is. Only a failed one makes the check fail: the station would not do its job."""

    OK = "ok"
    DOUBTFUL = "doubtful"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part's line. `says` names an entry of texts.toml, `values` fill its places.

    `part` is a kind of part named in texts.toml, `which` tells one of several apart.
    """

    part: str
    level: Level
    says: str
    which: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Both] = field(default_factory=dict)
    """What fills places in the language of the line."""
    mend: str = ""
    """An entry of texts.toml's mends, where what was seen has several causes; else that of `says`."""
    fault: FaultWords | None = None
    """Words of the fault catalogue, where a fault of the station's own is what was found."""


class Line(msgspec.Struct, frozen=True):
    """One part as it is printed, in one language. `mend` is empty when there is nothing to do."""

    part: str
    state: Level
    seen: str
    mend: str


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was seen, and the mend where there is one."""

    seen: Both
    mend: Both | None = None


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All words of the check: states, kinds of parts, and what is said of them."""

    state: dict[str, Both]
    part: dict[str, Both]
    says: dict[str, Text]
    mend: dict[str, Both]
    """Mends of one cause among several."""


def load_texts() -> Texts:
    """The words that Tongzhan ships."""
    return load_toml(TEXTS, Texts)


def _after(meaning: Both, more: Both) -> Both:
    """What a fault means, and what else is known of its part."""
    return Both(meaning.zh + more.zh, f"{meaning.en} {more.en}".rstrip())


def line(finding: Finding, texts: Texts, language: Language) -> Line:
    """One finding in one language. KeyError for an entry or a place that has no words."""
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
