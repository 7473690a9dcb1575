"""The broker's users, their passwords as mosquitto stores them, and their rights.

A user's name carries whose it is: `sunny-garden` is that community's ledger, `sunny-garden.east-gate` one
of its stations. So the rights follow from the names alone, and several ledgers can share one broker.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping

from cloud_sync.wire import topics

ROUNDS = 101
"""mosquitto's own number. Ours are 192 random bits, which nobody guesses however quick a guess is; and the
broker checks a password on its only thread."""
FROM_STATION = ("answers", "events", "state")
TO_STATION = ("commands", "notice", "receipts")


def ledger_user(community: str) -> str:
    """The user that a community's ledger connects as."""
    return community


def station_user(community: str, station: str) -> str:
    """The user that a station connects as; neither name can hold a dot."""
    return f"{community}.{station}"


def belongs(user: str, community: str) -> bool:
    """Whether a user is of this community."""
    return user.partition(".")[0] == community


def hashed(password: str, salt: bytes) -> str:
    """A password as a mosquitto 2 password file holds it: PBKDF2-HMAC-SHA512, `$7$rounds$salt$hash`."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return "$".join(("", "7", str(ROUNDS), _base64(salt), _base64(digest)))


def parse_passwords(text: str) -> dict[str, str]:
    """Hash by user, from a password file."""
    lines = (line.partition(":") for line in text.splitlines() if line)
    return {user: hash_ for user, _, hash_ in lines}


def format_passwords(hashes: Mapping[str, str]) -> str:
    """A password file."""
    return "".join(f"{user}:{hashes[user]}\n" for user in sorted(hashes))


def rights(users: Collection[str]) -> str:
    """An access control file: each user its own branch and nothing else. What is not named is denied."""
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
