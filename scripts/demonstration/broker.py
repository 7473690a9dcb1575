"""The demo's MQTT broker, inside its own process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from iotcore import Broker

from config.errors import InputError
from scripts.testbed.ports import LOOPBACK


@contextmanager
def broker(port: int) -> Iterator[None]:
    """Run a broker inside this demo. Ctrl-C must not reach it: it is needed until the last receipt."""
    ours = Broker(port=port, listen=LOOPBACK)
    # The broker's process inherits the blocked signal. One that comes meanwhile waits for us, and is not
    # lost as an ignored one would be.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        ours.start()
    except OSError:
        raise InputError(f"port {port} (the demo's broker) is in use", "choose others with --port") from None
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        ours.stop()
