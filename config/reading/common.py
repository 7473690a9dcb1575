"""Shared by station.toml and ledger.toml: paths, broker and time zone."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from config.errors import Problem
from config.reading.hosts import host_problem, url_problem
from config.reading.load_sorting import shipped_sortings
from config.station import CloudSection, StationCloudSection

Broker = TypeVar("Broker", bound=CloudSection)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that need no TLS."""


def zone_problems(key: str, name: str) -> list[Problem]:
    """Return what is wrong with a time zone's name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, a name too long
        return [(f"{key}: no zone {name!r}", 'use one like "Asia/Shanghai"')]
    return []


def broker_problems(key: str, broker: CloudSection) -> list[Problem]:
    """Return what is wrong with a broker's table; a broker on another machine needs TLS."""
    if problem := host_problem(broker.host):
        return [(f"{key}.host: {problem[0]}", problem[1])]
    if broker.tls_ca is None and broker.host not in LOOPBACK:
        return [(f"{key}.tls_ca: missing, and the broker is not this machine", "name the CA file")]
    return []


def ledger_problems(key: str, cloud: StationCloudSection) -> list[Problem]:
    """Return what is wrong with the ledger's address; a ledger on another machine needs TLS."""
    if cloud.ledger_url is None:
        mend = "add ledger_url, or leave this out"
        return [] if cloud.ledger_ca is None else [(f"{key}.ledger_ca: no ledger_url uses it", mend)]
    if problem := url_problem(cloud.ledger_url):
        return [(f"{key}.ledger_url: {problem[0]}", problem[1])]
    parts = urlsplit(cloud.ledger_url)
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        only = f"give only {parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return [(f"{key}.ledger_url: {cloud.ledger_url!r} is more than a host", only)]
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return [(f"{key}.ledger_url: no TLS, and the ledger is not this machine", "begin it with https://")]
    return []


def absolute_broker(broker: Broker, base: Path) -> Broker:
    """Return a broker's table with absolute paths; they were relative to `base`."""
    return msgspec.structs.replace(
        broker, tls_ca=under(base, broker.tls_ca), password_file=under(base, broker.password_file)
    )


def under(base: Path, path: str | None) -> str | None:
    """Return a path relative to `base` as an absolute one; None stays None."""
    return None if path is None else str(base / path)


def beside_or_shipped(base: Path, name: str) -> str:
    """Return a file beside the configuration, or else the file of that name shipped with Tongzhan."""
    beside = base / name
    return str(beside if beside.exists() else Path(__file__).parents[1] / name)


def absolute_sorting(base: Path, name: str) -> str:
    """Return the name of a city shipped with Tongzhan, or the absolute path of any other file."""
    return name if name in shipped_sortings() else str(base / name)
