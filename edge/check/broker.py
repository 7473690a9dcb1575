"""The way to the cloud: the port, the certificate, the station's name and its rights, one after the other."""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from typing import TYPE_CHECKING

from cloud_sync import topics
from cloud_sync.mqtt import MqttLink
from config.errors import InputError
from edge.check.finding import Finding, Level

if TYPE_CHECKING:
    from config.station import CloudSection, StationSettings

WAIT_S = 6.0
_LOOK_S = 0.05


def check_broker(settings: StationSettings, wait_s: float = WAIT_S) -> Finding:
    """Whether the broker lets this station in. A station works without it, so nothing here is a failure."""
    cloud = settings.cloud
    values = {"broker": f"{cloud.host}:{cloud.port}"}
    try:
        _reach(cloud, wait_s)
    except ssl.SSLError as error:
        reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
        return Finding("broker", Level.DOUBTFUL, "broker_untrusted", values={**values, "reason": str(reason)})
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding("broker", Level.DOUBTFUL, "broker_away", values={**values, "reason": reason})
    try:
        let_in = _is_let_in(settings, wait_s)
    except InputError as problem:
        return Finding(
            "broker", Level.DOUBTFUL, "refused", values={"reason": problem.what, "mend": problem.mend}
        )
    return Finding(
        "broker",
        Level.OK if let_in else Level.DOUBTFUL,
        "broker_ok" if let_in else "broker_refuses",
        values=values,
    )


def _reach(cloud: CloudSection, wait_s: float) -> None:
    with socket.create_connection((cloud.host, cloud.port), timeout=wait_s) as plain:
        if cloud.tls_ca is not None:
            context = ssl.create_default_context(cafile=cloud.tls_ca)
            with context.wrap_socket(plain, server_hostname=cloud.host):
                return


def _is_let_in(settings: StationSettings, wait_s: float) -> bool:
    """Connect under the station's name, with an id of its own: the sync process keeps its session."""
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
        while not link.connected and time.monotonic() < until:
            time.sleep(_LOOK_S)
        return link.connected
    finally:
        link.stop()
