"""Write the configuration of mosquitto 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.reading.common import LOOPBACK

LARGEST_BYTES = 128 * 1024
"""Largest packet: twice what the ledger reads, because mosquitto closes the connection at a larger one."""

TEMPLATE = """\
# Written by `tongzhan ledger broker`, which overwrites it: change nothing here.
user {owner}
per_listener_settings true
log_dest stderr
log_type error
log_type warning
log_type notice

persistence true
persistence_location {data}/
autosave_interval 60
# A full queue would drop acknowledged messages. Stations limit what is in flight; receipts free it.
max_queued_messages 0
# A worker takes waiting messages by turns among communities and stations; the default gives it only twenty.
max_inflight_messages 1024
max_packet_size {largest}
# Otherwise each small packet waits for the last one's delayed acknowledgement: 40 ms each.
set_tcp_nodelay true
# Drop an abandoned session, such as that of a worker that was renamed.
persistent_client_expiration 35d

# Stations. A station's session has its user's name, so that no station can take over another's.
listener {station_port}
use_username_as_clientid true
{stations}
# The ledger's workers; they share one user, each with its own session.
listener {ledger_port}{ledger_bind}
{ledgers}"""

GUARD = """\
allow_anonymous false
allow_zero_length_clientid false
password_file {folder}/{who}.passwords
acl_file {folder}/{who}.rights
certfile {folder}/server.pem
keyfile {folder}/server.key
tls_version tlsv1.2
"""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where the broker listens and how it runs."""

    station_port: int
    ledger_port: int
    ledger_host: str
    """The ledger's host name for the broker; a loopback address limits the listener to this machine."""
    owner: str
    """The system user that mosquitto runs as if root starts it."""
    data: Path
    """Folder of mosquitto's database."""


def mosquitto_conf(folder: Path, listeners: Listeners) -> str:
    """Return a whole mosquitto.conf; the other files are in `folder`."""
    return TEMPLATE.format(
        owner=listeners.owner,
        data=listeners.data,
        largest=LARGEST_BYTES,
        station_port=listeners.station_port,
        stations=GUARD.format(folder=folder, who="stations"),
        ledger_port=listeners.ledger_port,
        ledger_bind=f" {listeners.ledger_host}" if listeners.ledger_host in LOOPBACK else "",
        ledgers=GUARD.format(folder=folder, who="ledgers"),
    )
