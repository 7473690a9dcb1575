"""Pick the Chinese or the English form of a text by the active language."""

from __future__ import annotations

from django.utils.translation import get_language


def in_chinese() -> bool:
    """Say whether the reader's language is Chinese."""
    return (get_language() or "").startswith("zh")


def localized(zh: str, en: str) -> str:
    """Return the form in the reader's language, or the other one if that is empty."""
    return (zh or en) if in_chinese() else (en or zh)
