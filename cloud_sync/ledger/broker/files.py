"""Write the broker's folder: everything mosquitto reads, and each new user's password for its owner."""

from __future__ import annotations

import os
import pwd
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from cloud_sync.ledger.broker import users
from cloud_sync.ledger.broker.certificates import Identity, make_authority, make_server, out_of_time, serves
from cloud_sync.ledger.broker.mosquitto import Listeners, mosquitto_conf
from config.errors import InputError
from config.process.atomic import write_atomic
from config.reading.files import mend_of
from config.reading.private import hand_over, refuse_shared

PUBLIC = 0o644
PRIVATE = 0o600
MOSQUITTOS = (
    *("server.key", "stations.passwords", "stations.rights"),
    *("ledgers.passwords", "ledgers.rights"),
)
"""Secret files that mosquitto reads as its own user."""


@dataclass(frozen=True, slots=True)
class BrokerSpec:
    """What a ledger's broker should be like."""

    ledger: str
    """The ledger's own user."""
    stations: Mapping[str, Collection[str]]
    """Those of each community that may connect; any other of these communities is shut out."""
    renewed: Collection[tuple[str, str]]
    """Communities and stations that get a new password, so that their old one ends."""
    names: Collection[str]
    """The broker's host names and addresses."""
    listeners: Listeners
    kept: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Stations of each community that keep a password which they have from here, and get none."""
    logins: Mapping[str, str] = field(default_factory=dict)
    """Users of stations that enrolled, with the hashes of their passwords."""
    ledger_password: Path | None = None
    """Where the ledger reads its own password; the owner of that folder gets the file."""


def write_broker(folder: Path, wanted: BrokerSpec, now: datetime) -> dict[str, Path]:
    """Write the folder; return the file with the password of each user who got a new one.

    Users that were there keep their passwords, those of other ledgers too. InputError if the folder
    cannot be written, or the system has no user of the name that mosquitto is to run as.
    """
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        (folder / "credentials").mkdir(mode=0o700, exist_ok=True)
        _write_certificates(folder, wanted.names, now)
        _write(folder, "mosquitto.conf", mosquitto_conf(folder, wanted.listeners), PUBLIC)
        ledger = wanted.ledger
        renewed = {users.station_user(home, station) for home, station in wanted.renewed}
        rights = {user: users.station_rights(user) for user in _station_users(folder, wanted)}
        fresh = _write_users(folder, "stations", wanted.stations, rights, renewed, wanted.logins)
        rights = {ledger: users.ledger_rights(ledger, wanted.stations)}
        fresh |= _write_users(folder, "ledgers", wanted.stations, rights, ())
        if ledger in fresh and wanted.ledger_password is not None:
            fresh[ledger] = _give(fresh[ledger], wanted.ledger_password)
        _hand_over(folder, wanted.listeners.owner)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error})", mend_of(error, folder)) from None
    return fresh


def _station_users(folder: Path, wanted: BrokerSpec) -> set[str]:
    """Return the users of all stations: by a file's password, by one that is kept, by enrolment."""
    held = users.parse_passwords(_written(folder / "stations.passwords"))
    kept = {users.station_user(home, station) for home, some in wanted.kept.items() for station in some}
    by_file = {
        users.station_user(home, station) for home, some in wanted.stations.items() for station in some
    }
    return by_file | kept & held.keys() | wanted.logins.keys()


def _write_certificates(folder: Path, names: Collection[str], now: datetime) -> None:
    """Create the authority once, and the certificate if it is missing, about to end, or for other names."""
    if not (folder / "ca.key").exists():
        authority = make_authority("Tongzhan broker", now)
        write_atomic(folder / "ca.key", authority.key, private=True, durable=True)
        _write(folder, "ca.pem", authority.certificate.decode(), PUBLIC)
    refuse_shared(folder / "ca.key")
    authority = Identity((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
    if why := out_of_time(authority.certificate, now):
        # Not replaced automatically: the clock may be wrong, and every station would need the new one.
        raise InputError(
            f"the authority in {folder}/ca.pem {why}, and this machine's date is {now:%Y-%m-%d}",
            "set this machine's clock; if it is right, move ca.pem and ca.key away, run this again, "
            "and copy the new ca.pem to every station",
        )
    certificate, key = folder / "server.pem", folder / "server.key"
    if certificate.exists() and serves(certificate.read_bytes(), authority.certificate, names, now):
        return
    server = make_server(authority, names, now, key.read_bytes() if key.exists() else None)
    write_atomic(key, server.key, private=True, durable=True)
    _write(folder, "server.pem", server.certificate.decode(), PUBLIC)


def _write_users(
    folder: Path,
    who: str,
    communities: Collection[str],
    wanted: Mapping[str, str],
    renewed: Collection[str],
    given: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Path]:
    """Write one listener's passwords and its users' rights; the files with the passwords that are new.

    The hashes of `given` users' passwords come from elsewhere, and leave no file.
    """
    hashes = users.parse_passwords(_written(folder / f"{who}.passwords"))
    gone = {user for user in hashes if users.home_of(user) in communities and user not in wanted}
    kept = {user: hash_ for user, hash_ in hashes.items() if user not in gone} | dict(given)
    fresh = {user: secrets.token_urlsafe(24) for user in wanted if user not in kept or user in renewed}
    credentials = {user: folder / "credentials" / f"{user}.password" for user in fresh}
    # Write a password for its owner before the broker requires it: after a kill in between, the next run
    # makes a new one.
    for user, password in fresh.items():
        write_atomic(credentials[user], f"{password}\n".encode(), private=True, durable=True)
    kept |= {user: users.hashed(password, secrets.token_bytes(12)) for user, password in fresh.items()}
    for user in gone:
        (folder / "credentials" / f"{user}.password").unlink(missing_ok=True)
    others = users.parse_rights(_written(folder / f"{who}.rights"))
    rights = {user: words for user, words in others.items() if user in kept} | dict(wanted)
    _write(folder, f"{who}.rights", users.format_rights(rights), PRIVATE)
    _write(folder, f"{who}.passwords", users.format_passwords(kept), PRIVATE)
    return credentials


def _written(file: Path) -> str:
    """What the last run wrote into a secret file; nothing before the first."""
    if not file.exists():
        return ""
    refuse_shared(file)
    return file.read_text(encoding="ascii")


def _give(password: Path, to: Path) -> Path:
    """Move the ledger's password to where the ledger reads it, and give the file to the ledger's user."""
    write_atomic(to, password.read_bytes(), private=True, durable=True)
    password.unlink()
    hand_over(to)
    return to


def _write(folder: Path, name: str, text: str, mode: int) -> None:
    write_atomic(folder / name, text.encode(), private=True, durable=True)
    (folder / name).chmod(mode)


def _hand_over(folder: Path, owner: str) -> None:
    """Let mosquitto read its secrets. Only root can do this, and only root starts it as another user."""
    if os.geteuid() != 0:
        return
    try:
        account = pwd.getpwnam(owner)
    except KeyError:
        raise InputError(
            f"this machine has no user {owner}", "install mosquitto, or name another user with --user"
        ) from None
    for name in MOSQUITTOS:
        os.chown(folder / name, account.pw_uid, account.pw_gid)
