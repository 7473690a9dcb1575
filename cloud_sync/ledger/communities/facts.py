"""Checked facts of a community: names, time zone, language, sorting, mint limit."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from cloud_sync.ledger.stations.models import MAX_NAME, MINT_LIMIT, Community, Language
from config.errors import InputError
from config.ledger import MOST_POINTS
from config.reading import typed
from config.reading.common import zone_problems
from config.reading.load_sorting import DEFAULT_SORTING, load_sorting, shipped_sortings
from config.sorting import Sorting


class Facts(Struct, frozen=True, kw_only=True):
    """The columns of a community that a person sets, in the form that is stored."""

    name_zh: str
    name_en: str
    timezone: str
    language: str = Language.CHINESE.value
    sorting: str = DEFAULT_SORTING
    daily_mint_limit: int = MINT_LIMIT


def facts_of(community: Community) -> Facts:
    """Return a community's facts from its row."""
    facts = Facts(**{name: getattr(community, name) for name in Facts.__struct_fields__})
    return facts if facts.sorting else msgspec.structs.replace(facts, sorting=DEFAULT_SORTING)


def checked(facts: Facts) -> Facts:
    """Return the facts in the form that is stored; InputError for an invalid one."""
    for problem, mend in zone_problems("the time zone", facts.timezone):
        raise InputError(problem, mend)
    if facts.language not in Language.values:
        raise InputError(f"no language {facts.language!r}", f"use {' or '.join(Language.values)}")
    if not 0 <= facts.daily_mint_limit <= MOST_POINTS:
        raise InputError(f"{facts.daily_mint_limit} is no limit", f"give 0 to {MOST_POINTS} points a day")
    return msgspec.structs.replace(
        facts,
        name_zh=typed.line("the Chinese name", facts.name_zh, MAX_NAME),
        name_en=typed.line("the English name", facts.name_en, MAX_NAME),
        sorting=stored_sorting(facts.sorting),
    )


def stored_sorting(name_or_path: str) -> str:
    """Return a shipped city's name as it is, the rules of any other file as JSON; InputError if invalid."""
    if name_or_path in shipped_sortings():
        return name_or_path
    if _is_json(name_or_path):
        _read(name_or_path)
        return name_or_path
    return msgspec.json.encode(load_sorting(Path(name_or_path)), order="sorted").decode()


def sorting_of(community: Community) -> Sorting:
    """Return a community's rules of sorting."""
    return _read(community.sorting or DEFAULT_SORTING)


def sorting_name(community: Community) -> str:
    """Return a community's sorting for a list: a shipped city's name, or the city of its own rules."""
    stored = community.sorting or DEFAULT_SORTING
    return f"own rules of {_read(stored).en}" if _is_json(stored) else stored


@lru_cache(maxsize=64)
def _read(stored: str) -> Sorting:
    if not _is_json(stored):
        return load_sorting(stored)
    try:
        return msgspec.json.decode(stored, type=Sorting)
    except msgspec.MsgspecError as error:
        raise InputError(f"rules of sorting cannot be read ({error})", "give them again as a file") from None


def _is_json(stored: str) -> bool:
    return stored.startswith("{")
