"""PostgreSQL's address as ledger.toml gives it, read by PostgreSQL's own library and never shown whole."""

from __future__ import annotations

import re
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from config.errors import InputError
from config.reading.hosts import host_problem

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
MOST_PORT = 65535
_DJANGOS = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
_FORM = "postgresql://user:password@host:5432/name"
_ODD = f"write it as {_FORM}, and an odd sign within user or password as %40 for @, %3A for :, %2F for /"
_UNKNOWN = re.compile(r'invalid URI query parameter: "(\w+)"')


def parse(address: str) -> dict[str, str]:
    """Take an address apart, by the names that libpq has for its parts.

    InputError for one that is not understood; it shows neither the address nor anything that may be part of
    a password.
    """
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(address).items() if value is not None}
    except ProgrammingError as error:
        if unknown := _UNKNOWN.search(str(error)):
            raise _refused(f"PostgreSQL knows no {unknown[1]}", "leave it out, or mend its name") from None
        raise _refused("it is no address", _ODD) from None
    _check(found)
    return found


def for_django(address: str) -> dict[str, Any]:
    """Describe an address as Django wants it; every part of it is heeded."""
    found = parse(address)
    port = found.get("port", "")
    described: dict[str, Any] = {name: found.get(part, "") for part, name in _DJANGOS.items()}
    options = {part: value for part, value in found.items() if part not in _DJANGOS}
    return described | {"PORT": int(port) if port.isdigit() else port, "OPTIONS": options}


def without_password(address: str) -> tuple[str, str]:
    """Give an address for PostgreSQL's own programs, which anybody may see, and the password by itself."""
    found = parse(address)
    password = found.pop("password", "")
    return make_conninfo("", **found), password


def shown(address: str) -> str:
    """Name a database in a sentence: its server and its name."""
    found = parse(address)
    return f"{found.get('host', 'localhost')}:{found.get('port', '5432')}/{found['dbname']}"


def _check(found: dict[str, str]) -> None:
    if not found.get("dbname"):
        raise _refused("it names no database", f"write it as {_FORM}")
    hosts = found.get("host", "").split(",")
    is_odd = any(host and not host.startswith("/") and host_problem(host) for host in hosts)
    if is_odd or "@" in found["dbname"]:
        raise _refused("it has no host that can be", _ODD)
    if not all(not port or _is_port(port) for port in found.get("port", "").split(",")):
        raise _refused(f"its port is no number from 1 to {MOST_PORT}", _ODD)
    if (mode := found.get("sslmode", SSL_MODES[0])) not in SSL_MODES:
        raise _refused(f"no sslmode {mode}", f"known: {', '.join(SSL_MODES)}")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_PORT


def _refused(why: str, mend: str) -> InputError:
    return InputError(f"ledger.database: {why}", mend)
