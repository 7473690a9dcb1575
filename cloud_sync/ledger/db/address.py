"""Parse PostgreSQL's address from ledger.toml with libpq; never show it whole."""

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
_ODD = f"write it as {_FORM}; in user and password write %40 for @, %3A for :, %2F for /"
_UNKNOWN = re.compile(r'invalid URI query parameter: "(\w+)"')


def parse(address: str) -> dict[str, str]:
    """Split an address into parts, named as libpq names them.

    InputError if it cannot be parsed; the message shows nothing that may be part of a password.
    """
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(address).items() if value is not None}
    except ProgrammingError as error:
        if unknown := _UNKNOWN.search(str(error)):
            raise _refused(
                f"PostgreSQL has no parameter {unknown[1]}", "leave it out, or mend its name"
            ) from None
        raise _refused("it is not a valid address", _ODD) from None
    _check(found)
    return found


def for_django(address: str) -> dict[str, Any]:
    """Return an address in Django's form, with all of its parts."""
    found = parse(address)
    port = found.get("port", "")
    described: dict[str, Any] = {name: found.get(part, "") for part, name in _DJANGOS.items()}
    options = {part: value for part, value in found.items() if part not in _DJANGOS}
    return described | {"PORT": int(port) if port.isdigit() else port, "OPTIONS": options}


def without_password(address: str) -> tuple[str, str]:
    """Return an address without its password, and the password: any user can see a program's arguments."""
    found = parse(address)
    password = found.pop("password", "")
    return make_conninfo("", **found), password


def shown(address: str) -> str:
    """Return a database's server and name, for messages."""
    found = parse(address)
    return f"{found.get('host', 'localhost')}:{found.get('port', '5432')}/{found['dbname']}"


def _check(found: dict[str, str]) -> None:
    if not found.get("dbname"):
        raise _refused("it names no database", f"write it as {_FORM}")
    hosts = found.get("host", "").split(",")
    is_odd = any(host and not host.startswith("/") and host_problem(host) for host in hosts)
    if is_odd or "@" in found["dbname"]:
        raise _refused("its host is not valid", _ODD)
    if not all(not port or _is_port(port) for port in found.get("port", "").split(",")):
        raise _refused(f"its port is not a number from 1 to {MOST_PORT}", _ODD)
    if (mode := found.get("sslmode", SSL_MODES[0])) not in SSL_MODES:
        raise _refused(f"there is no sslmode {mode}", f"use one of {', '.join(SSL_MODES)}")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_PORT


def _refused(why: str, mend: str) -> InputError:
    return InputError(f"ledger.database: {why}", mend)
