"""Writes what a ledger gave into the station's state folder; may be killed and repeated at any step."""

from __future__ import annotations

from pathlib import Path

from cloud_sync.wire.enrolment import Given
from config.process.atomic import sync_folder, write_atomic
from config.reading.enrolled import ENROLLED, format_enrolled
from config.reading.private import hand_over
from edge.enrol import pending
from edge.sync.keys import CARD_KEY, LEDGER_KEY, STATION_KEY

AUTHORITY = "broker-ca.pem"
LEDGER_AUTHORITY = "ledger-ca.pem"
PASSWORDS = "broker.*.password"


def complete(state_dir: Path) -> bool:
    """Complete an enrolment that the ledger has answered; return whether there was one.

    OSError if the folder cannot be written. The last file that changes is the one that names the others; the
    enrolment is forgotten after it.
    """
    under_way = pending.read_pending(state_dir)
    if under_way is None or under_way.given is None:
        return False
    given = under_way.given
    _write(state_dir / CARD_KEY, given.card_key)
    _write(state_dir / LEDGER_KEY, given.ledger_key)
    password = password_file(state_dir, given.username)
    if given.ca:
        _write(state_dir / AUTHORITY, given.ca)
    if given.url_ca:
        _write(state_dir / LEDGER_AUTHORITY, given.url_ca)
    if given.username:
        _write(password, given.password)
    _write(state_dir / STATION_KEY, under_way.key)
    _write(state_dir / ENROLLED, enrolled_toml(under_way.code, given, state_dir))
    for other in state_dir.glob(PASSWORDS):
        if other != password:
            other.unlink()
    pending.forget(state_dir)
    sync_folder(state_dir)
    return True


def password_file(state_dir: Path, username: str) -> Path:
    """Return where a user's password for the broker is."""
    return state_dir / PASSWORDS.replace("*", username)


def enrolled_toml(code: str, given: Given, state_dir: Path) -> str:
    """Return the text of the file that names station, ledger and broker."""
    station = {
        "community": given.community,
        "name": given.station,
        "name_zh": given.name_zh,
        "name_en": given.name_en,
        "community_zh": given.community_zh,
        "community_en": given.community_en,
        "timezone": given.timezone,
        "language": given.language,
    }
    cloud: dict[str, str | int] = {
        "host": given.host,
        "port": given.port,
        "tls_ca": str(state_dir / AUTHORITY) if given.ca else "",
        "username": given.username,
        "ledger_url": given.url,
        "ledger_ca": str(state_dir / LEDGER_AUTHORITY) if given.url_ca else "",
        "password_file": str(password_file(state_dir, given.username)) if given.username else "",
    }
    return format_enrolled(code, station, cloud)


def _write(path: Path, text: str) -> None:
    write_atomic(path, text.strip().encode() + b"\n", private=True, durable=True)
    hand_over(path)
