"""The worker: takes batches from the broker, applies them, answers with receipts, acknowledges last.

An acknowledgement never runs ahead of the commit. Even so it guards little: the station's journal is
the truth, and what earns no receipt is sent again.
"""

from __future__ import annotations

import logging
import queue
import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import InterfaceError, OperationalError, connection

from cloud_sync import topics
from cloud_sync.envelope import seal_receipt
from cloud_sync.ledger.batches import Applied, apply_batch
from cloud_sync.ledger.database import check
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.mqtt import Message, MqttLink, pause_s
from config.ledger import LedgerSettings

log = logging.getLogger(__name__)

LOOK_S = 0.2
"""How often the worker looks whether it is to stop."""
BUSY = (OperationalError, InterfaceError)
"""The database is busy, gave way to another writer, or is away: the same batch will go through later."""


class Worker:
    """Applies what comes in by one link until it is told to stop."""

    def __init__(
        self,
        link: MqttLink,
        key: Ed25519PrivateKey,
        stopping: threading.Event,
        apply: Callable[[bytes, str, str, datetime], Applied | None] = apply_batch,
    ) -> None:
        self._link = link
        self._key = key
        self._stopping = stopping
        self._apply = apply
        self._jitter = random.Random()  # noqa: S311 (spreads retries, guards nothing)
        self._connected = False

    def run(self) -> None:
        """Take message after message; a stop lets the current one finish."""
        while not self._stopping.is_set():
            self._tell_connection()
            try:
                message = self._link.messages.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            try:
                self.take(message)
            except Exception:
                # Outermost loop: one batch that breaks the code must not keep all others waiting.
                log.exception("a message on %s failed; its station will send it again", message.topic)
                message.ack()

    def take(self, message: Message) -> None:
        """Apply one message, answer it, and only then let the broker forget it."""
        began = time.monotonic()
        community, station = topics.station_of(message.topic)
        applied = self._apply_when_free(message.payload, community, station)
        if applied is None and self._stopping.is_set():
            return
        if applied is not None:
            self._answer(applied)
            log.info("%s: %s, %.0f ms", station, _told(applied), (time.monotonic() - began) * 1000)
        message.ack()

    def _tell_connection(self) -> None:
        if self._link.connected != self._connected:
            self._connected = not self._connected
            log.info("connected to the broker" if self._connected else "the broker is away")

    def _apply_when_free(self, payload: bytes, community: str, station: str) -> Applied | None:
        failures = 0
        while True:
            try:
                return self._apply(payload, community, station, datetime.now(UTC))
            except BUSY as error:
                failures += 1
                connection.close_if_unusable_or_obsolete()
                wait_s = pause_s(failures, self._jitter)
                log.warning(
                    "the database cannot take a batch of %s (%s); again in %.1f s", station, error, wait_s
                )
                if self._stopping.wait(wait_s):
                    return None

    def _answer(self, applied: Applied) -> None:
        """Publish the receipt; one that a broken connection swallows is asked for by the same batch again."""
        receipt = applied.receipt
        topic = topics.receipts(receipt.community, receipt.station)
        sealed = seal_receipt(self._key, receipt)
        while self._link.publish(topic, sealed, retain=True) is None:
            if not self._link.connected or self._stopping.wait(0.01):
                return


def ingest(settings: LedgerSettings) -> None:
    """Be the worker of this ledger until SIGTERM or SIGINT, which let the current batch finish."""
    check(settings)
    community = settings.ledger.community
    key = read_signing_key(settings.state_dir)
    link = MqttLink(settings.broker, f"ledger-{community}", [topics.events(community, "+")])
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    link.start()
    log.info("taking batches of %s from %s:%d", community, settings.broker.host, settings.broker.port)
    try:
        Worker(link, key, stopping).run()
    finally:
        link.stop()
        connection.close()


def _told(applied: Applied) -> str:
    """One batch in a line."""
    told = f"{applied.new} new"
    if applied.known:
        told += f", {applied.known} known"
    if applied.refused:
        told += f", {applied.refused} refused"
    if applied.receipt.epochs:
        newest = applied.receipt.epochs[0]
        told += f", through {newest.through} of {newest.epoch[:6]}"
    return told
