"""Looks at a page as a person does who cannot see well: axe-core's rules, and a picture for people to check.

`TONGZHAN_SHOTS=FOLDER` keeps the pictures; `python -m tests.contact_sheets FOLDER` lays them onto sheets.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SHOTS = "TONGZHAN_SHOTS"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""WCAG 2.2 at AA, the size of targets included, and what axe-core holds to be good practice."""
OPTIONS = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"], "iframes": False}
"""A frame is a page of its own, with a look of its own."""


def look(page: Page, name: str) -> None:
    """Fail on whatever axe-core finds wrong; keep a picture called `name` where TONGZHAN_SHOTS says so."""
    shoot(page, name)
    found = complaints(page)
    assert found == [], f"{name}: {found}"


def complaints(page: Page) -> list[str]:
    """Give what axe-core finds wrong, one line for each element."""
    response: dict[str, Any] = Axe().run(page, options=OPTIONS).response
    return [
        f"{rule['id']} ({rule['impact']}) {node['target']}: {node['html'][:120]}"
        for rule in response["violations"]
        for node in rule["nodes"]
    ]


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the whole page for a person to look at, where TONGZHAN_SHOTS names a folder."""
    if folder := os.environ.get(SHOTS):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, animations="disabled")
