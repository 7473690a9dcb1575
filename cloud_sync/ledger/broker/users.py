"""The broker's users, their passwords as mosquitto stores them, and their rights.

`sunny-garden.east-gate` is a station of that community and has its own branch of the topics;
`sunny-garden.east-gate.2` is the same station's second login, so that two can hold at once. A ledger's name
has no dot; it has the branches of its communities. So several ledgers can share one broker.
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
TO_STATION = ("commands", "receipts")


def station_user(community: str, station: str) -> str:
    """Return the user that a station connects as; neither name can contain a dot."""
    return f"{community}.{station}"


def station_login(community: str, station: str, number: int) -> str:
    """Return the user of a station that enrolled; a further one has a further number."""
    return f"{station_user(community, station)}.{number}"


def home_of(user: str) -> str:
    """The community of a station's user; a ledger that had one community was called as that."""
    return user.partition(".")[0]


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


def station_rights(user: str) -> str:
    """What an access control file says of a station: its own branch and nothing else."""
    community, station = user.split(".")[:2]
    rights = _rights(user, [topics.events(community, station)], FROM_STATION, TO_STATION)
    return f"{rights}topic read {topics.notice(community)}\n"


def ledger_rights(user: str, communities: Collection[str]) -> str:
    """What it says of a ledger: all branches of its communities, and nothing else."""
    branches = [topics.events(community, "+") for community in sorted(communities)]
    notices = "".join(f"topic write {topics.notice(community)}\n" for community in sorted(communities))
    return _rights(user, branches, TO_STATION, FROM_STATION) + notices


def format_rights(rights: Mapping[str, str]) -> str:
    """An access control file. What is not named is denied."""
    return "\n".join(rights[user] for user in sorted(rights))


def parse_rights(text: str) -> dict[str, str]:
    """What such a file says of each user, word for word."""
    return {
        block.splitlines()[0].removeprefix("user "): block + "\n"
        for block in text.strip().split("\n\n")
        if block
    }


def _rights(user: str, branches: Collection[str], says: Collection[str], hears: Collection[str]) -> str:
    lines = [f"user {user}"]
    for branch in (topic.removesuffix("events") for topic in branches):
        lines += [f"topic write {branch}{name}" for name in says]
        lines += [f"topic read {branch}{name}" for name in hears]
    return "\n".join(lines) + "\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
