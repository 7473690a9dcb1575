from __future__ import annotations

import subprocess
import sys

from scripts.cli_page import PAGE, make_page


def test_the_page_of_commands_says_what_the_commands_say() -> None:
    # In a process of its own: a command that was called before keeps the help option of that call.
    made = subprocess.run(
        [sys.executable, "-c", "from scripts.cli_page import make_page; print(make_page(), end='')"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert PAGE.read_text(encoding="utf-8") == made.stdout, "run: python -m scripts.cli_page"


def test_the_page_has_commands_of_every_depth() -> None:
    page = make_page()
    for heading in ("## tongzhan\n", "## tongzhan station run\n", "## tongzhan ledger held release\n"):
        assert heading in page
