from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "glossary.md"


def rows() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in cells if row[0] != "term"]


def test_every_term_has_a_chinese_word_a_sentence_and_a_place() -> None:
    assert len(rows()) >= 50
    for term, chinese, meaning, where in rows():
        assert term
        assert re.search(r"[\u4e00-\u9fff]", chinese), term
        assert meaning.endswith("."), term
        assert where, term


def test_every_place_is_there() -> None:
    for term, _, _, where in rows():
        for place in re.findall(r"`([^`]+)`", where):
            assert list(CHECKOUT.glob(place)), f"{term}: there is no {place}"


def test_no_term_stands_twice() -> None:
    terms = [term for row in rows() for term in row[0].split(", ")]
    assert len(terms) == len(set(terms))
