"""What station.toml and ledger.toml have in common: their paths, their broker, their time zone."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from config.errors import Problem
from config.reading.hosts import host_problem
from config.reading.load_sorting import shipped_sortings
from config.station import CloudSection

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that need no TLS."""


def zone_problems(key: str, name: str) -> list[Problem]:
    """What is wrong with a time zone's name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, a name too long
        return [(f"{key}: no zone {name!r}", 'use one like "Asia/Shanghai"')]
    return []


def broker_problems(key: str, broker: CloudSection) -> list[Problem]:
    """What is wrong with a broker's table: one on another machine must be reached by TLS."""
    if problem := host_problem(broker.host):
        return [(f"{key}.host: {problem[0]}", problem[1])]
    if broker.tls_ca is None and broker.host not in LOOPBACK:
        return [(f"{key}.tls_ca: missing, and the broker is not this machine", "name the CA file")]
    return []


def absolute_broker(broker: CloudSection, base: Path) -> CloudSection:
    """A broker's table whose files, named relative to `base`, have absolute paths."""
    return msgspec.structs.replace(
        broker, tls_ca=under(base, broker.tls_ca), password_file=under(base, broker.password_file)
    )


def under(base: Path, path: str | None) -> str | None:
    """A path relative to `base` as an absolute one; None stays None."""
    return None if path is None else str(base / path)


def beside_or_shipped(base: Path, name: str) -> str:
    """A file beside the configuration, else the one of that name that Tongzhan ships."""
    beside = base / name
    return str(beside if beside.exists() else Path(__file__).parents[1] / name)


def absolute_sorting(base: Path, name: str) -> str:
    """A city that Tongzhan ships by its name, any other file by its absolute path."""
    return name if name in shipped_sortings() else str(base / name)
