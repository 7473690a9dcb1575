"""Names of hosts as people give them: a name, an IPv4 or an IPv6 address, and nothing around it."""

from __future__ import annotations

import re
from ipaddress import ip_address

from config.errors import InputError, Problem

MOST_LETTERS = 253
"""Of a name on the network (RFC 1035, 2.3.4, without the final dot)."""
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def check_host(name: str, given: str) -> str:
    """Give `name` back if it can be a host's; InputError names what it was `given` as: a key, an option."""
    if problem := host_problem(name):
        raise InputError(f"{given}: {problem[0]}", problem[1])
    return name


def host_problem(name: str) -> Problem | None:  # noqa: PLR0911 (a table of mistakes, each with its mend)
    """What keeps a name from being a host's, and the mend; None for one that can be."""
    if _is_address(name):
        return None
    if not name.strip():
        return "no host", "give a name or an address, such as 127.0.0.1"
    if "://" in name:
        return f"{name!r} begins with a scheme", f"give the host alone: {_bare(name)}"
    if any(sign in name for sign in ", ;\t\n"):
        return f"{name!r} is more than one host", "give one name"
    if name.startswith("[") or "%" in name:
        return f"{name!r} is no address", f"give it without brackets and zone: {_bare(name)}"
    if "/" in name or ":" in name or "@" in name:
        return f"{name!r} is more than a host", f"give the host alone: {_bare(name)}"
    if name.endswith("."):
        return f"{name!r} ends with a dot", f"leave it out: {name.rstrip('.')}"
    if not name.isascii():
        return f"{name!r} is not in the letters of the network", f"give it as {_in_ascii(name)}"
    return _label_problem(name)


def _label_problem(name: str) -> Problem | None:
    labels = name.split(".")
    if len(name) > MOST_LETTERS or any(not _LABEL.fullmatch(label) for label in labels):
        return f"{name!r} is no host's name", "use letters, digits and hyphens, with single dots between"
    if labels[-1].isdigit():
        return f"{name!r} is no address", "give four numbers from 0 to 255, as 192.168.1.20"
    return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return "%" not in name


def _bare(name: str) -> str:
    """What is left of an address without scheme, user, port, path, brackets and zone."""
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
