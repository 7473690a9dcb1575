"""Checks the way to the cloud, in order: port, certificate, the station's login and its rights."""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cloud_sync.service.lifetimes import Lifetime, of_authorities, of_server
from cloud_sync.transport.mqtt import MqttLink, Refusal
from cloud_sync.wire import topics
from config.errors import InputError
from config.station import CloudSection, StationSettings
from edge.check.causes import mend_for
from edge.check.finding import Finding, Level

WAIT_S = 6.0
_LOOK_S = 0.05
_BAD_CERTIFICATES = {9: "not_yet", 10: "expired", 62: "other_name", 64: "other_name"}
"""OpenSSL's errors (X509_V_ERR_…, x509_vfy.h): not yet valid, expired, another host, another address."""
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE"})
_LET_IN = {None: "broker_silent", Refusal.NAME: "broker_refuses", Refusal.RIGHTS: "broker_denies"}


def refusal_at_entry(settings: StationSettings, wait_s: float) -> str:
    """Log in as the station, with a client id of our own so that the sync process keeps its session.

    Return the name of the text that says why the broker refuses; empty if it accepts.
    """
    community, station = settings.station.community, settings.station.name
    link = MqttLink(
        settings.cloud,
        f"tz-{community}-{station}-check-{secrets.token_hex(4)}",
        [topics.receipts(community, station)],
        lasting=False,
    )
    link.start()
    try:
        until = time.monotonic() + wait_s
        while not (link.connected or link.refusal) and time.monotonic() < until:
            time.sleep(_LOOK_S)
        return "" if link.connected else _LET_IN[link.refusal]
    finally:
        link.stop()


def check_broker(
    settings: StationSettings,
    wait_s: float = WAIT_S,
    now: Callable[[], float] = time.time,
    refusal_of: Callable[[StationSettings, float], str] = refusal_at_entry,
) -> Finding:
    """Check whether the broker accepts this station. A station works offline, so nothing here fails it.

    `refusal_of` logs in and says why the broker refuses; empty if it accepts.
    """
    cloud = settings.cloud
    local = datetime.fromtimestamp(now(), ZoneInfo(settings.station.timezone))
    values = {"broker": f"{cloud.host}:{cloud.port}", "host": cloud.host, "time": f"{local:%Y-%m-%d %H:%M}"}
    try:
        lives = _reach(cloud, wait_s)
        refusal = refusal_of(settings, wait_s)
    except InputError as problem:
        return _doubtful("refused", {"reason": problem.what, "mend": problem.mend})
    except _AuthorityError as problem:
        return problem.finding
    except OSError as error:
        return _untrusted(error, values) if isinstance(error, ssl.SSLError) else _away(error, values)
    if refusal:
        return _doubtful(refusal, values)
    well = Finding("broker", Level.OK, "broker_ok", values=values)
    return _ending(lives, local.astimezone(UTC), values) or well


class _AuthorityError(Exception):
    """The CA file is wrong, not the broker."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.says)


def _reach(cloud: CloudSection, wait_s: float) -> dict[str, Lifetime]:
    """Connect, and return how long the certificates are still valid; none without TLS."""
    context = None if cloud.tls_ca is None else _context(cloud.tls_ca)
    with socket.create_connection((cloud.host, cloud.port), timeout=wait_s) as plain:
        if context is None or cloud.tls_ca is None:
            return {}
        with context.wrap_socket(plain, server_hostname=cloud.host) as guarded:
            shown = guarded.getpeercert(binary_form=True) or b""
    return {"server.pem": of_server(shown), "ca.pem": of_authorities(Path(cloud.tls_ca).read_bytes())}


def _context(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except (ssl.SSLError, OSError) as error:
        is_content = isinstance(error, ssl.SSLError)
        mend, more = ("", {}) if is_content else mend_for(error, Path(authority))
        reason = (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or str(error)
        values = {"file": authority, "reason": str(reason), **more}
        raise _AuthorityError(_doubtful("broker_ca", values, "" if mend == "missing" else mend)) from None


def _untrusted(error: ssl.SSLError, values: Mapping[str, str]) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        mend = _BAD_CERTIFICATES.get(error.verify_code, "")
        return _doubtful("broker_untrusted", {**values, "reason": error.verify_message}, mend)
    mend = "no_tls" if error.reason in _NO_TLS else ""
    return _doubtful(
        "broker_away" if mend else "broker_untrusted", {**values, "reason": str(error.reason)}, mend
    )


def _away(error: OSError, values: Mapping[str, str]) -> Finding:
    mend = ""
    if isinstance(error, socket.gaierror):
        mend = "no_name"
    elif isinstance(error, ConnectionRefusedError):
        mend = "nobody_there"
    return _doubtful("broker_away", {**values, "reason": error.strerror or str(error)}, mend)


def _ending(lives: Mapping[str, Lifetime], now: datetime, values: Mapping[str, str]) -> Finding | None:
    """Report the certificate that expires next, if it expires soon."""
    if not lives:
        return None
    whose = min(lives, key=lambda name: lives[name].ends)
    life = lives[whose]
    if not life.is_ending(now):
        return None
    more = {**values, "whose": whose, "days": str(life.days(now)), "date": f"{life.ends:%Y-%m-%d}"}
    return _doubtful("broker_expires", more)


def _doubtful(says: str, values: Mapping[str, str], mend: str = "") -> Finding:
    return Finding("broker", Level.DOUBTFUL, says, values=values, mend=mend)
