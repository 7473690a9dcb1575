"""Bring the ledger's message catalogues up to date: `python -m scripts.translations`; needs the dev extra.

Messages are written in English in the code and the templates. This collects them into the .po file,
where a person adds the Chinese, and compiles the .mo file that Django reads.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

LEDGER = Path(__file__).parents[1] / "cloud_sync" / "ledger"
PO = LEDGER / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
MADE = datetime(2026, 11, 22, tzinfo=UTC)
"""A fixed date: the same messages make the same file."""
KEYWORDS = {"gettext": None, "gettext_noop": None, "ngettext": (1, 2)}

MessageId = str | tuple[str, ...]
"""One text, or its singular and plural."""


def messages() -> dict[MessageId, list[str]]:
    """Every message of the code and the templates, with the files it stands in."""
    found: dict[MessageId, list[str]] = {}
    for file in sorted((*LEDGER.rglob("*.py"), *LEDGER.rglob("*.html"))):
        for message in _messages_of(file):
            found.setdefault(message, []).append(str(file.relative_to(LEDGER)))
    return found


def read() -> Catalog:
    """The Chinese catalogue as it stands."""
    with PO.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def compiled(catalogue: Catalog) -> bytes:
    """What the .mo file of a catalogue holds."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def update() -> list[str]:
    """Write both files; the messages that still want their Chinese."""
    known = read() if PO.exists() else Catalog(locale="zh_Hans")
    fresh = Catalog(
        locale="zh_Hans",
        project="Tongzhan",
        version="ledger",
        header_comment="# The ledger's messages in Chinese. After a change: python -m scripts.translations",
        msgid_bugs_address="the issue tracker",
        creation_date=MADE,
        revision_date=MADE,
        last_translator="Tongzhan contributors",
        language_team="Tongzhan contributors",
        fuzzy=False,
    )
    for message, files in messages().items():
        before = known.get(message)
        places = [(file, 0) for file in dict.fromkeys(files)]
        fresh.add(message, before.string if before else None, locations=places)
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as out:
        write_po(out, fresh, omit_header=False, include_lineno=False, width=100)
    MO.write_bytes(compiled(fresh))
    return untranslated(fresh)


def untranslated(catalogue: Catalog) -> list[str]:
    """Messages without a translation, or marked as doubtful."""
    return [
        str(message.id)
        for message in catalogue
        if message.id and (not _full(message.string) or message.fuzzy)
    ]


def _full(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return all(string) if isinstance(string, (tuple, list)) else bool(string)


def _messages_of(file: Path) -> Iterator[MessageId]:
    text = file.read_text(encoding="utf-8")
    source = templatize(text) if file.suffix == ".html" else text
    for _line, message, _comments, _context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
        yield message


if __name__ == "__main__":
    for missing in update():
        print(f"without Chinese: {missing}")  # noqa: T201 (this is a command)
