"""The configuration that mosquitto 2 is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.reading.common import LOOPBACK

LARGEST_BYTES = 128 * 1024
"""Of one packet: twice what the ledger reads, because mosquitto cuts the connection over a larger one."""

TEMPLATE = """\
# Made by `tongzhan ledger broker`, which makes it again: change nothing here.
user {owner}
per_listener_settings true
log_dest stderr
log_type error
log_type warning
log_type notice

persistence true
persistence_location {data}/
autosave_interval 60
# A full queue would drop what was acknowledged. Stations bound what is on its way; receipts free it.
max_queued_messages 0
# A worker applies what waits in one transaction; by default it would be given twenty messages at a time.
max_inflight_messages 256
max_packet_size {largest}
# Otherwise each small packet waits for the last one's delayed acknowledgement: 40 ms a step.
set_tcp_nodelay true
# A session that nobody comes back to, such as that of a worker under another name, is dropped.
persistent_client_expiration 35d

# Stations. A station's session goes by its user's name, so that no station can take another's away.
listener {station_port}
use_username_as_clientid true
{stations}
# The ledger's workers; several share one user, each with a session of its own.
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
    """As the ledger calls it: on this machine alone if that is a loopback address."""
    owner: str
    """The system user that mosquitto runs as when it is started by root."""
    data: Path
    """Folder of mosquitto's own database."""


def mosquitto_conf(folder: Path, listeners: Listeners) -> str:
    """A whole mosquitto.conf whose other files lie in `folder`."""
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
