"""Removes a worker's session from the broker, which keeps one under each worker's name."""

from __future__ import annotations

import time

from cloud_sync.ledger.intake.worker import client_id
from cloud_sync.transport.mqtt import MqttLink
from config.errors import InputError
from config.ledger import LedgerSettings

WITHIN_S = 10.0
LOOK_S = 0.05


def forget_worker(settings: LedgerSettings, worker: str) -> str:
    """Make the broker drop the session of a worker that will not return; return the session's name.

    Repeating it is harmless. A worker that does return begins a new session, and stations send again what
    the old one held. InputError if the broker does not answer or refuses us.
    """
    name = client_id(settings.broker_name, worker)
    link = MqttLink(settings.broker, name, (), lasting=False)  # a clean session ends the old one
    link.start()
    try:
        _wait(link, settings)
    finally:
        link.stop()
    return name


def _wait(link: MqttLink, settings: LedgerSettings) -> None:
    until = time.monotonic() + WITHIN_S
    at = f"{settings.broker.host}:{settings.broker.port}"
    while not link.connected:
        if link.refusal is not None:
            mend = "mend username and password_file under [broker]; tongzhan ledger broker makes the password"
            raise InputError(f"the broker at {at} does not let this ledger in", mend)
        if time.monotonic() > until:
            raise InputError(f"no broker answers at {at}", "start it, or mend host and port under [broker]")
        time.sleep(LOOK_S)
