"""One labelled photo. Pure value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.sorting import Category


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled photo. `source`, `label` and `group` are empty if only the category is known."""

    path: Path
    category: Category
    source: str = ""
    label: str = ""
    group: str = ""
