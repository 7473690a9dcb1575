from __future__ import annotations

from scripts.cli_page import PAGE, make_page


def test_the_page_of_commands_says_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == make_page(), "run: python -m scripts.cli_page"


def test_the_page_has_commands_of_every_depth() -> None:
    page = make_page()
    for heading in ("## tongzhan\n", "## tongzhan station run\n", "## tongzhan ledger held release\n"):
        assert heading in page
