from __future__ import annotations

import gettext
import io
import re

from scripts import translations

PLACE = re.compile(r"%\(\w+\)\w")


def entries(compiled: bytes) -> dict[object, str]:
    """What a .mo file holds, less its header."""
    catalogue = gettext.GNUTranslations(io.BytesIO(compiled))
    held: dict[object, str] = dict(vars(catalogue)["_catalog"])
    return {message: text for message, text in held.items() if message != ""}


def test_every_message_of_code_and_templates_is_in_the_catalogue_and_no_other() -> None:
    assert {message.id for message in translations.read() if message.id} == set(translations.messages())


def test_every_message_has_its_chinese() -> None:
    assert translations.untranslated(translations.read()) == []


def test_the_compiled_catalogue_is_that_of_the_written_one() -> None:
    written = entries(translations.compiled(translations.read()))
    assert len(written) > 20
    assert entries(translations.MO.read_bytes()) == written


def test_no_translation_loses_a_place_that_is_filled_in() -> None:
    for message in translations.read():
        english = message.id if isinstance(message.id, str) else message.id[0]
        chinese = message.string if isinstance(message.string, str) else "".join(message.string or ())
        if message.id:
            assert PLACE.findall(chinese) == PLACE.findall(english)
