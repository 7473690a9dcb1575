"""What both READMEs say: the same commands and figures in both languages, and only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

ENGLISH, CHINESE, FIGURES = (CHECKOUT / name for name in ("README.md", "README.zh-CN.md", "docs/figures.md"))
BOTH = (ENGLISH, CHINESE)
LINK = re.compile(r"\]\(([^)#:]+)\)")
COMMAND = re.compile(r"`((?:tongzhan|scripts/)[^`]*)`")
NUMBER = re.compile(r"\d[\d.,]*\d|\d")
FIGURES_SHOWN = 6


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def rows(page: Path) -> list[tuple[list[str], str]]:
    """Give each row of the figures: its numbers, sorted, and the command that prints them."""
    lines = [line for line in text(page).splitlines() if line.startswith("| ")]
    shown = [line for line in lines if COMMAND.search(line.split("|")[-2]) and len(line.split("|")) == 5]
    return [(sorted(NUMBER.findall(line.rpartition("|")[0])), COMMAND.findall(line)[-1]) for line in shown]


def block(page: Path) -> str:
    """Give the sample of the terminal."""
    return next(part for part in text(page).split("```") if part.startswith("\n   1  "))


def test_both_readmes_show_six_figures_and_the_same_beside_the_same_commands() -> None:
    assert len(rows(ENGLISH)) == FIGURES_SHOWN
    assert rows(ENGLISH) == rows(CHINESE)


def test_every_figure_stands_in_the_page_of_figures_too() -> None:
    page = text(FIGURES)
    for line in text(ENGLISH).splitlines():
        if line.startswith("| ") and COMMAND.search(line) and len(line.split("|")) == 5:
            command = COMMAND.findall(line)[-1]
            assert not command or command in page


def test_both_readmes_name_the_same_commands() -> None:
    assert set(COMMAND.findall(text(CHINESE))) <= set(COMMAND.findall(text(ENGLISH)))


def test_both_readmes_show_the_same_lines_of_the_terminal() -> None:
    assert block(ENGLISH) == block(CHINESE)


@pytest.mark.parametrize("page", [*BOTH, FIGURES], ids=lambda page: page.name)
def test_every_link_and_picture_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(text(page))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_picture_is_shown() -> None:
    shown = {link for page in BOTH for link in LINK.findall(text(page))}
    pictures = {str(file.relative_to(CHECKOUT)) for file in (CHECKOUT / "docs" / "pictures").iterdir()}
    assert pictures <= shown


def test_what_it_is_not_yet_stands_before_the_figures() -> None:
    for page, heading, figures in (
        (ENGLISH, "## What it is not yet", "## Figures"),
        (CHINESE, "## 还没有做到的", "## 数据"),
    ):
        assert text(page).index(heading) < text(page).index(figures)
