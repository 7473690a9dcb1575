"""Check host names that people give: a name, an IPv4 or an IPv6 address, and nothing else."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from config.errors import InputError, Problem

MOST_LETTERS = 253
"""Longest host name (RFC 1035, 2.3.4, without the final dot)."""
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def check_host(name: str, given: str) -> str:
    """Return `name` if it can be a host's; InputError names the key or option in `given`."""
    if problem := host_problem(name):
        raise InputError(f"{given}: {problem[0]}", problem[1])
    return name


def host_problem(name: str) -> Problem | None:  # noqa: PLR0911 (a table of mistakes, each with its mend)
    """Return why a name cannot be a host's, and the mend; None if it can."""
    if _is_address(name):
        return None
    if not name.strip():
        return "no host", "give a name or an address, such as 127.0.0.1"
    if "://" in name:
        return f"{name!r} begins with a scheme", f"give only the host: {_bare(name)}"
    if any(sign in name for sign in ", ;\t\n"):
        return f"{name!r} is more than one host", "give one name"
    if name.startswith("[") or "%" in name:
        return f"{name!r} is not an address", f"give it without brackets and zone: {_bare(name)}"
    if "/" in name or ":" in name or "@" in name:
        return f"{name!r} is more than a host", f"give only the host: {_bare(name)}"
    if name.endswith("."):
        return f"{name!r} ends with a dot", f"leave it out: {name.rstrip('.')}"
    if not name.isascii():
        return f"{name!r} has letters that are not ASCII", f"give it as {_in_ascii(name)}"
    return _label_problem(name)


def url_problem(url: str) -> Problem | None:
    """Return why a text cannot be the address of web pages, and the mend; None if it can."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        return f"{url!r} is not an address ({error})", "write it as https://points.example.org"
    if parts.scheme not in {"http", "https"}:
        return f"{url!r} is not an address", "begin it with https://"
    return host_problem(host)


def _label_problem(name: str) -> Problem | None:
    labels = name.split(".")
    if len(name) > MOST_LETTERS or any(not _LABEL.fullmatch(label) for label in labels):
        return f"{name!r} is not a host name", "use letters, digits and hyphens, with single dots between"
    if labels[-1].isdigit():
        return f"{name!r} is not an address", "give four numbers from 0 to 255, such as 192.168.1.20"
    return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return "%" not in name


def _bare(name: str) -> str:
    """Return an address without scheme, user, port, path, brackets and zone."""
    rest = name.partition("://")[2] or name
    rest = rest.partition("/")[0].rpartition("@")[2]
    if rest.startswith("["):
        return rest[1:].partition("]")[0].partition("%")[0]
    if rest.count(":") == 1:
        rest = rest.partition(":")[0]
    return rest.partition("%")[0] or "broker.example.org"


def _in_ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return "letters, digits and hyphens"
