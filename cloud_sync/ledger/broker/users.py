"""The broker's users, their passwords as mosquitto stores them, and their rights.

A user's name says whose it is: `sunny-garden` is that community's ledger, `sunny-garden.east-gate` one of
its stations. So rights follow from names alone, and several ledgers can share one broker.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping

from cloud_sync.wire import topics

ROUNDS = 101
"""mosquitto's default. Our passwords are 192 random bits, so fast guessing does not help; and the broker
checks passwords on its only thread."""
FROM_STATION = ("answers", "events", "state")
TO_STATION = ("commands", "notice", "receipts")


def ledger_user(community: str) -> str:
    """Return the user that a community's ledger connects as."""
    return community


def station_user(community: str, station: str) -> str:
    """Return the user that a station connects as; neither name can contain a dot."""
    return f"{community}.{station}"


def belongs(user: str, community: str) -> bool:
    """Return whether a user belongs to this community."""
    return user.partition(".")[0] == community


def hashed(password: str, salt: bytes) -> str:
    """Hash a password as mosquitto 2 does: PBKDF2-HMAC-SHA512, `$7$rounds$salt$hash`."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return "$".join(("", "7", str(ROUNDS), _base64(salt), _base64(digest)))


def parse_passwords(text: str) -> dict[str, str]:
    """Read a password file as hashes by user."""
    lines = (line.partition(":") for line in text.splitlines() if line)
    return {user: hash_ for user, _, hash_ in lines}


def format_passwords(hashes: Mapping[str, str]) -> str:
    """Return the text of a password file."""
    return "".join(f"{user}:{hashes[user]}\n" for user in sorted(hashes))


def rights(users: Collection[str]) -> str:
    """Return an access control file: each user may use its own branch only. Everything else is denied."""
    return "\n".join(_rights(user) for user in sorted(users))


def _rights(user: str) -> str:
    community, _, station = user.partition(".")
    says, hears = (FROM_STATION, TO_STATION) if station else (TO_STATION, FROM_STATION)
    branch = topics.events(community, station or "+").removesuffix("events")
    lines = [f"user {user}"]
    lines += [f"topic write {branch}{name}" for name in says]
    lines += [f"topic read {branch}{name}" for name in hears]
    return "\n".join(lines) + "\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
