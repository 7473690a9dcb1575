"""Fetches what the ledger publishes, on a thread of `station sync` that delivers no receipt.

It asks when the process starts, when a notice names a version that is not held, and every ten minutes. A
failure costs only time: what is held stays in use, and the next attempts come at growing pauses.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterable
from math import inf
from pathlib import Path

import msgspec

from cloud_sync.transport.mailbox import Mailbox
from cloud_sync.wire import topics
from cloud_sync.wire.api import publication
from cloud_sync.wire.envelope import EnvelopeError
from cloud_sync.wire.publication import MAX_BYTES, PublishedKind, VersionNotice, is_current, open_publication
from cloud_sync.wire.station_state import RosterState
from config.station import StationSettings
from edge.downlink.age import OLD_S, age_s
from edge.downlink.applying import Held, RefusedError, taken
from edge.downlink.folder import Confirmed, DownFolder
from edge.faults import FaultCode
from edge.ledger_api.client import LedgerAwayError, LedgerClient, LedgerRefusesError
from edge.ports import Clock
from edge.sync.keys import StationIdentity

log = logging.getLogger(__name__)

POLL_S = 600.0
POLL_SPREAD = 0.2
"""Part of POLL_S by which polls differ, so that stations which started together do not ask together."""
NOTICE_SPREAD_S = 0.5
"""After a notice each station waits a part of this, for the same reason."""
FIRST_PAUSE_S = 1.0
LOOK_S = 0.5
_KEY = (
    "if the ledger has a new key, give it to the station: "
    "tongzhan station init --card-key FILE --ledger-key HEX --config F"
)


class Downlink:
    """Keeps what is held up to date. `run` is its thread's; `faults` and `roster` may be read by any."""

    def __init__(
        self,
        client: LedgerClient,
        folder: DownFolder,
        sender: StationIdentity,
        clock: Clock,
        boot: str,
        *,
        jitter: random.Random,
    ) -> None:
        self._client, self._folder, self._clock, self._boot = client, folder, clock, boot
        self._community, self._ledger = sender.community, sender.keys.ledger
        self.notices = Mailbox(topics.notice(sender.community), size=1)
        """The MQTT link puts the community's notices here."""
        self._jitter = jitter
        self._held: dict[PublishedKind, Held] = {}
        self._due_at = dict.fromkeys(PublishedKind, -inf)
        self._failures = 0
        self._said = ""
        self._refused: set[PublishedKind] = set()
        self.faults: frozenset[FaultCode] = frozenset()
        """Those of this part that are active."""

    def run(self, stopping: threading.Event) -> None:
        """Fetch what is due until `stopping` is set."""
        while not stopping.is_set():
            try:
                self.turn(LOOK_S)
            except Exception:
                # A mistake here must not stop the delivery of events, which is this process's first duty.
                log.exception("the downlink failed; again in %.0f s", POLL_S)
                stopping.wait(POLL_S)

    def turn(self, wait_s: float) -> None:
        """Take the notice that comes within `wait_s`, and fetch what is due."""
        notice = self.notices.take(wait_s)
        if notice is not None:
            self._hear(notice.payload)
        for kind in PublishedKind:
            if self._due_at[kind] <= self._clock.now():
                self._fetch_safely(kind)
        self._judge()

    def roster(self) -> RosterState:
        """Return which roster is held, and how old it is."""
        age = age_s(self._folder.confirmed(), self._boot, self._clock.now(), self._clock.wall())
        held = self._held.get(PublishedKind.ROSTER, Held())
        return RosterState(held.version, round(age, 1))

    def _hear(self, payload: bytes) -> None:
        try:
            told = msgspec.json.decode(payload, type=VersionNotice).versions
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # it is only a hint, and anybody at the broker may have written it
        now = self._clock.now()
        for kind in PublishedKind:
            held = self._held.get(kind)
            if held is not None and told.get(kind, held.version) != held.version and not self._failures:
                soon = now + self._jitter.uniform(0.0, NOTICE_SPREAD_S)
                self._due_at[kind] = min(self._due_at[kind], soon)

    def _fetch_safely(self, kind: PublishedKind) -> None:
        try:
            self._fetch(kind)
        except (LedgerAwayError, OSError) as error:
            self._failed(f"the {kind} cannot be fetched: {error}")
        except LedgerRefusesError as error:
            self._failed(f"the ledger does not give the {kind}: {error}")
        except (RefusedError, EnvelopeError) as error:
            self._refused.add(kind)
            why = f"not signed by the ledger's key that is known here: {error}; {_KEY}"
            self._failed(f"the {kind} is refused: {why if isinstance(error, EnvelopeError) else error}")
        else:
            self._refused.discard(kind)
            self._failures, self._said = 0, ""
            spread = self._jitter.uniform(1 - POLL_SPREAD, 1 + POLL_SPREAD)
            self._due_at[kind] = self._clock.now() + POLL_S * spread

    def _failed(self, what: str) -> None:
        """Log a failure once, and put off every kind: what keeps one from coming keeps them all."""
        if what != self._said:
            log.warning("%s", what)
        self._said = what
        pause_s = min(POLL_S, FIRST_PAUSE_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        again_at = self._clock.now() + pause_s * self._jitter.uniform(0.5, 1.0)
        for kind in PublishedKind:
            self._due_at[kind] = max(self._due_at[kind], again_at)

    def _fetch(self, kind: PublishedKind) -> None:
        if kind not in self._held:
            self._held[kind] = self._folder.read(kind)
        try:
            self._ask(kind, self._held[kind])
        except RefusedError as error:
            if not error.ask_whole:
                raise
            log.warning("the changes of the %s are refused, and the whole is fetched: %s", kind, error.what)
            self._ask(kind, Held())

    def _ask(self, kind: PublishedKind, base: Held) -> None:
        """Fetch what leads from `base` to the present; keep it, and note that it is the present one."""
        answer = self._client.ask("GET", publication(kind, base.version), most_bytes=MAX_BYTES)
        held = news = self._held[kind]
        if answer.body:
            sent = open_publication(answer.body, self._ledger)
            news = taken(held, sent, self._community, kind)
        is_proved = is_current(
            self._ledger, (self._community, str(kind), news.version), answer.nonce, answer.current
        )
        if not is_proved:
            raise RefusedError("the ledger did not sign that it is the present one", _KEY)
        if news != held:
            self._folder.write(kind, news)
            self._held[kind] = news
            told = (kind, news.version, held.version, len(answer.body))
            log.info("%s: version %d in place of %d, %d bytes came", *told)
        if kind is PublishedKind.ROSTER:
            self._confirm()

    def _confirm(self) -> None:
        wall = self._clock.wall()
        self._folder.confirm(Confirmed(self._boot, self._clock.now(), wall.unix_s if wall.trusted else None))

    def _judge(self) -> None:
        self.faults = frozenset(self._active())

    def _active(self) -> Iterable[FaultCode]:
        if self.roster().age_s > OLD_S:
            yield FaultCode.ROSTER_OLD
        if self._refused:
            yield FaultCode.PUBLICATION_REFUSED


def downlink_for(
    settings: StationSettings, sender: StationIdentity, clock: Clock, boot: str, jitter: random.Random
) -> Downlink | None:
    """Make the downlink of a station; None if its station.toml names no ledger_url.

    The MQTT link must read the mailbox `notices`. InputError if the CA file is unusable.
    """
    if settings.cloud.ledger_url is None:
        return None
    client = LedgerClient(settings.cloud, sender, clock.now)
    folder = DownFolder(Path(settings.station.state_dir), sender.community)
    return Downlink(client, folder, sender, clock, boot, jitter=jitter)
